"""The head SVD in wasm against numpy on the same factors, alternating within one run; prints one table of ratios.

numpy runs on one thread, twice: by the same route (QR, QR, SVD of the small core, two products) and by the full SVD of the
square matrix, which is what `torch.linalg.svd(W_Q @ W_K.T)` does. Times are processor time, the best of the rounds, so that a
busy machine disturbs them little.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402  (after the thread limits)

SHAPES = [(768, 64, 10, 3), (2048, 128, 5, 1)]
REPEATS = 4


def by_qr(a, b):
    q_a, r_a = np.linalg.qr(a)
    q_b, r_b = np.linalg.qr(b)
    u, s, v_t = np.linalg.svd(r_a @ r_b.T)
    return q_a @ u, s, q_b @ v_t.T


def milliseconds(work):
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start)


def main(module):
    node = subprocess.Popen(
        ["node", os.path.join(os.path.dirname(__file__), "serve.cjs"), module],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )

    def ask(line):
        print(line, file=node.stdin, flush=True)
        return json.loads(node.stdout.readline())

    print(f"{'shape':>10} {'wasm U,S,V':>11} {'wasm S':>8} {'numpy QR':>9} {'numpy full':>11}"
          f" {'/ QR route':>11} {'full /':>8}  worst σ, residual, orthogonality")
    for d_model, d_head, rounds, full_rounds in SHAPES:
        rng = np.random.default_rng(0)
        a, b = (rng.standard_normal((d_model, d_head)) for _ in range(2))
        with tempfile.NamedTemporaryFile() as file:
            file.write(a.tobytes() + b.tobytes())
            file.flush()
            ask(f"{file.name} {d_model} {d_head}")
        s = by_qr(a, b)[1]
        times = {"svd": [], "values": [], "qr": []}
        for _ in range(rounds):
            # Each several times in a row, or it would pay for the caches that the other has filled.
            times["qr"] += [milliseconds(lambda: by_qr(a, b)) for _ in range(REPEATS)]
            for command in ("svd", "values"):
                answers = [ask(command) for _ in range(REPEATS)]
                times[command] += [answer["ms"] for answer in answers]
                *found, residual, orthogonality = answers[-1]["result"]
        full = min(milliseconds(lambda: np.linalg.svd(a @ b.T)) for _ in range(full_rounds))
        best = {name: min(values) for name, values in times.items()}
        worst = np.max(np.abs(np.array(found) - s) / s)
        print(f"{d_model:>6}x{d_head:<3} {best['svd']:>8.2f} ms {best['values']:>5.2f} ms {best['qr']:>6.2f} ms {full:>8.1f} ms"
              f" {best['svd'] / best['qr']:>10.2f}x {full / best['svd']:>7.1f}x  {worst:.0e}, {residual:.0e}, {orthogonality:.0e}")
    node.stdin.close()
    node.wait()


if __name__ == "__main__":
    main(sys.argv[1])
