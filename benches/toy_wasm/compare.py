"""The toy's training in wasm against the same training in numpy, alternating within one run; prints one table of ratios.

numpy runs dense and on one thread, in f64 for one pair and in f32, its best, for twenty; wasm runs in f64. Times are the
best of the rounds: the machine may be busy.
"""

import json
import os
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402  (after the thread limits)

ONE_PAIR = {"batch": 128, "steps": 2000}
TWENTY_PAIRS = {
    "n_features": 100, "d_model": 50, "d_head": 50, "batch": 128, "lambda": 1000.0, "lr": 5e-3, "steps": 5000,
    "template": {"pairs": {"n_pairs": 20, "strongest": 2.0, "weakest": 0.5}}, "schedule": "cosine",
}
DEFAULTS = {"n_features": 20, "d_model": 10, "d_head": 10, "n_keys": 8, "p": 0.1, "lambda": 10.0, "lr": 3e-3}
ROUNDS = 5


class Numpy:
    """W [D, N], W_Q and W_K [H, D]; the gradient is derived by hand and checked by our golden runs."""

    def __init__(self, config, dtype):
        self.c = {**DEFAULTS, **config}
        self.dtype, self.rng, self.t = dtype, np.random.default_rng(0), 0
        n, d, h = self.c["n_features"], self.c["d_model"], self.c["d_head"]
        normal = lambda *shape: (self.rng.standard_normal(shape) * np.sqrt(2 / sum(shape))).astype(dtype)
        self.params = [normal(d, n), np.zeros(n, dtype), normal(h, d), normal(h, d)]
        self.first = [np.zeros_like(p) for p in self.params]
        self.second = [np.zeros_like(p) for p in self.params]
        pairs = config.get("template", {}).get("pairs")
        self.template = np.zeros((n, n), dtype)
        if pairs:
            k = np.arange(pairs["n_pairs"])
            self.template[k, k + len(k)] = np.linspace(pairs["strongest"], pairs["weakest"], len(k))
        else:
            self.template[0, 1] = 10.0

    def step(self):
        c, (w, b, w_q, w_k) = self.c, self.params
        n, m, batch = c["n_features"], c["n_keys"], c["batch"]
        shape = (batch * (1 + m), n)
        f = self.rng.random(shape, self.dtype) * (self.rng.random(shape, np.float32) < c["p"])
        r = f @ w.T
        z = r @ w + b
        d_z = 2 / len(f) * (np.maximum(z, 0) - f) * (z > 0)
        d_r = d_z @ w.T
        r_q, r_k = r[:batch], r[batch:].reshape(batch, m, -1)
        q, k = r_q @ w_q.T, r_k @ w_k.T
        wanted = f[:batch] @ self.template
        logits = np.matmul(k, q[:, :, None])[:, :, 0]
        targets = np.matmul(f[batch:].reshape(batch, m, n), wanted[:, :, None])[:, :, 0]
        d_l = c["lambda"] / batch * (softmax(logits) - softmax(targets))
        d_q = np.matmul(d_l[:, None], k)[:, 0]
        d_k = (d_l[:, :, None] * q[:, None]).reshape(batch * m, -1)
        d_r[:batch] += d_q @ w_q
        d_r[batch:] += d_k @ w_k
        grads = [r.T @ d_z + d_r.T @ f, d_z.sum(0), d_q.T @ r_q, d_k.T @ r[batch:]]
        self.t += 1
        for p, g, first, second in zip(self.params, grads, self.first, self.second):
            first += 0.1 * (g - first)
            second += 0.001 * (g * g - second)
            root = np.sqrt(second / (1 - 0.999**self.t)) + 1e-8
            p -= (c["lr"] * first / (1 - 0.9**self.t) / root).astype(self.dtype)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def main(module):
    node = subprocess.Popen(
        ["node", os.path.join(os.path.dirname(__file__), "serve.cjs"), module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )

    def ask(line):
        node.stdin.write(line + "\n")
        node.stdin.flush()
        return json.loads(node.stdout.readline())

    print(f"{'run':28}{'wasm ms/step':>14}{'numpy ms/step':>15}{'ratio':>8}{'whole run in wasm':>20}{'budget':>9}")
    cases = [("one pair, B=128", ONE_PAIR, np.float64, 300, 1.5), ("twenty pairs", TWENTY_PAIRS, np.float32, 100, 15.0)]
    for name, config, dtype, steps, budget in cases:
        ask(json.dumps(config))
        ask(str(steps))
        rival = Numpy(config, dtype)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(ask(str(steps))["ms"] / steps)
            start = time.perf_counter()
            for _ in range(steps):
                rival.step()
            theirs.append(1e3 * (time.perf_counter() - start) / steps)
        a, b = min(ours), min(theirs)
        whole = a * config["steps"] / 1e3
        print(f"{name:28}{a:14.3f}{b:15.3f}{b / a:8.2f}{whole:18.2f} s{budget:7.1f} s")
    node.stdin.close()
    node.wait()


if __name__ == "__main__":
    main(sys.argv[1])
