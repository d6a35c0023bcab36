//! A split score to take along: JSON as the command line prints it, every pair as CSV, and the same in Python.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::convention::Convention;
use crate::circuits::pairs::SplitSide;
use crate::math::statistics::largest_first;
use crate::protocol::trace::Meetings;
use crate::study::pairs::Report;
use crate::study::stamp::Stamp;
use crate::ui::app::use_save;
use crate::ui::widgets::python::Python;
use crate::ui::words::pairs as words;
use crate::ui::words::table::{Cell, Table};

/// Properties of [`Files`].
#[derive(Properties, PartialEq)]
pub(super) struct FilesProps {
    /// What was found.
    pub found: Rc<Meetings>,
    /// The prompt's tokens.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// What the weights mean.
    pub weights: Convention,
    /// Where the numbers come from.
    pub stamp: Stamp,
    /// Name of the files.
    pub name: String,
}

/// Two buttons, and the code.
#[component]
pub(super) fn Files(props: &FilesProps) -> Html {
    let save = use_save();
    let button = |label: &'static str, as_csv: bool| {
        let (save, found, name) = (save.clone(), props.found.clone(), props.name.clone());
        let weights = props.weights.clone();
        let (tokens, ids, stamp) = (props.tokens.clone(), props.ids.clone(), props.stamp.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            if as_csv {
                let text = every_pair(&found).csv(&stamp);
                save(&format!("{name}.csv"), "text/csv", text.as_bytes());
            } else {
                let report = Report::new(weights.clone(), &tokens, &ids, (*found).clone());
                // Plain values always have a JSON form.
                let text = serde_json::to_vec(&report).unwrap_or_default();
                save(&format!("{name}.json"), "application/json", &text);
            }
        });
        html! { <button type="button" {onclick}>{ label }</button> }
    };
    html! {
        <>
            <p class="exports whole">{ words::EVERY_PAIR_FEATURES_WHAT }{ button("pairs JSON", false) }{ button("pairs CSV", true) }</p>
            if let Some(python) = &props.found.python { <Python name="pairs.py" python={python.clone()} /> }
        </>
    }
}

/// Every pair, the largest first, and the singular vector that most of it goes through.
fn every_pair(found: &Meetings) -> Table {
    let columns = [
        "destination feature",
        "destination label",
        "source feature",
        "source label",
        "value",
        "k",
        "value through k",
    ];
    let label = |side: &SplitSide, feature: usize| -> Cell {
        let named = side.features.iter().find(|active| active.feature == feature);
        named.map_or(Cell::Empty, |active| active.label.clone().into())
    };
    let split = &found.split;
    split.pairs().into_iter().fold(Table::new(columns), |table, pair| {
        let sizes: Vec<f64> = pair.by_k.iter().map(|x| x.abs()).collect();
        let k = largest_first(&sizes).first().copied().unwrap_or(0);
        table.row([
            pair.dest_feature.into(),
            label(&split.dest, pair.dest_feature),
            pair.src_feature.into(),
            label(&split.src, pair.src_feature),
            pair.value.into(),
            k.into(),
            pair.by_k.get(k).copied().into(),
        ])
    })
}
