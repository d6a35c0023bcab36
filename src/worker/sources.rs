//! The files beside a question, as the page sends them and as a worker reads them.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Blob;

use super::blob::BlobSource;
use super::remote::Requests;
use super::transport::get;
use crate::checkpoint::ByteSource;
use crate::checkpoint::remote::source::RemoteSource;

/// A file that the reader gave or named: its path, and its bytes, not read yet.
#[derive(Clone, PartialEq)]
pub struct Dropped {
    /// Path or name.
    pub name: String,
    /// Where the bytes are.
    pub at: Bytes,
}

/// Where the bytes of a file are.
#[derive(Clone, PartialEq)]
pub enum Bytes {
    /// On this machine.
    Here(Blob),
    /// Elsewhere, `size` of them.
    There {
        /// The address.
        url: String,
        /// How many.
        size: u64,
    },
}

impl Dropped {
    /// A file on this machine.
    pub fn here(name: String, blob: Blob) -> Self {
        Self { name, at: Bytes::Here(blob) }
    }
}

/// The files as workers take them.
pub(super) fn packed(files: &[Dropped]) -> JsValue {
    let list = Array::new();
    for file in files {
        let entry = Object::new();
        // Setting a property of a fresh object cannot fail.
        let set = |name: &str, value: &JsValue| {
            let _ = Reflect::set(&entry, &name.into(), value);
        };
        set("name", &file.name.as_str().into());
        match &file.at {
            Bytes::Here(blob) => set("blob", blob),
            Bytes::There { url, size } => {
                set("url", &url.as_str().into());
                set("size", &(*size as f64).into());
            }
        }
        list.push(&entry);
    }
    list.into()
}

/// The sources in a list that [`packed`] made.
///
/// # Errors
/// If the value is not such a list, or this thread may not read files synchronously.
pub(super) fn unpacked(files: &JsValue) -> Result<Vec<Box<dyn ByteSource>>, JsValue> {
    let files: Array = files.clone().dyn_into()?;
    let mut sources: Vec<Box<dyn ByteSource>> = Vec::new();
    for file in files.iter() {
        let name = get(&file, "name")?.as_string().unwrap_or_default();
        sources.push(match get(&file, "url")?.as_string() {
            Some(url) => {
                let size = get(&file, "size")?.as_f64().unwrap_or_default() as u64;
                Box::new(RemoteSource::new(name, url, size, Requests))
            }
            None => Box::new(BlobSource::new(name, get(&file, "blob")?.dyn_into()?)?),
        });
    }
    Ok(sources)
}
