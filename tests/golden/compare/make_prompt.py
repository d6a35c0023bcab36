"""Writes prompt.json: one prompt through the built-in model at two steps of its training, and the difference of scores split by numpy in f64.

    python tests/golden/compare/make_prompt.py > tests/golden/compare/prompt.json

The forward pass is written out here; ΔΩ is formed and decomposed whole; terms are products of residuals with its vectors, biases as
offsets of the residuals by a pseudo-inverse.
"""

import json

import numpy as np
from safetensors.numpy import load_file

from make import D, FOLDER, H, N_HEADS, STEPS

# "When Mary and John went to the store , John gave a drink to" as the built-in tokenizer cuts it, and cells to take apart.
IDS = [0, 47, 2, 50, 10, 49, 51, 52, 18, 54, 10, 34, 53, 26, 51]
CELLS = [(1, 2, 14, 2), (2, 3, 14, 5), (0, 1, 9, 4)]


def norm(x):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)


class Model:
    def __init__(self, step):
        t = load_file(FOLDER / f"step-{step:05}.safetensors")
        self.t = {name.removeprefix("transformer."): x.astype(np.float64) for name, x in t.items()}

    def at(self, layer, name):
        return self.t[f"h.{layer}.{name}"]

    def layer_norm(self, x, layer, which):
        return norm(x) * self.at(layer, which + ".weight") + self.at(layer, which + ".bias")

    def attention(self, x, layer):
        """Queries, keys, values, patterns, all heads, from the stream before the layer."""
        qkv = self.layer_norm(x, layer, "ln_1") @ self.at(layer, "attn.c_attn.weight") + self.at(layer, "attn.c_attn.bias")
        q, k, v = (part.reshape(len(x), N_HEADS, H).swapaxes(0, 1) for part in np.split(qkv, 3, axis=1))
        scores = q @ k.swapaxes(1, 2) / H**0.5
        seen = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        pattern = np.exp(seen - seen.max(axis=-1, keepdims=True))
        return scores, pattern / pattern.sum(axis=-1, keepdims=True), v

    def run(self, ids):
        x = self.t["wte.weight"][ids] + self.t["wpe.weight"][: len(ids)]
        streams = []
        for layer in range(3):
            streams.append(x)
            _, pattern, v = self.attention(x, layer)
            z = (pattern @ v).swapaxes(0, 1).reshape(len(x), D)
            x = x + z @ self.at(layer, "attn.c_proj.weight") + self.at(layer, "attn.c_proj.bias")
            m = self.layer_norm(x, layer, "ln_2") @ self.at(layer, "mlp.c_fc.weight") + self.at(layer, "mlp.c_fc.bias")
            m = 0.5 * m * (1 + np.tanh((2 / np.pi) ** 0.5 * (m + 0.044715 * m**3)))
            x = x + m @ self.at(layer, "mlp.c_proj.weight") + self.at(layer, "mlp.c_proj.bias")
        logits = (norm(x) * self.t["ln_f.weight"] + self.t["ln_f.bias"])[-1] @ self.t["wte.weight"].T
        p = np.exp(logits - logits.max())
        return streams, p / p.sum()

    def folded(self, layer, head):
        """W_Q, b_Q, W_K, b_K as the residual stream after the norm's division meets them."""
        gain, shift = self.at(layer, "ln_1.weight"), self.at(layer, "ln_1.bias")
        found = []
        for part in range(2):
            columns = slice(part * D + head * H, part * D + (head + 1) * H)
            w, b = self.at(layer, "attn.c_attn.weight")[:, columns], self.at(layer, "attn.c_attn.bias")[columns]
            b, w = b + shift @ w, gain[:, None] * w
            found += [w - w.mean(axis=0), b]
        return found


def offset(b, w):
    return b @ np.linalg.pinv(w)


def terms(omega, x, y):
    u, s, v_t = np.linalg.svd(omega)
    return s * (x @ u) * (v_t @ y) / H**0.5


def main():
    a, b = (Model(step) for step in STEPS)
    (streams_a, next_a), (streams_b, next_b) = a.run(IDS), b.run(IDS)
    cells = []
    for layer, head, dest, src in CELLS:
        (w_q, b_q, w_k, b_k), (new_q, new_b_q, new_k, new_b_k) = a.folded(layer, head), b.folded(layer, head)
        omega, new_omega = w_q @ w_k.T, new_q @ new_k.T
        (x, y), (new_x, new_y) = ((norm(s[layer])[dest], norm(s[layer])[src]) for s in (streams_a, streams_b))
        scores, pattern, _ = (part[head] for part in a.attention(streams_a[layer], layer))
        across, between, _ = (part[head] for part in b.attention(streams_a[layer], layer))
        new_scores, new_pattern, _ = (part[head] for part in b.attention(streams_b[layer], layer))
        in_b = [offset(new_b_q, new_q), offset(new_b_k, new_k)]
        # [ΔW_Q, W_Q] [W_K', ΔW_K]ᵀ: the biases lie beside each other as the factors do.
        o_q = offset(np.r_[new_b_q - b_q, b_q], np.hstack([new_q - w_q, w_q]))
        o_k = offset(np.r_[new_b_k, new_b_k - b_k], np.hstack([new_k, new_k - w_k]))
        weights = terms(new_omega - omega, x + o_q, y + o_k)[: 2 * H]
        of_b = [terms(new_omega, at[0] + in_b[0], at[1] + in_b[1])[:H] for at in ((x, y), (new_x, new_y))]
        of_a = terms(omega, x + offset(b_q, w_q), y + offset(b_k, w_k))[:H]
        assert abs(weights.sum() - (across - scores)[dest, src]) < 1e-9
        cells.append({
            "layer": layer, "head": head, "dest": dest, "src": src,
            "score_a": scores[dest, src], "across": across[dest, src], "score_b": new_scores[dest, src],
            "attention": [pattern[dest, src], between[dest, src], new_pattern[dest, src]],
            "terms_a": list(of_a), "terms_b": list(of_b[1]), "streams": list(of_b[1] - of_b[0]), "weights": list(weights),
            "pattern_a": list(pattern[dest]), "pattern_b": list(new_pattern[dest]),
            "most": [int(i) for i in np.unravel_index(np.abs(new_pattern - pattern).argmax(), pattern.shape)],
        })
    rounded = lambda x: [rounded(y) for y in x] if isinstance(x, list) else float(f"{x:.12g}") if isinstance(x, float) else x
    cells = [{name: rounded(value) for name, value in cell.items()} for cell in cells]
    largest = lambda p: [[int(i), rounded(float(p[i]))] for i in np.argsort(-p)[:5]]
    print(json.dumps({"source": "numpy " + np.__version__, "steps": STEPS, "ids": IDS, "next_a": largest(next_a), "next_b": largest(next_b), "cells": cells}))


main()
