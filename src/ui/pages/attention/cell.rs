//! One score as terms over singular vectors: real, then chance, then how fast they add up.

use std::rc::Rc;

use yew::prelude::*;

use super::components::Components;
use crate::circuits::sad::controls::ControlOptions;
use crate::circuits::sad::sparsity::RunningSum;
use crate::circuits::trace::Firing;
use crate::model::Weights;
use crate::protocol::attention::{Cell, CellAt, Ran, Rules};
use crate::ui::address::keys::{self, K};
use crate::ui::address::route::Page;
use crate::ui::app::{App, use_app};
use crate::ui::charts::{Bar, Bars, Figure, Lines, Series};
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::Slider;
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, short_exponent, three, token};
use crate::ui::words::sparsity::standing;
use crate::ui::words::table::Table;

/// Properties of [`CellView`].
#[derive(Properties, PartialEq)]
pub(super) struct CellViewProps {
    /// What is known about the cell.
    pub cell: Option<Rc<Cell>>,
    /// The prompt.
    pub ran: Rc<Ran>,
    /// Which cell.
    pub at: Option<CellAt>,
}

/// The score of one cell, taken apart.
#[component]
pub(super) fn CellView(props: &CellViewProps) -> Html {
    let app = use_app();
    let Some(at) = props.at else { return nothing() };
    let [dests, srcs] = props.ran.sides(app.value().stack(at.layer));
    let word = |side: &[String], i: usize| side.get(i).map(|t| token(t)).unwrap_or_default();
    let Some(cell) = props.cell.clone() else {
        return html! { <section class="column"><p class="empty" role="status">{ words::SCORE_BEING_TAKEN_APART }</p></section> };
    };
    let Some(event) = cell.event.clone() else {
        return html! { <section class="column"><p class="empty">{ words::sees_single_source_so(&word(dests, at.dest)) }</p></section> };
    };
    let terms = event.relative.terms.clone();
    let running = RunningSum::toward(&terms, event.relative.score);
    let order = running.order.clone();
    let top = order.first().copied().unwrap_or(0);
    let k = app.value().route.find(&K).filter(|k| *k < terms.len()).unwrap_or(top);
    let needed = event.sparsity.n_recon_90;
    let explain = {
        let share = terms.get(top).map_or(0.0, |t| t / event.relative.score);
        words::gives_attention_singular_vector(
            &word(dests, at.dest),
            &word(srcs, at.src),
            &percent(event.attention),
            &top,
            &percent(share),
            &(match needed {
                None => words::ALL_TERMS_TOGETHER_DO.to_owned(),
                Some(1) => words::ALONE_ENOUGH_REACH.to_owned(),
                Some(n) => format!("{n} together reach"),
            }),
            &standing(&event.controls, ControlOptions::default().draws).unwrap_or_default(),
        )
    };
    let on_select = {
        let app = app.clone();
        Callback::from(move |k: usize| app.put(&K, k))
    };
    let slide = {
        let app = app.clone();
        Callback::from(move |k: f64| app.put(&K, k as usize))
    };
    let in_view = (k != top).then(|| {
        let (term, sigma) = (terms.get(k).copied().unwrap_or(0.0), cell.sigma.get(k).copied());
        words::pair_view_adds(
            &k,
            &three(sigma.unwrap_or(0.0)),
            &three(term),
            &three(event.relative.score),
        )
    });
    let table = {
        let (terms, control, sigma) =
            (terms.clone(), cell.control_terms.clone(), cell.sigma.clone());
        let score = event.terms.clone();
        Callback::from(move |()| {
            (0..terms.len()).fold(
                Table::new(["k", "sigma", "score term", "relative term", words::ONE_RANDOM_BASIS]),
                |table, k| {
                    let at = |values: &[f64]| values.get(k).copied().into();
                    table.row([k.into(), at(&sigma), at(&score), at(&terms), at(&control)])
                },
            )
        })
    };
    let chance = {
        let control = cell.control_terms.clone();
        Callback::from(move |()| {
            control.iter().enumerate().fold(Table::new(["direction", "term"]), |table, (i, t)| {
                table.row([i.into(), (*t).into()])
            })
        })
    };
    let bars =
        |values: &[f64]| values.iter().map(|&value| Bar { value, mark: None }).collect::<Vec<_>>();
    // Both pictures on one scale: chance is to be compared, not only seen.
    let reach: Vec<f64> = terms.iter().chain(&cell.control_terms).copied().collect();
    let points = |sums: &[f64]| {
        let reach = |(i, s): (usize, &f64)| ((i + 1) as f64, s / event.relative.score);
        std::iter::once((0.0, 0.0)).chain(sums.iter().enumerate().map(reach)).collect::<Vec<_>>()
    };
    let control_running = RunningSum::toward(&cell.control_terms, event.relative.score);
    let series = vec![
        Series {
            name: "singular vectors".into(),
            points: points(&running.sums),
            ..Series::default()
        },
        Series {
            name: "random basis".into(),
            points: points(&control_running.sums),
            dashed: true,
            ..Series::default()
        },
    ];
    let all = || series.iter().flat_map(|s| s.points.iter().map(|p| p.1));
    let reached = (all().fold(0.0, f64::min), all().fold(1.0, f64::max) * 1.05);
    let sums = {
        let series = series.clone();
        Callback::from(move |()| {
            (0..series[0].points.len()).fold(
                Table::new(["terms", "singular vectors", "random basis"]),
                |table, i| {
                    let of = |s: &Series| s.points.get(i).map(|p| p.1).into();
                    table.row([i.into(), of(&series[0]), of(&series[1])])
                },
            )
        })
    };
    // What the worker draws where nobody says otherwise.
    let stamp = app.value().stamp(Weights::Folded).terms(ControlOptions::default());
    let name = format!("{}-{}-{}", app.value().head_slug(at.layer, at.head), at.dest, at.src);
    let s = |x: Option<f64>| x.map_or_else(|| "–".into(), three);
    // A mean of counts.
    let count = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| format!("{x:.1}"));
    let n = |x: Option<usize>| x.map_or_else(|| "–".into(), |x| x.to_string());
    html! {
        <section class="column cell" aria-label={words::SCORE_TAKEN_APART}>
            <Staged picture={Picture::Explained}><p class="sentence" aria-live="polite" data-testid="explain">{ explain }{ in_view }</p></Staged>
            <p class="onward"><a href={who_wrote(&app, at)}>{ words::WHO_WROTE_SCORE_TRACE }</a></p>
            <div class="controls"><Slider label="singular vector k" min={0.0} max={terms.len().saturating_sub(1) as f64} step={1.0} value={k as f64} on_change={slide} /></div>
            <Staged picture={Picture::Terms}><Figure name={format!("{name}-terms")} {table} convention={stamp.clone()}
                caption={html! { { words::relative_attention_sum_over(&three(event.relative.score)) } }}>
                <Bars label={words::terms_relative_attention_singular(&terms.len(), &top)}
                    bars={bars(&terms)} selected={k} reach={reach.clone()} y="term" {on_select} />
            </Figure></Staged>
            <Staged picture={Picture::Control}><Figure name={format!("{name}-control")} table={chance} convention={stamp.clone()}
                caption={html! { { words::SAME_SCORE_ONE_RANDOM } }}>
                <Bars label={words::TERMS_RANDOM_BASIS} bars={bars(&cell.control_terms)} {reach} from={terms.clone()} y="term" x="random direction" />
            </Figure></Staged>
            <Staged picture={Picture::Sparsity}><table class="compare">
                <thead><tr><td></td><th scope="col">{ "singular vectors" }</th><th scope="col">{ "basis control" }</th><th scope="col">{ "subspace control" }</th><th scope="col">{ "matched control" }</th></tr></thead>
                <tbody>
                    <tr><th scope="row"><Gloss term="S" meaning={words::ROLLSTOVEE_SPARSENESS_TERMS_LOWER} /></th>
                        <td data-testid="s">{ s(event.sparsity.sparseness) }</td><td>{ s(event.controls.basis.sparseness) }</td><td>{ s(event.controls.subspace.sparseness) }</td><td>{ s(event.controls.matched.sparseness) }</td></tr>
                    <tr data-testid="as-sparse"><th scope="row"><Gloss term={words::SPARSE_CHANCE} meaning={words::SHARE_RANDOM_DRAWS_LEAST} /></th>
                        <td></td><td>{ s(event.controls.basis.p) }</td><td>{ s(event.controls.subspace.p) }</td><td>{ s(event.controls.matched.p) }</td></tr>
                    <tr><th scope="row">{ "N_recon, τ = 1" }</th><td>{ n(event.sparsity.n_recon) }</td><td>{ count(event.controls.basis.n_recon) }</td><td>{ count(event.controls.subspace.n_recon) }</td><td>{ count(event.controls.matched.n_recon) }</td></tr>
                    <tr><th scope="row">{ "N_recon, τ = 0.9" }</th><td>{ n(event.sparsity.n_recon_90) }</td><td>{ count(event.controls.basis.n_recon_90) }</td><td>{ count(event.controls.subspace.n_recon_90) }</td><td>{ count(event.controls.matched.n_recon_90) }</td></tr>
                </tbody>
            </table></Staged>
            { rules(&cell.rules, terms.len()) }
            <p class="hint">{ words::SMALL_RECON_NO_EVIDENCE }</p>
            <Figure name={format!("{name}-running-sum")} table={sums} convention={stamp.clone()} caption={html! { { words::SHARE_SCORE_REACHED_LARGEST } }}>
                <Lines label={words::RUNNING_SUM_LARGEST_TERMS} {series} x="terms" y="share" limits={Some(reached)} cursor={needed.map(|n| n as f64)} />
            </Figure>
            <p class="hint">{ words::score_scale_included_terms(&three(event.score), &short_exponent(cell.remainder_share)) }</p>
            if !cell.python.is_empty() { <Python name="cell.py" python={cell.python.clone()} /> }
            <Components cell={cell.clone()} {k} ran={props.ran.clone()} convention={stamp} />
        </section>
    }
}

