//! A slide that fits: its type shrinks until the words of the step stand in the window whole.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::ui::listeners::listen;

/// Sizes that are tried, in per cent of the type of a slide.
const SIZES: std::ops::RangeInclusive<usize> = 56..=100;

/// Fits the slide after every drawing, and when the window changes.
#[hook]
pub(super) fn use_fit() {
    use_effect(refit);
    use_effect_with((), |()| {
        if let Some(window) = web_sys::window() {
            listen(&window, "resize", |_| refit());
        }
    });
}

/// Shrinks the type of a slide as far as needed.
pub(super) fn refit() {
    let document = web_sys::window().and_then(|window| window.document());
    let slide = document.and_then(|d| d.query_selector(".presenter .lesson").ok().flatten());
    let Some(slide) = slide.and_then(|slide| slide.dyn_into::<HtmlElement>().ok()) else { return };
    for size in SIZES.rev().step_by(4) {
        // A style of our own on an element of our own is not refused.
        let _ = slide.set_attribute("style", &format!("--fit: {}", size as f64 / 100.0));
        if slide.scroll_height() <= slide.client_height() {
            return;
        }
    }
}
