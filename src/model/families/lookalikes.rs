//! What is not read here but known by sight: names of tensors, and what has them.

use crate::model::config::Config;
use crate::model::names::Names;

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
