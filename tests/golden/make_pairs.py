"""Write `pairs/`: sparse dictionaries of every kind with their activations, and one score of the built-in model split by features.

    python tests/golden/make_pairs.py        # needs numpy and safetensors

The formulae are those of SAELens 6 (`sae_lens/saes`), Gemma Scope and sparsify, in numpy; the score is split in d_model, with the
singular vectors of the whole matrix, which the program never forms.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[1] / "www" / "models"
sys.path.insert(0, str(MODELS))
from sentences import ID  # noqa: E402
from train_sae import norm, stream  # noqa: E402

OUT, D, N = HERE / "pairs", 64, 24
PROMPT = "<|endoftext|> When Mary and John went to the store , John gave a drink to"
LAYER, HEAD, DEST, SRC = 2, 3, 14, 2


def encode(kind, p, x):
    """Activations `[n, n_features]` of a dictionary with the tensors `p`."""
    if kind == "layer_norm":
        x = x - x.mean(-1, keepdims=True)
        x = x / (x.std(-1, ddof=1, keepdims=True) + 1e-5)
    if kind == "length":
        x = x * np.sqrt(D) / np.linalg.norm(x, axis=-1, keepdims=True)
    if kind == "centred":
        x = x - x.mean(-1, keepdims=True)
    if kind == "gemma":
        pre = x @ p["w_enc"] + p["b_enc"]
        return np.where(pre > p["threshold"], np.maximum(pre, 0), 0)
    if kind == "sparsify":
        return top(np.maximum((x - p["b_dec"]) @ p["encoder.weight"].T + p["encoder.bias"], 0), 5)
    x = x - p["b_dec"]
    if kind == "gated":
        active = x @ p["W_enc"] + p["b_gate"] > 0
        return active * np.maximum(x @ (p["W_enc"] * np.exp(p["r_mag"])) + p["b_mag"], 0)
    pre = x @ p["W_enc"] + p["b_enc"]
    if kind == "topk":
        return np.maximum(top(pre, 5), 0)
    if kind == "topk_rescaled":
        return np.maximum(top(pre * np.linalg.norm(p["W_dec"], axis=1), 5), 0)
    if kind == "jumprelu":
        return np.where(pre > p["threshold"], np.maximum(pre, 0), 0)
    if kind == "batchtopk":
        return np.where(pre > p["topk_threshold"], np.maximum(pre, 0), 0)
    return np.maximum(pre, 0)


def top(x, k):
    """Only the `k` largest of every row."""
    return np.where(x >= np.sort(x, -1)[:, -k][:, None], x, 0)


CONFIGS = {
    "standard": {"architecture": "standard", "activation_fn_str": "relu", "apply_b_dec_to_input": True},
    "layer_norm": {"architecture": "standard", "normalize_activations": "layer_norm"},
    "length": {"architecture": "standard", "normalize_activations": "constant_norm_rescale"},
    "centred": {"architecture": "standard"},
    "topk": {"architecture": "topk", "k": 5},
    "topk_rescaled": {"architecture": "topk", "k": 5, "rescale_acts_by_decoder_norm": True},
    "batchtopk": {"architecture": "batchtopk", "k": 5},
    "jumprelu": {"architecture": "jumprelu"},
    "gated": {"architecture": "gated"},
    "gemma": {"architecture": "jump_relu", "hf_hook_point_in": "model.layers.1.output"},
    "sparsify": {"activation": "topk", "k": 5},
}


def dictionaries(x, rng):
    """Writes one small dictionary of every kind; their activations on `x`."""
    found = {}
    for kind, config in CONFIGS.items():
        p = {"W_enc": rng.normal(size=(D, N)) / 8, "b_enc": rng.normal(size=N) / 4, "W_dec": rng.normal(size=(N, D)),
             "b_dec": x.mean(0) + rng.normal(size=D) / 8}
        if kind in ("jumprelu", "gemma"):
            p["threshold"] = np.abs(rng.normal(size=N))
        if kind == "batchtopk":
            p["topk_threshold"] = np.array(0.7)
        if kind == "gated":
            del p["b_enc"]
            p |= {name: rng.normal(size=N) / 2 for name in ("b_gate", "r_mag", "b_mag")}
        if kind == "gemma":
            p = {name.lower(): value for name, value in p.items()}
        if kind == "sparsify":
            p["encoder.weight"], p["encoder.bias"] = np.ascontiguousarray(p.pop("W_enc").T), p.pop("b_enc")
        p = {name: np.asarray(value, np.float16) for name, value in p.items()}
        folder = OUT / kind
        folder.mkdir(parents=True, exist_ok=True)
        save_file(p, folder / ("params.safetensors" if kind == "gemma" else "sae_weights.safetensors"))
        metadata = {"hook_name": "blocks.2.hook_resid_pre"}
        if kind == "centred":
            metadata["model_from_pretrained_kwargs"] = {"center_writing_weights": True}
        body = config if "hf_hook_point_in" in config else {**config, "metadata": metadata}
        (folder / ("config.json" if kind == "gemma" else "cfg.json")).write_text(json.dumps(body) + "\n")
        acts = encode(kind, {name: value.astype(np.float64) for name, value in p.items()}, x)
        assert 0 < (acts[[DEST, SRC]] > 0).sum() < 2 * N, kind
        found[kind] = [{str(i): row[i] for i in np.flatnonzero(row)} for row in acts[[DEST, SRC]]]
    return found


def split(model, x):
    """One score, split by the features of the dictionary that ships with the page."""
    sae = {n: v.astype(np.float64) for n, v in load_file(MODELS / "sae-layer-2/sae_weights.safetensors").items()}
    pre = (x - sae["b_dec"]) @ sae["W_enc"] + sae["b_enc"]
    acts = np.where(pre > sae["threshold"], pre, 0)
    ln = [model[f"transformer.h.{LAYER}.ln_1.{part}"] for part in ("weight", "bias")]
    c_attn = model[f"transformer.h.{LAYER}.attn.c_attn.weight"], model[f"transformer.h.{LAYER}.attn.c_attn.bias"]
    own = lambda side: slice(side * D + HEAD * 16, side * D + (HEAD + 1) * 16)
    w_q, w_k = c_attn[0][:, own(0)], c_attn[0][:, own(1)]
    b_q, b_k = (c_attn[1][own(side)] + ln[1] @ c_attn[0][:, own(side)] for side in (0, 1))
    score = (norm(x[DEST], *ln) @ w_q + c_attn[1][own(0)]) @ (norm(x[SRC], *ln) @ w_k + c_attn[1][own(1)]) / 4

    def parts(at, w, b):
        centred = lambda y: y - y.mean()
        scale = np.sqrt((centred(x[at]) ** 2).mean() + 1e-5)
        read = lambda y: centred(y) * ln[0] / scale @ w
        active = np.flatnonzero(acts[at])
        missed = x[at] - acts[at] @ sae["W_dec"] - sae["b_dec"]
        return active, [read(acts[at, f] * sae["W_dec"][f]) for f in active], read(missed), read(sae["b_dec"]) + b

    on_dest, q, q_error, q_bias = parts(DEST, w_q, b_q)
    on_src, k, k_error, k_bias = parts(SRC, w_k, b_k)
    pairs = np.array(q) @ np.array(k).T / 4
    f, g = np.unravel_index(np.abs(pairs).argmax(), pairs.shape)
    # The whole matrix; the row that a feature becomes goes through it by its singular vectors.
    centre = lambda w: ln[0][:, None] * w - (ln[0][:, None] * w).mean(0)
    u, s, vt = np.linalg.svd(centre(w_q) @ centre(w_k).T)
    along = lambda at, feature: acts[at, feature] * sae["W_dec"][feature] / np.sqrt(((x[at] - x[at].mean()) ** 2).mean() + 1e-5)
    by_k = (along(DEST, on_dest[f]) @ u[:, :16]) * s[:16] * (vt[:16] @ along(SRC, on_src[g])) / 4
    assert abs(by_k.sum() - pairs[f, g]) < 1e-9
    total_q, total_k = sum(q), sum(k)
    found = {"layer": LAYER, "head": HEAD, "dest": DEST, "src": SRC, "score": score, "dest_features": on_dest.tolist(),
             "src_features": on_src.tolist(), "pairs": pairs.tolist(), "features": total_q @ total_k / 4,
             "dest_error": q_error @ total_k / 4, "src_error": total_q @ k_error / 4, "both_errors": q_error @ k_error / 4,
             "bias": (q_bias @ (total_k + k_error + k_bias) + (total_q + q_error) @ k_bias) / 4,
             "strongest": {"dest_feature": int(on_dest[f]), "src_feature": int(on_src[g]), "by_k": by_k.tolist()}}
    kinds = ("features", "dest_error", "src_error", "both_errors", "bias")
    assert abs(score - sum(found[kind] for kind in kinds)) < 1e-9
    return found


def main():
    """Everything from one seed."""
    model = {n: v.astype(np.float64) for n, v in load_file(MODELS / "names/step-04000.safetensors").items()}
    ids = [ID[word] for word in PROMPT.split()]
    x = stream(model, np.array([ids]), LAYER)[0]
    OUT.mkdir(exist_ok=True)
    body = {"ids": ids, "positions": [DEST, SRC], "activations": dictionaries(x, np.random.default_rng(7)), "split": split(model, x)}
    (OUT / "expected.json").write_text(json.dumps(body) + "\n")


if __name__ == "__main__":
    main()
