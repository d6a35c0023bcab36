//! A trained toy as a checkpoint that the rest of the product opens: one layer, one head, the features as its vocabulary.
//!
//! The layout is Llama's, whose norm has no mean to subtract and here a gain of one, so that folded and raw weights are the
//! toy's own: `Ω` of "L0H0" is the trained Ω, and the token embeddings are the true features. A toy has no values: W_V and W_O
//! are zero. Rotary turns planes, so an odd head gets one more column of zeros, which adds a null direction.

use crate::checkpoint::{self, Named};
use crate::toy::{Config, Params, ToyError};
use serde_json::{Value, json};

/// Width of the head in the file: `d_head`, or one more if that is odd.
fn width(config: &Config) -> usize {
    config.d_head.next_multiple_of(2)
}

/// The `model.safetensors` of a toy, in `f64`: nothing is rounded.
///
/// Beside the layer it holds what the run was about: `toy.bias` `[N]` and `toy.template` `[N, N]`.
///
/// # Errors
/// [`ToyError::Length`] if parameters and settings do not fit, [`ToyError::Export`] if the file cannot be put together.
pub fn to_safetensors(config: &Config, params: &Params) -> Result<Vec<u8>, ToyError> {
    params.check(config)?;
    let (n, d, h, wide) = (config.n_features, config.d_model, config.d_head, width(config));
    let attention = |name: &str| format!("model.layers.0.self_attn.{name}.weight");
    let mlp = |name: &str| format!("model.layers.0.mlp.{name}.weight");
    let gain = |name: &str| format!("model.{name}.weight");
    // Written as the linear layers of torch are, [out, in].
    let projection = |w: &[f64]| -> Vec<f64> {
        (0..wide)
            .flat_map(|c| (0..d).map(move |r| if c < h { w[r * h + c] } else { 0.0 }))
            .collect()
    };
    let arrays = [
        Named::f64("model.embed_tokens.weight", &[n, d], params.features.clone()),
        Named::f64(attention("q_proj"), &[wide, d], projection(&params.w_q)),
        Named::f64(attention("k_proj"), &[wide, d], projection(&params.w_k)),
        Named::f64(attention("v_proj"), &[wide, d], vec![0.0; wide * d]),
        Named::f64(attention("o_proj"), &[d, wide], vec![0.0; wide * d]),
        Named::f64(gain("layers.0.input_layernorm"), &[d], vec![1.0; d]),
        Named::f64(gain("layers.0.post_attention_layernorm"), &[d], vec![1.0; d]),
        Named::f64(gain("norm"), &[d], vec![1.0; d]),
        Named::f64(mlp("gate_proj"), &[1, d], vec![0.0; d]),
        Named::f64(mlp("up_proj"), &[1, d], vec![0.0; d]),
        Named::f64(mlp("down_proj"), &[d, 1], vec![0.0; d]),
        Named::f64("toy.bias", &[n], params.bias.clone()),
        Named::f64("toy.template", &[n, n], config.template.matrix(n)),
    ];
    let about = [("format", "pt".to_owned()), ("toy", run_json(config)?)];
    checkpoint::to_safetensors(&arrays, &about).map_err(|e| ToyError::Export(e.to_string()))
}

/// The `config.json` beside it: a one-layer Llama, and under `"toy"` the whole run.
///
/// # Errors
/// [`ToyError::Export`] if the settings cannot be written.
pub fn to_config_json(config: &Config) -> Result<String, ToyError> {
    let run: Value =
        serde_json::from_str(&run_json(config)?).map_err(|e| ToyError::Export(e.to_string()))?;
    let whole = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": config.d_model,
        "head_dim": width(config),
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "num_hidden_layers": 1,
        "intermediate_size": 1,
        "vocab_size": config.n_features,
        "max_position_embeddings": config.n_keys + 1,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": config.rope.unwrap_or(10_000.0),
        "partial_rotary_factor": if config.rope.is_some() { 1.0 } else { 0.0 },
        "tie_word_embeddings": true,
        "torch_dtype": "float64",
        "toy": run,
    });
    serde_json::to_string_pretty(&whole).map_err(|e| ToyError::Export(e.to_string()))
}

/// Names of the features, as a dictionary shows them: attended ones say with whom.
pub fn feature_labels(config: &Config) -> Vec<String> {
    let entries = config.template.entries();
    let label = |i: usize| {
        let asks = entries.iter().filter(|e| e.query == i).map(|e| format!("wants {}", e.key));
        let asked = entries.iter().filter(|e| e.key == i).map(|e| format!("wanted by {}", e.query));
        let roles: Vec<String> = asks.chain(asked).collect();
        if roles.is_empty() {
            format!("feature {i}")
        } else {
            format!("feature {i} ({})", roles.join(", "))
        }
    };
    (0..config.n_features).map(label).collect()
}

/// The same as single words, so that a prompt of features can be typed: `f0(wants·1)`.
pub fn feature_words(config: &Config) -> Vec<String> {
    let word = |label: String| label.replace("feature ", "f").replace(" (", "(").replace(' ', "·");
    feature_labels(config).into_iter().map(word).collect()
}

fn run_json(config: &Config) -> Result<String, ToyError> {
    serde_json::to_string(config).map_err(|e| ToyError::Export(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_head_and_the_features_to_the_bit() {
        let config = Config { d_head: 5, ..Config::default() };
        let params = Params::initial(&config);
        let bytes = to_safetensors(&config, &params).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let read = |name: &str| -> (Vec<usize>, Vec<f64>) {
            let tensor = file.tensor(name).unwrap();
            let values =
                tensor.data().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
            (tensor.shape().to_vec(), values)
        };
        assert_eq!(read("model.embed_tokens.weight"), (vec![20, 10], params.features.clone()));
        let (shape, w_q) = read("model.layers.0.self_attn.q_proj.weight");
        assert_eq!(shape, [6, 10]);
        assert_eq!(w_q[3 * 10 + 7], params.w_q[7 * 5 + 3]);
        assert!(w_q[50..].iter().all(|x| *x == 0.0));
        let whole: Value = serde_json::from_str(&to_config_json(&config).unwrap()).unwrap();
        assert_eq!(serde_json::from_value::<Config>(whole["toy"].clone()).unwrap(), config);
        assert_eq!(
            feature_labels(&config)[..3],
            ["feature 0 (wants 1)", "feature 1 (wanted by 0)", "feature 2"]
        );
        assert_eq!(feature_words(&config)[..2], ["f0(wants·1)", "f1(wanted·by·0)"]);
    }
}
