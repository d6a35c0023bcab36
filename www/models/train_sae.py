"""Train sparse autoencoders on the built-in model's residual stream: `sae-layer-1/` and `sae-layer-2/`.

    python train_sae.py            # about five minutes on one core; needs numpy and safetensors
    python train_sae.py labels     # names the features of what was trained again

320 features in front of each layer that reads what heads wrote. Batch-top-k while it is trained: over a batch, the
`K` largest activations per token stay. What is written has the threshold that this amounts to, as SAELens saves such a
dictionary: a JumpReLU in `sae_weights.safetensors`, in f16, with its `cfg.json`. `labels.json` names every feature after the
words at which it is strongest on text that it was not trained on. Everything is drawn from one seed.
"""

import json
import random
import sys
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from sentences import GIVING, ID, MEN, NAMES, PLACES, SEED, THINGS, VOCABULARY, WOMEN, batch

LAYERS, N_FEATURES, K = (1, 2), 320, 12
STEPS, ROWS, RATE = 3000, 64, 2e-3
HERE = Path(__file__).parent


def norm(x, weight, bias):
    """LayerNorm over the last axis."""
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * weight + bias


def stream(model, ids, layer):
    """The residual stream in front of `layer`, `[rows, tokens, d_model]`: a GPT-2 of 4 heads without its last layers."""
    x = model["transformer.wte.weight"][ids] + model["transformer.wpe.weight"][: ids.shape[1]]
    hidden = np.triu(np.ones((ids.shape[1],) * 2, bool), 1)
    for l in range(layer):
        p = {name.split(f"h.{l}.")[1]: value for name, value in model.items() if f".h.{l}." in name}
        q, k, v = np.split(norm(x, p["ln_1.weight"], p["ln_1.bias"]) @ p["attn.c_attn.weight"] + p["attn.c_attn.bias"], 3, -1)
        by_head = lambda a: a.reshape(*a.shape[:2], 4, -1).transpose(0, 2, 1, 3)
        scores = by_head(q) @ by_head(k).transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1] / 4)
        scores = np.where(hidden, -np.inf, scores)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        z = (weights / weights.sum(-1, keepdims=True)) @ by_head(v)
        x = x + z.transpose(0, 2, 1, 3).reshape(x.shape) @ p["attn.c_proj.weight"] + p["attn.c_proj.bias"]
        h = norm(x, p["ln_2.weight"], p["ln_2.bias"]) @ p["mlp.c_fc.weight"] + p["mlp.c_fc.bias"]
        h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
        x = x + h @ p["mlp.c_proj.weight"] + p["mlp.c_proj.bias"]
    return x


class Dictionary:
    """Encoder, decoder of unit rows, and their Adam."""

    def __init__(self, mean, rng):
        d = len(mean)
        rows = rng.normal(size=(N_FEATURES, d))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        self.p = {"W_enc": rows.T.copy(), "b_enc": np.zeros(N_FEATURES), "W_dec": rows, "b_dec": mean.copy()}
        self.m = {name: np.zeros_like(value) for name, value in self.p.items()}
        self.v = {name: np.zeros_like(value) for name, value in self.p.items()}
        self.idle = np.zeros(N_FEATURES, int)

    def pre(self, x):
        return (x - self.p["b_dec"]) @ self.p["W_enc"] + self.p["b_enc"]

    def step(self, x, t):
        """One step of Adam on the squared error, and on what idle features could add to it."""
        p, n = self.p, len(x)
        pre = self.pre(x)
        cut = np.partition(pre.ravel(), -K * n)[-K * n]
        acts = np.where((pre >= cut) & (pre > 0), pre, 0)
        self.idle = np.where((acts > 0).any(0), 0, self.idle + 1)
        error = acts @ p["W_dec"] + p["b_dec"] - x
        # Idle features learn to say what is missing, each token by the eight that come nearest.
        dead = np.flatnonzero(self.idle > 30)
        spare = np.zeros_like(acts)
        if len(dead) > 8:
            some = pre[:, dead]
            floor = np.partition(some, -8, axis=1)[:, -8:-7]
            spare[:, dead] = np.where((some >= floor) & (some > 0), some, 0)
        missing = spare @ p["W_dec"] + error
        grads = {name: np.zeros_like(value) for name, value in p.items()}
        for part, off, share in [(acts, error, 1.0), (spare, missing, 1 / 32)]:
            off = off * (2 * share / n)
            through = (off @ p["W_dec"].T) * (part > 0)
            grads["W_dec"] += part.T @ off
            grads["W_enc"] += (x - p["b_dec"]).T @ through
            grads["b_enc"] += through.sum(0)
            if part is acts:
                grads["b_dec"] += off.sum(0) - through.sum(0) @ p["W_enc"].T
        # Along a row of unit length there is nothing to learn.
        grads["W_dec"] -= (grads["W_dec"] * p["W_dec"]).sum(1, keepdims=True) * p["W_dec"]
        rate = RATE * min(1, t / 100) * min(1, (STEPS - t) / (0.2 * STEPS))
        for name, g in grads.items():
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
            scale = np.sqrt(self.v[name] / (1 - 0.999**t)) + 1e-8
            p[name] -= rate * self.m[name] / (1 - 0.9**t) / scale
        p["W_dec"] /= np.linalg.norm(p["W_dec"], axis=1, keepdims=True)
        return (error**2).sum() / ((x - x.mean(0)) ** 2).sum(), cut


