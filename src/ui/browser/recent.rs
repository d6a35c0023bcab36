//! Files that were opened before: `www/recent.js` remembers their names and, where the browser has them, handles to ask for them again.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::script;
use crate::worker::sources::{Bytes, Dropped};

/// What was opened once.
#[derive(Debug, Clone, PartialEq)]
pub struct Recent {
    /// What the list knows it by.
    pub id: String,
    /// What the page called it.
    pub name: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// When, in milliseconds since 1970.
    pub date: f64,
    /// Its files and folders.
    pub names: Vec<String>,
    /// The browser can be asked for them.
    pub askable: bool,
}

/// Asks `www/recent.js`.
async fn ask(what: &str, arguments: &Array) -> Result<JsValue, String> {
    script::ask("omegaRecent", what, arguments, "this browser lets the page remember nothing").await
}

/// What was opened before, the newest first; nothing where the browser keeps nothing for pages.
pub async fn list() -> Vec<Recent> {
    let Ok(found) = ask("list", &Array::new()).await else { return Vec::new() };
    script::rows(&found, |row| {
        Some(Recent {
            id: row.get(0).as_string()?,
            name: row.get(1).as_string()?,
            bytes: row.get(2).as_f64()? as u64,
            date: row.get(3).as_f64()?,
            names: Array::from(&row.get(4)).iter().filter_map(|name| name.as_string()).collect(),
            askable: row.get(5).as_bool()?,
        })
    })
}

/// Notes what was opened, of this machine's files; what was made in the page lies nowhere and is passed over.
pub async fn remember(name: &str, files: &[Dropped]) {
    let rows = files.iter().filter_map(|file| match &file.at {
        Bytes::Here(blob) if blob.is_instance_of::<web_sys::File>() => {
            Some(Array::of2(&file.name.as_str().into(), &blob.size().into()))
        }
        _ => None,
    });
    let rows = rows.collect::<Array>();
    if rows.length() == 0 {
        return;
    }
    // Where nothing can be remembered, the list stays as it is: nobody was promised more.
    let _ = ask("remember", &Array::of2(&name.into(), &rows)).await;
}

/// The files of an entry, once the reader has let the page read them; `None` if not.
///
/// # Errors
/// Why they cannot be read, to follow a colon.
pub async fn files(id: &str) -> Result<Option<Vec<Dropped>>, String> {
    Ok(script::files(&ask("files", &Array::of1(&id.into())).await?))
}

/// Whether the browser has a choice of files that leaves handles.
pub fn can_pick() -> bool {
    Reflect::has(&js_sys::global(), &"showOpenFilePicker".into()).unwrap_or(false)
}

/// The files that the reader picks; `None` if nothing. Must be called while a click is handled.
///
/// # Errors
/// Why nothing can be picked, to follow a colon.
pub async fn pick() -> Result<Option<Vec<Dropped>>, String> {
    Ok(script::files(&ask("pick", &Array::new()).await?))
}

/// Takes an entry off the list.
pub async fn forget(id: &str) {
    // What is not there is forgotten.
    let _ = ask("forget", &Array::of1(&id.into())).await;
}
