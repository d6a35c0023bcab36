//! What a dictionary file of the reader leaves open: which matrix, rows or columns, whose head's part.

use yew::prelude::*;

use crate::protocol::{Failure, Unclear};
use crate::ui::address::keys;
use crate::ui::address::route::Route;
use crate::ui::app::{go, use_route};
use crate::ui::widgets::select::Select;
use crate::ui::words::features as words;

/// `route` without the reader's answers: another file begins without them.
pub(super) fn unanswered(route: Route) -> Route {
    route.clear(&keys::MATRIX).clear(&keys::FEATURES_ARE).clear(&keys::PART)
}

/// Properties of [`Broken`].
#[derive(Properties, PartialEq)]
pub(super) struct BrokenProps {
    /// Why there is no dictionary.
    pub failure: Failure,
}

/// What happened, and the answers that the reader may give.
#[component]
pub(super) fn Broken(props: &BrokenProps) -> Html {
    let route = use_route();
    let answer = |answered: Route, shown: &str| {
        let onclick = Callback::from(move |_: MouseEvent| go(&answered));
        html! { <button type="button" key={shown.to_owned()} {onclick}>{ shown.to_owned() }</button> }
    };
    let answers: Vec<Html> = match &props.failure.unclear {
        Some(Unclear::Matrix(names)) => names
            .iter()
            .map(|name| answer(route.clone().put(&keys::MATRIX, name.clone()), name))
            .collect(),
        Some(Unclear::RowsOrColumns) => vec![
            answer(route.clone().put(&keys::FEATURES_ARE, "rows"), words::FEATURE_ROW),
            answer(route.clone().put(&keys::FEATURES_ARE, "columns"), words::FEATURE_COLUMN),
        ],
        Some(Unclear::HeadCount(_) | Unclear::Model(_) | Unclear::Family(_) | Unclear::Base(_))
        | None => Vec::new(),
    };
    html! {
        <div class="ask" role="status">
            <p><strong>{ props.failure.what.clone() }</strong>{ format!(" {}", props.failure.hint) }</p>
            if !answers.is_empty() { <div class="controls" data-testid="dictionary-question">{ answers }</div> }
        </div>
    }
}

/// Properties of [`Part`].
#[derive(Properties, PartialEq)]
pub(super) struct PartProps {
    /// Heads in the layer that the SAE was made for.
    pub n_parts: usize,
}

/// Whose part of an SAE on heads' outputs is compared.
#[component]
pub(super) fn Part(props: &PartProps) -> Html {
    let route = use_route();
    let value = route.find(&keys::PART).map_or_else(|| "all".to_owned(), |part| part.to_string());
    let on_change =
        Callback::from(move |part: String| go(&route.clone().choose(&keys::PART, &part)));
    let mut options: Vec<(AttrValue, AttrValue)> = vec![("all".into(), "all heads".into())];
    let head = |head: usize| (AttrValue::from(head.to_string()), format!("head {head}").into());
    options.extend((0..props.n_parts).map(head));
    html! { <Select label={words::PART_DICTIONARY} {options} {value} {on_change} /> }
}
