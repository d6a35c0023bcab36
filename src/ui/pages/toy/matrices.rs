//! Cosines of features with singular vectors and with each other, in the order in which they belong together.

use std::rc::Rc;

use yew::prelude::*;

use super::LabProps;
use super::order::{Order, names, reordered};
use crate::study::stamp::Stamp;
use crate::toy::Snapshot;
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::palette::Scale;
use crate::ui::words::table::Table;

const COSINE: Scale = Scale::Diverging { max: 1.0 };

fn order(props: &LabProps) -> Option<(Rc<Snapshot>, Order)> {
    let frame = props.lab.frame.clone()?;
    let order = Order::of(&frame.metrics.pairs, props.config.n_features, props.config.d_head);
    Some((frame, order))
}

/// Cosines of features with the left and the right singular vectors.
#[component]
pub(in crate::ui::pages) fn Cosines(props: &LabProps) -> Html {
    let Some((frame, order)) = order(props) else { return html! {} };
    let h = props.config.d_head;
    html! {
        <>
            { matrix(props.stamp(), "toy-u", "u, what the query is read for: cosine of each feature with each left singular vector. The template’s queries come first, each on the row of its matched direction.".into(),
                &frame.cosines_u, (&order.queries, &order.directions), h, COSINE, ["feature", "k →"]) }
            { matrix(props.stamp(), "toy-v", "v, what the key is read for: the same with the right singular vectors, the template’s keys first.".into(),
                &frame.cosines_v, (&order.keys, &order.directions), h, COSINE, ["feature", "k →"]) }
        </>
    }
}

/// Cosines among features.
#[component]
pub(in crate::ui::pages) fn Gram(props: &LabProps) -> Html {
    let Some((frame, order)) = order(props) else { return html! {} };
    let caption = format!(
        "Cosines between features (Gram matrix), the {} attended ones first: −1 is an antipode.",
        order.n_attended
    );
    matrix(
        props.stamp(),
        "toy-gram",
        caption,
        &frame.cosines,
        (&order.features, &order.features),
        props.config.n_features,
        COSINE,
        ["feature", "feature →"],
    )
}

/// Logits that features give each other.
#[component]
pub(in crate::ui::pages) fn Logits(props: &LabProps) -> Html {
    let Some((frame, order)) = order(props) else { return html! {} };
    let entries = props.config.template.entries();
    let strongest = entries.iter().map(|e| e.strength.abs()).fold(0.0, f64::max);
    let scale = Scale::Diverging { max: if strongest > 0.0 { strongest } else { 1.0 } };
    matrix(props.stamp(), "toy-logits", "What the head learned: logit that a query with one feature gives a key with another, X Ω Xᵀ. The template asks for the diagonal of its pairs, and for zero elsewhere.".into(),
        &frame.logits, (&order.queries, &order.keys), props.config.n_features, scale, ["query", "key →"])
}

fn matrix(
    convention: Stamp,
    name: &'static str,
    caption: String,
    values: &[f32],
    (rows, cols): (&[usize], &[usize]),
    n_cols: usize,
    scale: Scale,
    [y, x]: [&'static str; 2],
) -> Html {
    let values = reordered(values, n_cols, rows, cols);
    let (rows, cols) = (names(rows), names(cols));
    let table = {
        let (values, rows, cols) = (values.clone(), rows.clone(), cols.clone());
        Callback::from(move |()| {
            let cells = values.chunks_exact(cols.len().max(1)).zip(rows.iter());
            cells.fold(Table::new([y, x, "value"]), |table, (row, name)| {
                row.iter().zip(cols.iter()).fold(table, |table, (value, col)| {
                    table.row([name.clone().into(), col.clone().into(), (*value).into()])
                })
            })
        })
    };
    let n_cols = cols.len();
    html! {
        <Figure {name} {table} {convention} caption={html! { { caption.clone() } }}>
            <HeatMap label={caption} {values} {n_cols} {scale} rows={Rc::clone(&rows)} cols={Rc::clone(&cols)} {y} {x} />
        </Figure>
    }
}
