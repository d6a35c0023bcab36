//! Layer 2, models: tensors to transformers.
//!
//! The order of things: [`Model::open`] reads `config.json` and the tensor names, a family's recipe ([`families`]) says what
//! they mean, and the result is a resolved [`Architecture`]. From there [`AttentionLayer`] gives the matrices of one head at a
//! time, folded or raw.

pub mod activation;
pub mod architecture;
pub mod config;
pub mod families;
pub mod forward;
pub mod known;
pub mod names;
pub mod pattern;
pub mod processing;
pub mod recipe;
pub mod rope;
pub mod tokenizer;

mod attention_parts;
mod charsmap;
mod config_values;
mod error;
mod head;
mod heads;
mod matrix;
mod mixture;
mod parts;
mod recipe_parts;
mod resolve;
mod tokenizer_backend;
mod tokenizer_files;

pub use architecture::Architecture;
pub use error::ModelError;
pub use forward::{ForwardPass, LayerTrace};
pub use head::Head;
pub use heads::{AttentionLayer, HeadWeights, Part, Weights};

use crate::checkpoint::{Checkpoint, Tensor};
use architecture::{Linear, Norm, Orientation};
use config::Config;
use names::Names;

/// What the reader says where the files do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// Number of heads, used where neither config nor tensors say it.
    pub n_heads: Option<usize>,
    /// Short name of the family to read the file as, instead of what config or names suggest.
    pub family: Option<String>,
}

/// A checkpoint that is understood as a transformer.
pub struct Model {
    /// The bytes.
    pub checkpoint: Checkpoint,
    /// What they mean.
    pub arch: Architecture,
    /// What people should know: assumptions, norms that stay outside, what is missing. One sentence each.
    pub notes: Vec<String>,
}

impl Model {
    /// Understands a checkpoint; reads no tensor.
    ///
    /// # Errors
    /// [`ModelError::UnknownFamily`], [`ModelError::HeadCountNeeded`] (ask, and open again with a hint),
    /// [`ModelError::Config`], and [`ModelError::Mismatch`] or [`ModelError::MissingTensor`] where config and tensors disagree.
    pub fn open(checkpoint: Checkpoint, hints: &Hints) -> Result<Self, ModelError> {
        let names = Names::new(checkpoint.entries().map(|e| (e.name.as_str(), e.shape.as_slice())));
        let whole = checkpoint
            .side_file("config.json")
            .map_or_else(|| Ok(Config::default()), Config::parse)?;
        let said = whole.notes().to_vec();
        let family = families::recognise(&names, &whole, hints.family.as_deref())?;
        let part = if family.id == "clip_vision" { "vision_config" } else { "text_config" };
        let config = whole.part(part).unwrap_or(whole);
        let missing = checkpoint.missing_shards().len();
        let resolved = resolve::resolve(family, &names, &config, hints.n_heads, missing)?;
        let notes = said.into_iter().chain(resolved.notes).collect();
        let mut model = Self { checkpoint, arch: resolved.architecture, notes };
        let missing: Vec<usize> =
            (0..model.arch.n_layers).filter(|&l| !model.missing_tensors(l).is_empty()).collect();
        if !missing.is_empty() {
            model.notes.push(format!(
                "Tensors of layers {missing:?} are not in the files; the other layers work."
            ));
        }
        Ok(model)
    }

    /// The tensors of a layer's heads that are not in the files; empty if its heads can be seen.
    pub fn missing_tensors(&self, layer: usize) -> Vec<String> {
        let Some(layer) = self.arch.layers.get(layer) else { return Vec::new() };
        let absent = |name: &&str| self.checkpoint.entry(name).is_none();
        layer.head_tensors().into_iter().filter(absent).map(str::to_owned).collect()
    }

    /// The layers whose heads can be seen: those that have an attention, all of it in the files.
    pub fn readable_layers(&self) -> Vec<usize> {
        let there =
            |&l: &usize| self.arch.attention(l).is_some() && self.missing_tensors(l).is_empty();
        (0..self.arch.n_layers).filter(there).collect()
    }

    /// A layer's description.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`].
    pub fn layer(&self, layer: usize) -> Result<&architecture::Layer, ModelError> {
        let count = self.arch.n_layers;
        self.arch.layers.get(layer).ok_or(ModelError::OutOfRange {
            what: "layer",
            index: layer,
            count,
        })
    }

    /// A layer's attention.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`], or [`ModelError::NoAttention`] for a layer of a hybrid that has none.
    pub fn attention(&self, layer: usize) -> Result<&architecture::Attention, ModelError> {
        self.layer(layer)?
            .attention
            .as_ref()
            .ok_or_else(|| ModelError::NoAttention { layer, others: self.readable_layers() })
    }

    /// A tensor whose shape must be `expected`; `None` in it stands for any size.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::Shape`], or what reading says.
    pub(crate) fn read(
        &self,
        name: &str,
        expected: &[Option<usize>],
    ) -> Result<Tensor, ModelError> {
        self.check(name, expected)?;
        Ok(self.checkpoint.read(name)?)
    }

    /// Checks a tensor's shape without reading it, and returns it.
    pub(crate) fn check(
        &self,
        name: &str,
        expected: &[Option<usize>],
    ) -> Result<&[usize], ModelError> {
        let Some(entry) = self.checkpoint.entry(name) else {
            let shards = self.checkpoint.missing_shards().len();
            return Err(ModelError::MissingTensor { name: name.to_owned(), shards });
        };
        let fits = entry.shape.len() == expected.len()
            && entry
                .shape
                .iter()
                .zip(expected)
                .all(|(&found, want)| want.is_none_or(|want| want == found));
        if !fits {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                family: self.arch.family,
                expected: expected.iter().map(|want| want.unwrap_or(0)).collect(),
                found: entry.shape.clone(),
            });
        }
        Ok(&entry.shape)
    }

    /// A linear map's weight, checked to lead from `d_in` to `d_out`.
    pub(crate) fn read_linear(
        &self,
        linear: &Linear,
        d_in: usize,
        d_out: usize,
    ) -> Result<Tensor, ModelError> {
        match linear.orientation {
            Orientation::OutIn => self.read(&linear.weight, &[Some(d_out), Some(d_in)]),
            Orientation::InOut => self.read(&linear.weight, &[Some(d_in), Some(d_out)]),
        }
    }

    /// A vector of `n` numbers.
    pub(crate) fn read_vector(&self, name: &str, n: usize) -> Result<Vec<f64>, ModelError> {
        Ok(self.read(name, &[Some(n)])?.f64s()?)
    }

    /// A norm's gains, `1 +` included where the family adds it, and its bias.
    ///
    /// # Errors
    /// [`ModelError::MissingTensor`], [`ModelError::Shape`], or what reading says.
    pub fn read_norm(
        &self,
        norm: &Norm,
        n: usize,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), ModelError> {
        norm.values(n, |name| self.read_vector(name, n))
    }
}
