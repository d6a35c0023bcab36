//! Any bytes, opened as a checkpoint: no panic, no reading outside, and nothing accepted that the safetensors crate
//! refuses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omega_lens::checkpoint::{Checkpoint, MemorySource};
use safetensors::SafeTensors;

fuzz_target!(|bytes: &[u8]| {
    let source = MemorySource::new("model.safetensors", bytes.to_vec());
    let Ok(checkpoint) = Checkpoint::open(vec![Box::new(source)]) else { return };
    for entry in checkpoint.entries() {
        let tensor = checkpoint.read(&entry.name).expect("a listed tensor can be read");
        assert_eq!(tensor.bytes.len() as u64, entry.bytes());
        assert_eq!(
            tensor.f64s().map(|values| values.len()).ok(),
            entry.dtype.is_weights().then(|| entry.elements())
        );
    }
    // Metadata is the one thing that we skip and the crate checks.
    if !bytes.windows(12).any(|window| window == b"__metadata__") && !bytes.contains(&b'\\') {
        SafeTensors::deserialize(bytes).expect("what we accept the safetensors crate accepts");
    }
});
