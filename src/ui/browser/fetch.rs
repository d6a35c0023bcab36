//! Files that lie beside the page.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Response};

use crate::worker::sources::Dropped;

/// All bytes of a file or of what came.
///
/// # Errors
/// What the browser said.
pub async fn bytes(blob: &Blob) -> Result<Vec<u8>, JsValue> {
    Ok(js_sys::Uint8Array::new(&JsFuture::from(blob.array_buffer()).await?).to_vec())
}

/// A text that `.ci/texts.mjs` has laid beside the page.
///
/// # Errors
/// What the browser or the server said.
pub async fn text(name: &str) -> Result<String, String> {
    let file = fetch(&format!("texts/{name}.txt")).await?;
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
    text.ok_or_else(|| "its file is no text".to_owned())
}

/// The bytes at a URL of our own origin: on their way at once, whenever they are waited for.
///
/// # Errors
/// What the browser or the server said.
pub fn fetch(url: &str) -> impl Future<Output = Result<Blob, String>> + use<> {
    let window = web_sys::window().ok_or("no window");
    let (asked, url) = (window.map(|w| JsFuture::from(w.fetch_with_str(url))), url.to_owned());
    async move {
        let text = |e: JsValue| e.as_string().unwrap_or_else(|| format!("{url} is out of reach"));
        let response: Response = asked?.await.map_err(text)?.dyn_into().map_err(text)?;
        if !response.ok() {
            return Err(format!("{url}: {}", response.status()));
        }
        let blob = JsFuture::from(response.blob().map_err(text)?).await;
        blob.map_err(text)?.dyn_into().map_err(text)
    }
}

/// Files of a folder beside the page, all on their way at once.
///
/// # Errors
/// As [`fetch`].
pub async fn beside(folder: &str, names: &[&str]) -> Result<Vec<Dropped>, String> {
    let coming: Vec<_> = names.iter().map(|name| fetch(&format!("{folder}/{name}"))).collect();
    let mut files = Vec::new();
    for (name, coming) in names.iter().zip(coming) {
        files.push(Dropped::here((*name).to_owned(), coming.await?));
    }
    Ok(files)
}
