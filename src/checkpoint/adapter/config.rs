//! `adapter_config.json`: which kind of adapter, and how strongly each module is changed.

use serde_json::{Map, Value};

use super::pattern;
use crate::checkpoint::error::quoted;
use crate::checkpoint::{CheckpointError, json};

/// PEFT's own default, which its files leave out.
const ALPHA: f64 = 8.0;

/// The settings of an adapter; without a file PEFT's defaults for LoRA.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdapterConfig {
    peft_type: String,
    alpha: Option<f64>,
    alpha_by_module: Map<String, Value>,
    by_root: bool,
    dora: bool,
    /// Weights lie `[d_in, d_out]` in the model (GPT-2).
    pub(super) fan_in_fan_out: bool,
    /// The model that it was made for, where the file says it.
    pub(crate) base: Option<String>,
}

impl AdapterConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// [`CheckpointError::BadJson`] if it is no JSON object.
    pub(crate) fn parse(bytes: &[u8]) -> Result<AdapterConfig, CheckpointError> {
        let bad = |reason: String| CheckpointError::BadJson {
            file: "adapter_config.json".to_owned(),
            reason,
        };
        let Value::Object(values) = json::parse(bytes).map_err(bad)?.value else {
            return Err(bad("is no JSON object".to_owned()));
        };
        let flag = |key: &str| values.get(key).and_then(Value::as_bool).unwrap_or(false);
        let text = |key: &str| values.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(AdapterConfig {
            peft_type: text("peft_type").unwrap_or_default().to_uppercase(),
            alpha: values.get("lora_alpha").and_then(Value::as_f64),
            alpha_by_module: values
                .get("alpha_pattern")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            by_root: flag("use_rslora"),
            dora: flag("use_dora"),
            fan_in_fan_out: flag("fan_in_fan_out"),
            base: text("base_model_name_or_path").filter(|name| !name.is_empty()),
        })
    }

    /// What it is called.
    pub(crate) fn kind(&self) -> String {
        match (self.peft_type.as_str(), self.dora, self.by_root) {
            ("" | "LORA", true, _) => "a DoRA adapter".to_owned(),
            ("" | "LORA", false, true) => "an rsLoRA adapter".to_owned(),
            ("" | "LORA", false, false) => "a LoRA adapter".to_owned(),
            ("IA3", ..) => "an IA3 adapter".to_owned(),
            ("PROMPT_TUNING" | "P_TUNING" | "PREFIX_TUNING" | "MULTITASK_PROMPT_TUNING", ..) => {
                format!(
                    "an adapter of learned prompts ({})",
                    self.peft_type.to_lowercase().replace('_', " ")
                )
            }
            (other, ..) => format!("an adapter of the kind {}", quoted(other)),
        }
    }

    /// True if its corrections are read here.
    pub(crate) fn is_lora(&self) -> bool {
        ["", "LORA"].contains(&self.peft_type.as_str())
    }

    /// What was assumed where the file says nothing.
    pub(crate) fn assumed(&self) -> Option<String> {
        self.alpha.is_none().then(|| {
            format!("The adapter does not say lora_alpha: PEFT's default {ALPHA} was taken.")
        })
    }

    /// The factor on `B A` of a module.
    ///
    /// # Errors
    /// [`CheckpointError::AdapterParts`] for a pattern that is not understood, or an α that is no number.
    pub(super) fn scale(&self, module: &str, rank: usize) -> Result<f64, CheckpointError> {
        let mut alpha = self.alpha.unwrap_or(ALPHA);
        for (key, value) in &self.alpha_by_module {
            let fits = pattern::fits(key, module).ok_or_else(|| CheckpointError::AdapterParts {
                reason: format!("its alpha_pattern {} is not understood here", quoted(key)),
            })?;
            if fits {
                alpha = value.as_f64().ok_or_else(|| CheckpointError::AdapterParts {
                    reason: format!("its alpha_pattern gives {} no number", quoted(key)),
                })?;
                break;
            }
        }
        let rank = rank as f64;
        Ok(if self.by_root { alpha / rank.sqrt() } else { alpha / rank })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> AdapterConfig {
        AdapterConfig::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn scales_follow_alpha_rank_and_pattern() {
        let plain = config(r#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16}"#);
        assert_eq!(plain.scale("h.0.q", 4).unwrap(), 4.0);
        let root = config(
            r#"{"lora_alpha": 16, "use_rslora": true, "alpha_pattern": {"layers.1.q_proj": 2, "k_proj": 6}}"#,
        );
        assert_eq!(root.scale("model.layers.0.q_proj", 4).unwrap(), 8.0);
        assert_eq!(root.scale("model.layers.1.q_proj", 4).unwrap(), 1.0);
        assert_eq!(root.scale("model.layers.11.q_proj", 4).unwrap(), 8.0);
        assert_eq!(root.scale("model.layers.1.k_proj", 4).unwrap(), 3.0);
        assert!(config(r#"{"alpha_pattern": {"(a": 1}}"#).scale("b", 1).is_err());
        assert_eq!(config("{}").scale("b", 4).unwrap(), 2.0);
        assert!(config("{}").assumed().is_some() && plain.assumed().is_none());
    }

    #[test]
    fn every_kind_has_its_name() {
        assert_eq!(config(r#"{"peft_type": "LORA", "use_dora": true}"#).kind(), "a DoRA adapter");
        assert!(config(r#"{"peft_type": "PROMPT_TUNING"}"#).kind().contains("learned prompts"));
        assert!(!config(r#"{"peft_type": "IA3"}"#).is_lora());
        assert!(AdapterConfig::parse(b"[1]").is_err());
    }
}
