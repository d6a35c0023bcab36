//! Layer 8, the page: one value of state, one function that changes it, and components that draw it.
//!
//! [`memory`], [`address`] and [`words`] are plain Rust and are tested on the host; what needs the browser is compiled for
//! wasm32 alone.

pub mod address;
pub mod lessons;
pub mod memory;
pub mod palette;
pub mod stamped;
pub mod words;

#[cfg(target_arch = "wasm32")]
pub mod app;
#[cfg(target_arch = "wasm32")]
pub mod browser;
#[cfg(target_arch = "wasm32")]
pub mod charts;
#[cfg(target_arch = "wasm32")]
pub mod pages;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod widgets;

/// Draws the page into `#app`, and puts a notice there if it ever panics.
#[cfg(target_arch = "wasm32")]
pub fn start() {
    std::panic::set_hook(Box::new(|report| {
        web_sys::console::error_1(&report.to_string().into());
        let document = web_sys::window().and_then(|w| w.document());
        let Some(body) = document.as_ref().and_then(|d| d.body()) else { return };
        if let Some(notice) = document.and_then(|d| d.create_element("p").ok()) {
            notice.set_class_name("panic");
            notice.set_text_content(Some(
                "Something went wrong in the page itself; that is our mistake. Your files are untouched. Reload the page \
                 to go on: the address above keeps your place.",
            ));
            // If even this fails there is nothing left to tell the reader with.
            let _ = notice.set_attribute("role", "alert");
            let _ = body.append_child(&notice);
        }
    }));
    let root =
        web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("app"));
    if let Some(root) = root {
        root.set_inner_html("");
        yew::Renderer::<app::Root>::with_root(root).render();
    }
}
