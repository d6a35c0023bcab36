//! What a dictionary file of the reader leaves open: which matrix, rows or columns, whose head's part.

use yew::prelude::*;

use crate::protocol::{Failure, Unclear};
use crate::ui::app::use_app;
use crate::ui::widgets::select::Select;

/// The answers in the URL; another file begins without them.
pub(super) const ANSWERS: [&str; 3] = ["matrix", "features-are", "part"];

/// Properties of [`Broken`].
#[derive(Properties, PartialEq)]
pub(super) struct BrokenProps {
    /// Why there is no dictionary.
    pub failure: Failure,
}

/// What happened, and the answers that the reader may give.
#[component]
pub(super) fn Broken(props: &BrokenProps) -> Html {
    let app = use_app();
    let answer = |name: &'static str, value: &str, shown: &str| {
        let (app, value) = (app.clone(), value.to_owned());
        let onclick = Callback::from(move |_: MouseEvent| app.set(name, value.clone()));
        html! { <button type="button" key={shown.to_owned()} {onclick}>{ shown.to_owned() }</button> }
    };
    let answers: Vec<Html> = match &props.failure.unclear {
        Some(Unclear::Matrix(names)) => {
            names.iter().map(|name| answer("matrix", name, name)).collect()
        }
        Some(Unclear::RowsOrColumns) => vec![
            answer("features-are", "rows", "a feature is a row"),
            answer("features-are", "columns", "a feature is a column"),
        ],
        Some(Unclear::HeadCount(_)) | None => Vec::new(),
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
    let app = use_app();
    let value = app.value().route.text("part").unwrap_or("all").to_owned();
    let on_change = {
        let app = app.clone();
        Callback::from(move |part: String| {
            let route = app.value().route.clone();
            app.go(if part == "all" { route.without("part") } else { route.with("part", part) });
        })
    };
    let mut options: Vec<(AttrValue, AttrValue)> = vec![("all".into(), "all heads".into())];
    let head = |head: usize| (AttrValue::from(head.to_string()), format!("head {head}").into());
    options.extend((0..props.n_parts).map(head));
    html! { <Select label="part of the dictionary" {options} {value} {on_change} /> }
}
