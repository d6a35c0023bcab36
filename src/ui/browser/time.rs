//! The clock.

use wasm_bindgen_futures::JsFuture;

/// Waits for some milliseconds.
pub async fn pause(ms: f64) {
    let timeout = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            // A browser that sets no timer resolves nothing, and draws nothing either.
            let _ =
                window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms as i32);
        }
    });
    // The promise is only ever resolved.
    let _ = JsFuture::from(timeout).await;
}

/// Milliseconds since the page was opened.
pub fn now() -> f64 {
    web_sys::window().and_then(|w| w.performance()).map_or(0.0, |p| p.now())
}
