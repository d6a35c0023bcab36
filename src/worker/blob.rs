//! A browser file as a byte source: `Blob.slice`, read synchronously, which workers may do and pages may not.

use std::ops::Range;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FileReaderSync};

use crate::checkpoint::{ByteSource, CheckpointError, joined};

/// Bytes between two ranges that are read rather than skipped: a read of its own takes longer, over a millisecond.
const GAP: u64 = 1 << 18;

/// A dropped file, read piece by piece.
pub(super) struct BlobSource {
    name: String,
    blob: Blob,
    reader: FileReaderSync,
}

impl BlobSource {
    /// A file of the page's.
    ///
    /// # Errors
    /// If this thread may not read files synchronously.
    pub(super) fn new(name: String, blob: Blob) -> Result<Self, JsValue> {
        Ok(Self { name, blob, reader: FileReaderSync::new()? })
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
        Ok(self.buffer(&range)?.to_vec())
    }

    fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, CheckpointError> {
        joined(
            ranges,
            GAP,
            |run| self.buffer(&run),
            |buffer, within| buffer.subarray(within.start as u32, within.end as u32).to_vec(),
        )
    }
}

impl BlobSource {
    /// The bytes of a range, still in the browser's memory.
    fn buffer(&self, range: &Range<u64>) -> Result<js_sys::Uint8Array, CheckpointError> {
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
        Ok(js_sys::Uint8Array::new(&buffer))
    }
}
