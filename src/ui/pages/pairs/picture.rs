//! A split score: sentences, the table of everything with everything as a heat map, the strongest pairs, and one pair by singular vector.

use std::rc::Rc;

use yew::prelude::*;

use super::files::Files;
use crate::circuits::convention::Convention;
use crate::circuits::dictionary::neuronpedia_url;
use crate::circuits::pairs::{ActiveFeature, Pair, SplitSide};
use crate::math::statistics::ranked;
use crate::protocol::trace::Meetings;
use crate::study::stamp::Stamp;
use crate::ui::charts::{Bar, Bars, Figure, HeatMap};
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::words::format::{three, token};
use crate::ui::words::pairs as words;
use crate::ui::words::table::Table;

/// Pairs in the list; the numbers of the picture have all.
const LISTED: usize = 12;

/// Properties of [`Split`].
#[derive(Properties, PartialEq)]
pub(super) struct SplitProps {
    /// What was found.
    pub found: Rc<Meetings>,
    /// The prompt's tokens.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// The head's name in files.
    pub head: String,
    /// What the weights mean.
    pub weights: Convention,
    /// Where the numbers come from.
    pub convention: Stamp,
}

/// Everything about one split.
#[component]
pub(super) fn Split(props: &SplitProps) -> Html {
    let (found, split) = (&props.found, &props.found.split);
    // Places of the pair in view: its row and column.
    let picked = use_state(|| None::<(usize, usize)>);
    {
        let picked = picked.clone();
        use_effect_with(found.clone(), move |_| picked.set(None));
    }
    let pairs = strongest(found);
    let (row, column) =
        picked.or(pairs.first().map(|(row, column, _)| (*row, *column))).unwrap_or_default();
    let names = [&split.dest, &split.src].map(names);
    let word = |i: usize| props.tokens.get(i).map(|text| token(text)).unwrap_or_default();
    let [dest, src] = [word(found.at.dest), word(found.at.src)];
    let rows = split.table();
    let values: Vec<f32> = rows.iter().flatten().map(|x| *x as f32).collect();
    let largest = values.iter().fold(0f32, |most, x| most.max(x.abs()));
    let name = format!("{}-{}-{}-pairs", props.head, found.at.dest, found.at.src);
    let stamp = props.convention.clone().how(words::score_split(&found.dictionary));
    let table = {
        let (rows, names) = (rows.clone(), names.clone());
        Callback::from(move |()| {
            let table = Table::new(["destination", "source", "value"]);
            names[0].iter().zip(&rows).fold(table, |table, (a, row)| {
                names[1].iter().zip(row).fold(table, |table, (b, value)| {
                    table.row([a.clone().into(), b.clone().into(), (*value).into()])
                })
            })
        })
    };
    let by_k = split.by_k(row, column);
    let by_k_table = {
        let by_k = by_k.clone();
        Callback::from(move |()| {
            let table = Table::new(["k", "value"]);
            by_k.iter().enumerate().fold(table, |table, (k, x)| table.row([k.into(), (*x).into()]))
        })
    };
    let pick = {
        let picked = picked.clone();
        Callback::from(move |place: (usize, usize)| picked.set(Some(place)))
    };
    let title = |i: usize, place: usize| names[i].get(place).cloned().unwrap_or_default();
    html! {
        <>
            <p class="sentence" aria-live="polite" data-testid="pairs-said">{ words::summed(found, &dest, &src) }</p>
            if let Some(said) = on_vectors(found) { <p class="sentence" data-testid="pairs-p">{ said }</p> }
            <div class="columns look">
                <div class="column">
                    <Figure name={name.clone()} {table} convention={stamp.clone()} caption={html! { { words::everything_rows_everything_columns(&dest, &src) } }}>
                        <HeatMap label={words::score_terms(&three(split.score), &names[0].len(), &names[1].len())} values={Rc::new(values)} n_cols={names[1].len()}
                            scale={Scale::Diverging { max: f64::from(largest.max(1e-6)) }} rows={Rc::new(short(&split.dest))} cols={Rc::new(short(&split.src))} selected={Some((row, column))} on_select={pick.clone()} />
                    </Figure>
                </div>
                <div class="column">
                    <table class="compare" data-testid="pairs-list">
                        <thead><tr><th scope="col">{ format!("at “{dest}”") }</th><th scope="col">{ format!("meets, at “{src}”") }</th><th scope="col">{ "adds" }</th><th scope="col">{ "most through" }</th></tr></thead>
                        <tbody>{ for pairs.iter().take(LISTED).map(|(a, b, pair)| {
                            let (pick, place) = (pick.clone(), (*a, *b));
                            let onclick = Callback::from(move |_: MouseEvent| pick.emit(place));
                            let of = |side: &SplitSide, place: usize| feature(side.features.get(place), found.neuronpedia.as_deref());
                            html! { <tr key={format!("{a}-{b}")}><td>{ of(&split.dest, *a) }</td><td>{ of(&split.src, *b) }</td>
                                <td><button type="button" {onclick} aria-pressed={(place == (row, column)).to_string()}>{ three(pair.value) }</button></td><td>{ through(pair) }</td></tr> }
                        }) }</tbody>
                    </table>
                    if !by_k.is_empty() {
                        <Figure name={format!("{name}-by-k")} table={by_k_table} convention={stamp.clone()} caption={html! { { words::meets_what_they_add(&title(0, row), &title(1, column)) } }}>
                            <Bars label={words::singular_vector(&three(by_k.iter().sum::<f64>()))} bars={by_k.iter().map(|&value| Bar { value, mark: None }).collect::<Vec<_>>()} y="adds" />
                        </Figure>
                    }
                </div>
            </div>
            <Files weights={props.weights.clone()} found={found.clone()} tokens={props.tokens.clone()} ids={props.ids.clone()} {stamp} {name} />
            <p class="hint">{ for found.notes.iter().map(|note| html! { <span>{ format!("{note} ") }</span> }) }</p>
        </>
    }
}

