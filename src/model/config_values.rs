//! The values of a `config.json`, checked before anybody believes them: text that is a number becomes one, a list of equal
//! numbers becomes that number, and what cannot be (−4 heads, ε = −1) is an error in words.

use serde_json::{Map, Number, Value};

use crate::checkpoint::quoting;

/// What a number has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A whole number from 1 on.
    Count,
    /// A whole number from 0 on.
    Whole,
    /// Above zero.
    Positive,
    /// Zero or above it.
    NotNegative,
    /// Any number that is one.
    Finite,
}

/// What is known of a key, whichever part of the file it stands in.
const KEYS: &[(Kind, &[&str])] = &[
    (
        Kind::Count,
        &[
            "hidden_size",
            "n_embd",
            "dim",
            "n_embed",
            "d_model",
            "num_attention_heads",
            "n_head",
            "num_heads",
            "n_heads",
            "attention_heads",
            "encoder_attention_heads",
            "decoder_attention_heads",
            "num_hidden_layers",
            "n_layer",
            "num_layers",
            "n_layers",
            "encoder_layers",
            "decoder_layers",
            "num_key_value_heads",
            "n_kv_heads",
            "num_kv_heads",
            "n_key_value_heads",
            "head_dim",
            "d_head",
            "d_kv",
            "global_head_dim",
            "vocab_size",
            "intermediate_size",
            "patch_size",
            "image_size",
        ],
    ),
    (
        Kind::Whole,
        &[
            "kv_lora_rank",
            "q_lora_rank",
            "qk_rope_head_dim",
            "qk_nope_head_dim",
            "v_head_dim",
            "num_experts",
            "num_local_experts",
            "n_routed_experts",
            "num_experts_per_tok",
            "first_k_dense_replace",
            "max_window_layers",
        ],
    ),
    (
        Kind::Positive,
        &[
            "rms_norm_eps",
            "layer_norm_epsilon",
            "layer_norm_eps",
            "norm_eps",
            "norm_epsilon",
            "rope_theta",
            "rotary_emb_base",
            "global_rope_theta",
            "local_rope_theta",
            "rope_local_base_freq",
            "max_position_embeddings",
            "n_positions",
            "query_pre_attn_scalar",
            "attention_multiplier",
            "embedding_multiplier",
            "residual_multiplier",
            "logits_scaling",
        ],
    ),
    // A rotary share of 0 turns nothing, as in a toy without positions.
    (Kind::NotNegative, &["partial_rotary_factor", "rotary_pct"]),
    (
        Kind::Finite,
        &[
            "logit_scale",
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "routed_scaling_factor",
        ],
    ),
];

/// The parts of a file that describe a model of their own, or its rotary embedding.
const PARTS: [&str; 9] = [
    "text_config",
    "vision_config",
    "audio_config",
    "encoder",
    "decoder",
    "rope_parameters",
    "rope_scaling",
    "full_attention",
    "sliding_attention",
];

/// The values with numbers as numbers, and what was read otherwise than it is written.
///
/// # Errors
/// What cannot be, to follow "config.json".
pub(super) fn checked(
    values: Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<String>), String> {
    let mut notes = Vec::new();
    let values = part(values, &mut notes)?;
    Ok((values, notes))
}

fn part(values: Map<String, Value>, notes: &mut Vec<String>) -> Result<Map<String, Value>, String> {
    let mut checked = Map::new();
    for (key, value) in values {
        let kind =
            KEYS.iter().find(|(_, keys)| keys.contains(&key.as_str())).map(|(kind, _)| *kind);
        let value = match (kind, value) {
            (_, Value::Null) => Value::Null,
            (Some(kind), Value::Array(list)) => list_of(&key, kind, list, notes)?,
            (Some(kind), value) => number(&key, kind, value, notes)?,
            (None, Value::Object(inner)) if PARTS.contains(&key.as_str()) => {
                Value::Object(part(inner, notes)?)
            }
            (None, value) => value,
        };
        checked.insert(key, value);
    }
    Ok(checked)
}

