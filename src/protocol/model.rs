//! What opening a checkpoint asks and tells.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::question::questions;
use crate::circuits::convention::Convention;
use crate::model::{Layers, Weights};

/// Open the files that travel beside this question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Open {
    /// What the reader said of them.
    pub hints: Hints,
}

impl Plan for Open {
    fn about_model(&self) -> bool {
        false
    }
}

questions! { Model: Open => Box<ModelSummary> }

/// What the reader said of a checkpoint that does not say it itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hints {
    /// The number of attention heads, for files without a config.json.
    pub n_heads: Option<usize>,
    /// The family, where tensor names fit several.
    pub family: Option<String>,
    /// Which of several models in the files, by one of the names that were offered.
    pub model: Option<String>,
    /// What the reader knows the files as; it stands on every figure and export.
    pub name: Option<String>,
}

impl Hints {
    /// These, and what was said before of all that they leave open.
    #[must_use]
    pub fn or(self, before: Hints) -> Self {
        Self {
            n_heads: self.n_heads.or(before.n_heads),
            family: self.family.or(before.family),
            model: self.model.or(before.model),
            name: self.name.or(before.name),
        }
    }
}

/// What was found in the files: the page's loading panel and every later question's sizes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelSummary {
    /// The family's name, as in config.json's `model_type`.
    pub family: String,
    /// Layers, of all stacks together.
    pub n_layers: usize,
    /// What they are called, and the heads of each.
    pub layers: Layers,
    /// Query heads of a layer, the most of any.
    pub n_heads: usize,
    /// Key/value heads of a layer, the most of any.
    pub n_kv_heads: usize,
    /// Width of the main residual stream.
    pub d_model: usize,
    /// Width of a head, the largest of any.
    pub d_head: usize,
    /// Rows of the token embedding.
    pub d_vocab: usize,
    /// Number types in the file, the most frequent first.
    pub dtypes: Vec<String>,
    /// Bytes of all files together.
    pub size: u64,
    /// Tells it from other checkpoints: names, types and shapes of its tensors, in hexadecimal digits.
    pub fingerprint: String,
    /// The files that hold tensors.
    pub files: Vec<String>,
    /// Shards that the index names and nobody dropped.
    pub missing_shards: Vec<String>,
    /// Layers whose attention tensors are all here.
    pub complete_layers: Vec<usize>,
    /// Whether a decoder reads a prompt of its own beside the encoder's.
    pub two_prompts: bool,
    /// What it reads that is no text, named as in the file that gives it.
    #[serde(default)]
    pub reads_file: Option<String>,
    /// Whether words can be shown.
    pub has_tokenizer: bool,
    /// Whether a config.json was there.
    pub has_config: bool,
    /// Whether the checkpoint has an unembedding, its own or tied.
    pub has_unembedding: bool,
    /// What attention writes passes a norm of its own, which OV leaves out.
    pub norm_behind: bool,
    /// Whether attention looks at earlier positions only.
    pub causal: bool,
    /// Whether queries and keys are rotated by position.
    pub rotary: bool,
    /// The convention of its numbers, folded and raw.
    pub conventions: [Convention; 2],
    /// What the reader should know: assumptions, refusals, oddities.
    pub notes: Vec<String>,
}

impl ModelSummary {
    /// The layers whose attention tensors are all here, each set of tensors once.
    pub fn own_layers(&self) -> Vec<usize> {
        let own = |&&l: &&usize| self.layers.tensors_of(l) == l;
        self.complete_layers.iter().filter(own).copied().collect()
    }

    /// Heads of some layers.
    pub fn heads_in(&self, layers: &[usize]) -> Vec<(usize, usize)> {
        let heads = |&l: &usize| (0..self.layers.n_heads(l)).map(move |h| (l, h));
        layers.iter().flat_map(heads).collect()
    }

    /// The convention of its numbers under `weights`.
    pub fn convention(&self, weights: Weights) -> &Convention {
        let [folded, raw] = &self.conventions;
        match weights {
            Weights::Folded => folded,
            Weights::Raw => raw,
        }
    }
}
