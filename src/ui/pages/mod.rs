//! The pages, one module each.

use yew::prelude::*;

use crate::ui::address::route::Page;

mod attention;
mod compare;
mod features;
mod heads;
mod learn;
mod methods;
mod notebook;
mod pairs;
mod self_test;
mod svd;
mod theorems;
mod toy;
mod trace;

/// The page `page`.
pub fn view(page: Page) -> Html {
    match page {
        Page::Heads => html! { <heads::Heads /> },
        Page::Features => html! { <features::Features /> },
        Page::Attention => html! { <attention::Attention /> },
        Page::Trace => html! { <trace::Trace /> },
        Page::Compare => html! { <compare::Compare /> },
        Page::Toy => html! { <toy::Toy /> },
        Page::Svd => html! { <svd::Svd /> },
        Page::Theorems => html! { <theorems::Theorems /> },
        Page::Learn => html! { <learn::Learn /> },
        Page::Methods => html! { <methods::Methods /> },
        Page::Notebook => html! { <notebook::Notebook /> },
        Page::SelfTest => html! { <self_test::SelfTest /> },
    }
}