KINDS = {"women's names": WOMEN, "men's names": MEN, "names": NAMES, "places": PLACES, "things": THINGS, "gave, handed, passed": GIVING}


def circumstances(ids):
    """Where a token may stand, whichever word it is: places of `ids`, raveled."""
    column = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
    since, before, copied = np.zeros_like(ids), np.zeros(ids.shape, bool), np.zeros(ids.shape, bool)
    for i, row in enumerate(ids):
        last, start = {}, 0
        for j, word in enumerate(row):
            if word == 0:
                last, start = {}, j
            since[i, j], before[i, j] = j - start, word in last
            copied[i, j] = j > start and before[i, j] and row[j - 1] == row[last[word] - 1]
            last[word] = j
    found = {"in a copy of what was read": copied, "at words that were read before": before, "at the end of the window": column > 23,
             "4 to 8 words after a start": (since > 3) & (since < 9), "1 to 3 words after a start": (since > 0) & (since < 4)}
    return {name: where.ravel() for name, where in found.items()}


def labels(acts, ids):
    """A name for every feature: the words that hold most of its activation, and the word in front where that is mostly one. Of one
    that no few words hold, where it stands; and if that says nothing either, how often it is active and where most."""
    circumstance, words_at = circumstances(ids), np.bincount(ids.ravel(), minlength=len(VOCABULARY))
    words, before = ids.ravel(), np.concatenate([np.zeros_like(ids[:, :1]), ids[:, :-1]], 1).ravel()
    named = []
    for feature in acts.T:
        total = feature.sum()
        if total == 0:
            named.append("never active")
            continue
        share = np.bincount(words, feature, len(VOCABULARY)) / total
        front = np.bincount(before, feature, len(VOCABULARY)) / total
        of_kind = {kind: share[[ID[word] for word in members]].sum() for kind, members in KINDS.items()}
        kinds = [kind for kind, held in of_kind.items() if held > 0.7]
        most = np.argsort(-share)[:3]
        top = [VOCABULARY[i] for i in most if share[i] > 0.08]
        if len(top) == 1 or share[most[0]] > 0.5:
            name = f"at {VOCABULARY[most[0]]}" + ("" if share[most[0]] > 0.8 else " …")
        elif kinds:
            name = f"at {kinds[0]}"
        elif top:
            name = "at " + ", ".join(top) + ("" if share[most].sum() > 0.9 else " …")
        else:
            held = {name: (feature[where].sum() / total, where.mean()) for name, where in circumstance.items()}
            telling = {name: part / base for name, (part, base) in held.items() if part > 0.4 and part > 1.7 * base}
            mean = np.where(words_at > 20, share * total / np.maximum(words_at, 1), 0)
            active = (feature > 0).mean()
            often = f"at {active:.0%} of all words" if active > 0.01 else "rarely"
            name = max(telling, key=telling.get) if telling else f"{often}, most at {VOCABULARY[mean.argmax()]}"
        if front.max() > 0.6 and name not in circumstance:
            name += f" after {VOCABULARY[front.argmax()]}"
        named.append(name)
    return named


