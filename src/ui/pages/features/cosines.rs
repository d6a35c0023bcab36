//! Every cosine of one side with a small dictionary, and the best one-to-one matching of the two.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::matching::{Pair, mean_size};
use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::memory::dictionary::Cosines;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Method;
use crate::ui::words::chance;
use crate::ui::words::features as words;
use crate::ui::words::format::token;
use crate::ui::words::table::Table;

/// Columns beyond which a heat map shows the matched features alone.
const SHOWN: usize = 256;

/// Properties of [`CosineView`].
#[derive(Properties, PartialEq)]
pub(super) struct CosineViewProps {
    /// What was computed.
    pub cosines: Option<Cosines>,
    /// Where the numbers come from.
    pub convention: Stamp,
    /// The name of the head in view.
    pub head: String,
    /// Its name in files.
    pub slug: String,
    /// Asks for it.
    pub on_ask: Callback<MouseEvent>,
}

/// The cosine matrix, matched features first, and the matching as a table.
#[component]
pub(super) fn CosineView(props: &CosineViewProps) -> Html {
    html! {
        <section class="prompt-set" aria-label="Cosine matrix">
            <h2>{ words::EVERY_COSINE_ONETOONE_MATCHING }</h2>
            <p class="hint">{ words::DICTIONARIES_MOST_FEATURES_TWO }{ " " }<Method of="matching" /></p>
            <div class="controls"><button type="button" onclick={props.on_ask.clone()} data-testid="cosines">{ words::MATCH_SIDE }</button></div>
            if let Some(cosines) = &props.cosines { { view(props, cosines) } }
        </section>
    }
}

fn view(props: &CosineViewProps, found: &Cosines) -> Html {
    let n = found.n_features.max(1);
    // The matched features first, in the order of their directions: a good matching is a diagonal.
    let mut order: Vec<usize> = found.matching.iter().map(|(pair, _)| pair.index).collect();
    let matched = order.len();
    if n <= SHOWN {
        order.extend((0..n).filter(|i| !found.matching.iter().any(|(pair, _)| pair.index == *i)));
    }
    let columns = order.len().max(1);
    let values: Vec<f32> = found
        .values
        .chunks_exact(n)
        .flat_map(|row| order.iter().map(|&i| row.get(i).copied().unwrap_or(f32::NAN)))
        .collect();
    let largest = values.iter().fold(0f32, |m, x| m.max(x.abs()));
    let pairs: Vec<Pair> = found.matching.iter().map(|(pair, _)| *pair).collect();
    let said = chance::matching(mean_size(&pairs), matched, found.null.as_ref());
    let name = format!("{}-{}-cosines", props.slug, found.side.name());
    let table = {
        let matching = found.matching.clone();
        Callback::from(move |()| {
            matching.iter().fold(Table::new(["k", "feature", "row", "cos"]), |table, (p, label)| {
                table.row([p.k.into(), token(label).into(), p.index.into(), p.cos.into()])
            })
        })
    };
    html! {
        <>
            <p class="sentence" data-testid="matching">{ format!("{} {}: {said}", props.head, found.side.name()) }</p>
            <Figure {name} {table} convention={props.convention.clone()} caption={html! { { if n <= SHOWN { words::COSINES_MATCHED_FEATURES_FIRST } else { words::COSINES_MATCHED_FEATURES_ORDER } } }}>
                <HeatMap label={words::COSINES_DIRECTIONS_FEATURES} values={Rc::new(values)} n_cols={columns}
                    scale={Scale::Diverging { max: f64::from(largest.max(1e-6)) }} y="k" x="feature →" />
            </Figure>
        </>
    }
}
