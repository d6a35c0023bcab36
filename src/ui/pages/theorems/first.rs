//! Theorem 1, live: the head that one pair asks for, where its singular vectors point, and how to get the feature back.

use std::rc::Rc;

use yew::prelude::*;

use super::{
    numbers,
    plane::{Moved, Plane},
};
use crate::protocol::toy::{Bench, Worked};
use crate::study::python::theorem;
use crate::study::stamp::Stamp;
use crate::toy::FeatureKind;
use crate::ui::address::bench::{self, KINDS};
use crate::ui::address::keys::{BENCH_DIMENSIONS, BENCH_FEATURES, BENCH_STRENGTH};
use crate::ui::app::{App, use_app};
use crate::ui::asking::use_asking;
use crate::ui::charts::{Arrow, Figure, Space};
use crate::ui::lessons::speech::Speech;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::format::three;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::table::Table;
use crate::ui::words::theorems as words;
use crate::worker::pool::Jobs;
use crate::worker::request::Request;

/// Properties of [`First`].
#[derive(Properties, PartialEq)]
pub(super) struct FirstProps {
    /// A worker of the bench's own.
    pub(super) worker: Jobs,
    /// Called with ‖E‖₂ and the cosine of x₀ with u₀, whenever the picture is another.
    pub(super) on_worked: Callback<(f64, f64)>,
}

/// Theorem 1 and its corollary.
#[component]
pub(super) fn First(props: &FirstProps) -> Html {
    let app = use_app();
    // Always about the bench: what was last worked out stays until the next is.
    let last = use_asking::<Worked, _>("theorem 1", Some(())).quiet().of(&props.worker);
    let worked = last.found();
    // While a feature is dragged, it is only here; then in the address.
    let held = use_state(|| None::<Vec<(usize, Vec<f64>)>>);
    let mut bench = bench::read(&app.value().route);
    if let Some(held) = &*held {
        bench.moved.clone_from(held);
    }
    {
        let (last, on_worked) = (last.clone(), props.on_worked.clone());
        use_effect_with(bench.clone(), move |bench| {
            last.ask_for(Request::new(bench.clone()).urgent(), move |worked, _| {
                on_worked.emit((worked.isotropy[0].norm_e, worked.cos[0]));
                worked.into()
            });
        });
    }
    let set = {
        let (app, held) = (app.clone(), held.clone());
        Callback::from(move |bench: Bench| {
            held.set(None);
            app.replace(bench::write(app.value().route.clone(), &bench));
        })
    };
    let change = |apply: fn(&mut Bench, f64)| {
        let (set, bench) = (set.clone(), bench.clone());
        Callback::from(move |value: f64| {
            let mut bench = Bench { moved: Vec::new(), ..bench.clone() };
            apply(&mut bench, value);
            set.emit(bench);
        })
    };
    let choose = {
        let (set, bench) = (set.clone(), bench.clone());
        Callback::from(move |slug: String| {
            let kind = KINDS.iter().find(|k| k.1 == slug).map_or(bench.kind, |k| k.0);
            set.emit(Bench { kind, moved: Vec::new(), ..bench.clone() });
        })
    };
    let tight = {
        let (set, bench) = (set.clone(), bench.clone());
        Callback::from(move |_: MouseEvent| {
            let n_features = bench.n_features.next_multiple_of(bench.d_model);
            let kind = FeatureKind::NearlyTight;
            set.emit(Bench { kind, n_features, strength: 0.0, moved: Vec::new(), ..bench.clone() });
        })
    };
    let on_move = {
        let (held, set, bench) = (held.clone(), set.clone(), bench.clone());
        Callback::from(move |Moved { row, to, settled }: Moved| {
            let mut moved = bench.moved.clone();
            moved.retain(|(r, _)| *r != row);
            moved.push((row, to.to_vec()));
            if settled {
                set.emit(Bench { moved, ..bench.clone() });
            } else {
                held.set(Some(moved));
            }
        })
    };
    let options = KINDS.iter().map(|(_, slug, name)| ((*slug).into(), (*name).into()));
    let slug = bench::slug(bench.kind);
    html! {
        <section class="theorem" aria-label="Theorem 1">
            <h2>{ words::THEOREM_1_WHERE_SINGULAR }</h2>
            <p>{ words::ONE_FEATURE_PER_TOKEN }</p>
            <div class="controls">
                <Select label="features" options={options.collect::<Vec<_>>()} value={slug} on_change={choose} />
                <Slider label="how many, N" min={BENCH_FEATURES.least as f64} max={BENCH_FEATURES.most as f64} step={1.0} value={bench.n_features as f64} on_change={change(|b, x| b.n_features = x as usize)} />
                <Slider label="dimensions, D" min={BENCH_DIMENSIONS.least as f64} max={BENCH_DIMENSIONS.most as f64} step={1.0} value={bench.d_model as f64} on_change={change(|b, x| b.d_model = x as usize)} />
                <Slider label="strength" min={BENCH_STRENGTH.least} max={BENCH_STRENGTH.most} step={0.05} value={bench.strength} on_change={change(|b, x| b.strength = x)} />
                <Slider label="seed" min={0.0} max={50.0} step={1.0} value={f64::from(bench.seed)} on_change={change(|b, x| b.seed = x as u32)} />
                <Staged picture={Picture::Tight}><button type="button" onclick={tight} data-testid="tight">{ words::TIGHT_FRAME }</button></Staged>
            </div>
            if let Some(failure) = last.failed() { <p class="ask" role="status">{ failure.what.clone() }</p> }
            if let Some(worked) = &worked {
                <Staged picture={Picture::Plane}>
                <p class="sentence" data-testid="theorem-1">{ sentence(worked) }</p>
                if worked.bench.d_model == 2 { <Plane worked={worked.clone()} side={0} on_move={Some(on_move)} /> }
                </Staged>
                <div class="planes">
                    if worked.bench.d_model == 2 {
                        <Plane worked={worked.clone()} side={1} />
                    } else if worked.bench.d_model == 3 {
                        { space(&app, worked, 0) }{ space(&app, worked, 1) }
                    }
                    <numbers::Numbers worked={worked.clone()} />
                </div>
                <p class="convention">{ stamp(&worked.bench).line() }</p>
                <Python name="theorem.py" python={theorem([&worked.features[0], &worked.features[1]], worked.bench.d_model, &stamp(&worked.bench))} />
            }
        </section>
    }
}

