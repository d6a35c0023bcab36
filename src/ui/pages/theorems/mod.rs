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

/// The page.
#[component]
pub fn Theorems() -> Html {
    let session = use_app().session;
    let worker: Jobs = (*use_memo((), move |()| session.own_worker(|_| {}))).clone();
    // Where the features of Theorem 1 lie in the cloud of Theorem 2.
    let mine = use_state(|| None::<(f64, f64)>);
    let on_worked = {
        let mine = mine.clone();
        Callback::from(move |at: (f64, f64)| mine.set(Some(at)))
    };
    html! {
        <>
            <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
            <first::First worker={worker.clone()} {on_worked} />
            <cloud::Cloud {worker} mine={*mine} />
            <third::Third />
        </>
    }
}
