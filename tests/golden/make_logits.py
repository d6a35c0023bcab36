"""Write `logits.json`: what every head (by source token), MLP and the embedding add to a logit difference, in numpy alone.

    python tests/golden/make_logits.py       # needs numpy and safetensors

Two forward passes are written out here, GPT-2's and Llama's, in float64 and without folding anything: each component's own vector of the last
stream is centred (GPT-2), divided by the scale that the final norm has there, multiplied with its gains, and then with the columns of W_U.
The same is done for one head by singular pairs of its own W_V W_O, decomposed as a whole d_model x d_model matrix.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).resolve().parent
NAMES = HERE.parents[1] / "www" / "models" / "names"
WORDS = json.loads((NAMES / "tokenizer.json").read_text())["model"]["vocab"]
PROMPT = "<|endoftext|> When Mary and John went to the store , John gave a drink to"


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attend(q, k, n, d_head):
    scores = q @ k.T / np.sqrt(d_head)
    return softmax(np.where(np.tril(np.ones((n, n), bool)), scores, -np.inf))


class Gpt2:
    """Pre-LayerNorm, learned positions, tied unembedding."""

    def __init__(self, path, n_heads):
        self.p = {k: v.astype(np.float64) for k, v in load_file(path).items()}
        self.n_heads, self.d = n_heads, self.p["transformer.wte.weight"].shape[1]

    def norm(self, name, x):
        p = self.p
        centred = x - x.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return centred / scale * p[f"transformer.{name}.weight"] + p[f"transformer.{name}.bias"]

    def run(self, ids):
        p, h, d = self.p, self.n_heads, self.d
        n, w = len(ids), d // h
        x = p["transformer.wte.weight"][ids] + p["transformer.wpe.weight"][:n]
        parts = {"embed": x.copy()}
        n_layers = 1 + max(int(k.split(".")[2]) for k in p if ".h." in k)
        for layer in range(n_layers):
            at = f"h.{layer}."
            y = self.norm(at + "ln_1", x)
            qkv = y @ p[f"transformer.{at}attn.c_attn.weight"] + p[f"transformer.{at}attn.c_attn.bias"]
            q, k, v = np.split(qkv, 3, axis=1)
            b_v = p[f"transformer.{at}attn.c_attn.bias"][2 * d :]
            w_v = p[f"transformer.{at}attn.c_attn.weight"][:, 2 * d :]
            w_o = p[f"transformer.{at}attn.c_proj.weight"]
            # What the values hold wherever they are read belongs to the layer, not to a source.
            constant = b_v + p[f"transformer.{at}ln_1.bias"] @ w_v
            bias = p[f"transformer.{at}attn.c_proj.bias"] + constant @ w_o
            added = np.tile(bias, (n, 1))
            for head in range(h):
                cut = slice(head * w, (head + 1) * w)
                a = attend(q[:, cut], k[:, cut], n, w)
                own = (v - constant)[:, cut] @ w_o[cut]
                parts[f"L{layer}H{head}"] = a[:, :, None] * own[None]  # [dest, src, d]
                added = added + a @ own
            parts[f"bias{layer}"] = np.tile(bias, (n, 1))
            x = x + added
            y = self.norm(at + "ln_2", x)
            y = y @ p[f"transformer.{at}mlp.c_fc.weight"] + p[f"transformer.{at}mlp.c_fc.bias"]
            y = 0.5 * y * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3)))
            y = y @ p[f"transformer.{at}mlp.c_proj.weight"] + p[f"transformer.{at}mlp.c_proj.bias"]
            parts[f"mlp{layer}"] = y
            x = x + y
        return x, parts

    def logits(self, x):
        return self.norm("ln_f", x) @ self.p["transformer.wte.weight"].T

    def share(self, part, last):
        """The logits `[d_vocab]` that a summand of the last stream (`last`) makes, the final norm's scale held."""
        centred = part - part.mean(-1, keepdims=True)
        scale = np.sqrt(((last - last.mean()) ** 2).mean() + 1e-5)
        return centred / scale * self.p["transformer.ln_f.weight"] @ self.p["transformer.wte.weight"].T

    def bias(self):
        return self.p["transformer.ln_f.bias"] @ self.p["transformer.wte.weight"].T

    def ov(self, layer, head):
        """W_V W_O with the norm in front folded in, centred on both sides."""
        p, d, w, at = self.p, self.d, self.d // self.n_heads, f"transformer.h.{layer}."
        cut = slice(head * w, (head + 1) * w)
        w_v = p[at + "ln_1.weight"][:, None] * p[at + "attn.c_attn.weight"][:, 2 * d :][:, cut]
        w_v, w_o = w_v - w_v.mean(0), p[at + "attn.c_proj.weight"][cut]
        return w_v @ (w_o - w_o.mean(1, keepdims=True))


