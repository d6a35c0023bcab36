//! The pair in view beside the model's position embeddings: does either side go by place?

use std::rc::Rc;

use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::lessons::speech::Speech;
use crate::ui::memory::positions::PositionCurves;
use crate::ui::nothing::nothing;
use crate::ui::words::pictures;
use crate::ui::words::positions as words;
use crate::ui::words::table::{Cell, Table};

/// Points of a curve that are drawn; the CSV has them all.
const DRAWN: usize = 512;

/// Properties of [`Positions`].
#[derive(Properties, PartialEq)]
pub(super) struct PositionsProps {
    /// The curves of the head in view.
    pub curves: Rc<PositionCurves>,
    /// The pair in view.
    pub k: usize,
    /// The head's name.
    pub name: String,
    /// Where the numbers come from.
    pub convention: Stamp,
}

/// The cosine of both sides with every position, as curves; nothing for a model without position embeddings.
#[component]
pub(super) fn Positions(props: &PositionsProps) -> Html {
    let (curves, k) = (&props.curves, props.k);
    let at = curves.at;
    let sides = curves.of_pair(k);
    if sides.iter().all(|side| side.is_empty()) {
        return nothing();
    }
    let [left, right] = pictures::side_names(&Speech::default(), at.circuit);
    let step = curves.n.div_ceil(DRAWN).max(1);
    let line = |name: String, side: &[f32]| {
        let points = side.iter().enumerate().step_by(step);
        let points = points.map(|(i, &c)| (i as f64, f64::from(c))).collect();
        Series { name, points, ..Series::default() }
    };
    // A band about zero that a random direction leaves at one of the positions once in twenty.
    let ends = vec![(0.0, 0.0), (curves.n.saturating_sub(1) as f64, 0.0)];
    let chance = Series {
        name: "chance".into(),
        points: ends,
        spread: vec![curves.critical; 2],
        dashed: true,
    };
    let mut series = vec![line(format!("u{k}"), sides[0]), line(format!("v{k}"), sides[1]), chance];
    series.retain(|line| !line.points.is_empty());
    let largest = sides.iter().flat_map(|side| side.iter()).map(|c| f64::from(c.abs()));
    let reach = 1.05 * largest.fold(curves.critical, f64::max);
    let said = words::curve(k, sides, curves.critical);
    let table = {
        let curves = curves.clone();
        Callback::from(move |()| {
            let sides = curves.of_pair(k);
            let number = |side: usize, i: usize| {
                sides[side].get(i).map_or(Cell::Empty, |&c| Cell::Number(f64::from(c)))
            };
            (0..curves.n).fold(Table::new(["position", "cos with u", "cos with v"]), |table, i| {
                table.row([i.into(), number(0, i), number(1, i)])
            })
        })
    };
    let name = &props.name;
    let stamp = props.convention.clone().how(words::LESS_MEAN);
    let label = words::spoken(&k, &curves.n);
    html! {
        <div data-testid="positions">
            <Figure name={format!("{name}-{}-{k}-positions", at.circuit.name())} {table} convention={stamp}
                caption={html! { { words::caption(&k, &left, &right) } }}>
                <Lines {label} {series} x="position" y="cos" limits={Some((-reach, reach))} />
            </Figure>
            <p class="hint">{ said }</p>
        </div>
    }
}
