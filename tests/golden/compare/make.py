"""Writes names.json: heads of the built-in model at two steps of its training, compared by numpy and scipy in f64.

    python tests/golden/compare/make.py > tests/golden/compare/names.json

A different route from ours on purpose: the square matrices are formed and subtracted, spectra come from LAPACK's gesdd, angles
from scipy.linalg.subspace_angles, the matching from scipy.optimize.linear_sum_assignment; chance is drawn, not computed.
"""

import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from scipy.linalg import subspace_angles
from scipy.optimize import linear_sum_assignment

FOLDER = pathlib.Path(__file__).parents[3] / "www/models/names"
STEPS, HEADS, N_HEADS, D = (700, 4000), [(0, 1), (1, 2), (2, 3)], 4, 64
H = D // N_HEADS
DRAWS = 4000


def head(step, layer, head, weights):
    """W_Q, W_K, W_V as [d_model, d_head], W_O as [d_head, d_model]; GPT-2 stores y = x W."""
    t = {k: v.astype(np.float64) for k, v in load_file(FOLDER / f"step-{step:05}.safetensors").items()}
    at = lambda name: next(v for k, v in t.items() if k.endswith(f"h.{layer}.{name}"))
    q, k, v = np.split(at("attn.c_attn.weight"), 3, axis=1)
    columns = slice(head * H, (head + 1) * H)
    q, k, v, o = q[:, columns], k[:, columns], v[:, columns], at("attn.c_proj.weight")[columns]
    if weights == "folded":
        q, k, v = (at("ln_1.weight")[:, None] * m for m in (q, k, v))
        q, k, v = (m - m.mean(axis=0) for m in (q, k, v))
        o = o - o.mean(axis=1, keepdims=True)
    return {"qk": (q, k), "ov": (v, o.T)}


def svd(omega):
    u, s, v_t = np.linalg.svd(omega)
    keep = int((s > s[0] * D * np.finfo(np.float32).eps).sum())
    assert keep == H
    return u[:, :H], s[:H], v_t[:H].T


def blocks(s):
    found = [[0]]
    for k in range(1, len(s)):
        if 1 - s[k] / s[k - 1] < 1e-2:
            found[-1].append(k)
        else:
            found.append([k])
    return found


def cosines(one, other, blocks_a, blocks_b):
    overlap = one.T @ other
    found = np.abs(overlap)
    for rows in blocks_a:
        for columns in blocks_b:
            if len(rows) * len(columns) > 1:
                part = overlap[np.ix_(rows, columns)]
                found[np.ix_(rows, columns)] = np.sqrt((part**2).sum() / min(len(rows), len(columns)))
    return found


def sphere(rng, like, centred):
    x = rng.standard_normal(like.shape)
    if centred:
        x -= x.mean(axis=0)
    return x * np.linalg.norm(like) / np.linalg.norm(x)


def drawn(a, b, new_a, new_b, inside, centred, rng):
    """Means over random perturbations of equal norm: the energy of the change, and of it inside the old subspaces."""
    sums = np.zeros((DRAWS, 3))
    for i in range(DRAWS):
        change = sphere(rng, new_a - a, centred) @ new_b.T + a @ sphere(rng, new_b - b, centred).T
        left, right = inside[0].T @ change, change @ inside[1]
        sums[i] = [(change**2).sum(), (left**2).sum(), (right**2).sum()]
    mean, error = sums.mean(axis=0), sums.std(axis=0) / DRAWS**0.5
    return {"energy": list(mean), "standard_error": list(error)}


def compare(old, new, weights, rng):
    (a, b), (new_a, new_b) = old, new
    omega, other = a @ b.T, new_a @ new_b.T
    change = other - omega
    energy = (change**2).sum()
    (u, s, v), (new_u, new_s, new_v) = svd(omega), svd(other)
    both = [blocks(s), blocks(new_s)]
    left, right = cosines(u, new_u, *both), cosines(v, new_v, *both)
    rows, columns = linear_sum_assignment(left * right, maximize=True)
    return {
        "change": np.linalg.norm(change) / np.linalg.norm(omega),
        "delta": list(np.linalg.svd(change, compute_uv=False)[: 2 * H]),
        "inside_left": ((u.T @ change) ** 2).sum() / energy,
        "inside_right": ((change @ v) ** 2).sum() / energy,
        "angles_left": sorted(subspace_angles(u, new_u)),
        "angles_right": sorted(subspace_angles(v, new_v)),
        "worth": float((left * right)[rows, columns].sum()),
        "sigma_a": list(s),
        "sigma_b": list(new_s),
        "norm": float(np.linalg.norm(omega)),
        "drawn": drawn(a, b, new_a, new_b, (u, v), weights == "folded", rng),
    }


def rounded(x):
    if isinstance(x, dict):
        return {k: rounded(v) for k, v in x.items()}
    if isinstance(x, list):
        return [rounded(v) for v in x]
    return x if isinstance(x, (int, str)) else float(f"{float(x):.13e}")


def main():
    rng, found = np.random.default_rng(5), {}
    for weights in ("raw", "folded"):
        found[weights] = []
        for layer, index in HEADS:
            old, new = (head(step, layer, index, weights) for step in STEPS)
            circuits = {c: compare(old[c], new[c], weights, rng) for c in ("qk", "ov")}
            found[weights].append({"layer": layer, "head": index, **circuits})
    json.dump(rounded({"source": "numpy " + np.__version__, "steps": list(STEPS), **found}), sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
