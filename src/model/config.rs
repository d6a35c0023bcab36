//! `config.json`, with the many spellings of one idea read as one value.
//!
//! Hugging Face writes `n_head`, `num_heads`, `num_attention_heads` for the same thing, and version 5 of transformers moved
//! `rope_theta` into `rope_parameters`. Families ask for a value by all its names; a `null` counts as absent.

use serde_json::{Map, Value};

use super::activation::Activation;
use super::rope::{RopeConfig, Scaling};
use super::{ModelError, config_values};
use crate::checkpoint::json;

/// The values of one `config.json`, or of its text or vision part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    values: Map<String, Value>,
    notes: Vec<String>,
}

impl Config {
    /// Reads a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Config`] if it is not a JSON object, or a value cannot be (−4 heads, ε = −1).
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let bad = |reason: String| ModelError::Config { reason };
        let Value::Object(values) = json::parse(bytes).map_err(bad)?.value else {
            return Err(bad("is not a JSON object".into()));
        };
        let (values, notes) = config_values::checked(values).map_err(bad)?;
        Ok(Self { values, notes })
    }

    /// The object under `key` (`text_config`, `vision_config`), with the outer values behind it.
    pub fn part(&self, key: &str) -> Option<Self> {
        let Some(Value::Object(inner)) = self.values.get(key) else { return None };
        let mut values = self.values.clone();
        // What describes the whole (its type, its tying) must not pass for a property of the part.
        for outer in ["model_type", "text_config", "vision_config", "architectures"] {
            values.remove(outer);
        }
        values.extend(inner.clone());
        Some(Self { values, notes: Vec::new() })
    }

    /// What was read otherwise than it is written: sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// True without a `config.json`.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value under `key`; `null` is absent.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|v| !v.is_null())
    }

    /// `model_type`.
    pub fn model_type(&self) -> Option<&str> {
        self.text("model_type")
    }

    /// A string.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A number, under the first of the names that is there.
    pub fn number(&self, keys: &[&str]) -> Option<f64> {
        keys.iter().find_map(|key| self.get(key).and_then(Value::as_f64))
    }

    /// A size or count, under the first of the names that is there.
    pub fn size(&self, keys: &[&str]) -> Option<usize> {
        keys.iter()
            .find_map(|key| self.get(key).and_then(Value::as_u64))
            .and_then(|x| usize::try_from(x).ok())
    }

    /// A size that the file may switch off with a `null`; where the file does not name it, `default`.
    pub fn size_or(&self, key: &str, default: usize) -> Option<usize> {
        if self.values.contains_key(key) { self.size(&[key]) } else { Some(default) }
    }

    /// A switch, or what it is when nothing says so.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// Width of the residual stream.
    pub fn d_model(&self) -> Option<usize> {
        self.size(&["hidden_size", "n_embd", "dim", "n_embed", "d_model"])
    }

    /// Number of query heads.
    pub fn n_heads(&self) -> Option<usize> {
        self.size(&["num_attention_heads", "n_head", "num_heads", "n_heads", "attention_heads"])
    }

    /// Number of layers.
    pub fn n_layers(&self) -> Option<usize> {
        self.size(&["num_hidden_layers", "n_layer", "num_layers", "n_layers"])
    }

    /// The constant inside a norm's square root.
    pub fn eps(&self, default: f64) -> f64 {
        const NAMES: [&str; 5] =
            ["rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_epsilon", "norm_eps"];
        self.number(&NAMES).unwrap_or(default)
    }

    /// The MLP's non-linearity, under the first of the names that is there.
    pub fn activation(&self, keys: &[&str], default: Activation) -> Activation {
        keys.iter().find_map(|key| self.text(key)).map_or(default, Activation::named)
    }

    /// A soft-cap: the class's own where the config does not speak of it, none where it says `null`.
    pub fn cap(&self, key: &str, default: f64) -> Option<f64> {
        if self.values.contains_key(key) { self.number(&[key]) } else { Some(default) }
    }

    /// For each layer, whether `layer_types` calls it sliding (or local); `otherwise` decides where the list is absent.
    pub fn sliding_layers(&self, n_layers: usize, otherwise: impl Fn(usize) -> bool) -> Vec<bool> {
        let list = self.get("layer_types").and_then(Value::as_array);
        (0..n_layers)
            .map(|l| match list.and_then(|list| list.get(l)).and_then(Value::as_str) {
                Some(kind) => kind.contains("sliding") || kind == "local",
                None => otherwise(l),
            })
            .collect()
    }

    /// For each layer, whether its queries and keys turn: `no_rope_layers` holds a 1 where they do (its name says the opposite),
    /// and where it is absent, every `no_rope_layer_interval`th layer does not.
    pub fn rotary_layers(&self, n_layers: usize) -> Vec<bool> {
        let list = self.get("no_rope_layers").and_then(Value::as_array);
        // An empty list stands for an absent one.
        let list = list.filter(|list| !list.is_empty());
        let every = self.size(&["no_rope_layer_interval"]).unwrap_or(4).max(1);
        let turns = |l: usize| match list.and_then(|list| list.get(l)) {
            Some(value) => value.as_f64() == Some(1.0) || value.as_bool() == Some(true),
            None => !(l + 1).is_multiple_of(every),
        };
        (0..n_layers).map(turns).collect()
    }

    /// True if the file says anything about the rotary embedding's stretching.
    pub fn has_rope(&self) -> bool {
        self.get("rope_parameters").or(self.get("rope_scaling")).is_some()
    }

    /// True if the file has settings of the rotary embedding for one type of layer.
    pub fn has_rope_of(&self, layer_type: &str) -> bool {
        self.get("rope_parameters").is_some_and(|p| p.get(layer_type).is_some())
    }

    /// The rotary embedding: version 5's `rope_parameters` (of `layer_type`, where they are nested), else version 4's keys.
    pub fn rope(&self, layer_type: &str, default_theta: f64, default_fraction: f64) -> RopeConfig {
        let parameters = self.get("rope_parameters").map(|p| p.get(layer_type).unwrap_or(p));
        let scaling = self.get("rope_scaling");
        let theta_v4 = self.number(&["rope_theta", "rotary_emb_base"]);
        let fraction_v4 = self.number(&["partial_rotary_factor", "rotary_pct"]);
        let number = |key: &str| parameters.and_then(|p| p.get(key)).and_then(Value::as_f64);
        RopeConfig {
            theta: number("rope_theta").or(theta_v4).unwrap_or(default_theta),
            fraction: number("partial_rotary_factor").or(fraction_v4).unwrap_or(default_fraction),
            scaling: parameters.or(scaling).map_or(Scaling::None, |p| self.scaling(p)),
        }
    }

    fn scaling(&self, p: &Value) -> Scaling {
        let number = |key: &str| p.get(key).and_then(Value::as_f64);
        let list = |key: &str| -> Vec<f64> {
            p.get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_f64)
                .collect()
        };
        let kind = p
            .get("rope_type")
            .or_else(|| p.get("type"))
            .and_then(Value::as_str)
            .unwrap_or("default");
        let longest = self.number(&["max_position_embeddings"]);
        let original = number("original_max_position_embeddings")
            .or_else(|| self.number(&["original_max_position_embeddings"]))
            .or(longest)
            .unwrap_or(8192.0);
        let stretch = longest.map_or(1.0, |l| l / original);
        match kind {
            "default" => Scaling::None,
            "linear" => Scaling::Linear { factor: number("factor").unwrap_or(1.0) },
            "llama3" => Scaling::Llama3 {
                factor: number("factor").unwrap_or(8.0),
                low: number("low_freq_factor").unwrap_or(1.0),
                high: number("high_freq_factor").unwrap_or(4.0),
                original,
            },
            "yarn" => Scaling::Yarn {
                factor: number("factor").unwrap_or(stretch),
                original,
                beta_fast: number("beta_fast").unwrap_or(32.0),
                beta_slow: number("beta_slow").unwrap_or(1.0),
                attention_factor: number("attention_factor"),
                mscale: number("mscale").zip(number("mscale_all_dim")),
                truncate: p.get("truncate").and_then(Value::as_bool).unwrap_or(true),
            },
            "longrope" | "su" => Scaling::LongRope {
                short: list("short_factor"),
                long: list("long_factor"),
                original,
                factor: number("factor").unwrap_or(stretch),
                attention_factor: number("attention_factor"),
            },
            "dynamic" => match number("alpha") {
                Some(alpha) => Scaling::Alpha { alpha },
                // It changes nothing within the trained context.
                None => Scaling::None,
            },
            "proportional" => Scaling::Proportional,
            other => Scaling::Unknown(other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Config {
        Config::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn every_spelling_of_a_size_is_read() {
        for json in [r#"{"n_head": 4, "n_embd": 32}"#, r#"{"num_heads": 4, "hidden_size": 32}"#] {
            assert_eq!((config(json).n_heads(), config(json).d_model()), (Some(4), Some(32)));
        }
        assert_eq!(config(r#"{"head_dim": null}"#).size(&["head_dim"]), None);
    }

    #[test]
    fn version_4_and_version_5_rotary_settings_read_the_same() {
        let v4 = config(
            r#"{"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}"#,
        );
        let v5 = config(
            r#"{"rope_parameters": {"rope_theta": 5e5, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 32}}"#,
        );
        assert_eq!(v4.rope("full_attention", 1e4, 1.0), v5.rope("full_attention", 1e4, 1.0));
        let nested = config(
            r#"{"rope_parameters": {"full_attention": {"rope_theta": 1e6}, "sliding_attention": {}}}"#,
        );
        assert_eq!(nested.rope("full_attention", 1e4, 1.0).theta, 1e6);
        assert_eq!(nested.rope("sliding_attention", 1e4, 1.0).theta, 1e4);
        assert_eq!(config(r#"{"rotary_pct": 0.25}"#).rope("", 1e4, 1.0).fraction, 0.25);
    }

    #[test]
    fn a_text_part_hides_the_type_of_the_whole() {
        let whole = config(
            r#"{"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 8}}"#,
        );
        let text = whole.part("text_config").unwrap();
        assert_eq!((text.model_type(), text.d_model()), (Some("gemma3_text"), Some(8)));
        assert!(whole.part("vision_config").is_none());
    }

    #[test]
    fn broken_json_is_an_error_not_a_panic() {
        for bytes in [&b"["[..], b"[1]", b"\xff\xfe", b""] {
            assert!(matches!(Config::parse(bytes), Err(ModelError::Config { .. })));
        }
    }
}
