//! What a dictionary says of itself, and where it does not fit.

use serde::{Deserialize, Serialize};

use crate::circuits::alignment::Side;

/// The space in which the rows live, before they are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// The residual stream as the file's weights make it.
    Raw,
    /// The residual stream with its mean over `d_model` taken out: what a LayerNorm leaves.
    Centred,
    /// Behind the norm: the dictionary was trained on normed activations.
    Normed,
}

/// Where in a model a dictionary was made, from a hook's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    /// As its file spells it, mostly as TransformerLens does: `"blocks.5.hook_resid_pre"`.
    pub name: String,
    /// The layer in that name.
    pub layer: Option<usize>,
    /// The first layer whose heads read a residual stream that holds these vectors.
    pub read_from: Option<usize>,
}

impl Hook {
    /// Whether this is where the heads' outputs `z` lie, all heads of a layer side by side.
    pub fn is_z(&self) -> bool {
        self.name.ends_with("hook_z") || self.name.ends_with("self_attn.o_proj.input")
    }

    /// Whether what lies here has gone through a norm and is on its way into a layer's part.
    pub fn is_normed(&self) -> bool {
        let into = ["input_layernorm.output", "pre_feedforward_layernorm.output"];
        self.name.contains("normalized") || into.iter().any(|end| self.name.ends_with(end))
    }

    /// Whether this is the residual stream between two layers.
    pub fn is_stream(&self) -> bool {
        let elsewhere = ["mlp", "attn", "mid", "norm", "ln", "hook_z"];
        self.read_from.is_some() && !elsewhere.iter().any(|part| self.name.contains(part))
    }

    /// Understands a hook's name: the residual stream after layer `l` is the one before layer `l + 1`, and what an MLP or an
    /// attention writes is read from the next layer on.
    ///
    /// The layer is the first number that stands alone: `"blocks.5.hook_resid_pre"`, Gemma Scope 2's `"model.layers.5.output"`,
    /// dictionary_learning's `"resid_post_layer_5"`, sparsify's `"h.5"`.
    pub fn parse(name: &str) -> Self {
        let layer: Option<usize> = name.split(['.', '_']).find_map(|part| part.parse().ok());
        let before = [
            "resid_pre",
            "ln1",
            "attn.hook_q",
            "attn.hook_k",
            "attn.hook_v",
            "input_layernorm",
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
        ];
        let is_input = layer.is_some_and(|layer| name.ends_with(&format!(".{layer}.input")));
        let offset = if is_input || before.iter().any(|part| name.contains(part)) { 0 } else { 1 };
        Self {
            name: name.to_owned(),
            layer,
            read_from: layer.map(|layer| layer.saturating_add(offset)),
        }
    }
}

/// What a dictionary is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// For people, e.g. "token embeddings".
    pub name: String,
    /// Number of rows.
    pub n_rows: usize,
    /// Width of a row.
    pub d_model: usize,
    /// Where the rows live.
    pub space: Space,
    /// Where they were made, if they say so.
    pub hook: Option<Hook>,
    /// Neuronpedia's id of the set ("gpt2-small/5-res-jb"), if it has one.
    pub neuronpedia: Option<String>,
    /// What the reader should know: one sentence each.
    pub notes: Vec<String>,
}

/// The page of one feature on Neuronpedia; `id` as in [`About::neuronpedia`].
pub fn neuronpedia_url(id: &str, row: usize) -> String {
    format!("https://www.neuronpedia.org/{id}/{row}")
}

impl About {
    /// Where this dictionary does not fit a side of a layer's heads: one sentence each.
    pub fn warnings_for(&self, layer: usize, side: Side) -> Vec<String> {
        let mut warnings = Vec::new();
        let stream = if side == Side::Write { layer + 1 } else { layer };
        if let Some((hook, from)) =
            self.hook.as_ref().and_then(|hook| Some((hook, hook.read_from?)))
        {
            let verb = if side == Side::Write { "writes into" } else { "reads" };
            if from > stream {
                warnings.push(format!(
                    "The features come from {}, which is later than what layer {layer} {verb}.",
                    hook.name
                ));
            } else if from < stream {
                warnings.push(format!(
                    "The features come from {}; layer {layer} {verb} a residual stream {} layer(s) later.",
                    hook.name,
                    stream - from
                ));
            }
        }
        if self.space == Space::Normed {
            warnings.push(
                "The features were trained on normed activations, not on the residual stream."
                    .to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_say_from_which_layer_they_are_read() {
        let from = |name| Hook::parse(name).read_from;
        assert_eq!(from("blocks.5.hook_resid_pre"), Some(5));
        assert_eq!(from("blocks.5.hook_resid_post"), Some(6));
        assert_eq!(from("blocks.5.hook_mlp_out"), Some(6));
        assert_eq!(from("blocks.11.attn.hook_z"), Some(12));
        assert_eq!(from("model.layers.17.output"), Some(18));
        assert_eq!(from("model.layers.17.input"), Some(17));
        assert_eq!(from("model.layers.4.post_feedforward_layernorm.output"), Some(5));
        assert_eq!(from("resid_post_layer_8"), Some(9));
        assert_eq!(from("h.3"), Some(4));
        assert_eq!(from("hook_embed"), None);
        let streams =
            ["blocks.5.hook_resid_pre", "model.layers.17.output", "resid_post_layer_8", "h.3"];
        assert!(streams.iter().all(|name| Hook::parse(name).is_stream()));
        let others = [
            "blocks.5.hook_resid_mid",
            "blocks.5.hook_mlp_out",
            "hook_embed",
            "blocks.1.ln1.hook_normalized",
        ];
        assert!(!others.iter().any(|name| Hook::parse(name).is_stream()));
        assert!(Hook::parse("blocks.1.ln2.hook_normalized").is_normed());
        assert!(!Hook::parse("model.layers.4.post_feedforward_layernorm.output").is_normed());
        assert!(Hook::parse("model.layers.4.self_attn.o_proj.input").is_z());
    }

    #[test]
    fn another_layer_is_warned_of() {
        let about = About {
            name: "an SAE".to_owned(),
            n_rows: 1,
            d_model: 1,
            space: Space::Raw,
            hook: Some(Hook::parse("blocks.5.hook_resid_post")),
            neuronpedia: Some("gpt2-small/5-res-jb".to_owned()),
            notes: Vec::new(),
        };
        assert!(
            about.warnings_for(6, Side::Src).is_empty()
                && about.warnings_for(5, Side::Write).is_empty()
        );
        assert!(about.warnings_for(5, Side::Dest)[0].contains("later than what layer 5 reads"));
        assert!(about.warnings_for(8, Side::Dest)[0].contains("2 layer(s) later"));
        assert_eq!(
            neuronpedia_url(about.neuronpedia.as_deref().unwrap(), 7),
            "https://www.neuronpedia.org/gpt2-small/5-res-jb/7"
        );
    }
}
