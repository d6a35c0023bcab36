//! Theorems: why singular vectors find features, worked out live.

use std::rc::Rc;

use yew::prelude::*;

use crate::ui::widgets::glossary::Gloss;
use crate::worker::pool::Pool;

mod cloud;
mod first;
mod numbers;
mod plane;
mod third;

/// Words of the page that the glossary explains.
const WORDS: [&str; 5] = ["singular vector", "Σ_X", "anisotropy", "unwhitening", "cos"];

/// A worker of the bench's own; all equal.
#[derive(Clone)]
struct Worker(Rc<Pool>);

impl PartialEq for Worker {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Properties of the parts that ask the bench's worker.
#[derive(Properties, PartialEq)]
struct BenchProps {
    worker: Worker,
}

/// The page.
#[component]
pub fn Theorems() -> Html {
    let pool = use_memo((), |()| Pool::new(1));
    let worker = Worker(pool);
    html! {
        <>
            <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
            <first::First worker={worker.clone()} />
            <cloud::Cloud {worker} />
            <third::Third />
        </>
    }
}
