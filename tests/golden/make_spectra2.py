"""Recomputes from their weights what transformers does not compute of tests/golden/families2: singular values of every head of every folder,
and the forward passes of the layouts of other programs (nanogpt, nanogpt_compiled, llama2c, transformer_lens*).

Run with a Python that has safetensors and numpy:
    python tests/golden/make_spectra2.py            compares with what is there, prints the largest difference of each folder, changes nothing
    python tests/golden/make_spectra2.py --write    writes spectra.json, and expected.safetensors of those layouts, anew

Raw is the file's matrices. Folded is what the head reads and writes through: gains of the norm in front, centring where that norm centres,
gains of queries and keys, gains of the layer's own output. No score scale, no positions. All in f64.
"""

import json
import math
import pathlib
import re
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent / "families2"

# How a family keeps a layer: where, its query, key, value and output (or one matrix for the first three), the norm in front and its kind.
# Kinds: rms; ln, which centres; 1+ where the file has the gain less one; bare where it has none. Without a norm nothing folds.
PROJ = ["q_proj", "k_proj", "v_proj"]
LLAMA = dict(at="model.layers.{l}.", qkv=[f"self_attn.{x}" for x in PROJ], o="self_attn.o_proj", norm="input_layernorm", kind="rms")
BERT = dict(at="encoder.layer.{l}.", qkv=[f"attention.self.{x}" for x in ("query", "key", "value")], o="attention.output.dense", kind="none")
VIT = dict(BERT, qkv=[f"attention.attention.{x}" for x in ("query", "key", "value")], norm="layernorm_before", kind="ln")
XGLM = dict(LLAMA, o="self_attn.out_proj", norm="self_attn_layer_norm", kind="ln")
CLIP = dict(XGLM, at="{stack}_model.encoder.layers.{l}.", norm="layer_norm1")
SPEECH = dict(at="encoder.layers.{l}.", qkv=[f"attention.{x}" for x in PROJ], o="attention.out_proj", norm="layer_norm")
GPT2 = dict(at="transformer.h.{l}.", qkv="attn.c_attn", o="attn.c_proj", norm="ln_1", kind="ln")
BART = dict(at="model.{side}.layers.{l}.", qkv=[f"{{own}}.{x}" for x in PROJ], o="{own}.out_proj", own=("self_attn", "encoder_attn"), kind="none")
T5 = dict(at="{side}.block.{l}.layer.{sub}.", qkv=[f"{{own}}.{x}" for x in "qkv"], o="{own}.o", own=("SelfAttention", "EncDecAttention"),
    norm="layer_norm", kind="rms", final="encoder.final_layer_norm")
