//! What `config.json` says about quantised weights, where shapes leave it open.

use serde_json::Value;

/// The quantisation settings of a checkpoint; empty without any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    settings: Option<Value>,
}

/// Methods whose weights are not decoded, whatever their tensors look like.
const REFUSED: [&str; 13] = [
    "aqlm",
    "vptq",
    "spqr",
    "quip",
    "quip#",
    "higgs",
    "hqq",
    "eetq",
    "quanto",
    "torchao",
    "bitnet",
    "modelopt_fp4",
    "fp_quant",
];

impl Settings {
    /// From a parsed `config.json`: `quantization_config`, `compression_config`, MLX's `quantization`; of the whole or its text part.
    pub(crate) fn of(config: &Value) -> Settings {
        let parts = [Some(config), config.get("text_config")];
        let keys = ["quantization_config", "quantization", "compression_config"];
        let found = parts.into_iter().flatten().find_map(|part| {
            keys.iter().find_map(|key| part.get(key).filter(|value| value.is_object()))
        });
        Settings { settings: found.cloned() }
    }

    /// The method, as the file names it.
    pub(crate) fn method(&self) -> Option<&str> {
        let settings = self.settings.as_ref()?;
        let said = settings.get("quant_method").or_else(|| settings.get("format"))?;
        said.as_str()
    }

    /// The method, if it is one that is not decoded.
    pub(super) fn refused(&self) -> Option<&str> {
        let format = self.settings.as_ref().and_then(|settings| settings.get("format")?.as_str());
        let methods = [self.method(), format];
        methods
            .into_iter()
            .flatten()
            .find(|method| REFUSED.contains(method) || method.contains("nvfp4"))
    }

    /// A number, under the first of the names that is there; a module's own setting before the general one.
    pub(super) fn number(&self, module: &str, keys: &[&str]) -> Option<usize> {
        let settings = self.settings.as_ref()?;
        let own = settings.get(module);
        let number = |part: &Value| {
            keys.iter()
                .find_map(|key| part.get(key)?.as_u64())
                .and_then(|n| usize::try_from(n).ok())
        };
        own.and_then(number).or_else(|| number(settings))
    }

    /// A text, a module's own before the general one.
    pub(super) fn text(&self, module: &str, key: &str) -> Option<&str> {
        let settings = self.settings.as_ref()?;
        let own = settings.get(module).and_then(|own| own.get(key));
        own.or_else(|| settings.get(key))?.as_str()
    }

    /// Rows and columns of a block with one scale, `weight_block_size`.
    pub(super) fn block(&self) -> Option<[usize; 2]> {
        let list = self.settings.as_ref()?.get("weight_block_size")?.as_array()?;
        let size = |i: usize| {
            list.get(i)?.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0)
        };
        Some([size(0)?, size(1)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> Settings {
        Settings::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn settings_are_found_under_each_spelling() {
        let mlx =
            settings(r#"{"quantization": {"bits": 4, "group_size": 64, "model.x": {"bits": 8}}}"#);
        assert_eq!(mlx.number("model.y", &["bits"]), Some(4));
        assert_eq!(mlx.number("model.x", &["bits"]), Some(8));
        assert_eq!(mlx.number("model.x", &["group_size"]), Some(64));
        let inner = settings(
            r#"{"text_config": {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 64]}}}"#,
        );
        assert_eq!((inner.method(), inner.block()), (Some("fp8"), Some([128, 64])));
        assert!(settings(r#"{"quantization_config": null}"#).method().is_none());
    }

    #[test]
    fn what_is_not_decoded_is_known_by_name() {
        assert_eq!(
            settings(r#"{"quantization_config": {"quant_method": "hqq"}}"#).refused(),
            Some("hqq")
        );
        let nvfp4 = settings(
            r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}}"#,
        );
        assert_eq!(nvfp4.refused(), Some("nvfp4-pack-quantized"));
        assert!(
            settings(r#"{"quantization_config": {"quant_method": "awq"}}"#).refused().is_none()
        );
    }
}
