//! A browser file as a byte source: `Blob.slice`, read synchronously, which workers may do and pages may not.

use std::ops::Range;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, FileReaderSync};

use super::transport::get;
use crate::checkpoint::{ByteSource, CheckpointError};

/// Bytes between two ranges that are read rather than skipped: a read of its own takes longer, over a millisecond.
const GAP: u64 = 1 << 18;

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
        Ok(self.buffer(&range)?.to_vec())
    }

    fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, CheckpointError> {
        let mut order: Vec<usize> = (0..ranges.len()).collect();
        order.sort_by_key(|&i| ranges[i].start);
        let mut found = vec![Vec::new(); ranges.len()];
        let joined = |a: &usize, b: &usize| ranges[*b].start <= ranges[*a].end + GAP;
        for run in order.chunk_by(joined) {
            let start = run.first().map_or(0, |&i| ranges[i].start);
            let end = run.iter().map(|&i| ranges[i].end).max().unwrap_or(start);
            let buffer = self.buffer(&(start..end))?;
            for &i in run {
                let within = |at: u64| (at - start) as u32;
                found[i] = buffer.subarray(within(ranges[i].start), within(ranges[i].end)).to_vec();
            }
        }
        Ok(found)
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
