//! Well-known checkpoints by their sizes, for files that come without `config.json`.
//!
//! Tensors do not say how many heads share a matrix, nor the rotary base. Each row states what the family's defaults do not.

use super::ModelError;
use super::config::Config;

/// A well-known checkpoint.
pub struct KnownCheckpoint {
    /// What it is called.
    pub label: &'static str,
    /// The settings that tensors do not say, as in its `config.json`.
    pub config: &'static str,
    key: (&'static str, usize, usize, usize),
}

const fn row(
    family: &'static str,
    d_model: usize,
    n_layers: usize,
    d_vocab: usize,
    label: &'static str,
    config: &'static str,
) -> KnownCheckpoint {
    KnownCheckpoint { label, config, key: (family, d_model, n_layers, d_vocab) }
}

const HEADS_4: &str = r#"{"num_attention_heads": 4}"#;
const HEADS_8: &str = r#"{"num_attention_heads": 8}"#;
const HEADS_12: &str = r#"{"num_attention_heads": 12}"#;
const HEADS_16: &str = r#"{"num_attention_heads": 16}"#;
const HEADS_20: &str = r#"{"num_attention_heads": 20}"#;
const HEADS_32: &str = r#"{"num_attention_heads": 32}"#;
const HEADS_40: &str = r#"{"num_attention_heads": 40}"#;

/// `d_vocab` is 0 where a model has none.
static TABLE: [KnownCheckpoint; 72] = [
    row("gpt2", 768, 12, 50257, "GPT-2 small", HEADS_12),
    row("gpt2", 768, 6, 50257, "DistilGPT-2", HEADS_12),
    row("gpt2", 1024, 24, 50257, "GPT-2 medium", HEADS_16),
    row("gpt2", 1280, 36, 50257, "GPT-2 large", HEADS_20),
    row("gpt2", 1600, 48, 50257, "GPT-2 XL", r#"{"num_attention_heads": 25}"#),
    row("gpt_neox", 128, 6, 50304, "Pythia 14M", HEADS_4),
    row("gpt_neox", 256, 6, 50304, "Pythia 31M", HEADS_8),
    row("gpt_neox", 512, 6, 50304, "Pythia 70M", HEADS_8),
    row("gpt_neox", 768, 12, 50304, "Pythia 160M", HEADS_12),
    row("gpt_neox", 1024, 24, 50304, "Pythia 410M", HEADS_16),
    row("gpt_neox", 2048, 16, 50304, "Pythia 1B", HEADS_8),
    row("gpt_neox", 2048, 24, 50304, "Pythia 1.4B", HEADS_16),
    row("gpt_neox", 2560, 32, 50304, "Pythia 2.8B", HEADS_32),
    row("gpt_neox", 4096, 32, 50432, "Pythia 6.9B", HEADS_32),
    row("gpt_neox", 5120, 36, 50688, "Pythia 12B", HEADS_40),
    row(
        "gpt_neox",
        6144,
        44,
        50432,
        "GPT-NeoX 20B",
        r#"{"num_attention_heads": 64, "hidden_act": "gelu_fast"}"#,
    ),
    row("gpt_neo", 64, 8, 50257, "TinyStories 1M", HEADS_16),
    row("gpt_neo", 128, 8, 50257, "TinyStories 3M", HEADS_16),
    row("gpt_neo", 256, 8, 50257, "TinyStories 8M", HEADS_16),
    row("gpt_neo", 512, 8, 50257, "TinyStories 28M", HEADS_16),
    row("gpt_neo", 768, 4, 50257, "TinyStories 33M", HEADS_16),
    row("gpt_neo", 768, 12, 50257, "GPT-Neo 125M", HEADS_12),
    row("gpt_neo", 2048, 24, 50257, "GPT-Neo 1.3B", HEADS_16),
    row("gpt_neo", 2560, 32, 50257, "GPT-Neo 2.7B", HEADS_20),
    row("gptj", 4096, 28, 50400, "GPT-J 6B", HEADS_16),
    row(
        "llama",
        4096,
        32,
        32000,
        "Llama 7B or Mistral 7B",
        r#"{"num_attention_heads": 32, "rms_norm_eps": 1e-5}"#,
    ),
    row(
        "llama",
        5120,
        40,
        32000,
        "Llama 13B",
        r#"{"num_attention_heads": 40, "rms_norm_eps": 1e-5}"#,
    ),
    row(
        "llama",
        8192,
        80,
        32000,
        "Llama 2 70B",
        r#"{"num_attention_heads": 64, "rms_norm_eps": 1e-5}"#,
    ),
    row(
        "llama",
        2048,
        22,
        32000,
        "TinyLlama 1.1B",
        r#"{"num_attention_heads": 32, "rms_norm_eps": 1e-5}"#,
    ),
    row(
        "llama",
        4096,
        32,
        128_256,
        "Llama 3 8B",
        r#"{"num_attention_heads": 32, "rms_norm_eps": 1e-5, "rope_theta": 500000.0}"#,
    ),
    row(
        "llama",
        2048,
        16,
        128_256,
        "Llama 3.2 1B",
        r#"{"num_attention_heads": 32, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3",
            "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"#,
    ),
    row(
        "llama",
        3072,
        28,
        128_256,
        "Llama 3.2 3B",
        r#"{"num_attention_heads": 24, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3",
            "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}"#,
    ),
    row(
        "llama",
        576,
        30,
        49152,
        "SmolLM2 135M",
        r#"{"num_attention_heads": 9, "rms_norm_eps": 1e-5, "rope_theta": 1e5}"#,
    ),
    row(
        "llama",
        960,
        32,
        49152,
        "SmolLM2 360M",
        r#"{"num_attention_heads": 15, "rms_norm_eps": 1e-5, "rope_theta": 1e5}"#,
    ),
    row(
        "qwen2",
        896,
        24,
        151_936,
        "Qwen 2.5 0.5B",
        r#"{"num_attention_heads": 14, "rope_theta": 1e6}"#,
    ),
    row(
        "qwen2",
        1536,
        28,
        151_936,
        "Qwen 2.5 1.5B",
        r#"{"num_attention_heads": 12, "rope_theta": 1e6}"#,
    ),
    row(
        "qwen2",
        2048,
        36,
        151_936,
        "Qwen 2.5 3B",
        r#"{"num_attention_heads": 16, "rope_theta": 1e6}"#,
    ),
    row(
        "qwen2",
        3584,
        28,
        152_064,
        "Qwen 2.5 7B",
        r#"{"num_attention_heads": 28, "rope_theta": 1e6}"#,
    ),
    row(
        "qwen3",
        1024,
        28,
        151_936,
        "Qwen 3 0.6B",
        r#"{"num_attention_heads": 16, "rope_theta": 1e6}"#,
    ),
    row(
        "qwen3",
        2048,
        28,
        151_936,
        "Qwen 3 1.7B",
        r#"{"num_attention_heads": 16, "rope_theta": 1e6}"#,
    ),
    row("gemma2", 2304, 26, 256_000, "Gemma 2 2B", HEADS_8),
    row("gemma2", 3584, 42, 256_000, "Gemma 2 9B", HEADS_16),
    row("phi", 2048, 24, 51200, "Phi-1 or Phi-1.5", HEADS_32),
    row(
        "phi",
        2560,
        32,
        51200,
        "Phi-2",
        r#"{"num_attention_heads": 32, "partial_rotary_factor": 0.4}"#,
    ),
    row("phi3", 3072, 32, 32064, "Phi-3 mini", HEADS_32),
    row(
        "phi3",
        3072,
        32,
        200_064,
        "Phi-4 mini",
        r#"{"num_attention_heads": 24, "partial_rotary_factor": 0.75}"#,
    ),
    row(
        "phi3",
        5120,
        40,
        100_352,
        "Phi-4",
        r#"{"num_attention_heads": 40, "rope_theta": 250000.0}"#,
    ),
    row("opt", 768, 12, 50272, "OPT 125M", HEADS_12),
    row("opt", 1024, 24, 50272, "OPT 350M", HEADS_16),
    row("opt", 2048, 24, 50272, "OPT 1.3B", HEADS_32),
    row("opt", 2560, 32, 50272, "OPT 2.7B", HEADS_32),
    row("bloom", 1024, 24, 250_880, "BLOOM 560M", HEADS_16),
    row("bloom", 1536, 24, 250_880, "BLOOM 1.1B", HEADS_16),
    row("bloom", 4096, 30, 250_880, "BLOOM 7.1B", HEADS_32),
    row("falcon", 4544, 32, 65024, "Falcon 7B", r#"{"num_attention_heads": 71}"#),
    row("falcon", 8192, 60, 65024, "Falcon 40B", r#"{"num_attention_heads": 128}"#),
    row("falcon", 2048, 24, 50304, "Falcon RW 1B", r#"{"num_attention_heads": 32, "alibi": true}"#),
    row(
        "olmo2",
        2048,
        16,
        100_352,
        "OLMo 2 1B",
        r#"{"num_attention_heads": 16, "rope_theta": 500000.0}"#,
    ),
    row(
        "olmo2",
        4096,
        32,
        100_352,
        "OLMo 2 7B",
        r#"{"num_attention_heads": 32, "rope_theta": 500000.0}"#,
    ),
    row("stablelm", 2560, 32, 50304, "StableLM 3B", HEADS_32),
    row("stablelm", 2048, 24, 100_352, "StableLM 2 1.6B", HEADS_32),
    row("bert", 768, 12, 30522, "BERT base", HEADS_12),
    row("bert", 1024, 24, 30522, "BERT large", HEADS_16),
    row("bert", 384, 6, 30522, "MiniLM L6", HEADS_12),
    row("bert", 384, 12, 30522, "MiniLM L12", HEADS_12),
    row("bert", 128, 2, 30522, "BERT tiny", r#"{"num_attention_heads": 2}"#),
    row("bert", 256, 4, 30522, "BERT mini", HEADS_4),
    row(
        "roberta",
        768,
        12,
        50265,
        "RoBERTa base",
        r#"{"num_attention_heads": 12, "layer_norm_eps": 1e-5}"#,
    ),
    row(
        "roberta",
        1024,
        24,
        50265,
        "RoBERTa large",
        r#"{"num_attention_heads": 16, "layer_norm_eps": 1e-5}"#,
    ),
    row("distilbert", 768, 6, 30522, "DistilBERT", HEADS_12),
    row("vit", 768, 12, 0, "ViT base", HEADS_12),
    row("vit", 1024, 24, 0, "ViT large", HEADS_16),
];

/// The checkpoint with these sizes, and its settings.
///
/// # Errors
/// [`ModelError::Config`] if a row of the table were not JSON (a test reads them all).
pub fn look_up(
    family: &str,
    d_model: usize,
    n_layers: usize,
    d_vocab: usize,
) -> Result<Option<(&'static str, Config)>, ModelError> {
    let found = TABLE.iter().find(|known| known.key == (family, d_model, n_layers, d_vocab));
    found
        .map(|known| Config::parse(known.config.as_bytes()).map(|config| (known.label, config)))
        .transpose()
}

/// Head counts that give a usual width of a head, most likely first.
pub fn head_count_suggestions(inner: usize) -> Vec<usize> {
    // Large models have wide heads, and what is too small for a usual width is a toy.
    let widths: &[usize] = match inner {
        2048.. => &[128, 64, 80, 96, 256],
        256.. => &[64, 128, 80, 96, 256, 32],
        _ => &[64, 32, 16, 8],
    };
    widths.iter().filter(|&&w| inner >= w && inner.is_multiple_of(w)).map(|w| inner / w).collect()
}

/// The head count that a family's configuration class has where nothing says another: `LlamaConfig().num_attention_heads`.
pub fn usual_heads(family: &str) -> Option<usize> {
    Some(match family {
        "llama" | "mistral" | "mixtral" | "qwen2" | "qwen3" | "phi3" => 32,
        "gemma" => 16,
        "gemma2" | "gemma3" => 8,
        "gpt2" | "opt" | "bert" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_parses_and_its_heads_divide_the_width() {
        for known in &TABLE {
            let heads = Config::parse(known.config.as_bytes()).unwrap().n_heads().unwrap();
            let (family, d_model, _, _) = known.key;
            let own_head_width = ["gemma2", "qwen3"].contains(&family);
            assert!(own_head_width || d_model % heads == 0, "{}", known.label);
            assert!(
                crate::model::families::FAMILIES.iter().any(|f| f.id == family),
                "{}",
                known.label
            );
        }
    }

    #[test]
    fn no_two_rows_share_their_sizes() {
        for (i, a) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|b| a.key != b.key), "{}", a.label);
        }
    }

    #[test]
    fn suggestions_divide_what_is_there() {
        assert_eq!(head_count_suggestions(768), [12, 6, 8, 3, 24]);
        assert_eq!(head_count_suggestions(4096)[0], 32);
        assert_eq!(head_count_suggestions(32), [1, 2, 4]);
        assert!(head_count_suggestions(7).is_empty());
    }
}
