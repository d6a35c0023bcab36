"""PyTorch's side of the GPU benchmark: reads one question a line, answers one line; started by src/torch.rs.

One thread on the CPU, as all CPU rivals have; plain f32 on the GPU (no TF32). The first run of everything is not counted.
"""

import json
import sys
import time

import torch

torch.set_num_threads(1)
torch.set_grad_enabled(False)
DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


def read(path, start, shape):
    count = torch.Size(shape).numel()
    return torch.from_file(path, size=start + count, dtype=torch.float32)[start:].view(shape)


def milliseconds(device, work, rounds=2):
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        result = work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times[1:]), result


def by_qr(a, b):
    (q_a, r_a), (q_b, r_b) = torch.linalg.qr(a), torch.linalg.qr(b)
    u, s, v_t = torch.linalg.svd(r_a @ r_b.mT)
    return q_a @ u, s, q_b @ v_t.mT


def svd(file, d, h, many):
    """The heads in `file` (all A, then all B), `many` copies of them at a time on a GPU."""
    a, b = read(file, 0, (2, d, h)), read(file, 2 * d * h, (2, d, h))
    answers = []
    for device in DEVICES:
        copies = many // 2 if device == "cuda" else 1
        few = [x.to(device) for x in (a, b)]
        x, y = (m.repeat(copies, 1, 1) for m in few)
        core = torch.linalg.qr(x)[1] @ torch.linalg.qr(y)[1].mT
        ways = [
            (f"core alone, {len(x)} at a time", len(x), lambda: torch.linalg.svd(core)),
            (f"QR route, {len(x)} at a time", len(x), lambda: by_qr(x, y)),
            ("full Ω", 2, lambda: torch.linalg.svd(few[0] @ few[1].mT)),
        ]
        for name, count, work in ways:
            ms, (_, s, _) = milliseconds(device, work, 1 if count == 2 and d > 1000 else 2)
            values = s[:2, :h].double().tolist()
            answers.append({"who": f"torch {device}, f32, {name}", "ms": ms / count, "values": values})
    return answers


def top_k(file, n, d, rows, k):
    """The k largest |t · x| of every direction: products and topk over blocks of directions."""
    directions, dictionary = read(file, 0, (n, d)), read(file, n * d, (rows, d))
    answers = []
    for device in DEVICES:
        count = n if device == "cuda" else min(n, 1024)
        t, x = directions[:count].to(device), dictionary.to(device)
        work = lambda: [(block @ x.T).abs().topk(k, dim=1) for block in t.split(1024 if device == "cuda" else 64)]
        ms, found = milliseconds(device, work)
        values = found[0].values[:16].double().tolist()
        answers.append({"who": f"torch {device}, f32, matmul + topk in blocks", "ms": ms, "n": count, "values": values})
    return answers


gpu = f" with {torch.cuda.get_device_name()}" if len(DEVICES) > 1 else " without CUDA"
print(json.dumps(torch.__version__ + gpu), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    what = {"svd": svd, "top_k": top_k}[question.pop("what")]
    print(json.dumps(what(**question)), flush=True)
