//! The head in view: both spectra over each other, the spectrum of the change, angles, and what the change is about.

use std::rc::Rc;

use yew::prelude::*;

use super::in_view;
use super::second::Second;
use crate::circuits::alignment::{DirectionAlignment, Match, SideAlignment};
use crate::circuits::compare::CircuitChange;
use crate::circuits::omega::Circuit;
use crate::model::Weights;
use crate::protocol::compare::{About, HeadChange, Words};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::charts::{Bar, Bars, Figure, Lines, Series};
use crate::ui::widgets::python::Python;
use crate::ui::words::change::{Measure, circuit_of, sentence, stands_out};
use crate::ui::words::compare as words;
use crate::ui::words::format::{percent, three, token};
use crate::ui::words::table::{Cell, Table};
use crate::worker::request::Request;

/// Tokens at each end of a pair.
const TOP: usize = 5;
/// Pairs of the change that are shown in words.
const SHOWN: usize = 4;

/// Properties of [`HeadView`].
#[derive(Properties, PartialEq)]
pub(super) struct HeadViewProps {
    /// What became of the head in view, once it is known.
    pub change: Option<Rc<HeadChange>>,
    /// What is said where nothing is.
    pub absent: &'static str,
    /// QK or OV.
    pub circuit: Circuit,
    /// The weights as they are in the file, or with norms folded in.
    pub weights: Weights,
    /// Heads belong together by likeness.
    pub match_heads: bool,
    /// The second model.
    pub second: Second,
    /// Where the numbers come from.
    pub stamp: Stamp,
    /// Dimensions of the residual stream.
    pub d_model: usize,
}

/// One head's change.
#[component]
pub(super) fn HeadView(props: &HeadViewProps) -> Html {
    let app = use_app();
    let wanted = props.change.as_ref().map(|change| Words {
        name: props.second.name.clone(),
        layer: change.layer,
        head: change.head,
        circuit: props.circuit,
        weights: props.weights,
        match_heads: props.match_heads,
        top: TOP,
    });
    // What was found stays while the page is out of view.
    let wanted = in_view(&app).then(|| (wanted, props.second.files.clone()));
    let words = use_asking::<About, _>("compare/words", wanted.clone());
    {
        let words = words.clone();
        use_effect_with((words.number(), wanted.is_some()), move |_| {
            if let (None, Some((Some(question), files))) = (words.found(), wanted) {
                words.ask(Request::new(question).beside(&files).urgent());
            }
        });
    }
    let Some(head) = props.change.clone() else {
        return html! { <section class="column"><p class="empty" role="status">{ props.absent }</p></section> };
    };
    let change = circuit_of(&head, props.circuit);
    let state = app.value();
    let name = state.head_name(head.layer, head.head_b);
    let was = (head.head != head.head_b)
        .then(|| format!(", which was {}", state.head_name(head.layer, head.head)));
    let slug = format!("{}-{}", state.head_slug(head.layer, head.head_b), props.circuit.slug());
    let circuit = props.circuit.name();
    let tab = |which: Circuit| {
        let app = app.clone();
        let onclick = Callback::from(move |_: MouseEvent| app.put(&keys::CIRCUIT, which));
        html! { <button type="button" role="tab" aria-selected={(which == props.circuit).to_string()} {onclick}>{ which.name() }</button> }
    };
    let stamp = props.stamp.clone().circuit(props.circuit);
    html! {
        <>
            <section class="column spectrum" aria-label="Both spectra">
                <div class="controls">
                    <h2>{ name.clone() }{ was.unwrap_or_default() }</h2>
                    <div role="tablist" aria-label="Circuit">{ tab(Circuit::Qk) }{ tab(Circuit::Ov) }</div>
                </div>
                <p class="sentence" data-testid="changed">{ sentence(&name, props.circuit, change) }</p>
                { spectra(&slug, change, stamp.clone()) }
                { angles(&slug, change, props.d_model, stamp.clone()) }
                <dl class="statistics" data-testid="measures">
                    { for Measure::ALL.into_iter().filter(|m| !m.needs_third() || m.of(change).is_some()).map(|measure| html! {
                        <div key={measure.slug()}><dt>{ measure.name() }</dt><dd>{ measure.told(change) }</dd></div>
                    }) }
                </dl>
            </section>
            <section class="column pair" aria-label="The change">
                <h2>{ words::the_change_of(&circuit) }</h2>
                { difference(&slug, change, stamp) }
                if let Some(about) = words.found() {
                    { told(&about.sides, change, props.circuit) }
                    <Python name="change.py" python={about.python.clone()} />
                } else {
                    <p class="empty" role="status">{ words::CHANGE_BEING_PUT_INTO }</p>
                }
            </section>
        </>
    }
}

/// Old and new singular values.
fn spectra(name: &str, change: &CircuitChange, convention: Stamp) -> Html {
    let value = |values: &[f64], k: usize| values.get(k).copied();
    let n = change.sigma_a.len().max(change.sigma_b.len());
    let bar = |k: usize| Bar {
        value: value(&change.sigma_b, k).unwrap_or(0.0),
        mark: value(&change.sigma_a, k),
    };
    let bars: Vec<Bar> = (0..n).map(bar).collect();
    let both = change.clone();
    let table = Callback::from(move |()| {
        let row = |table: Table, k: usize| {
            let pair = both.matched.iter().find(|pair| pair.k_other == k);
            let cell = |x: Option<f64>| x.map_or(Cell::Empty, Cell::from);
            table.row([
                k.into(),
                cell(value(&both.sigma_a, k)),
                cell(value(&both.sigma_b, k)),
                pair.map_or(Cell::Empty, |pair| pair.k.into()),
                cell(pair.map(|pair| pair.cos_left)),
                cell(pair.map(|pair| pair.cos_right)),
            ])
        };
        let columns =
            ["k", "sigma before", "sigma now", "continues k", "|cos| left", "|cos| right"];
        (0..n).fold(Table::new(columns), row)
    });
    html! {
        <Figure name={format!("{name}-spectra")} {table} {convention}
            caption={html! { words::SINGULAR_VALUES_NOW_BARS }}>
            <Bars label={words::singular_values_before_now(&n)} {bars} />
        </Figure>
    }
}

