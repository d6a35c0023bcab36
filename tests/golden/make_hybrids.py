"""Writes tests/golden/families2/{granitemoehybrid,granitemoehybrid_moe,bamba,gemma4_moe}: tiny models that transformers 5.24 ran.

Run with a Python that has torch, transformers, safetensors and numpy: python tests/golden/make_hybrids.py
"""

import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file
from transformers import BambaConfig, BambaForCausalLM, Gemma4ForCausalLM, Gemma4TextConfig
from transformers import GraniteMoeHybridConfig, GraniteMoeHybridForCausalLM

HERE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "families2")

mamba = dict(mamba_n_heads=6, mamba_d_head=8, mamba_d_state=5, mamba_d_conv=3, mamba_expand=2, mamba_n_groups=2, mamba_chunk_size=8)
granite = dict(
    vocab_size=61, hidden_size=24, intermediate_size=20, shared_intermediate_size=28, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, embedding_multiplier=3.0, residual_multiplier=0.37, attention_multiplier=0.21, logits_scaling=2.5,
    tie_word_embeddings=True, **mamba)
MODELS = {
    "granitemoehybrid": (GraniteMoeHybridForCausalLM, GraniteMoeHybridConfig(
        num_local_experts=0, layer_types=["mamba", "attention", "mamba"], time_step_limit=[0.2, 0.9], **granite)),
    "granitemoehybrid_moe": (GraniteMoeHybridForCausalLM, GraniteMoeHybridConfig(
        num_local_experts=5, num_experts_per_tok=2, layer_types=["attention", "mamba", "attention"], position_embedding_type="rope", **granite)),
    "bamba": (BambaForCausalLM, BambaConfig(
        vocab_size=57, hidden_size=24, intermediate_size=36, num_hidden_layers=3, num_attention_heads=3, num_key_value_heads=1,
        attn_layer_indices=[1], tie_word_embeddings=True, **mamba)),
    "gemma4_moe": (Gemma4ForCausalLM, Gemma4TextConfig(
        vocab_size=53, hidden_size=24, intermediate_size=30, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        global_head_dim=12, layer_types=["sliding_attention", "sliding_attention", "full_attention"], sliding_window=5,
        num_kv_shared_layers=0, attention_k_eq_v=True, num_global_key_value_heads=1, hidden_size_per_layer_input=0, vocab_size_per_layer_input=53, enable_moe_block=True,
        num_experts=5, top_k_experts=2, moe_intermediate_size=10, final_logit_softcapping=12.0, use_double_wide_mlp=False)),
}


def shake(model, seed):
    """Weights large enough that attention is far from uniform, gains away from 1, states that remember."""
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        with torch.no_grad():
            if name.endswith("A_log"):
                p.copy_(torch.randn_like(p) * 0.7)
            elif name.endswith(("dt_bias", ".D")):
                p.copy_(torch.randn_like(p) * 0.8)
            elif "layernorm" in name or name.endswith("norm.weight") or "scale" in name:
                p.copy_(1 + 0.3 * torch.randn_like(p))
            elif "router" in name:
                p.copy_(torch.randn_like(p) * 1.5)
            elif p.dim() > 1 or "bias" in name:
                fan = p.shape[-1] if p.dim() > 1 else 8
                p.copy_(torch.randn_like(p) * (1.6 / fan**0.5))


def spectra(weights, config, kind):
    """Singular values of W_Q W_Kᵀ and W_V W_O of every head, raw and with the gains of the norm in front (and of queries and keys)."""
    found = {form: {"qk": [], "ov": []} for form in ("raw", "folded")}
    for l in range(config.num_hidden_layers):
        at = lambda name: weights.get(f"model.layers.{l}.{name}")
        if at("self_attn.q_proj.weight") is None:
            for form in found.values():
                form["qk"].append(None)
                form["ov"].append(None)
            continue
        q, k, o = (at(f"self_attn.{x}_proj.weight").astype(np.float64) for x in "qko")
        # Where there are no values, keys stand in for them.
        v = at("self_attn.v_proj.weight")
        v = k if v is None else v.astype(np.float64)
        n = config.num_attention_heads
        h = q.shape[0] // n
        kv = k.shape[0] // h
        gain = at("input_layernorm.weight").astype(np.float64)
        gq, gk = (at(f"self_attn.{x}_norm.weight") for x in "qk")
        for form, into in found.items():
            g = gain if form == "folded" else np.ones_like(gain)
            of = lambda x: np.ones(h) if form == "raw" or x is None else x.astype(np.float64)
            qk, ov = [], []
            for i in range(n):
                j = i * kv // n
                cut = lambda w, at: (w[at * h : (at + 1) * h] * g).T
                omega = (cut(q, i) * of(gq)) @ (cut(k, j) * of(gk)).T
                moved = cut(v, j) @ o[:, i * h : (i + 1) * h].T
                few = min(h, len(gain))
                qk.append(np.linalg.svd(omega, compute_uv=False)[:few].tolist())
                ov.append(np.linalg.svd(moved, compute_uv=False)[:few].tolist())
            into["qk"].append(qk)
            into["ov"].append(ov)
    return found


def write(name, kind, config, seed):
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = kind(config).eval().float()
    shake(model, seed)
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    ids = torch.randint(0, config.vocab_size, (1, 12), generator=torch.Generator().manual_seed(seed))
    wrote = {}
    for l, layer in enumerate(model.model.layers):
        attention = getattr(layer, "self_attn", None)
        if attention is not None:
            attention.o_proj.register_forward_hook(lambda m, i, out, l=l: wrote.__setitem__(l, out[0]))
    with torch.no_grad():
        out = model(ids, output_attentions=True, output_hidden_states=True, use_cache=False)
    expected = {"input_ids": ids[0], "logits": out.logits[0]}
    attending = iter([a for a in out.attentions if a is not None])
    for l in sorted(wrote):
        expected[f"attention.{l}"] = next(attending)[0]
        expected[f"attn_out.{l}"] = wrote[l]
    for l, hidden in enumerate(out.hidden_states):
        expected[f"hidden.{l}"] = hidden[0]
    save_file({key: value.contiguous().clone() for key, value in expected.items()}, folder / "expected.safetensors")
    weights = load_file(folder / "model.safetensors")
    (folder / "spectra.json").write_text(json.dumps(spectra(weights, config, name)))
    print(name, sum(f.stat().st_size for f in folder.iterdir()), "bytes;", {k: tuple(v.shape) for k, v in expected.items()})
    top = max(float(a.max()) for a in out.attentions if a is not None)
    print("  largest attention off the diagonal's first row:", top, " tensors:", sorted({k.split(".", 3)[-1] for k in weights}))


for seed, (name, (kind, config)) in enumerate(MODELS.items(), 20):
    write(name, kind, config, seed)
