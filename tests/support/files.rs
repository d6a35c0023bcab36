//! Files built in memory for the tests of reading.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use omega_lens::checkpoint::{
    ByteSource, Checkpoint, CheckpointError, MemorySource, Named, to_safetensors,
};

/// The bytes of a safetensors file with the header `json`, whatever it says, and `data`.
pub fn safetensors(json: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend(data);
    bytes
}

/// A file that is as it should be: `a` [2, 3] and `b` [2].
pub fn good() -> Vec<u8> {
    tensors(&["a", "b"])
}

/// A file that is as it should be, with tensors of [2, 3] under these names.
pub fn tensors(names: &[&str]) -> Vec<u8> {
    let values = |n: usize| (0..6).map(|i| (n * 6 + i) as f32).collect();
    let arrays: Vec<Named> =
        names.iter().enumerate().map(|(n, name)| Named::f32(*name, &[2, 3], values(n))).collect();
    to_safetensors(&arrays, &[("format", "pt".into())]).unwrap()
}

/// Opens files given by name and bytes.
pub fn open(files: &[(&str, &[u8])]) -> Result<Checkpoint, CheckpointError> {
    let source = |(name, bytes): &(&str, &[u8])| {
        Box::new(MemorySource::new(*name, bytes.to_vec())) as Box<dyn ByteSource>
    };
    Checkpoint::open(files.iter().map(source).collect())
}

/// Opens one file called `m.safetensors`.
pub fn open_bytes(bytes: Vec<u8>) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::open(vec![Box::new(MemorySource::new("m.safetensors", bytes))])
}
