//! What the configuration of an SAE, or of a transcoder, says that matters for its vectors: hooks, head, model, space.
//!
//! # Source
//! SAELens writes the fields below under `metadata` since version 6 and flat, with `hook_point`, before (`cfg.json`); Gemma
//! Scope 2 `hf_hook_point_in` and `_out` (`config.json`); dictionary_learning its own under `trainer` (`config.json`); sparsify
//! none: its folder is called after the module.

use serde_json::Value;

use super::{Along, Hook, Space};
use crate::checkpoint::json;

/// Decoder names, in the order in which they are looked for: SAELens and sparsify, Gemma Scope 2, dictionary learning.
pub(super) const DECODERS: [&str; 4] = ["W_dec", "w_dec", "decoder.weight", "W_dec.weight"];

/// Which axis counts features in a square decoder, as those who write this name do it.
pub(super) fn usual_axis(decoder: &str) -> Option<Along> {
    match decoder {
        "W_dec" | "w_dec" => Some(Along::Rows),
        // The weight of a torch Linear from features to activations.
        "decoder.weight" => Some(Along::Columns),
        _ => None,
    }
}

/// The useful part of a configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct SaeConfig {
    /// Where its encoder reads.
    pub(super) reads_at: Option<Hook>,
    /// Where its decoder writes, if elsewhere.
    writes_at: Option<Hook>,
    pub(super) head: Option<usize>,
    pub(super) model: Option<String>,
    pub(super) neuronpedia: Option<String>,
    /// The SAE was trained on a model whose writing weights were centred.
    centred: bool,
    /// How it encodes.
    pub(super) encoding: Encoding,
}

/// How an encoder turns an input into activations, as far as it is said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Encoding {
    architecture: Option<String>,
    activation: Option<String>,
    pub(super) k: Option<usize>,
    /// The decoder's bias is subtracted from the input.
    pub(super) subtracts_b_dec: Option<bool>,
    /// How inputs are normed.
    pub(super) normalised: Option<String>,
    /// Activations are those of a decoder with rows of length one.
    pub(super) rescaled: bool,
    /// Activations are multiplied once more.
    pub(super) finetuned: bool,
}

impl Encoding {
    /// The kind of activation without dashes or case: "topk", "jumprelu"; empty if nothing is said.
    pub(super) fn kind(&self) -> String {
        let plain = |name: &String| name.to_lowercase().replace(['-', '_'], "");
        let is_plain = |name: &String| ["standard", "", "relu"].contains(&name.as_str());
        let [architecture, activation] = [&self.architecture, &self.activation]
            .map(|said| said.as_ref().map(plain).unwrap_or_default());
        // Older files say `standard` and name the activation beside it.
        let kind = if is_plain(&architecture) && !is_plain(&activation) {
            activation
        } else {
            architecture
        };
        kind.trim_end_matches("sae").trim_start_matches("matryoshka").to_owned()
    }

    /// The same with another architecture.
    pub(super) fn of(&self, architecture: &str) -> Self {
        Self { architecture: Some(architecture.to_owned()), ..self.clone() }
    }
}

