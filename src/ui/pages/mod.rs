//! The pages, one module each.

use yew::prelude::*;

use super::route::Page;

mod attention;
mod features;
mod heads;

/// The page `page`.
pub fn view(page: Page) -> Html {
    match page {
        Page::Heads => html! { <heads::Heads /> },
        Page::Features => html! { <features::Features /> },
        Page::Attention => html! { <attention::Attention /> },
        _ => html! {},
    }
}
