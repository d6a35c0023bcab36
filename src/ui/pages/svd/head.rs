//! The head in view, built pair by pair: its matrix as a picture, and what is still missing.

use std::rc::Rc;

use yew::prelude::*;

use crate::study::python::built as code;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::use_app;
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::small_matrix::Pairs;
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::Slider;
use crate::ui::words::pictures::{self, OnStage};
use crate::ui::words::svd as words;
use crate::ui::words::table::Table;

/// Dimensions of a picture at most: more cells than this have no pixel each.
const MOST: usize = 512;

/// The section about the head in view.
#[component]
pub(super) fn Head() -> Html {
    let app = use_app();
    let state = app.value();
    let (speech, at) = (app.speech(), state.at());
    let lang = speech.own();
    let vectors = state.vectors.clone().filter(|vectors| Some(vectors.at) == at);
    let pairs = state.route.read(&keys::PAIRS);
    // A picture is made again for another head or number of pairs, and not for every move elsewhere on the page.
    let pictures = use_memo((vectors.clone(), pairs), |(vectors, k)| {
        let vectors = vectors.as_ref()?;
        let all = Pairs { sigma: &vectors.sigma, u: &vectors.u, v: &vectors.v };
        let (built, n_cols) = all.sum(0..*k, MOST);
        let (missing, _) = all.sum(*k..vectors.sigma.len(), MOST);
        let sizes = built.iter().zip(&missing).map(|(a, b)| (a + b).abs());
        let largest = f64::from(sizes.fold(1e-9, f32::max));
        Some((Rc::new(built), Rc::new(missing), n_cols, largest, all.kept(*k)))
    });
    let Some((at, vectors)) = at.zip(vectors) else {
        return html! { <p class="empty" role="status" {lang}>{ speech.say(OnStage::BuiltSoon) }</p> };
    };
    let Some((built, missing, n_cols, largest, kept)) = (*pictures).clone() else {
        return nothing();
    };
    let name = state.head_name(at.layer, at.head);
    let circuit = at.circuit.name();
    let (n, d) = (vectors.sigma.len(), vectors.u.len() / vectors.sigma.len().max(1));
    let set = {
        let app = app.clone();
        Callback::from(move |k: f64| {
            app.replace(app.value().route.clone().put(&keys::PAIRS, k as usize));
        })
    };
    let stamp = state.stamp(at.weights).how(format!("{circuit} of {name}"));
    let figure = |what: &'static str, caption: String, values: Rc<Vec<f32>>| {
        let table = {
            let values = values.clone();
            Callback::from(move |()| {
                let rows = values.chunks_exact(n_cols.max(1)).enumerate();
                rows.fold(Table::new(["row", "column", "entry"]), |table, (i, row)| {
                    let cells = row.iter().enumerate();
                    cells.fold(table, |table, (j, x)| {
                        table.row([i.into(), j.into(), f64::from(*x).into()])
                    })
                })
            })
        };
        html! {
            <Figure name={format!("{name}-{circuit}-{what}").replace(' ', "-")} {table} convention={stamp.clone()} {lang} caption={html! { { caption.clone() } }}>
                <HeatMap label={caption} {values} {n_cols} scale={Scale::Diverging { max: largest }} y={speech.say(OnStage::DestinationAxis)} x={speech.say(OnStage::SourceAxis)} />
            </Figure>
        }
    };
    let shown = pairs.min(n);
    let last = shown.checked_sub(1).and_then(|k| vectors.sigma.get(k)).copied();
    let heads = state.route.clone().on(Page::Heads).to_hash();
    let corner =
        if d > MOST { words::first_dimensions_each_side(&MOST, &d) } else { String::new() };
    html! {
        <section class="theorem" aria-label={words::REAL_HEAD_BUILT_PAIR}>
            <h2>{ words::real_head_built_pair(&circuit, &name) }</h2>
            <p>{ words::EACH_PAIR_PICTURE_RANK }{ corner }</p>
            <Staged picture={Picture::Built}>
            <div class="controls" {lang}><Slider label={speech.say(OnStage::Pairs)} min={0.0} max={n as f64} step={1.0} value={shown as f64} on_change={set} />
                <a href={heads}>{ speech.say(OnStage::AnotherHead) }</a></div>
            <p class="sentence" aria-live="polite" data-testid="svd-built" {lang}>{ pictures::built(&speech, shown, n, kept, last) }</p>
            <div class="planes">
                { figure("built", speech.fill(OnStage::AddedUp, &[&shown.to_string()]), built) }
                { figure("missing", speech.fill(OnStage::OtherPairs, &[&(n - shown).to_string()]), missing) }
            </div>
            </Staged>
            if !vectors.python.is_empty() { <Python name="built.py" python={code(&vectors.python, shown)} /> }
        </section>
    }
}
