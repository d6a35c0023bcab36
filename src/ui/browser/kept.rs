//! Models that the reader keeps on this machine: `www/keep.js` does it, in the private folder that the browser gives this page.

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

use super::script;
use crate::worker::sources::{Bytes, Dropped};

/// A model on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What it is named as in an address.
    pub name: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Nothing of it is missing.
    pub whole: bool,
}

/// Asks `www/keep.js`.
async fn ask(what: &str, arguments: &Array) -> Result<JsValue, String> {
    script::ask("omegaKept", what, arguments, "this browser has no private folder for pages").await
}

/// All kept models; none where the browser keeps nothing.
pub async fn list() -> Vec<Kept> {
    let Ok(found) = ask("list", &Array::new()).await else { return Vec::new() };
    script::rows(&found, |row| {
        Some(Kept {
            name: row.get(0).as_string()?,
            bytes: row.get(1).as_f64()? as u64,
            whole: row.get(2).as_bool()?,
        })
    })
}

/// The files of a kept model.
pub async fn files(name: &str) -> Option<Vec<Dropped>> {
    script::files(&ask("files", &Array::of1(&name.into())).await.ok()?)
}

/// Keeps the files of a model whole; `tell` hears how many bytes are there.
///
/// # Errors
/// Why it cannot be kept, to follow a colon.
pub async fn keep(name: &str, all: &[Dropped], tell: impl Fn(u64) + 'static) -> Result<(), String> {
    let rows = all.iter().map(|file| {
        let (address, blob, bytes) = match &file.at {
            Bytes::Here(blob) => (JsValue::NULL, blob.clone().into(), blob.size()),
            Bytes::There { url, size } => (url.as_str().into(), JsValue::NULL, *size as f64),
        };
        Array::of4(&file.name.as_str().into(), &address, &blob, &bytes.into())
    });
    let tell = Closure::<dyn Fn(f64)>::new(move |bytes| tell(bytes as u64));
    let arguments = Array::of3(&name.into(), &rows.collect::<Array>(), tell.as_ref());
    ask("keep", &arguments).await.map(|_| ())
}

/// Breaks off what is being kept.
pub async fn stop() {
    // There is nothing to stop where nothing can be kept.
    let _ = ask("stop", &Array::new()).await;
}

/// Takes a model off this machine.
pub async fn forget(name: &str) {
    // What is not there is forgotten.
    let _ = ask("forget", &Array::of1(&name.into())).await;
}
