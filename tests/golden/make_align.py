"""Golden alignments by numpy and scipy in f64, independent of the crate: writes tests/golden/align/*.json.

    python tests/golden/make_align.py names                     # the built-in model, folded, embeddings and unembeddings
    python tests/golden/make_align.py minilm FOLDER             # all-MiniLM-L6-v2, its 30 522 embeddings

Every step is the shortest way to say it: the whole product Omega is formed and decomposed, the whole cosine matrix is formed and
sorted. Conventions: src/lib.rs, and the module pages of src/circuits/alignment and src/circuits/null.
"""

import json
import os
import sys

import numpy as np
from safetensors.numpy import load_file
from scipy import integrate, special

HERE = os.path.dirname(os.path.abspath(__file__))
ROTATIONS = 200


def svd(a, b, h):
    u, s, vt = np.linalg.svd(a @ b.T)
    u, s, v = u[:, :h], s[:h], vt[:h].T
    signs = np.sign(u[np.abs(u).argmax(0), np.arange(h)])
    return u * signs, s, v * signs


def unit_rows(rows, centre):
    if centre:
        rows = rows - rows.mean(1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1), int((norms > 0).sum())


def ln_p(t, d, n):
    p1 = special.betainc((d - 1) / 2, 0.5, 1 - t * t)
    return float(np.log(-np.expm1(n * np.log1p(-p1)))) if p1 < 1 else 0.0


def moments(d, n):
    tail = lambda t: -np.expm1(n * np.log1p(-special.betainc((d - 1) / 2, 0.5, 1 - t * t))) if t > 0 else 1.0
    points = list(np.linspace(0, 1, 21)[1:-1])
    first = integrate.quad(tail, 0, 1, points=points, limit=400, epsabs=1e-12)[0]
    second = integrate.quad(lambda t: 2 * t * tail(t), 0, 1, points=points, limit=400, epsabs=1e-12)[0]
    return first, float(np.sqrt(second - first**2))


def align(vectors, sigma, rows, n, d, mean, chance, rng, top=10):
    """vectors [d_model, h] against unit rows [N, d_model] that already live in the frame."""

    def unit(x):
        if mean is not None:
            x = x - np.outer(mean, mean @ x)
        return x / np.linalg.norm(x, axis=0)

    cosines = rows @ unit(vectors)
    best = np.abs(cosines).max(0)
    null = []
    for _ in range(ROTATIONS):
        q, r = np.linalg.qr(rng.normal(size=(len(sigma), len(sigma))))
        null.append(np.abs(rows @ unit(vectors @ (q * np.sign(np.diag(r))))).max(0).mean())
    directions = []
    for k, s in enumerate(sigma):
        order = np.argsort(-np.abs(cosines[:, k]), kind="stable")[:top]
        directions.append(
            {
                "sigma": float(s),
                "z": float((best[k] - chance[0]) / chance[1]),
                "ln_p": ln_p(best[k], d, n),
                "index": [int(i) for i in order],
                "cos": [round(float(cosines[i, k]), 7) for i in order],
            }
        )
    return {
        "mmcs": float(best.mean()),
        "mmcs_weighted": float((best * sigma).sum() / sigma.sum()),
        "rotation_mean": float(np.mean(null)),
        "rotation_sd": float(np.std(null, ddof=1)),
        "directions": directions,
    }


def case(name, dictionary, rows, heads, centre, remove_mean):
    rng = np.random.default_rng(0)
    rows, n = unit_rows(rows, centre)
    mean = None
    d = rows.shape[1] - int(centre)
    mean_cosine = float((np.linalg.norm(rows.sum(0)) ** 2 - n) / (n * (n - 1)))
    if remove_mean:
        mean = rows.mean(0) / np.linalg.norm(rows.mean(0))
        rows, n = unit_rows(rows - np.outer(rows @ mean, mean), False)
        d -= 1
    chance = moments(d, n)
    sides = []
    for layer, head, w_q, w_k, w_v, w_o in heads:
        h = w_q.shape[1]
        for (left, right), (a, b) in ((("dest", "src"), (w_q, w_k)), (("read", "write"), (w_v, w_o.T))):
            u, s, v = svd(a, b, h)
            for side, vectors in ((left, u), (right, v)):
                found = align(vectors, s, rows, n, d, mean, chance, rng)
                sides.append({"layer": layer, "head": head, "side": side, **found})
                print(name, dictionary, layer, head, side, "mmcs %.4f" % found["mmcs"], flush=True)
    return {
        "dictionary": dictionary,
        "remove_mean": remove_mean,
        "n_features": n,
        "d_null": d,
        "mean_cosine": mean_cosine,
        "chance": chance[0],
        "chance_sd": chance[1],
        "sides": sides,
    }


def names():
    folder = os.path.join(HERE, "../../www/models/names")
    config = json.load(open(os.path.join(folder, "config.json")))
    d, n_heads = config["n_embd"], config["n_head"]
    h = d // n_heads
    w = {k: x.astype(np.float64) for k, x in load_file(os.path.join(folder, "step-04000.safetensors")).items()}
    heads = []
    for layer, head in ((0, 1), (2, 3)):
        at = f"transformer.h.{layer}."
        gains = w[at + "ln_1.weight"][:, None]
        qkv = w[at + "attn.c_attn.weight"] * gains
        qkv = qkv - qkv.mean(0)
        part = lambda i: qkv[:, i * d + head * h : i * d + (head + 1) * h]
        w_o = w[at + "attn.c_proj.weight"][head * h : (head + 1) * h]
        heads.append((layer, head, part(0), part(1), part(2), w_o - w_o.mean(1, keepdims=True)))
    embed = w["transformer.wte.weight"]
    unembed = (embed - embed.mean(0)) * w["transformer.ln_f.weight"]
    return [
        case("names", "embed", embed, heads, True, True),
        case("names", "unembed", unembed, heads, True, False),
    ]


def minilm(folder):
    w = {k: x.astype(np.float64) for k, x in load_file(os.path.join(folder, "model.safetensors")).items()}
    h = 32
    heads = []
    for layer, head in ((0, 3), (4, 7)):
        at = f"encoder.layer.{layer}.attention."
        part = lambda name: w[at + f"self.{name}.weight"][head * h : (head + 1) * h].T
        w_o = w[at + "output.dense.weight"][:, head * h : (head + 1) * h].T
        heads.append((layer, head, part("query"), part("key"), part("value"), w_o))
    return [case("minilm", "embed", w["embeddings.word_embeddings.weight"], heads, False, True)]


if __name__ == "__main__":
    name = sys.argv[1]
    cases = names() if name == "names" else minilm(sys.argv[2])
    with open(os.path.join(HERE, "align", f"{name}.json"), "w") as out:
        json.dump({"rotations": ROTATIONS, "cases": cases}, out, separators=(",", ":"))
        out.write("\n")