/// Where the numbers come from.
pub(super) fn stamp(bench: &Bench) -> Stamp {
    let Bench { kind, n_features, d_model, strength, seed, .. } = bench;
    let kind = KINDS.iter().find(|k| k.0 == *kind).map_or("", |k| k.2);
    let moved = if bench.moved.is_empty() { "" } else { words::SOME_MOVED_HAND };
    let kind = format!("{kind}{moved}");
    Stamp::of_features(&kind, [*n_features, *d_model], *strength, *seed, bench)
}

/// What happened, in words.
fn sentence(worked: &Worked) -> String {
    let degrees = |cos: f64| cos.clamp(-1.0, 1.0).acos().to_degrees();
    if worked.cos[0].is_nan()
        || worked.features[0].iter().take(worked.bench.d_model).all(|x| *x == 0.0)
    {
        return words::X_IS_THE_ZERO_VECTOR.into();
    }
    let away = degrees(worked.cos[0]);
    let isotropy = &worked.isotropy[0];
    if isotropy.norm_e < 1e-9 {
        return words::MULTIPLE_IDENTITY_POINTS_ITSELF.into();
    }
    let allowed = match isotropy.bound {
        Some(bound) => words::allows_at_most(&three(isotropy.norm_e), &three(degrees(bound))),
        None => words::too_large_promise_anything(&three(isotropy.norm_e)),
    };
    words::away_after_unwhitening(
        &three(away),
        &shown_small(degrees(worked.cos_unwhitened[0])),
        &allowed,
    )
}

/// An angle that should be zero: rounding of the arc cosine is not shown as one.
fn shown_small(degrees: f64) -> String {
    if degrees < 1e-4 { "0".into() } else { three(degrees) }
}

/// One side in three dimensions.
fn space(app: &App, worked: &Rc<Worked>, side: usize) -> Html {
    let at = |v: &[f64]| [v[0], v[1], v[2]];
    let x = ["x", "y"][side];
    let mut arrows: Vec<Arrow> = worked.features[side]
        .chunks_exact(3)
        .enumerate()
        .map(|(i, v)| Arrow {
            at: at(v),
            name: format!("{x}{i}"),
            group: if i == 0 { 1 } else { 5 },
            shown: i == 0,
        })
        .collect();
    let vector =
        |v: &[f64], name: String, group: usize| Arrow { at: at(v), name, group, shown: true };
    if worked.vectors[side].len() == 3 {
        arrows.push(vector(&worked.vectors[side], ["u₀", "v₀"][side].into(), [0, 2][side]));
        arrows.push(vector(&worked.unwhitened[side], ["Σu₀", "Σv₀"][side].into(), 3));
    }
    let rows = arrows.clone();
    let table = Callback::from(move |()| {
        rows.iter().fold(Table::new(["vector", "1", "2", "3"]), |t, a| {
            t.row([a.name.clone().into(), a.at[0].into(), a.at[1].into(), a.at[2].into()])
        })
    });
    let (turned, on_turn) = app.turned();
    let caption = [words::QUERY_SIDE_ORANGE_BLUE, words::KEY_SIDE_ORANGE_GREEN][side];
    html! {
        <Figure name={format!("theorem-1-{x}")} {table} convention={stamp(&worked.bench)} caption={html! { { caption } }}><Space label={caption} turns={Speech::default().fill(OnStage::Turnable, &[caption])} {arrows} {turned} {on_turn} /></Figure>
    }
}
