//! A browser file as a byte source: `Blob.slice`, read synchronously, which workers may do and pages may not.

use std::cell::RefCell;
use std::ops::Range;

use js_sys::Uint8Array;
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
    kept: RefCell<Kept>,
}

/// Bytes that will be read once more, in the browser's memory: WebAssembly's own never shrinks.
#[derive(Default)]
struct Kept {
    room: u64,
    pieces: Vec<(Range<u64>, Uint8Array)>,
}

impl Kept {
    fn piece(&self, range: &Range<u64>) -> Option<Uint8Array> {
        self.pieces.iter().find(|(of, _)| of == range).map(|(_, bytes)| bytes.clone())
    }

    fn offer(&mut self, range: &Range<u64>, bytes: &Uint8Array) {
        if let Some(room) = self.room.checked_sub(range.end - range.start) {
            self.room = room;
            self.pieces.push((range.clone(), bytes.clone()));
        }
    }
}

impl BlobSource {
    /// A file of the page's.
    ///
    /// # Errors
    /// If this thread may not read files synchronously.
    pub(super) fn new(name: String, blob: Blob) -> Result<Self, JsValue> {
        Ok(Self { name, blob, reader: FileReaderSync::new()?, kept: RefCell::default() })
    }
}

impl ByteSource for BlobSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn keep(&self, most: u64) {
        *self.kept.borrow_mut() = Kept { room: most, pieces: Vec::new() };
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
    fn buffer(&self, range: &Range<u64>) -> Result<Uint8Array, CheckpointError> {
        if let Some(bytes) = self.kept.borrow().piece(range) {
            return Ok(bytes);
        }
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
        let bytes = Uint8Array::new(&buffer);
        self.kept.borrow_mut().offer(range, &bytes);
        Ok(bytes)
    }
}