def held_out(layer):
    """Text of a layer's own: rows to train on, 300 batches, then 40 that the dictionary never sees."""
    text = random.Random(f"{SEED} sae {layer}")
    draw = lambda: np.array(batch(text)[0])
    return [draw() for _ in range(300)], np.concatenate([draw() for _ in range(40)])


def name_again(model, layer):
    """Write `labels.json` for the dictionary that lies there."""
    folder = HERE / f"sae-layer-{layer}"
    sae = Dictionary(np.zeros(64), np.random.default_rng(SEED))
    stored = load_file(folder / "sae_weights.safetensors")
    sae.p = {name: value.astype(np.float64) for name, value in stored.items()}
    ids = held_out(layer)[1]
    pre = sae.pre(stream(model, ids, layer).reshape(-1, 64))
    write_labels(folder, np.where(pre > sae.p["threshold"], pre, 0), ids)


def write_labels(folder, acts, ids):
    (folder / "labels.json").write_text(json.dumps(labels(acts, ids), indent=0, ensure_ascii=False) + "\n")


def train(model, layer):
    """Train, threshold, write and report."""
    began, rng = time.time(), np.random.default_rng(SEED)
    seen, ids = held_out(layer)
    flat = lambda ids: stream(model, ids, layer).reshape(-1, 64)
    pool = np.concatenate([flat(rows) for rows in seen])
    sae, cuts = Dictionary(pool.mean(0), rng), []
    for t in range(1, STEPS + 1):
        unexplained, cut = sae.step(pool[rng.integers(len(pool), size=2048)], t)
        cuts = (cuts + [cut])[-500:]
        if t % 500 == 0:
            print(f"{t:5d} {time.time() - began:5.0f} s  unexplained {unexplained:.4f}", flush=True)
    threshold = float(np.float16(max(np.mean(cuts), 0.0)))

    # What is written is what is measured.
    sae.p = {name: value.astype(np.float16).astype(np.float64) for name, value in sae.p.items()}
    x = flat(ids)
    pre = sae.pre(x)
    acts = np.where(pre > threshold, pre, 0)
    off = acts @ sae.p["W_dec"] + sae.p["b_dec"] - x
    explained = 1 - (off**2).sum() / ((x - x.mean(0)) ** 2).sum()
    report = {"explained_variance": round(float(explained), 4), "mean_active": round(float((acts > 0).sum(1).mean()), 2),
              "never_active": int((acts == 0).all(0).sum())}
    print(layer, report, flush=True)

    out = HERE / f"sae-layer-{layer}"
    out.mkdir(exist_ok=True)
    tensors = {name: value.astype(np.float16) for name, value in sae.p.items()}
    tensors["threshold"] = np.full(N_FEATURES, threshold, np.float16)
    save_file(tensors, out / "sae_weights.safetensors", metadata={"format": "np"})
    config = {"architecture": "jumprelu", "d_in": 64, "d_sae": N_FEATURES, "dtype": "float32", "apply_b_dec_to_input": True,
              "normalize_activations": "none", "reshape_activations": "none",
              "metadata": {"model_name": "names", "hook_name": f"blocks.{layer}.hook_resid_pre", "seed": SEED, **report}}
    (out / "cfg.json").write_text(json.dumps(config, indent=1) + "\n")
    write_labels(out, acts, ids)


def main():
    """Every layer; with the word `labels` only the names."""
    weights = load_file(HERE / "names" / "step-04000.safetensors")
    model = {name: value.astype(np.float64) for name, value in weights.items()}
    for layer in LAYERS:
        name_again(model, layer) if "labels" in sys.argv else train(model, layer)


if __name__ == "__main__":
    main()
