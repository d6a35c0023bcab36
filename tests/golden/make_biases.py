"""Writes biases.json: what biases add to the scores of every head beside Ω, from the scores themselves, by numpy alone.

Usage: python make_biases.py families/gpt2/model.safetensors families/qwen2/model.safetensors

A score as the model makes it from two normed vectors is asked at zero and at every unit vector; what is not bilinear in it is left.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def terms(w_q, b_q, w_k, b_k, gains, bias, centre):
    """[‖W_K b_Q‖, ‖W_Q b_K‖, b_Q·b_K] of a head that reads `x * gains + bias`, from its scores."""
    d = len(gains)
    unit = np.eye(d) - centre / d

    def score(x, y):
        return ((x * gains + bias) @ w_q + b_q) @ ((y * gains + bias) @ w_k + b_k)

    zero = np.zeros(d)
    constant = score(zero, zero)
    src = [score(zero, unit[i]) - constant for i in range(d)]
    dest = [score(unit[i], zero) - constant for i in range(d)]
    return [float(np.linalg.norm(src)), float(np.linalg.norm(dest)), float(constant)]


def gpt2(path, folded):
    t = {name: x.astype(np.float64) for name, x in load_file(path).items()}
    d, h, heads = 32, 8, []
    for layer in range(2):
        name = f"transformer.h.{layer}."
        w_q, w_k, _ = np.split(t[f"{name}attn.c_attn.weight"], 3, axis=1)
        b_q, b_k, _ = np.split(t[f"{name}attn.c_attn.bias"], 3)
        gains, bias = t[f"{name}ln_1.weight"], t[f"{name}ln_1.bias"]
        if not folded:
            gains, bias = np.ones(d), np.zeros(d)
        for head in range(4):
            own = slice(h * head, h * head + h)
            heads.append(terms(w_q[:, own], b_q[own], w_k[:, own], b_k[own], gains, bias, float(folded)))
    return heads


def qwen2(path):
    t = {name: x.astype(np.float64) for name, x in load_file(path).items()}
    h, heads = 8, []
    for layer in range(2):
        name = f"model.layers.{layer}."
        w_q, w_k = (t[f"{name}self_attn.{x}_proj.weight"].T for x in "qk")
        b_q, b_k = (t[f"{name}self_attn.{x}_proj.bias"] for x in "qk")
        gains = t[f"{name}input_layernorm.weight"]
        for head in range(4):
            q, k = slice(h * head, h * head + h), slice(h * (head // 2), h * (head // 2) + h)
            heads.append(terms(w_q[:, q], b_q[q], w_k[:, k], b_k[k], gains, np.zeros(32), 0.0))
    return heads


if __name__ == "__main__":
    gpt, qwen = sys.argv[1:]
    found = {"gpt2-raw": gpt2(gpt, False), "gpt2-folded": gpt2(gpt, True), "qwen2-folded": qwen2(qwen)}
    rounded = json.loads(json.dumps(found), parse_float=lambda x: float(f"{float(x):.12g}"))
    Path(__file__).with_name("biases.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
