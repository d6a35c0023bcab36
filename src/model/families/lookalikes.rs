//! What is not read here but known by sight: names of tensors, and what has them.

use crate::model::names::Names;

/// A path (with `{l}` for a layer's number), and what has it.
const LOOKS: [(&str, &str); 13] = [
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
        "W_dec",
        "a dictionary of features: open its model first, then give it on Features or to `omega align`",
    ),
    (
        "decoder.weight",
        "a dictionary of features: open its model first, then give it on Features or to `omega align`",
    ),
    ("pos_embed", "a vision transformer of another library"),
];

/// What these names look like, as the end of a sentence: "; its tensors look like …".
pub(super) fn look(names: &Names) -> String {
    let is_there = |path: &str| {
        if path.contains("{l}") { names.any_layer(path) } else { names.any(path) }
    };
    LOOKS
        .iter()
        .find(|(path, _)| is_there(path))
        .map_or_else(String::new, |(_, what)| format!("; its tensors look like {what}"))
}