KEPT = {
    "apertus": dict(LLAMA, norm="attention_layernorm"), "lfm2": dict(LLAMA, o="self_attn.out_proj", norm="operator_norm"),
    "olmo": dict(LLAMA, kind="ln bare"), "olmo3": dict(LLAMA, kind="none"), "exaone4": dict(LLAMA, kind="none"),
    **{name: dict(LLAMA, kind="ln") for name in ("cohere", "cohere2", "starcoder2", "phimoe")}, "nemotron": dict(LLAMA, kind="ln 1+"),
    **{name: dict(LLAMA, kind="rms 1+") for name in ("qwen3_next", "qwen3_5_text")},
    "persimmon": dict(LLAMA, qkv="self_attn.query_key_value", o="self_attn.dense", kind="ln", cut="heads"),
    "gpt_bigcode": dict(GPT2, cut="multi-query"), "gpt_bigcode_mha": dict(GPT2, cut="heads"), "openai_gpt": dict(GPT2, cut="conv", kind="none"),
    "nanogpt": dict(GPT2, cut="thirds"), "nanogpt_compiled": dict(GPT2, cut="thirds"),
    "codegen": dict(GPT2, qkv="attn.qkv_proj", o="attn.out_proj", cut="slices"),
    "mpt": dict(at="transformer.blocks.{l}.", qkv="attn.Wqkv", o="attn.out_proj", norm="norm_1", kind="ln", cut="thirds"),
    "modernbert": dict(at="layers.{l}.", qkv="attn.Wqkv", o="attn.Wo", norm="attn_norm", kind="ln", cut="thirds"),
    "xglm": XGLM, "biogpt": dict(XGLM, at="biogpt.layers.{l}."),
    "albert": dict(at="encoder.albert_layer_groups.{l}.albert_layers.0.", qkv=[f"attention.{x}" for x in ("query", "key", "value")], o="attention.dense", kind="none"),
    "electra": BERT, "xlm_roberta": BERT, "deberta_v2": dict(BERT, qkv=[f"attention.self.{x}_proj" for x in ("query", "key", "value")]),
    "mpnet": dict(BERT, qkv=[f"attention.attn.{x}" for x in "qkv"], o="attention.attn.o"),
    "deit": VIT, "beit": dict(VIT, gain="lambda_1"), "dinov2": dict(VIT, norm="norm1", gain="layer_scale1.lambda1"),
    "dinov3_vit": dict(VIT, at="layer.{l}.", qkv=[f"attention.{x}" for x in PROJ], o="attention.o_proj", norm="norm1", gain="layer_scale1.lambda1"),
    "clip": CLIP, "siglip": CLIP, "wav2vec2": SPEECH, "hubert": SPEECH,
    "bart": BART, "marian": BART, "t5": T5,
    "whisper": dict(BART, kind="ln", norm="{own}_layer_norm", final="model.encoder.layer_norm"),
    "llama2c": dict(at="layers.{l}.", qkv=[f"attention.w{x}" for x in "qkv"], o="attention.wo", norm="attention_norm", kind="rms"),
}
KEPT["olmo"]["norm"] = None
# Where queries and keys have a norm of their own.
GAINS = [("self_attn.q_norm", "self_attn.k_norm"), ("self_attn.q_layernorm", "self_attn.k_layernorm"), ("self_attn.query_layernorm", "self_attn.key_layernorm")]


def first(config, *names):
    return next(config[name] for name in names if config.get(name) is not None)


class Norm:
    """What a norm folds into a matrix that reads through it: its gain, and centring over the stream."""

    def __init__(self, gain, centres):
        self.gain, self.centres = gain, centres

    def fold(self, w):
        """w: [d_model, h]."""
        w = w if self.gain is None else self.gain[:, None] * w
        return w - w.mean(axis=0, keepdims=True) if self.centres else w


def thirds(how, w, n, d):
    """Rows of queries, of keys and of values, head by head, of one matrix for all three."""
    if how == "conv":
        w = w.T
    if how == "multi-query":
        h = d // n
        return np.split(w, [n * h, (n + 1) * h])
    if how == "heads":
        return [x.reshape(-1, d) for x in np.moveaxis(w.reshape(n, 3, -1, d), 1, 0)]
    if how == "slices":
        q, v, k = (x.reshape(-1, d) for x in np.moveaxis(w.reshape(4, 3, -1, d), 1, 0))
        return q, k, v
    return np.split(w, 3)


def norm_of(tensors, path, kind):
    """What a norm folds into what reads through it."""
    centres = kind.startswith("ln")
    if kind == "none" or path is None or path + ".weight" not in tensors:
        return Norm(None, centres and kind.endswith("bare"))
    return Norm(tensors[path + ".weight"] + (1 if "1+" in kind else 0), centres)


