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
mod by_head;
mod config_values;
mod doubts;
mod error;
pub mod front;
pub mod grid_rope;
mod head;
mod heads;
mod latent;
mod layer;
pub mod layers;
mod matrix;
pub mod mixers;
mod mixture;
mod parts;
mod recipe_parts;
pub mod relative;
mod resolve;
pub mod side_streams;
mod stacks;
mod survey;

pub use architecture::Architecture;
pub use error::ModelError;
pub use forward::{ForwardPass, LayerTrace};
pub use head::Head;
pub use heads::{AttentionLayer, HeadWeights, Part, Weights};
pub use latent::RotaryPart;
pub use layers::Layers;

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
    /// Understands a checkpoint; reads no tensor, or one norm's gains where there is no config.json.
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
        let words = whole.part("text_config");
        let resolved = resolve::resolve(resolve::Given {
            family,
            names: &names,
            whole: &whole,
            config: words.as_ref().unwrap_or(&whole),
            n_heads_hint: hints.n_heads,
            missing_shards: checkpoint.missing_shards().len(),
        });
        let asked = hints.family.is_some();
        let resolved =
            resolved.map_err(|error| doubts::incomplete(error, family, &names, (&whole, asked)))?;
        let config = words.as_ref().unwrap_or(&whole);
        let asked = hints.family.is_some().then(|| doubts::read_as(family, config));
        let notes = said.into_iter().chain(asked).chain(resolved.notes).collect();
        let mut model = Self { checkpoint, arch: resolved.architecture, notes };
        if hints.family.is_some() {
            if let Some(reason) = doubts::not_applied(family, config) {
                model.notes.push(format!("Prompts cannot be run: {reason}."));
                model.arch.cannot_run.get_or_insert(reason);
            }
        } else if whole.is_empty() {
            // A norm that cannot be read is told of when its layer is asked for.
            model.notes.extend(doubts::of_gains(&model).ok().flatten());
        }
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
        if self.lies_by_head(linear) {
            return self.read_by_head(linear, d_in, d_out);
        }
        match linear.orientation {
            Orientation::OutIn => self.read(&linear.weight, &[Some(d_out), Some(d_in)]),
            Orientation::InOut => self.read(&linear.weight, &[Some(d_in), Some(d_out)]),
        }
    }

    /// True if the file has one matrix per head.
    pub(crate) fn lies_by_head(&self, linear: &Linear) -> bool {
        let entry = self.checkpoint.entry(&linear.weight);
        linear.member.is_none()
            && linear.orientation == Orientation::InOut
            && entry.is_some_and(|e| e.shape.len() == 3)
    }

    /// A map of which the file has one matrix per head, as `[d_in, d_out]`.
    pub(crate) fn read_by_head(
        &self,
        linear: &Linear,
        d_in: usize,
        d_out: usize,
    ) -> Result<Tensor, ModelError> {
        let tensor = self.read(&linear.weight, &[None, None, None])?;
        let found = tensor.shape.clone();
        by_head::side_by_side(tensor, d_in, d_out).ok_or_else(|| ModelError::Shape {
            name: linear.weight.clone(),
            family: self.arch.family,
            expected: vec![d_in, d_out],
            found,
        })
    }

    /// A vector of `n` numbers, whether it lies in one row or in one for each head.
    pub(crate) fn read_vector(&self, name: &str, n: usize) -> Result<Vec<f64>, ModelError> {
        self.check_vector(name, n)?;
        Ok(self.checkpoint.read(name)?.f64s()?)
    }

    /// Checks that a tensor has `n` numbers.
    pub(crate) fn check_vector(&self, name: &str, n: usize) -> Result<(), ModelError> {
        let found = self.checkpoint.entry(name).map(|entry| entry.elements());
        if found == Some(n) { Ok(()) } else { self.check(name, &[Some(n)]).map(|_| ()) }
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
