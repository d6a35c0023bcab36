"""Recomputes tests/golden/families from its weights: attention, hidden states and logits as transformers 5.24 gives them, spectra as numpy does.

Run with a Python that has torch, transformers, safetensors and numpy:
    python tests/golden/make_families.py            compares with what is there, prints the largest difference, changes nothing
    python tests/golden/make_families.py --write    writes expected.safetensors and spectra.json anew

The weights themselves are what these files begin with: random numbers, made once, each family's gains away from 1 and its biases away from 0.
"""

import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent / "families"
ENCODERS = {"bert", "distilbert", "roberta", "vit"}


def run(name, folder, given):
    """The configuration, and what the library gives for one input."""
    config = AutoConfig.from_pretrained(folder)
    kind = AutoModel if name in ENCODERS else AutoModelForCausalLM
    model = kind.from_pretrained(folder, config=config, attn_implementation="eager", dtype=torch.float32).eval()
    inputs = {key: given[key][None] for key in ("input_ids", "pixel_values") if key in given}
    with torch.no_grad():
        out = model(**inputs, output_attentions=True, output_hidden_states=True)
    found = {f"attention.{l}": a[0] for l, a in enumerate(out.attentions)}
    found |= {f"hidden.{l}": h[0] for l, h in enumerate(out.hidden_states)}
    if name in ENCODERS:
        found["last_hidden"] = out.last_hidden_state[0]
    else:
        found["logits"] = out.logits[0]
    return config, found


# How a family keeps its heads: the names of query, key, value and output, or of one matrix for the first three; the norm in front.
LLAMA = ("model.layers.{l}.", [f"self_attn.{x}_proj" for x in "qkv"], "self_attn.o_proj", "input_layernorm")
BERT = ("encoder.layer.{l}.", [f"attention.self.{x}" for x in ("query", "key", "value")], "attention.output.dense", None)
KEPT = {
    "bert": BERT,
    "roberta": BERT,
    "distilbert": ("transformer.layer.{l}.", [f"attention.{x}_lin" for x in "qkv"], "attention.out_lin", None),
    "vit": ("encoder.layer.{l}.", [f"attention.attention.{x}" for x in ("query", "key", "value")], "attention.output.dense", "layernorm_before"),
    "bloom": ("transformer.h.{l}.", "self_attention.query_key_value", "self_attention.dense", "input_layernorm"),
    "falcon": ("transformer.h.{l}.", "self_attention.query_key_value", "self_attention.dense", "input_layernorm"),
    "gpt_neox": ("gpt_neox.layers.{l}.", "attention.query_key_value", "attention.dense", "input_layernorm"),
    "gpt_neox_serial": ("gpt_neox.layers.{l}.", "attention.query_key_value", "attention.dense", "input_layernorm"),
    "phi3": ("model.layers.{l}.", "self_attn.qkv_proj", "self_attn.o_proj", "input_layernorm"),
    "gpt2": ("transformer.h.{l}.", "attn.c_attn", "attn.c_proj", "ln_1"),
    "gpt_neo": ("transformer.h.{l}.", [f"attn.attention.{x}_proj" for x in "qkv"], "attn.attention.out_proj", "ln_1"),
    "gptj": ("transformer.h.{l}.", [f"attn.{x}_proj" for x in "qkv"], "attn.out_proj", "ln_1"),
    "opt": ("model.decoder.layers.{l}.", [f"self_attn.{x}_proj" for x in "qkv"], "self_attn.out_proj", "self_attn_layer_norm"),
    "phi": ("model.layers.{l}.", [f"self_attn.{x}_proj" for x in "qkv"], "self_attn.dense", "input_layernorm"),
    "olmo2": (*LLAMA[:3], None),
}
ONE_PLUS = {"gemma", "gemma2", "gemma3_text"}