def heads(name, config, tensors, stack, l, kept):
    """Of each head of a layer its maps, raw and folded: queries, keys, values [d_model, h], output [h, d_model]; None without attention."""
    cross = stack == "cross"
    own = kept["own"][cross] if "own" in kept else ""
    words = dict(l=l, stack=stack, side="encoder" if stack == "encoder" else "decoder", sub=int(cross), own=own)
    at = lambda path, layer=l: kept["at"].format(**(words | {"l": layer})) + path.format(**words)
    weight = lambda path, layer=l: tensors.get(at(path, layer) + ".weight")
    # Layers that have no keys of their own take those of the last one of their kind that has.
    of = l
    if config.get("num_kv_shared_layers"):
        last = config["num_hidden_layers"] - config["num_kv_shared_layers"]
        kinds = config["layer_types"]
        if l >= last:
            of = max(i for i in range(last) if kinds[i] == kinds[l])
    o = weight(kept["o"])
    if o is None:
        return None
    n = first(config, "num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads", "encoder_attention_heads")
    if "kv_lora_rank" in config:
        return latent(config, weight, o, n)
    if isinstance(kept["qkv"], str):
        w = weight(kept["qkv"])
        d = w.shape[0] if kept.get("cut") == "conv" else w.shape[1]
        q, k, v = thirds(kept.get("cut"), w, n, d)
        o = o.T if kept.get("cut") == "conv" else o
    else:
        q, k, v = weight(kept["qkv"][0]), weight(kept["qkv"][1], of), weight(kept["qkv"][2], of)
        v = k if v is None else v
    if name in ("qwen3_next", "qwen3_5_text"):
        # Of each head its queries, then a gate on what it writes.
        q = q.reshape(n, 2, -1, q.shape[1])[:, 0].reshape(-1, q.shape[1])
    d, h = q.shape[1], q.shape[0] // n
    kv = k.shape[0] // h
    kind = kept.get("kind") or ("ln" if config.get("do_stable_layer_norm") else "none")
    path = kept.get("norm")
    front = [norm_of(tensors, path and at(path, i), kind) for i in (l, of)]
    if cross:
        front[1] = norm_of(tensors, kept.get("final"), kind)
    pair = next((p for p in GAINS if weight(p[0]) is not None), None)
    # Of queries and keys the gains, and whether they are centred first.
    between = [np.eye(h)] * 2
    gains = [weight(pair[0]), weight(pair[1], of)] if pair else [None, None]
    centred = pair is not None and at(pair[0]) + ".bias" in tensors
    out = tensors.get(at(kept["gain"])) if "gain" in kept else None
    found = []
    for i in range(n):
        j = i * kv // n
        rows = lambda w, at: w[at * h:(at + 1) * h].T
        for side, index in ((0, i), (1, j)):
            if gains[side] is not None:
                g = gains[side] + (1 if "1+" in kind else 0)
                g = g if g.size == h else g[index * h:(index + 1) * h]
                between[side] = (np.eye(h) - (1 / h if centred else 0)) * g
        raw = rows(q, i), rows(k, j), rows(v, j), o[:, i * h:(i + 1) * h].T
        written = raw[3] if out is None else raw[3] * out
        written = written - written.mean(axis=1, keepdims=True) if kind.startswith("ln") else written
        folded = front[0].fold(raw[0]) @ between[0], front[1].fold(raw[1]) @ between[1], front[1].fold(raw[2]), written
        found.append({"raw": {"qk": raw[:2], "ov": raw[2:]}, "folded": {"qk": folded[:2], "ov": folded[2:]}})
    return found