class Llama:
    """Pre-RMSNorm, grouped queries, rotary positions in halves, SwiGLU, untied unembedding."""

    def __init__(self, path, config):
        self.p = {k: v.astype(np.float64) for k, v in load_file(path).items()}
        self.c = json.loads(config.read_text())

    def norm(self, name, x):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + self.c["rms_norm_eps"]) * self.p[name]

    def turn(self, x):
        n, w = x.shape
        angles = np.arange(n)[:, None] * self.c["rope_parameters"]["rope_theta"] ** (-np.arange(0, w, 2) / w)
        cos, sin = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)
        return x * cos + np.concatenate([-x[:, w // 2 :], x[:, : w // 2]], 1) * sin

    def run(self, ids):
        p, c, n = self.p, self.c, len(ids)
        h, w = c["num_attention_heads"], c["head_dim"]
        group = h // c["num_key_value_heads"]
        x = p["model.embed_tokens.weight"][ids]
        parts = {"embed": x.copy()}
        for layer in range(c["num_hidden_layers"]):
            at = f"model.layers.{layer}."
            y = self.norm(at + "input_layernorm.weight", x)
            q, k, v = (y @ p[f"{at}self_attn.{m}_proj.weight"].T for m in "qkv")
            added = np.zeros_like(x)
            for head in range(h):
                cut = slice(head * w, (head + 1) * w)
                kv = slice(head // group * w, (head // group + 1) * w)
                a = attend(self.turn(q[:, cut]), self.turn(k[:, kv]), n, w)
                own = v[:, kv] @ p[at + "self_attn.o_proj.weight"][:, cut].T
                parts[f"L{layer}H{head}"] = a[:, :, None] * own[None]
                added = added + a @ own
            x = x + added
            y = self.norm(at + "post_attention_layernorm.weight", x)
            gate, up = (y @ p[f"{at}mlp.{m}_proj.weight"].T for m in ["gate", "up"])
            y = gate / (1 + np.exp(-gate)) * up @ p[at + "mlp.down_proj.weight"].T
            parts[f"bias{layer}"], parts[f"mlp{layer}"] = np.zeros_like(x), y
            x = x + y
        return x, parts

    def logits(self, x):
        return self.norm("model.norm.weight", x) @ self.p["lm_head.weight"].T

    def share(self, part, last):
        scale = np.sqrt((last**2).mean() + self.c["rms_norm_eps"])
        return part / scale * self.p["model.norm.weight"] @ self.p["lm_head.weight"].T

    def bias(self):
        return np.zeros(self.c["vocab_size"])

    def ov(self, layer, head):
        p, c, at = self.p, self.c, f"model.layers.{layer}."
        w, group = c["head_dim"], c["num_attention_heads"] // c["num_key_value_heads"]
        cut, kv = slice(head * w, (head + 1) * w), slice(head // group * w, (head // group + 1) * w)
        w_v = p[at + "input_layernorm.weight"][:, None] * p[at + "self_attn.v_proj.weight"][kv].T
        return w_v @ p[at + "self_attn.o_proj.weight"][:, cut].T


def case(model, name, ids, answer, wrong, at, cell):
    """`cell`: layer, head and source of one reading that is split over its singular pairs."""
    x, parts = model.run(ids)
    last, logits = x[at], model.logits(x)[at]
    pick = lambda z: z[..., answer] - (z.mean(-1) if wrong is None else z[..., wrong])
    shares = {}
    for part, vectors in parts.items():
        mine = vectors[at][: at + 1] if vectors.ndim == 3 else vectors[at]
        found = pick(model.share(mine, last))
        shares[part] = found.tolist() if vectors.ndim == 3 else float(found)
    whole, bias = float(pick(logits)), float(pick(model.bias()))
    total = sum(np.sum(v) for v in shares.values()) + bias
    assert abs(total - whole) < 1e-9, (total, whole)
    layer, head, src = cell
    u, s, v_t = np.linalg.svd(model.ov(layer, head))
    rank = int((s > 1e-9 * s[0]).sum())
    u, s, v_t = u[:, :rank], s[:rank], v_t[:rank]
    signs = np.sign(u[np.abs(u).argmax(0), np.arange(rank)])
    written = parts[f"L{layer}H{head}"][at, src]
    along = v_t @ (written - written.mean() if isinstance(model, Gpt2) else written)
    pairs = [float(pick(model.share(c * v, last))) for c, v in zip(along, v_t)]
    assert abs(sum(pairs) - shares[f"L{layer}H{head}"][src]) < 1e-9
    p = softmax(logits)
    return {
        "model": name, "ids": [int(i) for i in ids], "answer": int(answer), "wrong": wrong, "at": at,
        "logit_difference": whole, "bias": bias, "probability": float(p[answer]), "shares": shares,
        "cell": {"layer": layer, "head": head, "src": src, "sigma": s.tolist(),
                 "written": (along * signs).tolist(), "shares": pairs},
    }


def main():
    ids = [WORDS[word] for word in PROMPT.split(" ")]
    names = Gpt2(NAMES / "step-04000.safetensors", 4)
    mary, john = WORDS["Mary"], WORDS["John"]
    root = HERE / "circuits" / "llama"
    llama = Llama(root / "model.safetensors", root / "config.json")
    prompt = json.loads((root / "circuit_0.json").read_text())["ids"]
    cases = [
        case(names, "names", ids, mary, john, len(ids) - 1, (1, 3, 2)),
        case(names, "names", ids, mary, None, len(ids) - 1, (2, 1, 4)),
        case(llama, "llama", prompt, 31, 13, len(prompt) - 1, (2, 1, 3)),
        case(llama, "llama", prompt, 31, None, len(prompt) - 4, (3, 2, 0)),
    ]
    (HERE / "logits.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    for c in cases:
        wholes = {k: float(np.sum(v)) for k, v in c["shares"].items()}
        largest = sorted(wholes.items(), key=lambda item: -abs(item[1]))[:6]
        print(c["model"], round(c["logit_difference"], 4), [(k, round(v, 3)) for k, v in largest])


if __name__ == "__main__":
    main()
