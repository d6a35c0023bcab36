//! Heads: which head, which singular pair, what each side looks for.

use yew::prelude::*;

use crate::ui::app::use_app;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::words::heads as words;

mod distance;
mod export_bar;
mod grid;
mod neighbours;
mod pair;
mod positions;
mod spectrum;

/// The page: grid, spectrum, pair, from left to right.
#[component]
pub fn Heads() -> Html {
    let app = use_app();
    if app.value().model.is_none() {
        return html! { <p class="empty">{ words::BUILTIN_MODEL_BEING_LOADED }</p> };
    }
    html! {
        <>
            <div class="columns">
                <Staged picture={Picture::HeadGrid}><grid::Grid /></Staged>
                <spectrum::Spectrum />
                <Staged picture={Picture::Pair}><pair::Pair /></Staged>
            </div>
            <neighbours::Neighbours />
            <export_bar::ExportBar />
        </>
    }
}
