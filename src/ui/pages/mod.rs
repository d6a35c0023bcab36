//! The pages, one module each.

use yew::prelude::*;

use super::route::Page;

mod heads;

/// The page `page`.
pub fn view(page: Page) -> Html {
    match page {
        Page::Heads => html! { <heads::Heads /> },
        _ => html! {},
    }
}