def latent(config, weight, o, n):
    """Multi-head latent attention: a part without positions, a rotary part whose key all heads share, and both side by side."""
    nope, rope, value, rank = (config[x] for x in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "kv_lora_rank"))
    front = weight("input_layernorm")[:, None]
    down = weight("self_attn.kv_a_proj_with_mqa")
    low, shared = down[:rank].T, down[rank:].T
    up = weight("self_attn.kv_b_proj").reshape(n, nope + value, rank)
    found = []
    for i in range(n):
        head = {}
        for form in ("raw", "folded"):
            gain = lambda path: 1 if form == "raw" else weight(path)
            g = 1 if form == "raw" else front
            if config.get("q_lora_rank"):
                q = (g * weight("self_attn.q_a_proj").T * gain("self_attn.q_a_layernorm")) @ weight("self_attn.q_b_proj").T
            else:
                q = g * weight("self_attn.q_proj").T
            q = q[:, i * (nope + rope):(i + 1) * (nope + rope)]
            kv = (g * low * gain("self_attn.kv_a_layernorm")) @ up[i].T
            k, k_rope = kv[:, :nope], g * shared
            head[form] = {"qk": (q[:, :nope], k), "qk_rope": (q[:, nope:], k_rope), "qk_full": (q, np.hstack([k, k_rope])),
                "ov": (kv[:, nope:], o[:, i * value:(i + 1) * value].T)}
        found.append(head)
    return found


def lens(config, tensors, l):
    """The same of TransformerLens, whose matrices stand by head and need no turning."""
    at = lambda path: next((tensors[f"blocks.{l}.{p}"] for p in (f"attn.{path}", f"attn._{path}") if f"blocks.{l}.{p}" in tensors), None)
    q, k, v, o = (at(f"W_{x}") for x in "QKVO")
    centres = config["normalization_type"].startswith("LN")
    front = Norm(tensors.get(f"blocks.{l}.ln1.w"), centres)
    found = []
    for i in range(len(q)):
        j = i * len(k) // len(q)
        written = o[i] - o[i].mean(axis=1, keepdims=True) if centres else o[i]
        found.append({"raw": {"qk": (q[i], k[j]), "ov": (v[j], o[i])},
            "folded": {"qk": (front.fold(q[i]), front.fold(k[j])), "ov": (front.fold(v[j]), written)}})
    return found


def values(circuit, a, b):
    """Singular values of the square matrix, as many as the factors are wide."""
    m = a @ b if circuit == "ov" else a @ b.T
    return np.linalg.svd(m, compute_uv=False)[:min(a.shape)].tolist()


