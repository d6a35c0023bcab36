//! Layer 8, the page: one value of state, one function that changes it, and components that draw it.
//!
//! [`memory`], [`address`], [`labels`], [`layered`], [`small_matrix`] and [`words`] are plain Rust and are tested on the host; what needs the browser is compiled for
//! wasm32 alone.

pub mod address;
pub mod labels;
pub mod layered;
pub mod lessons;
pub mod memory;
pub mod palette;
pub mod small_matrix;
pub mod stamped;
pub mod words;

#[cfg(target_arch = "wasm32")]
pub mod app;
#[cfg(target_arch = "wasm32")]
pub mod asking;
#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod charts;
#[cfg(target_arch = "wasm32")]
mod drawing;
#[cfg(target_arch = "wasm32")]
mod failing;
#[cfg(target_arch = "wasm32")]
mod listeners;
#[cfg(target_arch = "wasm32")]
mod nothing;
#[cfg(target_arch = "wasm32")]
pub mod pages;
#[cfg(target_arch = "wasm32")]
pub mod remembered;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod widgets;

/// Draws the page into `#app`, and leaves the report of a panic in `data-panic` for the notice that `www/notice.js` shows.
#[cfg(target_arch = "wasm32")]
pub fn start() {
    // Yew replaces any hook that is not set through this function.
    yew::set_custom_panic_hook(Box::new(|report| {
        web_sys::console::error_1(&report.to_string().into());
        let root = web_sys::window().and_then(|w| w.document()).and_then(|d| d.document_element());
        if let Some(root) = root {
            // If even this fails, the notice shows the trap that follows.
            let _ = root.set_attribute("data-panic", &report.to_string());
        }
    }));
    let root =
        web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("app"));
    if let Some(root) = root {
        root.set_inner_html("");
        yew::Renderer::<app::Root>::with_root(root).render();
    }
}
