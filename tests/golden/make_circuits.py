"""Recomputes tests/golden/circuits: what ACC++ finds on small models, from their weights and prompts, in double precision and in head space.

Run with a Python that has numpy and safetensors:
    python tests/golden/make_circuits.py            compares with what is there, prints the largest difference, changes nothing
    python tests/golden/make_circuits.py --write    writes what was recomputed into the files

The files were written by accpp-tracer 0.3.0 on transformer-lens 2.16.1 (torch, f32). This is a second implementation: the same seeds, the
same cells in the same order, the same edges; numbers as near as f32 allows. `stability` is kept: it comes of random weights that nothing repeats.
The weights of the three models are random numbers, made once; those of `names` are the built-in model's.
"""

import json
import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent / "circuits"
BUILT_IN = HERE.parents[2] / "www/models/names"
VARIANTS = {"": (0.8, 2.5), "_contrast": (None, 2.5), "_wide": (0.95, 1.5)}
INTERVALS = 64


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def trapezoid(values):
    return (values.sum(axis=0) - (values[0] + values[-1]) / 2) / INTERVALS


class Model:
    """Folded weights: the gain and bias of every norm are in what reads it; where norms centre, everything read and written is centred."""

    def __init__(self, folder, weights):
        config = json.loads((folder / "config.json").read_text())
        tensors = {key: value.astype(np.float64) for key, value in load_file(folder / weights).items()}
        self.kind = kind = config["model_type"]
        gpt2, neox = kind == "gpt2", kind == "gpt_neox"
        self.n_layers = config["n_layer" if gpt2 else "num_hidden_layers"]
        self.n_heads = n = config["n_head" if gpt2 else "num_attention_heads"]
        self.eps = config[{"gpt2": "layer_norm_epsilon", "gpt_neox": "layer_norm_eps", "llama": "rms_norm_eps"}[kind]]
        d = config["n_embd" if gpt2 else "hidden_size"]
        self.h = h = d // n
        self.rotary = 0 if gpt2 else int(h * config["rope_parameters"].get("partial_rotary_factor", 1))
        self.base = 0 if gpt2 else config["rope_parameters"]["rope_theta"]
        self.parallel = neox
        root = {"gpt2": "transformer.", "gpt_neox": "gpt_neox.", "llama": "model."}[kind]
        get = lambda name: tensors.get(root + name, tensors.get(name))
        centred = kind != "llama"
        written = lambda m: m - m.mean(axis=-1, keepdims=True) if centred else m

        def read(gain, bias, matrix, own):
            """A matrix [in, out] and its bias behind a norm."""
            own = (0 if own is None else own) + (0 if bias is None else bias @ matrix)
            folded = gain[:, None] * matrix
            return (folded - folded.mean(axis=0) if centred else folded), own + np.zeros(matrix.shape[1])

        self.embed = get({"gpt2": "wte.weight", "gpt_neox": "embed_in.weight", "llama": "embed_tokens.weight"}[kind])
        unembed = self.embed if gpt2 else tensors["embed_out.weight" if neox else "lm_head.weight"]
        self.embed = written(self.embed)
        self.positions = written(get("wpe.weight")) if gpt2 else None
        last = {"gpt2": "ln_f", "gpt_neox": "final_layer_norm", "llama": "norm"}[kind]
        self.w_u, self.b_u = read(get(f"{last}.weight"), get(f"{last}.bias"), unembed.T, None)
        self.layers = []
        for l in range(self.n_layers):
            at = lambda name: get({"gpt2": f"h.{l}.", "gpt_neox": f"layers.{l}.", "llama": f"layers.{l}."}[kind] + name)
            if gpt2:
                qkv, bias = np.split(at("attn.c_attn.weight"), 3, axis=1), np.split(at("attn.c_attn.bias"), 3)
                o, b_o = at("attn.c_proj.weight"), at("attn.c_proj.bias")
                mlp = [at("mlp.c_fc.weight"), at("mlp.c_fc.bias"), at("mlp.c_proj.weight"), at("mlp.c_proj.bias")]
                norms = [("ln_1.weight", "ln_1.bias"), ("ln_2.weight", "ln_2.bias")]
            elif neox:
                whole, bias = at("attention.query_key_value.weight").reshape(n, 3, h, d), at("attention.query_key_value.bias").reshape(n, 3, h)
                qkv, bias = [whole[:, i].reshape(d, d).T for i in range(3)], [bias[:, i].reshape(d) for i in range(3)]
                o, b_o = at("attention.dense.weight").T, at("attention.dense.bias")
                mlp = [at("mlp.dense_h_to_4h.weight").T, at("mlp.dense_h_to_4h.bias"), at("mlp.dense_4h_to_h.weight").T, at("mlp.dense_4h_to_h.bias")]
                norms = [("input_layernorm.weight", "input_layernorm.bias"), ("post_attention_layernorm.weight", "post_attention_layernorm.bias")]
            else:
                qkv, bias = [at(f"self_attn.{x}_proj.weight").T for x in "qkv"], [None] * 3
                o, b_o = at("self_attn.o_proj.weight").T, np.zeros(d)
                mlp = [at("mlp.up_proj.weight").T, None, at("mlp.down_proj.weight").T, np.zeros(d), at("mlp.gate_proj.weight").T]
                norms = [("input_layernorm.weight", "input_layernorm.bias"), ("post_attention_layernorm.weight", "post_attention_layernorm.bias")]
            (g1, c1), (g2, c2) = [(at(gain), at(shift)) for gain, shift in norms]
            (w_q, b_q), (w_k, b_k), (w_v, b_v) = [read(g1, c1, w, b) for w, b in zip(qkv, bias)]
            groups = n // (w_k.shape[1] // h)
            cut = lambda m, i: m[..., i * h : (i + 1) * h]
            o = written(o)
            b_o = written(b_o) + sum(cut(b_v, i // groups) @ o[i * h : (i + 1) * h] for i in range(n))
            heads = []
            for i in range(n):
                q, k = cut(w_q, i), cut(w_k, i // groups)
                (qa, ra), (qb, rb) = np.linalg.qr(q), np.linalg.qr(k)
                u, s, vt = np.linalg.svd(ra @ rb.T)
                u, v = qa @ u, qb @ vt.T
                heads.append({"q": q, "b_q": cut(b_q, i), "k": k, "b_k": cut(b_k, i // groups), "v": cut(w_v, i // groups), "o": o[i * h : (i + 1) * h],
                              "dest": k.T @ v, "src": q.T @ u / s})
            up, b_up = read(g2, c2, mlp[0], mlp[1])
            gate = read(g2, c2, mlp[4], None) if len(mlp) == 5 else None
            self.layers.append({"heads": heads, "b_o": b_o, "up": up, "b_up": b_up, "gate": gate, "down": written(mlp[2]), "b_down": written(mlp[3])})

    def scale(self, x):
        return np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)

    def rotate(self, y, at):
        """Rows of queries or keys, turned to the positions `at`."""
        rd = self.rotary
        if rd == 0:
            return y
        angles = np.asarray(at)[..., None] * self.base ** (-np.arange(0, rd, 2) / rd)
        cos, sin = np.cos(angles), np.sin(angles)
        a, b = y[..., : rd // 2], y[..., rd // 2 : rd]
        return np.concatenate([a * cos - b * sin, b * cos + a * sin, y[..., rd:]], axis=-1)

    def mlp(self, layer, x):
        z = x @ layer["up"] + layer["b_up"]
        if self.kind == "gpt2":
            z = 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
        elif self.kind == "gpt_neox":
            z = 0.5 * z * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))
        else:
            gate = x @ layer["gate"][0]
            z *= gate / (1 + np.exp(-gate))
        return z @ layer["down"] + layer["b_down"]


class Run:
    """A clean pass over a prompt: attention, values, scales, and all components."""

    def __init__(self, model, ids):
        self.model, self.n = model, len(ids)
        self.at = np.arange(self.n)
        x = model.embed[ids] + (model.positions[: self.n] if model.positions is not None else 0)
        # (kind, layer, head, source): what it writes at every position.
        self.components = [(("embed", None, None, None), x)]
        self.counts, self.scales, self.streams, self.attention = [], [], [], []
        hidden = np.triu(np.ones((self.n, self.n)), 1) * -1e300
        for l, layer in enumerate(model.layers):
            self.counts.append(len(self.components))
            scale = model.scale(x)
            xn = x / scale
            self.scales.append(scale)
            self.streams.append(xn)
            patterns, attended = [], 0
            for i, head in enumerate(layer["heads"]):
                q, k = model.rotate(xn @ head["q"] + head["b_q"], self.at), model.rotate(xn @ head["k"] + head["b_k"], self.at)
                pattern = softmax(q @ k.T / math.sqrt(model.h) + hidden)
                moved = xn @ head["v"] @ head["o"]
                self.components += [(("head", l, i, b), pattern[:, b : b + 1] * moved[b]) for b in range(self.n)]
                patterns.append(pattern)
                attended = attended + pattern @ moved
            self.attention.append(patterns)
            self.components.append((("bias", l, None, None), np.tile(layer["b_o"], (self.n, 1))))
            after = x + attended + layer["b_o"]
            read = x if model.parallel else after
            mlp = model.mlp(layer, read / model.scale(read))
            self.components.append((("mlp", l, None, None), mlp))
            x = after + mlp
        self.last = model.scale(x)[-1]

    def decompose(self, l, head, i, j):
        """The cells of a firing on both sides: who, and its row over the keys for every singular vector."""
        model, keys = self.model, self.at[: i + 1]
        weights = model.layers[l]["heads"][head]
        scale, xn = self.scales[l], self.streams[l]
        s = 1 / math.sqrt(model.h)
        # What could be there: no head's reading of a token behind i.
        there = [(who, x) for who, x in self.components[: self.counts[l]] if who[0] != "head" or who[3] <= i]
        names = [who for who, _ in there] + [("offset", None, None, None)]
        queries = np.array([x[i] @ weights["q"] / scale[i] for _, x in there] + [weights["b_q"]])
        dest = model.rotate(queries, np.full(len(names), i)) @ weights["dest"]
        whole = model.rotate(xn[: i + 1] @ weights["k"] + weights["b_k"], keys) @ weights["src"]
        sides = {"dest": dest[:, :, None] * whole.T[None] * s}
        query = model.rotate(xn[i] @ weights["q"] + weights["b_q"], i) @ weights["dest"]
        read = np.array([x[: i + 1] @ weights["k"] / scale[: i + 1] for _, x in there] + [np.tile(weights["b_k"], (i + 1, 1))])
        sides["src"] = (model.rotate(read, np.tile(keys, (len(names), 1))) @ weights["src"]).transpose(0, 2, 1) * query[None, :, None] * s
        return names, sides

    def walk(self, cells, attention, threshold, j):
        """Cells by their integrated gradient, zeroed one after the other until the attention is below the threshold: (component, k, attention after)."""
        scores = cells.sum(axis=(0, 1))
        p = softmax(np.linspace(0, 1, INTERVALS + 1)[:, None] * scores)
        gradient = trapezoid(p[:, j : j + 1] * (np.eye(len(scores))[j] - p))
        order = np.argsort(-(cells @ gradient).ravel(), kind="stable")
        removed = []
        for place in order:
            if attention < threshold:
                break
            c, k = divmod(int(place), cells.shape[1])
            scores = scores - cells[c, k]
            attention = softmax(scores)[j]
            removed.append((c, k, attention))
        return removed


def named(who, at):
    kind, layer, head, source = who
    return {"kind": kind, "layer": layer, "head": head, "dest": at, "src": at if source is None else source}


def seeds(run, answer, wrong, tau):
    """What the objective says of itself, and the seeds with their weights."""
    model = run.model
    e = run.n - 1
    parts = np.array([x[e] / run.last for _, x in run.components])
    names = [named(who, e) for who, _ in run.components]
    log_p = lambda z: float(np.log(softmax(z + model.b_u))[answer])
    z = parts.sum(axis=0) @ model.w_u
    told = {"answer_logprob": log_p(z)}
    if wrong is not None:
        bias = float(model.b_u[answer] - model.b_u[wrong])
        weights = parts @ (model.w_u[:, answer] - model.w_u[:, wrong])
        total = weights.sum()
        told |= {"logit_difference": float(total + bias), "bias_difference": bias}
        if total <= 0:
            return told, []
        descending = np.sort(weights)[::-1]
        beyond = np.nonzero(np.cumsum(descending) > total)[0]
        cut = min(descending[beyond[0]], total / 2) if len(beyond) else -np.inf
        rank = {"embed": 0, "head": 1, "bias": 2, "mlp": 3}
        chosen = sorted(np.nonzero(weights >= cut)[0], key=lambda c: (names[c]["layer"] if names[c]["layer"] is not None else -1, rank[names[c]["kind"]], names[c]["head"] or 0, names[c]["src"]))
        return told, [{"from": names[c], "weight": weights[c]} for c in chosen]
    told["baseline_logprob"] = log_p(0 * z)
    p = softmax(np.linspace(0, 1, INTERVALS + 1)[:, None] * z + model.b_u)
    gradients = parts @ (model.w_u[:, answer] - model.w_u @ trapezoid(p))
    whole, found, left = log_p(z) - log_p(0 * z), [], z
    for c in np.argsort(-gradients, kind="stable"):
        if whole <= 0 or gradients[c] <= 0 or log_p(z) - log_p(left) >= tau * whole:
            break
        left = left - parts[c] @ model.w_u
        found.append({"from": names[c], "weight": gradients[c]})
    return told, found


def trace(run, answer, wrong, tau, scale):
    told, found = seeds(run, answer, wrong, tau)
    empty = not any(seed["from"]["kind"] == "head" for seed in found)
    firings, edges, seen = [], [], set()

    def visit(l, head, i, j):
        seen.add((l, head, i, j))
        attention, threshold = run.attention[l][head][i, j], min(1, scale / (i + 1))
        firing = {"layer": l, "head": head, "dest": i, "src": j, "attention": attention, "threshold": threshold}
        firings.append(firing)
        firing["status"] = "first_layer" if l == 0 else "first_token" if i == 0 else "below" if attention < threshold else "traced"
        if firing["status"] != "traced":
            return
        names, sides = run.decompose(l, head, i, j)
        firing["cells"], next_edges = {}, []
        for side, at in (("dest", i), ("src", j)):
            removed = run.walk(sides[side], attention, threshold, j)
            firing["cells"][side] = {"removed": [{"from": named(names[c], at), "k": k} for c, k, _ in removed], "attention_after": [after for _, _, after in removed]}
            before, sums = attention, {}
            for c, k, after in removed:
                weight, ks = sums.get(c, (0.0, []))
                sums[c] = (weight + before - after, [*ks, k])
                before = after
            for c, (weight, ks) in sums.items():
                who = named(names[c], at)
                if who["src"] <= at:
                    next_edges.append({"from": who, "to": {"layer": l, "head": head, "dest": i, "src": j}, "side": side, "weight": weight, "k": ks})
        for edge in next_edges:
            edges.append(edge)
            to = edge["from"]
            if to["kind"] == "head" and (to["layer"], to["head"], to["dest"], to["src"]) not in seen:
                visit(to["layer"], to["head"], to["dest"], to["src"])

    for seed in [] if empty else found:
        to = seed["from"]
        if to["kind"] == "head" and (to["layer"], to["head"], to["dest"], to["src"]) not in seen:
            visit(to["layer"], to["head"], to["dest"], to["src"])
    return told, {"empty": empty, "seeds": found, "firings": firings, "edges": edges}


def in_order_of(there, edges):
    """Edges are a set; they stand as they stand in the file."""
    key = lambda edge: json.dumps([edge["from"], edge["to"], edge["side"]], sort_keys=True)
    place = {key(edge): n for n, edge in enumerate(there)}
    return sorted(edges, key=lambda edge: place.get(key(edge), len(place)))


def difference(found, there, path=""):
    """The largest difference of numbers, and the first place where the two are of another shape or name something else."""
    if isinstance(there, dict) and isinstance(found, dict) and found.keys() == there.keys():
        inner = [difference(found[key], there[key], f"{path}/{key}") for key in there]
    elif isinstance(there, list) and isinstance(found, list) and len(found) == len(there):
        inner = [difference(a, b, f"{path}/{i}") for i, (a, b) in enumerate(zip(found, there))]
    elif isinstance(there, float) and isinstance(found, (float, int)):
        return abs(found - there), ""
    else:
        return (0.0, "") if found == there else (math.inf, path)
    return max(inner, key=lambda one: one[0], default=(0.0, ""))


def main():
    worst = 0.0
    for name in ("names", "gpt2", "gpt_neox", "llama"):
        model = Model(BUILT_IN, "step-04000.safetensors") if name == "names" else Model(HERE / name, "model.safetensors")
        for i, prompt in enumerate(json.loads((HERE / name / "prompts.json").read_text())):
            run = Run(model, prompt["ids"])
            for variant, (tau, scale) in VARIANTS.items():
                path = HERE / name / f"circuit_{i}{variant}.json"
                if not path.exists():
                    continue
                there = json.loads(path.read_text())
                told, circuit = trace(run, prompt["answer"], prompt["wrong"] if tau is None else None, tau, scale)
                circuit["edges"] = in_order_of(there["edges"], circuit["edges"])
                found = {**there, "objective": there["objective"] | told, **circuit}
                found = json.loads(json.dumps(found, default=float))
                off, where = difference(found, there)
                worst = max(worst, off)
                print(f"{name}/{path.name:24} {len(circuit['firings']):3} firings {len(circuit['edges']):3} edges  largest difference {off:.1e} {where}")
                if "--write" in sys.argv:
                    seven = lambda x: float(f"{x:.7g}") if isinstance(x, float) else {k: seven(v) for k, v in x.items()} if isinstance(x, dict) else [seven(v) for v in x] if isinstance(x, list) else x
                    path.write_text(json.dumps(seven(found), separators=(",", ":")))
    print(f"largest difference {worst:.1e}")
    sys.exit(worst > 2e-5 and "--write" not in sys.argv)


if __name__ == "__main__":
    main()
