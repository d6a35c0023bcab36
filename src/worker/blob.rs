//! A browser file as a byte source: `Blob.slice`, read synchronously, which workers may do and pages may not.

use std::ops::Range;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FileReaderSync};

use super::transport::get;
use crate::checkpoint::{ByteSource, CheckpointError};

/// A dropped file, read piece by piece.
pub struct BlobSource {
    name: String,
    blob: Blob,
    reader: FileReaderSync,
}

impl BlobSource {
    /// The sources in a list of `{name, blob}` objects, as the page sends them.
    ///
    /// # Errors
    /// If the value is not such a list, or this thread may not read files synchronously.
    pub fn list(files: &JsValue) -> Result<Vec<Box<dyn ByteSource>>, JsValue> {
        let files: js_sys::Array = files.clone().dyn_into()?;
        let mut sources: Vec<Box<dyn ByteSource>> = Vec::new();
        for file in files.iter() {
            let name = get(&file, "name")?.as_string().unwrap_or_default();
            let blob: Blob = get(&file, "blob")?.dyn_into()?;
            sources.push(Box::new(Self { name, blob, reader: FileReaderSync::new()? }));
        }
        Ok(sources)
    }
}

impl ByteSource for BlobSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        let failed = |error: JsValue| {
            let reason = error.dyn_ref::<web_sys::DomException>().map_or_else(
                || "the browser refused".to_owned(),
                |e| format!("{}: {}", e.name(), e.message()),
            );
            CheckpointError::Read {
                file: self.name.clone(),
                start: range.start,
                end: range.end,
                reason,
            }
        };
        let piece = self
            .blob
            .slice_with_f64_and_f64(range.start as f64, range.end as f64)
            .map_err(failed)?;
        let buffer = self.reader.read_as_array_buffer(&piece).map_err(failed)?;
        Ok(js_sys::Uint8Array::new(&buffer).to_vec())
    }
}
