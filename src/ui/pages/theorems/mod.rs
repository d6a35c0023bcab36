//! Theorems: why singular vectors find features, worked out live.

use yew::prelude::*;

use crate::ui::app::use_app;
use crate::ui::widgets::glossary::Gloss;
use crate::worker::pool::Jobs;

mod cloud;
mod first;
mod numbers;
mod plane;
mod third;

/// Words of the page that the glossary explains.
const WORDS: [&str; 5] = ["singular vector", "Σ_X", "anisotropy", "unwhitening", "cos"];

/// Properties of the parts that ask the bench's worker.
#[derive(Properties, PartialEq)]
struct BenchProps {
    /// A worker of the bench's own.
    worker: Jobs,
}

/// The page.
#[component]
pub fn Theorems() -> Html {
    let session = use_app().session;
    let worker: Jobs = (*use_memo((), move |()| session.own_worker(|_| {}))).clone();
    html! {
        <>
            <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
            <first::First worker={worker.clone()} />
            <cloud::Cloud {worker} />
            <third::Third />
        </>
    }
}
