//! What an SAE's `cfg.json` says that matters for its decoder: hook, head, model, space.
//!
//! # Source
//! SAELens writes the fields below under `metadata` since version 6 and flat, with `hook_point`, before.

use serde_json::Value;

use super::{Hook, Space};

/// Decoder names, in the order in which they are looked for: SAELens and sparsify, Gemma Scope 2, dictionary learning.
pub(super) const DECODERS: [&str; 4] = ["W_dec", "w_dec", "decoder.weight", "W_dec.weight"];

/// The useful part of a `cfg.json`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SaeConfig {
    pub(super) hook: Option<Hook>,
    pub(super) head: Option<usize>,
    pub(super) model: Option<String>,
    pub(super) neuronpedia: Option<String>,
    /// The SAE was trained on a model whose writing weights were centred.
    pub(super) centred: bool,
}

impl SaeConfig {
    /// Reads a configuration; what is missing or of another kind is simply not known.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Ok(config) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let metadata = config.get("metadata");
        let field = |name: &str| metadata.and_then(|m| m.get(name)).or_else(|| config.get(name));
        let text =
            |names: &[&str]| names.iter().find_map(|name| field(name)?.as_str()).map(str::to_owned);
        let number = |names: &[&str]| names.iter().find_map(|name| field(name)?.as_u64());
        let hook = text(&["hook_name", "hook_point", "hf_hook_point_in", "hf_hook_name"]);
        let kwargs = field("model_from_pretrained_kwargs");
        let centred = kwargs.and_then(|k| k.get("center_writing_weights")?.as_bool());
        Self {
            hook: hook.as_deref().map(Hook::parse),
            head: number(&["hook_head_index", "hook_point_head_index"])
                .and_then(|h| usize::try_from(h).ok()),
            model: text(&["model_name", "model"]),
            neuronpedia: text(&["neuronpedia_id"]),
            centred: centred.unwrap_or(false),
        }
    }

    /// Whether the SAE's inputs are the heads' outputs `z`, all heads of a layer side by side.
    pub(super) fn reads_heads(&self) -> bool {
        self.hook.as_ref().is_some_and(Hook::is_z)
    }

    /// The space of the decoder's rows.
    pub(super) fn space(&self) -> Space {
        let normed = self.hook.as_ref().is_some_and(|hook| hook.name.contains("normalized"));
        match (normed, self.centred) {
            (true, _) => Space::Normed,
            (false, true) => Space::Centred,
            (false, false) => Space::Raw,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_old_configurations_are_understood() {
        let new = br#"{"d_in": 768, "metadata": {"hook_name": "blocks.8.hook_resid_pre", "hook_head_index": null,
            "model_name": "gpt2-small", "neuronpedia_id": "gpt2-small/8-res-jb",
            "model_from_pretrained_kwargs": {"center_writing_weights": true}}}"#;
        let new = SaeConfig::parse(new);
        assert_eq!(new.hook.as_ref().unwrap().read_from, Some(8));
        assert_eq!(
            (new.space(), new.neuronpedia.as_deref()),
            (Space::Centred, Some("gpt2-small/8-res-jb"))
        );
        let old = SaeConfig::parse(
            br#"{"hook_point": "blocks.3.attn.hook_z", "hook_point_head_index": 2}"#,
        );
        assert!(old.reads_heads() && old.head == Some(2) && old.space() == Space::Raw);
        assert_eq!(SaeConfig::parse(b"not json"), SaeConfig::default());
    }
}
