//! The forward pass as a worker of the page runs it: wasm with simd128, one thread, weights read from the file as they are needed.

use std::ops::Range;

use omega_lens::checkpoint::{ByteSource, Checkpoint, CheckpointError, MemorySource};
use omega_lens::model::{ForwardPass, Hints, Model};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Bytes `start..end` of the file; the host defines it, as the page does with `FileReaderSync`.
    #[wasm_bindgen(js_namespace = globalThis, js_name = readBytes)]
    fn read_bytes(start: f64, end: f64) -> Vec<u8>;
}

struct File(u64);

impl ByteSource for File {
    fn name(&self) -> &str {
        "model.safetensors"
    }
    fn size(&self) -> u64 {
        self.0
    }
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        Ok(read_bytes(range.start as f64, range.end as f64))
    }
}

/// A checkpoint that is open.
#[wasm_bindgen]
pub struct Opened(Model);

#[wasm_bindgen]
impl Opened {
    /// From the file's size and its config.
    #[wasm_bindgen(constructor)]
    pub fn new(size: f64, config: &[u8]) -> Result<Opened, JsError> {
        let sources: Vec<Box<dyn ByteSource>> = vec![
            Box::new(File(size as u64)),
            Box::new(MemorySource::new("config.json", config.to_vec())),
        ];
        Ok(Opened(Model::open(Checkpoint::open(sources)?, &Hints::default())?))
    }

    /// Runs prompts of `n` tokens each, recording every head, and returns each prompt's largest next-token logit.
    pub fn run(&self, ids: &[u32], n: usize) -> Result<Vec<f32>, JsError> {
        let prompts: Vec<Vec<u32>> = ids.chunks_exact(n).map(<[u32]>::to_vec).collect();
        let mut pass = ForwardPass::of_tokens(&self.0, &prompts)?;
        for _ in 0..self.0.arch.n_layers {
            pass.step(&self.0, true, None)?;
        }
        let last: Vec<(usize, usize)> = (0..prompts.len()).map(|p| (p, n - 1)).collect();
        let logits = pass.logits(&self.0, &last)?;
        let largest = |row: &[f32]| row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Ok(logits.chunks_exact(logits.len() / prompts.len()).map(largest).collect())
    }

    /// Bytes of wasm memory, which never shrinks.
    pub fn heap(&self) -> f64 {
        (core::arch::wasm32::memory_size::<0>() * 65_536) as f64
    }
}
