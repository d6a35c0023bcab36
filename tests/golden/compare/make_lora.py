"""Writes adapter/ and lora.json: a LoRA adapter of rank 2 on W_Q and of rank 1 on W_V of one layer, put on tests/golden/adapters/lora/base,
and what it changes, by numpy in f64.

    python tests/golden/compare/make_lora.py

The square matrices are formed and subtracted; the adapter is merged by PEFT's formula, W + alpha / r B A, without rounding.
"""

import json
import pathlib

import numpy as np
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).parent
BASE = HERE.parent / "adapters/lora/base/model.safetensors"
LAYER, N_HEADS, D_HEAD, ALPHA, RANKS = 0, 2, 8, 6, {"q": 2, "v": 1}
NAME = f"model.layers.{LAYER}.self_attn."


def circuits(t, head):
    """Both matrices of a head, folded; the two heads share one key and value head, and Llama's projections are [d_out, d_in]."""
    rows, gain = slice(head * D_HEAD, (head + 1) * D_HEAD), t[f"model.layers.{LAYER}.input_layernorm.weight"]
    q, k, v = t[NAME + "q_proj.weight"][rows] * gain, t[NAME + "k_proj.weight"] * gain, t[NAME + "v_proj.weight"] * gain
    return {"qk": q.T @ k, "ov": v.T @ t[NAME + "o_proj.weight"][:, rows].T}


def main():
    rng = np.random.default_rng(18)
    base = {name: x.astype(np.float64) for name, x in load_file(BASE).items()}
    adapter, merged = {}, dict(base)
    for letter, rank in RANKS.items():
        module = f"{NAME}{letter}_proj"
        n_out, n_in = base[module + ".weight"].shape
        a, b = (rng.normal(0, 0.3, shape).astype(np.float32) for shape in ((rank, n_in), (n_out, rank)))
        adapter |= {f"base_model.model.{module}.lora_A.weight": a, f"base_model.model.{module}.lora_B.weight": b}
        merged[module + ".weight"] = base[module + ".weight"] + ALPHA / rank * b.astype(np.float64) @ a.astype(np.float64)
    (HERE / "adapter").mkdir(exist_ok=True)
    save_file(adapter, HERE / "adapter/adapter_model.safetensors")
    config = {"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 2, "lora_alpha": ALPHA, "rank_pattern": {"v_proj": 1}}
    (HERE / "adapter/adapter_config.json").write_text(json.dumps(config))
    found = []
    for head in range(N_HEADS):
        old, new = circuits(base, head), circuits(merged, head)
        row = {"layer": LAYER, "head": head}
        for circuit, rank in (("qk", 2), ("ov", 1)):
            delta = new[circuit] - old[circuit]
            row[circuit] = {"change": np.linalg.norm(delta) / np.linalg.norm(old[circuit]), "rank": rank,
                            "delta": list(np.linalg.svd(delta, compute_uv=False)[:rank])}
        found.append(row)
    (HERE / "lora.json").write_text(json.dumps({"source": "numpy " + np.__version__, "heads": found}) + "\n")


if __name__ == "__main__":
    main()