impl SaeConfig {
    /// Reads a configuration; what is missing or of another kind is simply not known.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Ok(json::Lenient { value: config, .. }) = json::parse(bytes) else {
            return Self::default();
        };
        let parts = [config.get("metadata"), config.get("trainer"), Some(&config)];
        let field = |name: &str| parts.into_iter().flatten().find_map(|part| part.get(name));
        let text =
            |names: &[&str]| names.iter().find_map(|name| field(name)?.as_str()).map(str::to_owned);
        let number = |names: &[&str]| {
            let found = names.iter().find_map(|name| field(name)?.as_u64());
            found.and_then(|number| usize::try_from(number).ok())
        };
        let hook = |names: &[&str]| text(names).as_deref().map(Hook::parse);
        let reads_at = hook(&[
            "hook_name",
            "hook_point",
            "hf_hook_point_in",
            "hf_hook_name",
            "submodule_name",
            "hookpoint",
        ]);
        let writes_at = hook(&["hook_name_out", "hook_point_out", "hf_hook_point_out"]);
        let is = |name: &str| field(name).and_then(Value::as_bool);
        let of_activation = ["activation_fn_kwargs", "activation_kwargs"].into_iter();
        let of_activation = of_activation.filter_map(|name| field(name)?.get("k")?.as_u64()).next();
        let encoding = Encoding {
            architecture: text(&["architecture"]),
            activation: text(&["activation_fn_str", "activation_fn", "activation"]),
            k: number(&["k"]).or_else(|| usize::try_from(of_activation?).ok()),
            subtracts_b_dec: is("apply_b_dec_to_input"),
            normalised: text(&["normalize_activations"]),
            rescaled: is("rescale_acts_by_decoder_norm").unwrap_or(false),
            finetuned: is("finetuning_scaling_factor").unwrap_or(false),
        };
        let kwargs = field("model_from_pretrained_kwargs");
        let centred = kwargs.and_then(|k: &Value| k.get("center_writing_weights")?.as_bool());
        Self {
            writes_at: writes_at.filter(|hook| Some(hook) != reads_at.as_ref()),
            reads_at,
            head: number(&["hook_head_index", "hook_point_head_index"]),
            model: text(&["model_name", "lm_name", "model"]),
            neuronpedia: text(&["neuronpedia_id"]),
            centred: centred.unwrap_or(false),
            encoding,
        }
    }

    /// Whether the stream that it was trained on had its mean over `d_model` taken out.
    pub(super) fn is_centred(&self) -> bool {
        self.centred
    }

    /// Where the rows of a matrix live: those of an encoder where it reads, all others where the decoder writes.
    pub(super) fn hook(&self, encoder: bool) -> Option<&Hook> {
        self.writes_at.as_ref().filter(|_| !encoder).or(self.reads_at.as_ref())
    }

    /// What a transcoder is, in a sentence.
    pub(super) fn transcoder(&self) -> Option<String> {
        let (reads, writes) = (self.reads_at.as_ref()?, self.writes_at.as_ref()?);
        Some(format!("A transcoder: it reads at {} and writes at {}.", reads.name, writes.name))
    }

    /// The space of the rows of its decoder, or of its encoder.
    pub(super) fn space(&self, encoder: bool) -> Space {
        match (self.hook(encoder).is_some_and(Hook::is_normed), self.centred) {
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
        assert_eq!(new.hook(false).unwrap().read_from, Some(8));
        assert_eq!(
            (new.space(false), new.neuronpedia.as_deref()),
            (Space::Centred, Some("gpt2-small/8-res-jb"))
        );
        let old = SaeConfig::parse(
            br#"{"hook_point": "blocks.3.attn.hook_z", "hook_point_head_index": 2}"#,
        );
        assert!(old.hook(false).unwrap().is_z() && old.head == Some(2));
        assert_eq!(old.space(false), Space::Raw);
        assert_eq!(SaeConfig::parse(b"not json"), SaeConfig::default());
    }

    #[test]
    fn the_kind_of_activation_is_understood_in_every_spelling() {
        let kind = |config: &str| SaeConfig::parse(config.as_bytes()).encoding.kind();
        assert_eq!(kind(r#"{"architecture": "jump_relu"}"#), "jumprelu");
        assert_eq!(kind(r#"{"architecture": "standard", "activation_fn": "relu"}"#), "standard");
        assert_eq!(kind(r#"{"architecture": "standard", "activation_fn_str": "topk"}"#), "topk");
        assert_eq!(kind(r#"{"activation": "topk", "k": 32}"#), "topk");
        assert_eq!(kind(r#"{"architecture": "matryoshka_batchtopk"}"#), "batchtopk");
        assert_eq!(kind("{}"), "");
        let old = SaeConfig::parse(
            br#"{"activation_fn_kwargs": {"k": 8}, "apply_b_dec_to_input": false}"#,
        );
        assert_eq!((old.encoding.k, old.encoding.subtracts_b_dec), (Some(8), Some(false)));
    }

    #[test]
    fn a_transcoder_writes_elsewhere_than_it_reads() {
        let config = SaeConfig::parse(
            br#"{"metadata": {"hook_name": "blocks.1.ln2.hook_normalized", "hook_name_out": "blocks.1.hook_mlp_out"}}"#,
        );
        assert_eq!(config.hook(false).unwrap().name, "blocks.1.hook_mlp_out");
        assert_eq!((config.space(false), config.space(true)), (Space::Raw, Space::Normed));
        assert!(config.transcoder().unwrap().contains("reads at blocks.1.ln2"));
        let same = SaeConfig::parse(
            br#"{"hf_hook_point_in": "model.layers.1.output", "hf_hook_point_out": "model.layers.1.output"}"#,
        );
        assert!(same.transcoder().is_none() && same.hook(true).unwrap().layer == Some(1));
    }
}