/// Pairs of features with their places on both sides, the largest first.
fn strongest(found: &Meetings) -> Vec<(usize, usize, Pair)> {
    let (dest, src) = (&found.split.dest.features, &found.split.src.features);
    let place =
        |side: &[ActiveFeature], feature: usize| side.iter().position(|f| f.feature == feature);
    let placed = found.split.pairs().into_iter().take(LISTED).filter_map(|pair| {
        Some((place(dest, pair.dest_feature)?, place(src, pair.src_feature)?, pair))
    });
    placed.collect()
}

/// What a row or column is called.
fn names(side: &SplitSide) -> Vec<String> {
    let features = side.features.iter().map(|feature| feature.label.clone());
    features.chain(["error".to_owned(), "bias".to_owned()]).collect()
}

/// The same, for an axis.
fn short(side: &SplitSide) -> Vec<String> {
    let features = side.features.iter().map(|feature| feature.feature.to_string());
    features.chain(["error".to_owned(), "bias".to_owned()]).collect()
}

fn feature(feature: Option<&ActiveFeature>, neuronpedia: Option<&str>) -> Html {
    let Some(ActiveFeature { feature, label, .. }) = feature else { return nothing() };
    match neuronpedia {
        Some(id) => {
            html! { <a href={neuronpedia_url(id, *feature)} rel="noreferrer" target="_blank">{ label.clone() }</a> }
        }
        None => html! { { label.clone() } },
    }
}

/// The singular vector that most of a pair goes through.
fn through(pair: &Pair) -> String {
    let order =
        ranked(&pair.by_k.iter().copied().enumerate().collect::<Vec<_>>(), |(_, x)| x.abs());
    order.first().map_or_else(String::new, |(k, x)| format!("k = {k} ({})", three(*x)))
}

/// Whether the features lie on the vectors used, as far as that can be said.
fn on_vectors(found: &Meetings) -> Option<String> {
    let meeting = found.meeting.as_ref()?;
    let both = meeting.both;
    let than = both.inactive.map_or_else(String::new, |x| words::many_inactive_ones(&three(x)));
    let beyond = both.p_excess.map_or_else(String::new, |p| words::beyond_inactive_ones(&three(p)));
    let verdict = if both.p < 0.05 {
        words::FEATURES_MEET_LIE_SINGULAR
    } else {
        words::FEATURES_MEET_LIE_SINGULAR_VECTORS
    };
    Some(words::active_ones_reach_cosine(
        &verdict,
        &three(both.active),
        &than,
        &meeting.options.rotations,
        &three(both.rotated),
        &three(both.p),
        &beyond,
    ))
}