/// A list with one number per layer: that number, if they are all the same.
fn list_of(
    key: &str,
    kind: Kind,
    list: Vec<Value>,
    notes: &mut Vec<String>,
) -> Result<Value, String> {
    // A layer may have none of what others have.
    let kind = if kind == Kind::Count { Kind::Whole } else { kind };
    let list = list
        .into_iter()
        .map(|value| number(key, kind, value, notes))
        .collect::<Result<Vec<_>, _>>()?;
    match list.first() {
        Some(first) if list.iter().all(|value| value == first) => {
            notes.push(format!(
                "config.json lists {key} for {} layers; it is {first} in all of them.",
                list.len()
            ));
            Ok(first.clone())
        }
        _ => Ok(Value::Array(list)),
    }
}

fn number(key: &str, kind: Kind, value: Value, notes: &mut Vec<String>) -> Result<Value, String> {
    let said = |value: &Value| match value {
        Value::String(text) => quoting::comment(text).chars().take(60).collect::<String>(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    };
    let number = match &value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().replace('_', "").parse::<f64>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        return Err(format!("says {key}: {}, which is no number", said(&value)));
    };
    let whole = number.fract() == 0.0 && number.abs() < 9e15;
    let (fits, must) = match kind {
        Kind::Count => (whole && number >= 1.0, "a whole number from 1 on"),
        Kind::Whole => (whole && number >= 0.0, "a whole number from 0 on"),
        Kind::Positive => (number.is_finite() && number > 0.0, "a number above zero"),
        Kind::NotNegative => (number.is_finite() && number >= 0.0, "a number from 0 on"),
        Kind::Finite => (number.is_finite(), "a number"),
    };
    if !fits {
        return Err(format!(
            "says {key}: {}; it must be {must}. Mend that line, or open the files without config.json",
            said(&value)
        ));
    }
    if value.is_string() {
        notes.push(format!("config.json writes {key} as text; it was read as {number}."));
    }
    let integral = matches!(kind, Kind::Count | Kind::Whole);
    Ok(match (integral, Number::from_f64(number)) {
        (true, _) => Value::from(number as u64),
        (false, Some(number)) => Value::Number(number),
        (false, None) => value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(Map<String, Value>, Vec<String>), String> {
        checked(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        let (values, notes) = read(
            r#"{"num_attention_heads": 4.0, "rope_theta": "1000000", "num_key_value_heads": [2, 2.0, "2"], "head_dim": null,
                "text_config": {"n_head": "8"}, "rope_parameters": {"full_attention": {"rope_theta": "1e4"}}, "auto_map": ["x"]}"#,
        )
        .unwrap();
        assert_eq!(values["num_attention_heads"], 4);
        assert_eq!(values["rope_theta"], 1_000_000.0);
        assert_eq!(values["num_key_value_heads"], 2);
        assert_eq!(values["text_config"]["n_head"], 8);
        assert_eq!(values["rope_parameters"]["full_attention"]["rope_theta"], 1e4);
        assert_eq!(
            (values["head_dim"].clone(), values["auto_map"][0].clone()),
            (Value::Null, "x".into())
        );
        assert_eq!(notes.len(), 5, "{notes:?}");
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        for (json, word) in [
            (r#"{"n_head": -4}"#, "n_head: -4"),
            (r#"{"n_head": 0}"#, "from 1 on"),
            (r#"{"num_attention_heads": 4.5}"#, "4.5"),
            (r#"{"layer_norm_epsilon": -1}"#, "above zero"),
            (r#"{"rope_theta": "Infinity"}"#, "Infinity"),
            (r#"{"rms_norm_eps": 0}"#, "above zero"),
            (r#"{"rotary_pct": -0.5}"#, "from 0 on"),
            (r#"{"hidden_size": "wide"}"#, "no number"),
            (r#"{"hidden_size": true}"#, "no number"),
            (r#"{"text_config": {"num_heads": -1}}"#, "num_heads"),
            (r#"{"num_key_value_heads": [2, -2]}"#, "-2"),
            (r#"{"logit_scale": "NaN"}"#, "NaN"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(word), "{json}: {error}");
        }
    }

    #[test]
    fn lists_that_differ_stay_lists() {
        let (values, notes) = read(r#"{"num_key_value_heads": [2, 0, 4]}"#).unwrap();
        assert_eq!((values["num_key_value_heads"].as_array().unwrap().len(), notes.len()), (3, 0));
    }
}
