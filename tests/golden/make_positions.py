"""Writes positions.json: the share of every head's sides in the directions of the position embeddings, by numpy alone.

Usage: python make_positions.py MINILM/model.safetensors ../../www/models/names/step-04000.safetensors

Every number comes from the singular vectors themselves; the standard deviation is that of a projection at random (Collins & Śniady 2006),
which the script also draws for one head, as a check of itself.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def space(positions, centre):
    """An orthonormal basis of the directions that hold nine tenths of the variance of the rows."""
    table = positions - positions.mean(axis=0)
    if centre:
        table = table - table.mean(axis=1, keepdims=True)
    _, s, v_t = np.linalg.svd(table, full_matrices=False)
    held = np.cumsum(s**2) / np.sum(s**2)
    return v_t[: int(np.sum(held < 0.9)) + 1].T


def shares(a, b, basis, centre):
    """[[share, z] of u, [share, z] of v] of the circuit A Bᵀ."""
    if centre:
        a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    u, s, v_t = np.linalg.svd(a @ b.T, full_matrices=False)
    h = a.shape[1]
    weight = s[:h] ** 2 / np.sum(s[:h] ** 2)
    d, r = a.shape[0] - centre, basis.shape[1]
    spread = (np.sum(weight**2) - 1 / d) * r * (1 - r / d)
    sd = np.sqrt(2 * spread / ((d - 1) * (d + 2)))
    found = []
    for vectors in (u[:, :h], v_t[:h].T):
        share = float(np.sum(weight * np.sum((basis.T @ vectors) ** 2, axis=0)))
        found.append([share, float((share - r / d) / sd)])
    return found, weight, sd


def check(weight, r, d, sd):
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(4000):
        q, _ = np.linalg.qr(rng.standard_normal((d, len(weight))))
        drawn.append(np.sum(weight * np.sum(q[:r] ** 2, axis=0)))
    assert abs(np.std(drawn) / sd - 1) < 0.05 and abs(np.mean(drawn) - r / d) < 4 * sd / 60, (np.std(drawn), sd)


def minilm(path):
    t = {name: x.astype(np.float64) for name, x in load_file(path).items() if x.dtype.kind == "f"}
    basis, heads = space(t["embeddings.position_embeddings.weight"], False), []
    for layer in range(6):
        name = f"encoder.layer.{layer}.attention."
        q, k, v = (t[f"{name}self.{x}.weight"].T for x in ("query", "key", "value"))
        o = t[f"{name}output.dense.weight"].T
        for head in range(12):
            own = slice(32 * head, 32 * head + 32)
            heads.append([shares(q[:, own], k[:, own], basis, False)[0], shares(v[:, own], o[own].T, basis, False)[0]])
    return {"directions": basis.shape[1], "heads": heads}


def built_in(path, folded):
    t = {name: x.astype(np.float64) for name, x in load_file(path).items()}
    basis, heads = space(t["transformer.wpe.weight"], folded), []
    for layer in range(3):
        name = f"transformer.h.{layer}."
        qkv, o = t[f"{name}attn.c_attn.weight"], t[f"{name}attn.c_proj.weight"]
        if folded:
            qkv = qkv * t[f"{name}ln_1.weight"][:, None]
        q, k, v = np.split(qkv, 3, axis=1)
        for head in range(4):
            own = slice(16 * head, 16 * head + 16)
            qk, weight, sd = shares(q[:, own], k[:, own], basis, folded)
            heads.append([qk, shares(v[:, own], o[own].T, basis, folded)[0]])
    check(weight, basis.shape[1], 64 - folded, sd)
    return {"directions": basis.shape[1], "heads": heads}


if __name__ == "__main__":
    mini, names = sys.argv[1:]
    found = {"minilm-raw": minilm(mini), "names-raw": built_in(names, False), "names-folded": built_in(names, True)}
    rounded = json.loads(json.dumps(found), parse_float=lambda x: float(f"{float(x):.12g}"))
    Path(__file__).with_name("positions.json").write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
