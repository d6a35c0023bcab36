//! The golden checkpoints of `tests/golden/families`: how to open one, and what the library computed on it.

#![allow(dead_code, reason = "each test crate uses its own part")]

use omega_lens::checkpoint::{ByteSource, Checkpoint, MemorySource};
use omega_lens::math::Mat;
use omega_lens::math::layout::from_row_major;
use omega_lens::model::{Hints, Model, ModelError};
use std::path::PathBuf;

/// One golden checkpoint.
pub(crate) struct Fixture {
    /// Its directory's name: the family.
    pub(crate) name: String,
    expected: Checkpoint,
}

/// All golden checkpoints.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let entries = std::fs::read_dir(root()).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 24);
    names.iter().map(|name| Fixture::named(name)).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families")
}

impl Fixture {
    /// By the name of its directory.
    pub(crate) fn named(name: &str) -> Self {
        let expected = memory(
            "expected.safetensors",
            std::fs::read(root().join(name).join("expected.safetensors")).unwrap(),
        );
        Self { name: name.to_owned(), expected: Checkpoint::open(vec![expected]).unwrap() }
    }

    /// The bytes of one of its files.
    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(root().join(&self.name).join(file)).unwrap()
    }

    /// The checkpoint with its config.
    pub(crate) fn model(&self) -> Model {
        open(
            vec![
                memory("config.json", self.bytes("config.json")),
                memory("model.safetensors", self.bytes("model.safetensors")),
            ],
            &Hints::default(),
        )
        .unwrap()
    }

    /// The checkpoint without its config.
    pub(crate) fn model_without_config(&self, hints: &Hints) -> Result<Model, ModelError> {
        open(vec![memory("model.safetensors", self.bytes("model.safetensors"))], hints)
    }

    /// `spectra.json`.
    pub(crate) fn spectra(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes("spectra.json")).unwrap()
    }

    /// True if the library computed a tensor of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.expected.entry(name).is_some()
    }

    /// A tensor that the library computed.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.expected.read(name).unwrap().f64s().unwrap()
    }

    /// The same as a matrix.
    pub(crate) fn matrix(&self, name: &str) -> Mat {
        let shape = self.expected.entry(name).unwrap().shape.clone();
        from_row_major(shape[0], shape[1], &self.values(name))
    }

    /// The prompt, where it is one of tokens.
    pub(crate) fn ids(&self) -> Option<Vec<u32>> {
        self.expected.entry("input_ids")?;
        let tensor = self.expected.read("input_ids").unwrap();
        Some(
            tensor
                .bytes
                .chunks_exact(8)
                .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as u32)
                .collect(),
        )
    }
}

/// A file in memory.
pub(crate) fn memory(name: &str, bytes: Vec<u8>) -> Box<dyn ByteSource> {
    Box::new(MemorySource::new(name, bytes))
}

/// Opens files as a model.
pub(crate) fn open(sources: Vec<Box<dyn ByteSource>>, hints: &Hints) -> Result<Model, ModelError> {
    Model::open(Checkpoint::open(sources).unwrap(), hints)
}