/// Principal angles between old and new subspaces, in degrees, and where random ones would be.
fn angles(name: &str, change: &CircuitChange, d_model: usize, convention: Stamp) -> Html {
    let degrees = |angles: &[f64]| -> Vec<(f64, f64)> {
        angles.iter().enumerate().map(|(i, angle)| (i as f64, angle.to_degrees())).collect()
    };
    let (left, right) = (degrees(&change.angles_left), degrees(&change.angles_right));
    // Of a random direction, the mean cos² with a subspace of r dimensions is r / d.
    let share = change.sigma_a.len() as f64 / d_model as f64;
    let chance = share.min(1.0).sqrt().acos().to_degrees();
    let level = left.iter().map(|(i, _)| (*i, chance)).collect();
    let rows: Vec<(f64, f64)> = left.iter().zip(&right).map(|(l, r)| (l.1, r.1)).collect();
    let table = Callback::from(move |()| {
        rows.iter()
            .enumerate()
            .fold(Table::new(["index", "left, degrees", "right, degrees"]), |table, (i, (l, r))| {
                table.row([i.into(), (*l).into(), (*r).into()])
            })
    });
    let line = |name: &str, points, dashed| Series {
        name: name.into(),
        points,
        dashed,
        ..Series::default()
    };
    let series =
        vec![line("left", left, false), line("right", right, false), line("random", level, true)];
    html! {
        <Figure name={format!("{name}-angles")} {table} {convention}
            caption={html! { words::PRINCIPAL_ANGLES_BETWEEN_SUBSPACES }}>
            <Lines label={words::PRINCIPAL_ANGLES_BETWEEN_OLD} {series} x="angle" y="degrees" limits={Some((0.0, 90.0))} />
        </Figure>
    }
}

/// The singular values of ΔΩ.
fn difference(name: &str, change: &CircuitChange, convention: Stamp) -> Html {
    let delta = change.delta.clone();
    let bars: Vec<Bar> = delta.iter().map(|&value| Bar { value, mark: None }).collect();
    let table = Callback::from(move |()| {
        delta.iter().enumerate().fold(Table::new(["k", words::SIGMA_CHANGE]), |table, (k, s)| {
            table.row([k.into(), (*s).into()])
        })
    });
    html! {
        <Figure name={format!("{name}-change")} {table} {convention}
            caption={html! { words::SINGULAR_VALUES_DIFFERENCE_TWO }}>
            <Bars label={words::SINGULAR_VALUES_CHANGE} {bars} />
        </Figure>
    }
}

/// What stands at both ends of the leading pairs of the change.
fn told(sides: &[SideAlignment], change: &CircuitChange, circuit: Circuit) -> Html {
    let [left, right] = sides else {
        return html! { <p class="hint">{ words::MODEL_NO_TOKEN_EMBEDDINGS }</p> };
    };
    if left.directions.is_empty() {
        return html! { <p class="sentence">{ words::NOTHING_CHANGED }</p> };
    }
    let energy: f64 = change.delta.iter().map(|s| s * s).sum();
    let n = 2 * left.directions.len();
    let (before, between) = match circuit {
        Circuit::Qk => ("destinations like ", words::NOW_LOOK_MORE_SOURCES),
        Circuit::Ov => ("reading ", words::NOW_WRITES_MORE_WHAT),
    };
    // What does not stand out is shown, and nothing is said of it.
    let end = |said: bool, l: &[Match], r: &[Match]| {
        let (before, between) = if said { (before, between) } else { ("", " and ") };
        html! { <li>{ before }{ tokens(l) }{ between }{ tokens(r) }</li> }
    };
    let ends = |l: &DirectionAlignment, r: &DirectionAlignment| {
        let said = stands_out(l, n) && stands_out(r, n);
        html! { <ul>{ end(said, &l.positive, &r.positive) }{ end(said, &l.negative, &r.negative) }</ul> }
    };
    html! {
        <div data-testid="words">
            <p class="hint">{ words::change_adds_pairs_one(&three(0.05 / n as f64), &n) }</p>
            { for left.directions.iter().zip(&right.directions).take(SHOWN).map(|(l, r)| html! {
                <section key={l.k} aria-label={words::pair_change(&l.k)}>
                    <h3>{ words::of_the_change(&l.k, &percent(l.sigma * l.sigma / energy)) }</h3>
                    { ends(l, r) }
                    <p class="hint">{ chance(left.side.name(), l, n) }{ " · " }{ chance(right.side.name(), r, n) }</p>
                </section>
            }) }
        </div>
    }
}

fn tokens(matches: &[Match]) -> Html {
    let each: Vec<String> = matches.iter().map(|m| token(&m.label)).collect();
    html! { <code>{ each.join(" ") }</code> }
}

/// Whether a side's tokens are more than chance.
fn chance(side: &str, direction: &DirectionAlignment, n: usize) -> String {
    let Some(chance) = direction.isotropic else { return words::no_chance_level(&side) };
    let verdict = if stands_out(direction, n) { "stands out" } else { words::NOTHING_STANDS_OUT };
    format!("{side}: {verdict} (p {})", three(chance.p))
}