/// The address that traces what made a head look there.
fn who_wrote(app: &App, at: CellAt) -> String {
    let firing = Firing { layer: at.layer, head: at.head, dest: at.dest, src: at.src };
    let route = app.value().route.clone().on(Page::Trace).clear(&keys::PIN);
    route.put(&keys::READING, firing.node().to_string()).to_hash()
}

/// What earlier work would call the explanation of this score.
fn rules(rules: &Rules, d_head: usize) -> Html {
    let named = |ks: &[usize]| {
        let name = |k: &usize| {
            if *k < d_head { format!("k = {k}") } else { words::WHAT_NO_VECTOR_CARRIES.to_owned() }
        };
        ks.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let removal = rules.removal.as_ref().map(|removal| {
        let last = removal.attention.last().copied().unwrap_or(f64::NAN);
        match (removal.removed.is_empty(), removal.reached) {
            (true, _) => words::nothing_remove_attention_under(&three(removal.threshold)),
            (_, true) => words::without_attention_falls_under(
                &named(&removal.removed),
                &percent(last),
                &three(removal.threshold),
            ),
            (_, false) => words::never_under_even_without(&three(removal.threshold)),
        }
    });
    html! {
        <dl class="statistics" data-testid="rules">
            <div><dt><Gloss term="2024 rule" meaning={words::FRANCO_CROVELLA_LARGEST_TERMS} /></dt>
                <dd>{ format!("{}: {}", rules.prefix_2024.len(), named(&rules.prefix_2024)) }</dd></div>
            if let Some(removal) = removal {
                <div><dt><Gloss term="ACC++ rule" meaning={words::ORDER_SINGULAR_VECTORS_INTEGRATED} /></dt>
                    <dd>{ removal }</dd></div>
            }
        </dl>
    }
}