def spectra(name, config, tensors):
    kept = KEPT.get(name, LLAMA)
    stacks = [None]
    if "own" in kept:
        stacks = ["encoder", "decoder", "cross"]
    elif "{stack}" in kept["at"]:
        stacks = ["text", "vision"]
    found = {}
    for stack in stacks:
        own = config[f"{stack}_config"] if "{stack}" in kept["at"] else config
        n_layers = first(own, *(["decoder_layers", "num_decoder_layers"] if stack in ("decoder", "cross") else []), "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")
        layers = []
        for l in range(n_layers):
            if "normalization_type" in config:
                layers.append(lens(config, tensors, l))
            else:
                layers.append(heads(name, own, tensors, stack, l * own.get("num_hidden_groups", 1) // n_layers if name == "albert" else l, kept))
        circuits = next(layer for layer in layers if layer)[0]["raw"]
        found[stack] = {form: {c: [layer and [values("ov" if c == "ov" else "qk", *head[form][c]) for head in layer] for layer in layers] for c in circuits}
            for form in ("raw", "folded")}
    return found.get(None, found)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def turned(x, base, adjacent):
    """Rotary positions of [n, h]."""
    n, h = x.shape
    angle = np.arange(n)[:, None] * base ** (-np.arange(0, h, 2) / h)
    cos, sin = np.cos(angle), np.sin(angle)
    first, second = (slice(0, h, 2), slice(1, h, 2)) if adjacent else (slice(0, h // 2), slice(h // 2, h))
    out = np.empty_like(x)
    out[:, first] = x[:, first] * cos - x[:, second] * sin
    out[:, second] = x[:, first] * sin + x[:, second] * cos
    return out


def normed(x, kind, eps, w=None, b=None):
    x = x - x.mean(axis=-1, keepdims=True) if kind == "ln" else x
    x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return x * (1 if w is None else w) + (0 if b is None else b)


ERF = np.vectorize(math.erf)
ACTS = {
    "gelu": lambda x: x * (1 + ERF(x / math.sqrt(2))) / 2,
    "gelu_new": lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def forward(config, tensors, ids):
    """Attention, what attention writes, hidden states and logits of a decoder of one of three layouts."""
    t = tensors.get
    if "dim" in config:
        eps, kind, n, layers = config["norm_eps"], "rms", config["n_heads"], config["n_layers"]
        x, turns = t("tok_embeddings.weight")[ids], (config.get("rope_theta", 10000.0), True)
        norm = lambda name, x: normed(x, kind, eps, t(f"{name}.weight"))
        names = lambda l: (f"layers.{l}.attention_norm", f"layers.{l}.ffn_norm")
        unembed = lambda x: norm("norm", x) @ t("output.weight").T
        def mlp(l, x):
            w = [t(f"layers.{l}.feed_forward.w{i}.weight").T for i in (1, 2, 3)]
            return (ACTS["silu"](x @ w[0]) * (x @ w[2])) @ w[1]
        final = lambda x: norm("norm", x)
        scale = None
    elif "n_embd" in config:
        eps, kind, n, layers, turns, scale = 1e-5, "ln", config["n_head"], config["n_layer"], None, None
        x = t("transformer.wte.weight")[ids] + t("transformer.wpe.weight")[:len(ids)]
        norm = lambda name, x: normed(x, kind, eps, t(f"{name}.weight"), t(f"{name}.bias"))
        names = lambda l: (f"transformer.h.{l}.ln_1", f"transformer.h.{l}.ln_2")
        linear = lambda name, x: x @ t(f"{name}.weight").T + (0 if t(f"{name}.bias") is None else t(f"{name}.bias"))
        mlp = lambda l, x: linear(f"transformer.h.{l}.mlp.c_proj", ACTS["gelu"](linear(f"transformer.h.{l}.mlp.c_fc", x)))
        final = lambda x: norm("transformer.ln_f", x)
        unembed = lambda x: final(x) @ t("lm_head.weight").T
    else:
        eps, n, layers, scale = config["eps"], config["n_heads"], config["n_layers"], config["attn_scale"]
        kind = "ln" if config["normalization_type"].startswith("LN") else "rms"
        turns = (float(config["rotary_base"]), config["rotary_adjacent_pairs"]) if config["positional_embedding_type"] == "rotary" else None
        x = t("embed.W_E")[ids] + (0 if turns else t("pos_embed.W_pos")[:len(ids)])
        norm = lambda name, x: normed(x, kind, eps, t(f"{name}.w"), t(f"{name}.b"))
        names = lambda l: (f"blocks.{l}.ln1", f"blocks.{l}.ln2")
        act = ACTS[config["act_fn"]]
        def mlp(l, x):
            w = lambda name: t(f"blocks.{l}.mlp.{name}")
            inner = act(x @ w("W_gate")) * (x @ w("W_in")) + w("b_in") if config["gated_mlp"] else act(x @ w("W_in") + w("b_in"))
            return inner @ w("W_out") + w("b_out")
        final = lambda x: norm("ln_final", x)
        unembed = lambda x: final(x) @ t("unembed.W_U") + t("unembed.b_U")

    def maps(l):
        """Queries, keys and values [heads, d, h] with biases [heads, h], output [n, h, d] with its bias [d]."""
        if "normalization_type" in config:
            of = lambda name: t(f"blocks.{l}.attn.{name}") if t(f"blocks.{l}.attn.{name}") is not None else t(f"blocks.{l}.attn._{name}")
            return [(of(f"W_{x}"), of(f"b_{x}")) for x in "QKV"] + [(of("W_O"), of("b_O"))]
        if "dim" in config:
            q, k, v, o = (t(f"layers.{l}.attention.w{x}.weight") for x in "qkvo")
            biases, bias = [0, 0, 0], 0
        else:
            at = f"transformer.h.{l}.attn."
            q, k, v = np.split(t(at + "c_attn.weight"), 3)
            o, bias = t(at + "c_proj.weight"), 0 if t(at + "c_proj.bias") is None else t(at + "c_proj.bias")
            biases = [0, 0, 0] if t(at + "c_attn.bias") is None else [b.reshape(n, -1) for b in np.split(t(at + "c_attn.bias"), 3)]
        h = len(q) // n
        by_head = lambda w: np.swapaxes(w.reshape(-1, h, w.shape[1]), 1, 2)
        spread = lambda b, w: np.zeros((len(w) // h, h)) if isinstance(b, int) else b
        return [(by_head(w), spread(b, w)) for w, b in zip((q, k, v), biases)] + [(o.T.reshape(n, h, -1), bias)]

    found = {"hidden.0": x}
    for l in range(layers):
        (w_q, b_q), (w_k, b_k), (w_v, b_v), (w_o, b_o) = maps(l)
        before, after = names(l)
        y = norm(before, x)
        patterns, out = [], 0
        for i in range(n):
            j = i * len(w_k) // n
            q, k, v = y @ w_q[i] + b_q[i], y @ w_k[j] + b_k[j], y @ w_v[j] + b_v[j]
            if turns:
                q, k = turned(q, *turns), turned(k, *turns)
            score = q @ k.T / (scale or math.sqrt(q.shape[1]))
            patterns.append(softmax(np.where(np.tri(len(ids), dtype=bool), score, -np.inf)))
            out = out + patterns[-1] @ v @ w_o[i]
        found[f"attention.{l}"], found[f"attn_out.{l}"] = np.stack(patterns), out + b_o
        x = x + found[f"attn_out.{l}"]
        x = x + mlp(l, norm(after, x))
        found[f"hidden.{l + 1}"] = x if l + 1 < layers else final(x)
    return found | {"logits": unembed(x)}


def difference(a, b):
    """Largest difference of two trees of numbers, relative to the largest of each list; infinite where they are of other shapes."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max(difference(a[key], b[key]) for key in a)
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b) and a:
        if isinstance(a[0], float):
            return max(abs(x - y) for x, y in zip(a, b)) / max(1e-300, max(map(abs, b)))
        return max(difference(x, y) for x, y in zip(a, b))
    return math.inf


def main():
    worst = [0.0, 0.0]
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
        config = json.loads((folder / "config.json").read_text())
        tensors = {}
        for path in sorted(folder.glob("model*.safetensors")):
            tensors |= {re.sub("^_orig_mod.", "", key): value.astype(np.float64) for key, value in load_file(path).items()}
        found = spectra(folder.name, config, tensors)
        off = [difference(found, json.loads((folder / "spectra.json").read_text())), 0.0]
        if "architectures" not in config:
            there = load_file(folder / "expected.safetensors")
            ran = forward(config, tensors, there["input_ids"])
            off[1] = math.inf if ran.keys() | {"input_ids"} != there.keys() else max(
                float(np.abs(ran[key] - there[key]).max() / max(1.0, np.abs(there[key]).max())) for key in ran)
        worst = [max(pair) for pair in zip(worst, off)]
        print(f"{folder.name:24} spectra {off[0]:.1e}" + (f"  forward {off[1]:.1e}" if off[1] else ""))
        if "--write" in sys.argv:
            (folder / "spectra.json").write_text(json.dumps(found))
            if "architectures" not in config:
                save_file({key: there[key] if key == "input_ids" else np.ascontiguousarray(ran[key], np.float32) for key in there}, folder / "expected.safetensors")
    print(f"largest difference: spectra {worst[0]:.1e}, forward {worst[1]:.1e}")
    # Two SVD routines in f64; programs that work in f32.
    sys.exit((worst[0] > 1e-9 or worst[1] > 1e-5) and "--write" not in sys.argv)


if __name__ == "__main__":
    main()
