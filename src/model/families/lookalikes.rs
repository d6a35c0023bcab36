//! What is known by sight: what is not read here, by names of tensors; a family by the name of its class; and what no name tells apart.

use super::FAMILIES;
use crate::model::config::Config;
use crate::model::names::Names;
use crate::model::recipe::Family;
use crate::model::{ModelError, known};

/// A path (with `{l}` for a layer's number), and what has it.
const LOOKS: [(&str, &str); 14] = [
    (
        "layers.{l}.self_attn.kv_a_proj_with_mqa.weight",
        "a model with multi-head latent attention, as DeepSeek's",
    ),
    (
        "blocks.{l}.attn.qkv.weight",
        "a vision transformer of timm; the transformers version of it is read",
    ),
    (
        "resblocks.{l}.attn.in_proj_weight",
        "CLIP of OpenAI or OpenCLIP; the transformers version of it is read",
    ),
    (
        "layers.{l}.self_attn.in_proj_weight",
        "torch's own nn.Transformer, whose settings are in no file",
    ),
    (
        "blocks.{l}.attn.query.weight",
        "Whisper as OpenAI writes it; the transformers version of it is read",
    ),
    ("layers.{l}.attention.query_key_value.weight", "ChatGLM or another model with its own code"),
    (
        "layers.{l}.self_attention.query_key_value.weight",
        "ChatGLM or another model with its own code",
    ),
    (
        "layers.{l}.mixer.in_proj.weight",
        "a state-space model (Mamba), which has no attention heads",
    ),
    ("blocks.{l}.att.receptance.weight", "RWKV, which has no attention heads"),
    ("transformer_blocks.{l}.attn1.to_q.weight", "a diffusion model"),
    (
        "encoder.block.{l}.layer.0.SelfAttention.q.weight",
        "T5, an encoder or an encoder with its decoder",
    ),
    (
        "decoder.layers.{l}.encoder_attn.q_proj.weight",
        "an encoder with its decoder, as Whisper or BART",
    ),
    ("encoder.layer.{l}.layer_scale1.lambda1", "DINOv2"),
    ("pos_embed", "a vision transformer of another library"),
];

/// What these names look like, as the end of a sentence: "; its tensors look like …".
pub(in crate::model) fn look(names: &Names) -> String {
    let is_there = |path: &str| {
        if path.contains("{l}") { names.any_layer(path) } else { names.any(path) }
    };
    LOOKS
        .iter()
        .find(|(path, _)| is_there(path))
        .map_or_else(String::new, |(_, what)| format!("; its tensors look like {what}"))
}

/// What a dictionary's matrix from features to the stream is called.
const DECODERS: [&str; 6] =
    ["W_dec", "w_dec", "decoder.weight", "decoder_weight", "W_dec.weight", "w_dec.weight"];

/// What these tensors are, if they are features and not a transformer.
pub(super) fn dictionary(names: &Names, config: &Config) -> Option<String> {
    let decoder = DECODERS.into_iter().find(|name| names.any(name))?;
    let attends =
        ["q_proj.weight", "qkv.weight", "c_attn.weight", "query.weight", "in_proj_weight"];
    if attends.into_iter().any(|name| names.any(name)) {
        return None;
    }
    let gemma_scope = config.text("hf_hook_point_in").is_some();
    let crossed = names.find("", decoder).and_then(|name| names.shape(&name).map(<[usize]>::len));
    let kind = match (gemma_scope, crossed) {
        (true, _) => "a file of Gemma Scope 2",
        (false, Some(3)) => "a crosscoder",
        _ => "an autoencoder or transcoder",
    };
    let made_for = config.text("model_name").or(config.text("base_model"));
    let made_for = made_for.map(|name| format!(" for {name:?}")).unwrap_or_default();
    Some(format!("{kind}{made_for}"))
}

/// The family of which config.json names a class, where it says no `model_type`: `GemmaForCausalLM`.
pub(super) fn by_class(config: &Config) -> Option<&'static Family> {
    let class = config.get("architectures")?.as_array()?.first()?.as_str()?;
    let class = class.to_lowercase().replace('_', "");
    let types = FAMILIES.into_iter().flat_map(|f| f.model_types.iter().map(move |kind| (kind, f)));
    let fits = types.filter(|(kind, _)| {
        let rest = class.strip_prefix(&kind.replace(['_', '-'], ""));
        rest.is_some_and(|rest| {
            ["for", "model", "lmheadmodel"].iter().any(|end| rest.starts_with(end))
        })
    });
    fits.max_by_key(|(kind, _)| kind.len()).map(|(_, family)| family)
}

/// Whether Llama's names may be Gemma's, whose norms multiply by 1 + w: the gains themselves do not say it. Gemma's unembedding is its
/// embedding and its activation no SiLU, and sizes that are well known are known to be no Gemma's.
///
/// # Errors
/// What the table of known sizes says.
pub(super) fn may_be_gemma(names: &Names, config: &Config) -> Result<bool, ModelError> {
    if names.any("lm_head.weight") || config.text("hidden_act") == Some("silu") {
        return Ok(false);
    }
    let embedding = names.find("model.", "embed_tokens.weight");
    let shape = embedding.and_then(|name| Some(names.shape(&name)?.to_vec()));
    let (Some([vocabulary, d_model]), true) = (shape.as_deref(), config.is_empty()) else {
        return Ok(true);
    };
    let layers = names.layers("layers.{l}.self_attn.o_proj.weight");
    let n_layers = layers.values().map(|layers| layers.len()).max().unwrap_or(0);
    Ok(known::look_up("llama", *d_model, n_layers, *vocabulary)?.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_names_its_family() {
        let of = |class: &str| {
            let config = format!(r#"{{"architectures": ["{class}"]}}"#);
            by_class(&Config::parse(config.as_bytes()).unwrap()).map(|family| family.id)
        };
        for (class, id) in [
            ("GemmaForCausalLM", "gemma"),
            ("Gemma2ForCausalLM", "gemma2"),
            ("GPT2LMHeadModel", "gpt2"),
            ("GPTNeoXForCausalLM", "gpt_neox"),
            ("Qwen3MoeForCausalLM", "qwen3_moe"),
            ("OpenAIGPTLMHeadModel", "openai_gpt"),
            ("Ernie4_5ForCausalLM", "ernie4_5"),
            ("BertForSequenceClassification", "bert"),
        ] {
            assert_eq!(of(class), Some(id), "{class}");
        }
        assert_eq!((of("MyOwnModel"), of("BertyForMaskedLM")), (None, None));
    }
}
