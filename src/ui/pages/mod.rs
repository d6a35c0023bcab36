//! The pages, one module each.

use yew::prelude::*;

use super::route::Page;

mod attention;
mod features;
mod heads;
mod learn;
#[cfg(feature = "gpu")]
mod self_test;
mod theorems;
mod toy;

/// The page `page`.
pub fn view(page: Page) -> Html {
    match page {
        Page::Heads => html! { <heads::Heads /> },
        Page::Features => html! { <features::Features /> },
        Page::Attention => html! { <attention::Attention /> },
        Page::Toy => html! { <toy::Toy /> },
        Page::Theorems => html! { <theorems::Theorems /> },
        Page::Learn => html! { <learn::Learn /> },
        #[cfg(feature = "gpu")]
        Page::SelfTest => html! { <self_test::SelfTest /> },
        #[cfg(not(feature = "gpu"))]
        Page::SelfTest => html! { <p>{ "This build has no GPU kernels." }</p> },
    }
}
