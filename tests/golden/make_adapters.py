"""Adapters and what they make of their base, in numpy: writes tests/golden/adapters/NAME/{base,adapter}/… and expected.safetensors.

    python tests/golden/make_adapters.py

The formulae are those of PEFT's own merge: W + scale B A with scale alpha / r, alpha / sqrt(r) for rsLoRA; DoRA then gives every
output the length that is stored. One base is Llama's layout ([d_out, d_in]), the other GPT-2's ([d_in, d_out]).
"""

import json
import os

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "adapters")
rng = np.random.default_rng(7)
D, HEADS, VOCAB, MLP, LAYERS = 16, 2, 12, 24, 2


def draw(*shape):
    return rng.normal(0, 0.3, shape).astype(np.float32)


def llama():
    t = {"model.embed_tokens.weight": draw(VOCAB, D), "lm_head.weight": draw(VOCAB, D), "model.norm.weight": 1 + draw(D)}
    for layer in range(LAYERS):
        p = f"model.layers.{layer}."
        t |= {p + f"self_attn.{x}_proj.weight": draw(D if x in "qo" else D // 2, D) for x in "qkvo"}
        t |= {p + "input_layernorm.weight": 1 + draw(D), p + "post_attention_layernorm.weight": 1 + draw(D)}
        t |= {p + "mlp.gate_proj.weight": draw(MLP, D), p + "mlp.up_proj.weight": draw(MLP, D), p + "mlp.down_proj.weight": draw(D, MLP)}
    return t, {"model_type": "llama", "hidden_size": D, "num_attention_heads": HEADS, "num_key_value_heads": 1, "num_hidden_layers": LAYERS,
               "intermediate_size": MLP, "vocab_size": VOCAB, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False}


def gpt2():
    t = {"wte.weight": draw(VOCAB, D), "wpe.weight": draw(8, D), "ln_f.weight": 1 + draw(D), "ln_f.bias": draw(D)}
    for layer in range(LAYERS):
        p = f"h.{layer}."
        t |= {p + "attn.c_attn.weight": draw(D, 3 * D), p + "attn.c_attn.bias": draw(3 * D)}
        t |= {p + "attn.c_proj.weight": draw(D, D), p + "attn.c_proj.bias": draw(D)}
        t |= {p + f"ln_{i}.{x}": draw(D) for i in (1, 2) for x in ("weight", "bias")}
        t |= {p + "mlp.c_fc.weight": draw(D, 4 * D), p + "mlp.c_fc.bias": draw(4 * D)}
        t |= {p + "mlp.c_proj.weight": draw(4 * D, D), p + "mlp.c_proj.bias": draw(D)}
    return t, {"model_type": "gpt2", "n_embd": D, "n_head": HEADS, "n_layer": LAYERS, "n_positions": 8, "vocab_size": VOCAB,
               "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"}


def write(name, base, config, adapter, adapter_config, expected):
    for folder, file, tensors, settings in [("base", "model", base, ("config", config)),
                                            ("adapter", "adapter_model", adapter, ("adapter_config", adapter_config))]:
        if tensors is None:
            continue
        path = os.path.join(HERE, name, folder)
        os.makedirs(path, exist_ok=True)
        save_file(tensors, os.path.join(path, file + ".safetensors"))
        with open(os.path.join(path, settings[0] + ".json"), "w") as out:
            json.dump(settings[1], out)
    save_file({k: np.ascontiguousarray(v.astype(np.float32)) for k, v in expected.items()}, os.path.join(HERE, name, "expected.safetensors"))


def make(name, model, modules, settings, rank, scale, dora=False, turned=False, saved=(), prefix=""):
    """`modules`: full names in the model; `prefix` is what PEFT's names have that the base's have not; `scale(module, rank)`."""
    base, config = model
    wrapped, expected = "base_model.model." + prefix, {}
    adapter = {}
    for module in modules:
        w = base[module + ".weight"].astype(np.float64)
        w = w.T if turned else w
        a, b = draw(rank, w.shape[1]), draw(w.shape[0], rank)
        merged = w + scale(module, rank) * b.astype(np.float64) @ a
        if dora:
            m = np.abs(draw(w.shape[0])) + 1
            merged *= (m / np.linalg.norm(merged, axis=1))[:, None]
            adapter[f"{wrapped}{module}.lora_magnitude_vector"] = m
        adapter[f"{wrapped}{module}.lora_A.weight"], adapter[f"{wrapped}{module}.lora_B.weight"] = a, b
        expected[module + ".weight"] = merged.T if turned else merged
    for module in saved:
        adapter[f"{wrapped}{module}.weight"] = draw(*base[module + ".weight"].shape)
        expected[module + ".weight"] = adapter[f"{wrapped}{module}.weight"]
    write(name, base, config, adapter, {"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": rank} | settings, expected)


attention = [f"model.layers.{l}.self_attn.{x}_proj" for l in range(LAYERS) for x in "qkvo"]
make("lora", llama(), attention[:6], {"lora_alpha": 6}, 3, lambda m, r: 6 / r, saved=["lm_head"])
make("rslora_patterns", llama(), attention, {"lora_alpha": 4, "use_rslora": True, "alpha_pattern": {"layers.1.self_attn.q_proj": 9, "v_proj": 2}}, 2,
     lambda m, r: (9 if "1.self_attn.q" in m else 2 if "v_proj" in m else 4) / r ** 0.5)
make("dora", llama(), attention, {"lora_alpha": 8, "use_dora": True}, 4, lambda m, r: 2.0, dora=True)
conv = [f"h.{l}.attn.{x}" for l in range(LAYERS) for x in ("c_attn", "c_proj")]
make("conv1d", gpt2(), conv, {"lora_alpha": 5, "fan_in_fan_out": True}, 2, lambda m, r: 2.5, turned=True, prefix="transformer.")
make("conv1d_dora", gpt2(), conv, {"lora_alpha": 5, "fan_in_fan_out": True, "use_dora": True}, 2, lambda m, r: 2.5, dora=True, turned=True,
     prefix="transformer.")

# An embedding has A over the vocabulary and B over the width: W + scale (B A)^T. A wrapped model saved whole has its layers' own weights
# under `base_layer`, the adapter's name in between, and the replaced head twice.
base, config = llama()
a, b = draw(2, VOCAB), draw(D, 2)
path = "base_model.model.model.embed_tokens.lora_embedding_"
write("embedding", base, config, {path + "A": a, path + "B": b}, {"peft_type": "LORA", "lora_alpha": 1, "r": 2},
      {"model.embed_tokens.weight": base["model.embed_tokens.weight"] + 0.5 * (b.astype(np.float64) @ a).T})
base, config = llama()
whole, expected = {"base_model.model." + k: v for k, v in base.items()}, {}
for module in attention[:3]:
    a, b = draw(2, D), draw(base[module + ".weight"].shape[0], 2)
    w = whole.pop(f"base_model.model.{module}.weight")
    whole |= {f"base_model.model.{module}.base_layer.weight": w, f"base_model.model.{module}.lora_A.default.weight": a,
              f"base_model.model.{module}.lora_B.default.weight": b}
    expected[module + ".weight"] = w + 1.5 * b.astype(np.float64) @ a
whole["base_model.model.lm_head.original_module.weight"] = whole.pop("base_model.model.lm_head.weight")
whole["base_model.model.lm_head.modules_to_save.default.weight"] = expected["lm_head.weight"] = draw(VOCAB, D)
write("unmerged", whole, config, None, None, expected)
with open(os.path.join(HERE, "unmerged", "base", "adapter_config.json"), "w") as out:
    json.dump({"peft_type": "LORA", "lora_alpha": 3, "r": 2}, out)


def alone(name, head):
    """Singular values of every head's part of scale B A, read back from the adapter's files."""
    folder = os.path.join(HERE, name, "adapter")
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    scale = json.load(open(os.path.join(folder, "adapter_config.json")))
    found = {}
    for key in sorted(k for k in tensors if k.endswith("lora_A.weight")):
        module = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        a, b = (tensors[key.replace("lora_A", x)].astype(np.float64) for x in ("lora_A", "lora_B"))
        w, rank = scale["lora_alpha"] / len(a) * b @ a, len(a)
        for matrix, i, block in head(module, w):
            found[f"{module} {matrix}{i}"] = np.linalg.svd(block, compute_uv=False)[: min(rank, min(block.shape))].tolist()
    with open(os.path.join(HERE, name, "alone.json"), "w") as out:
        json.dump(found, out)


W = D // HEADS


def plain(module, w):
    matrix = module.split(".")[-1][0]
    n = (w.shape[1] if matrix == "o" else w.shape[0]) // W
    return [(matrix, i, w[:, i * W : (i + 1) * W] if matrix == "o" else w[i * W : (i + 1) * W]) for i in range(n)]


def conv(module, w):
    if module.endswith("c_proj"):
        return [("o", i, w[:, i * W : (i + 1) * W]) for i in range(HEADS)]
    return [(x, i, w[j * D + i * W : j * D + (i + 1) * W]) for j, x in enumerate("qkv") for i in range(HEADS)]


alone("lora", plain)
alone("conv1d", conv)
