//! Light or dark: the system's choice until the reader makes their own.

use web_sys::{Event, MediaQueryList};

const KEY: &str = "omega-theme";

/// Whether the page is dark now.
pub fn is_dark() -> bool {
    chosen().map_or_else(system_is_dark, |theme| theme == "dark")
}

/// Switches between light and dark, and remembers it.
pub fn toggle() {
    let next = if is_dark() { "light" } else { "dark" };
    let Some(window) = web_sys::window() else { return };
    if let Ok(Some(storage)) = window.local_storage() {
        // Without storage the choice lasts until the page is closed.
        let _ = storage.set_item(KEY, next);
    }
    if let Some(root) = window.document().and_then(|d| d.document_element()) {
        let _ = root.set_attribute("data-theme", next);
    }
    if let Ok(event) = Event::new("omega-theme") {
        let _ = window.dispatch_event(&event);
    }
}

fn chosen() -> Option<String> {
    let root = web_sys::window()?.document()?.document_element()?;
    root.get_attribute("data-theme").filter(|t| !t.is_empty())
}

/// The system's own choice, which may change while the page is open.
pub fn system() -> Option<MediaQueryList> {
    web_sys::window()?.match_media("(prefers-color-scheme: dark)").ok()?
}

fn system_is_dark() -> bool {
    system().is_some_and(|system| system.matches())
}