def heads(name, config, tensors, l):
    """Queries, keys, values [D, h] and output [h, D] of every head of a layer, and the gains that fold into them."""
    prefix, qkv, output, norm = KEPT.get(name, LLAMA)
    ends = {key[key.index(front):]: value for front in [prefix.format(l=l)] for key, value in tensors.items() if front in key}
    at = lambda path: ends[prefix.format(l=l) + path + ".weight"].double().numpy()
    n, d = config.num_attention_heads, config.hidden_size
    h = getattr(config, "head_dim", None) or d // n
    h = h if isinstance(h, int) else d // n
    if isinstance(qkv, list):
        q, k, v = (at(path) for path in qkv)
    elif name == "gpt2":
        q, k, v = np.split(at(qkv).T, 3)
    elif name == "phi3":
        kv = (at(qkv).shape[0] - n * h) // 2
        q, k, v = np.split(at(qkv), [n * h, n * h + kv])
    elif name == "falcon" and config.multi_query and not config.new_decoder_architecture:
        q, k, v = np.split(at(qkv), [n * h, n * h + h])
    elif name == "falcon" and config.new_decoder_architecture:
        groups = at(qkv).reshape(config.num_kv_heads, -1, h, d)
        q, k, v = groups[:, :-2].reshape(n * h, d), groups[:, -2].reshape(-1, d), groups[:, -1].reshape(-1, d)
    else:
        q, k, v = (at(qkv).reshape(n, 3, h, d)[:, part].reshape(n * h, d) for part in range(3))
    o = at(output) if name != "gpt2" else at(output).T
    kv = k.shape[0] // h
    rows = lambda m, i: m[i * h:(i + 1) * h].T
    gain = np.ones(d) if norm is None else at(norm) + (1 if name in ONE_PLUS else 0)
    centred = norm is not None and (prefix.format(l=l) + norm + ".bias") in ends
    between = [np.ones(h), np.ones(h)]
    found = []
    for i in range(n):
        j = i * kv // n
        for side, (letter, index) in enumerate((("q", i), ("k", j))):
            path = prefix.format(l=l) + f"self_attn.{letter}_norm.weight"
            if path in ends:
                g = ends[path].double().numpy() + (1 if name in ONE_PLUS else 0)
                between[side] = g if g.size == h else g[index * h:(index + 1) * h]
        found.append((rows(q, i), rows(k, j), rows(v, j), o[:, i * h:(i + 1) * h].T, list(between)))
    return found, gain, centred


def spectra(name, config, tensors):
    """Singular values of QK and OV of every head, raw and folded: gains of the norm in front, centring where it centres, gains of queries and keys."""
    found = {form: {"qk": [], "ov": []} for form in ("raw", "folded")}
    for l in range(config.num_hidden_layers):
        cut, gain, centred = heads(name, config, tensors, l)
        for form, into in found.items():
            fold = lambda m: m if form == "raw" else gain[:, None] * m
            read = lambda m: fold(m) - (fold(m).mean(axis=0, keepdims=True) if form == "folded" and centred else 0)
            wrote = lambda m: m - (m.mean(axis=1, keepdims=True) if form == "folded" and centred else 0)
            values = lambda m, h: np.linalg.svd(m, compute_uv=False)[:h].tolist()
            ones = lambda g: g if form == "folded" else np.ones_like(g)
            into["qk"].append([values((read(q) * ones(g[0])) @ (read(k) * ones(g[1])).T, q.shape[1]) for q, k, _, _, g in cut])
            into["ov"].append([values(read(v) @ wrote(o), v.shape[1]) for _, _, v, o, _ in cut])
    return found


def main():
    worst = 0.0
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
        name = folder.name
        there = load_file(folder / "expected.safetensors")
        config, found = run(name, folder, there)
        config = getattr(config, "text_config", None) or config
        found |= {key: there[key] for key in ("input_ids", "pixel_values") if key in there}
        values = spectra(name, config, load_file(folder / "model.safetensors"))
        off = max(float((found[key].float() - there[key].float()).abs().max()) for key in there)
        kept = json.loads((folder / "spectra.json").read_text())
        flat = lambda x: np.array([s for form in ("raw", "folded") for c in ("qk", "ov") for layer in x[form][c] for head in layer for s in head])
        off_by = float(np.abs(flat(values) - flat(kept)).max()) if flat(values).shape == flat(kept).shape else float("inf")
        worst = max(worst, off, off_by)
        print(f"{name:20} forward {off:.1e}  spectra {off_by:.1e}")
        if "--write" in sys.argv:
            save_file({key: value.contiguous() for key, value in found.items()}, folder / "expected.safetensors")
            (folder / "spectra.json").write_text(json.dumps(values))
    print(f"largest difference {worst:.1e}")
    sys.exit(worst > 2e-5 and "--write" not in sys.argv)


if __name__ == "__main__":
    main()
