//! The golden checkpoints of `tests/golden/families`: how to open one, and what the library computed on it.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]
#![allow(dead_code, reason = "each test crate uses its own part")]

use omega_lens::checkpoint::{ByteSource, Checkpoint, MemorySource};
use omega_lens::math::Mat;
use omega_lens::math::layout::from_row_major;
use omega_lens::model::forward::{Image, Input, Spectrogram};
use omega_lens::model::{Hints, Model, ModelError};
use std::path::PathBuf;

/// One golden checkpoint.
pub(crate) struct Fixture {
    /// Its directory's name: the family.
    pub(crate) name: String,
    folder: PathBuf,
    expected: Checkpoint,
}

/// All golden checkpoints.
pub(crate) fn fixtures() -> Vec<Fixture> {
    all_in("families")
}

/// Golden checkpoints of the second set: other stacks, other kinds of input, other makers.
pub(crate) fn more_families() -> Vec<Fixture> {
    all_in("families2")
}

/// All golden checkpoints in layouts that the families do not show; `tests/golden/make_variants.py` writes them.
pub(crate) fn variants() -> Vec<Fixture> {
    all_in("variants")
}

fn all_in(folder: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    assert!(names.len() > 10);
    names.into_iter().map(Fixture::at).collect()
}

impl Fixture {
    /// By the name of its directory.
    pub(crate) fn named(name: &str) -> Self {
        let families = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families");
        Self::at(families.join(name))
    }

    fn at(folder: PathBuf) -> Self {
        let expected = std::fs::read(folder.join("expected.safetensors")).unwrap();
        let expected = Checkpoint::open(vec![memory("expected.safetensors", expected)]).unwrap();
        Self { name: folder.file_name().unwrap().to_string_lossy().into_owned(), folder, expected }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// The bytes of one of its files.
    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(file)).unwrap()
    }

    /// The checkpoint with its config.
    pub(crate) fn model(&self) -> Model {
        let config = memory("config.json", self.bytes("config.json"));
        let weights = memory("model.safetensors", self.bytes("model.safetensors"));
        open(vec![config, weights], &Hints::default())
            .unwrap_or_else(|error| panic!("{}: {error}", self.name))
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

    /// The shape of a tensor that the library computed or was given.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.expected.entry(name).map(|entry| entry.shape.clone())
    }

    /// Names of all that the library computed or was given.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.expected.entries().map(|entry| entry.name.as_str())
    }

    /// The prompt, where it is one of tokens.
    pub(crate) fn ids(&self) -> Option<Vec<u32>> {
        self.ids_of("input_ids")
    }

    /// The prompt, whatever the model reads.
    pub(crate) fn input(&self) -> Input {
        let floats =
            |name: &str| -> Vec<f32> { self.values(name).into_iter().map(|x| x as f32).collect() };
        let shape = |name: &str| self.shape(name);
        Input {
            ids: self.ids_of("input_ids"),
            decoder_ids: self.ids_of("decoder_input_ids"),
            image: shape("pixel_values")
                .map(|s| Image { shape: [s[0], s[1], s[2]], pixels: floats("pixel_values") }),
            samples: shape("input_values").map(|_| floats("input_values")),
            spectrogram: shape("input_features")
                .map(|s| Spectrogram { shape: [s[0], s[1]], values: floats("input_features") }),
        }
    }

    /// Token ids of that name.
    pub(crate) fn ids_of(&self, name: &str) -> Option<Vec<u32>> {
        self.expected.entry(name)?;
        let tensor = self.expected.read(name).unwrap();
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
