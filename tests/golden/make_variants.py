"""Writes tests/golden/variants: tiny checkpoints in layouts that tests/golden/families does not show.

Needs torch, transformers 5 and safetensors; run by hand: python tests/golden/make_variants.py
Each directory holds config.json, model.safetensors (as save_pretrained writes them) and expected.safetensors with what the
library computes: input_ids or pixel_values, attention.{l} (eager), hidden.{l}, logits.
"""

import json
import pathlib
import shutil

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent / "variants"
SMALL = dict(vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=32)
MLP = dict(intermediate_size=24)


def randomise(model, seed):
    """Weights large enough that attention is far from uniform and every gain and bias matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator)
            is_gain = p.dim() == 1 and ("norm" in name.lower() or "ln_" in name) and name.endswith("weight")
            p.copy_(1 + 0.3 * noise if is_gain else 0.5 * noise if p.dim() > 1 else 0.3 * noise)
    return model


def write(name, model, inputs, attention=True, seed=0):
    out = HERE / name
    shutil.rmtree(out, ignore_errors=True)
    model = randomise(model, seed).eval()
    model.save_pretrained(out)
    for extra in ("generation_config.json", "README.md"):
        (out / extra).unlink(missing_ok=True)
    with torch.no_grad():
        result = model(**inputs, output_hidden_states=True, output_attentions=attention)
    hidden = result.hidden_states
    expected = {k: v[0] for k, v in inputs.items()}
    # OPT with narrow embeddings reports its last state projected down; that one is left to the logits.
    width = hidden[0].shape[-1]
    expected |= {f"hidden.{l}": h[0].float() for l, h in enumerate(hidden) if h.shape[-1] == width}
    if attention:
        expected |= {f"attention.{l}": a[0].float() for l, a in enumerate(result.attentions)}
    if getattr(result, "logits", None) is not None:
        expected["logits"] = result.logits[0].float()
    save_file({k: v.contiguous() for k, v in expected.items()}, out / "expected.safetensors")


def ids(n=9, vocab=32, seed=1):
    g = torch.Generator().manual_seed(seed)
    return {"input_ids": torch.randint(3, vocab, (1, n), generator=g)}


def eager(model_class, config):
    config._attn_implementation = "eager"
    return model_class._from_config(config, attn_implementation="eager")


def main():
    HERE.mkdir(exist_ok=True)
    falcon = dict(SMALL, parallel_attn=True)
    write("falcon_groups", eager(tf.FalconForCausalLM, tf.FalconConfig(
        **falcon, new_decoder_architecture=True, num_kv_heads=2)), ids())
    write("falcon_groups_one_norm", eager(tf.FalconForCausalLM, tf.FalconConfig(
        **falcon, new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1)), ids())
    # Eager attention adds ALiBi twice in this library; its SDPA path is right but hands out no attention.
    rw = tf.FalconConfig(**{**SMALL, "num_attention_heads": 4}, alibi=True, multi_query=False, bias=True, parallel_attn=False)
    write("falcon_rw", tf.FalconForCausalLM._from_config(rw, attn_implementation="sdpa"), ids(), attention=False)
    write("bloom_six_heads", eager(tf.BloomForCausalLM, tf.BloomConfig(
        vocab_size=32, hidden_size=24, n_layer=2, n_head=6)), ids())
    write("opt_post_norm", eager(tf.OPTForCausalLM, tf.OPTConfig(
        **SMALL, ffn_dim=24, do_layer_norm_before=False, word_embed_proj_dim=8)), ids())
    write("phi3_partial", eager(tf.Phi3ForCausalLM, tf.Phi3Config(
        **SMALL, **MLP, num_key_value_heads=2, pad_token_id=0, tie_word_embeddings=True, sliding_window=4,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.5})), ids())
    write("phi3_longrope", eager(tf.Phi3ForCausalLM, tf.Phi3Config(
        **SMALL, **MLP, pad_token_id=0, original_max_position_embeddings=16,
        rope_parameters={"rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 1.0,
                         "short_factor": [1.0, 1.5], "long_factor": [2.0, 4.0],
                         "original_max_position_embeddings": 16})), ids())
    write("phi_qk_norm", eager(tf.PhiForCausalLM, tf.PhiConfig(**SMALL, **MLP, qk_layernorm=True)), ids())
    write("stablelm_qk_norm", eager(tf.StableLmForCausalLM, tf.StableLmConfig(
        **{**SMALL, "hidden_size": 32}, **MLP, num_key_value_heads=2, qk_layernorm=True, use_parallel_residual=True)), ids())
    write("llama_yarn", eager(tf.LlamaForCausalLM, tf.LlamaConfig(
        **{**SMALL, "hidden_size": 32, "max_position_embeddings": 64}, **MLP, attention_bias=True,
        rope_parameters={"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0,
                         "original_max_position_embeddings": 16})), ids())
    write("llama_linear", eager(tf.LlamaForCausalLM, tf.LlamaConfig(
        **SMALL, **MLP, rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0})), ids())
    write("bert_masked_lm", eager(tf.BertForMaskedLM, tf.BertConfig(**SMALL, **MLP)), ids())
    write("roberta_masked_lm", eager(tf.RobertaForMaskedLM, tf.RobertaConfig(**SMALL, **MLP, pad_token_id=1)), {
        "input_ids": torch.tensor([[0, 7, 9, 1, 11, 30, 2]])})
    write("distilbert_masked_lm", eager(tf.DistilBertForMaskedLM, tf.DistilBertConfig(
        vocab_size=32, dim=16, n_layers=2, n_heads=4, hidden_dim=24, max_position_embeddings=32)), ids())
    write("gpt2_by_depth", eager(tf.GPT2LMHeadModel, tf.GPT2Config(
        vocab_size=32, n_embd=16, n_layer=2, n_head=4, n_positions=32, scale_attn_by_inverse_layer_idx=True)), ids())
    write("qwen2_window", eager(tf.Qwen2ForCausalLM, tf.Qwen2Config(
        **SMALL, **MLP, num_key_value_heads=1, use_sliding_window=True, sliding_window=3, max_window_layers=1)), ids())
    clip = dict(num_hidden_layers=2, num_attention_heads=4, hidden_size=16, intermediate_size=24)
    write("clip_text", eager(tf.CLIPTextModel, tf.CLIPTextConfig(
        **clip, vocab_size=32, max_position_embeddings=16, eos_token_id=31)), ids())
    pixels = {"pixel_values": torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(2))}
    write("clip_vision", eager(tf.CLIPVisionModel, tf.CLIPVisionConfig(**clip, image_size=8, patch_size=4)), pixels)
    rename_for_hubs()


def rename_for_hubs():
    """Both halves of CLIP in one file, and Gemma 3 as it lies inside a multimodal file with a version 4 config."""
    text, vision = HERE / "clip_text", HERE / "clip_vision"
    both = {f"text_model.{k}": v for k, v in load_file(text / "model.safetensors").items()}
    both |= {f"vision_model.{k}": v for k, v in load_file(vision / "model.safetensors").items()}
    configs = [json.loads((side / "config.json").read_text()) for side in (text, vision)]
    for side in (text, vision):
        out = HERE / f"{side.name}_of_both"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        save_file(both, out / "model.safetensors")
        shutil.copy(side / "expected.safetensors", out)
        whole = {"model_type": "clip", "text_config": configs[0], "vision_config": configs[1]}
        (out / "config.json").write_text(json.dumps(whole, indent=1))
    source, out = HERE.parent / "families/gemma3_text", HERE / "gemma3_multimodal"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    tensors = load_file(source / "model.safetensors")
    tensors = {f"language_model.{k}": v for k, v in tensors.items()}
    vision_tower = {f"vision_tower.vision_model.encoder.layers.{l}.self_attn.{n}.weight": torch.zeros(8, 8)
                    for l in range(3) for n in ("q_proj", "k_proj", "v_proj", "out_proj")}
    save_file({**tensors, **vision_tower}, out / "model.safetensors")
    config = json.loads((source / "config.json").read_text())
    for key in ("layer_types", "rope_parameters", "_sliding_window_pattern", "num_attention_heads", "dtype"):
        config.pop(key)
    config |= {"rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 2, "rope_scaling": None}
    (out / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": config}, indent=1))
    shutil.copy(source / "expected.safetensors", out)


main()
