//! Cosines of features with singular vectors and with each other, in the order in which they belong together.

use std::rc::Rc;

use yew::prelude::*;

use super::LabProps;
use super::order::{Order, names, reordered};
use crate::toy::Snapshot;
use crate::ui::app::use_speech;
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::table::Table;
use crate::ui::words::toy as words;

const COSINE: Scale = Scale::Diverging { max: 1.0 };

fn order(props: &LabProps) -> Option<(Rc<Snapshot>, Order)> {
    let frame = props.lab.frame.clone()?;
    let order = Order::of(&frame.metrics.pairs, props.config.n_features, props.config.d_head);
    Some((frame, order))
}

/// Cosines of features with the left and the right singular vectors.
#[component]
pub(in crate::ui::pages) fn Cosines(props: &LabProps) -> Html {
    let Some((frame, order)) = order(props) else { return nothing() };
    let h = props.config.d_head;
    html! {
        <>
            { matrix(props, "toy-u", Caption::english(words::QUERY_READ_COSINE_EACH),
                (&frame.cosines_u, h), (&order.queries, &order.directions), COSINE, ["feature", "k →"]) }
            { matrix(props, "toy-v", Caption::english(words::KEY_READ_SAME_RIGHT),
                (&frame.cosines_v, h), (&order.keys, &order.directions), COSINE, ["feature", "k →"]) }
        </>
    }
}

/// Cosines among features.
#[component]
pub(in crate::ui::pages) fn Gram(props: &LabProps) -> Html {
    let speech = use_speech();
    let Some((frame, order)) = order(props) else { return nothing() };
    let caption = speech.fill(OnStage::Gram, &[&order.n_attended.to_string()]);
    let axes = [OnStage::FeatureDown, OnStage::FeatureAcross].map(|axis| speech.say(axis).into());
    let said = Caption { caption, axes: Some(axes), lang: speech.own() };
    matrix(
        props,
        "toy-gram",
        said,
        (&frame.cosines, props.config.n_features),
        (&order.features, &order.features),
        COSINE,
        ["feature", "feature →"],
    )
}

/// Logits that features give each other.
#[component]
pub(in crate::ui::pages) fn Logits(props: &LabProps) -> Html {
    let Some((frame, order)) = order(props) else { return nothing() };
    let entries = props.config.template.entries();
    let strongest = entries.iter().map(|e| e.strength.abs()).fold(0.0, f64::max);
    let scale = Scale::Diverging { max: if strongest > 0.0 { strongest } else { 1.0 } };
    matrix(
        props,
        "toy-logits",
        Caption::english(words::WHAT_HEAD_LEARNED_LOGIT),
        (&frame.logits, props.config.n_features),
        (&order.queries, &order.keys),
        scale,
        ["query", "key →"],
    )
}

/// What is said of a matrix.
struct Caption {
    caption: String,
    /// Names of the axes in the picture, downwards and across, where they are other than in the table.
    axes: Option<[AttrValue; 2]>,
    /// The language, where it is not the page's.
    lang: Option<&'static str>,
}

impl Caption {
    fn english(caption: &str) -> Self {
        Self { caption: caption.to_owned(), axes: None, lang: None }
    }
}

fn matrix(
    props: &LabProps,
    name: &'static str,
    said: Caption,
    (values, n_cols): (&[f32], usize),
    (rows, cols): (&[usize], &[usize]),
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
    let Caption { caption, axes, lang } = said;
    let [y, x] = axes.unwrap_or([y, x].map(AttrValue::Static));
    html! {
        <Figure {name} {table} convention={props.stamp()} {lang} caption={html! { { caption.clone() } }}>
            <HeatMap label={caption} {values} {n_cols} {scale} rows={Rc::clone(&rows)} cols={Rc::clone(&cols)} {y} {x} />
        </Figure>
    }
}
