"""GPT-2 small's forward pass in wasm, streamed from the file on two workers, against PyTorch on two threads.

    python benches/forward_pass/compare.py MODULE FOLDER

FOLDER holds a GPT-2-small-shaped checkpoint of random weights (benches/shapes.mjs writes one). Both sides compute the same
prompts, alternating within one run, and their largest next-token logits are compared. PyTorch has its weights in memory
before the clock starts; the wasm workers read theirs each time.
"""

import json
import os
import subprocess
import sys
import time

import torch
import transformers

ROUNDS = 3


def main(module, folder):
    torch.set_num_threads(2)
    model = transformers.GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").eval()
    serve = os.path.join(os.path.dirname(__file__), "serve.cjs")
    workers = [subprocess.Popen(["node", serve, module, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
               for _ in range(2)]

    def wasm(ids):
        shares = [s for s in ids.chunk(2) if len(s)]
        start = time.perf_counter()
        for worker, share in zip(workers, shares):
            print(json.dumps({"ids": share.flatten().tolist(), "n": share.shape[1]}), file=worker.stdin, flush=True)
        answers = [json.loads(worker.stdout.readline()) for worker, _ in zip(workers, shares)]
        seconds = time.perf_counter() - start
        return seconds, sum((a["largest"] for a in answers), []), sum(a["heap"] for a in answers) / 1e6

    def pytorch(ids):
        start = time.perf_counter()
        with torch.no_grad():
            hidden = model.transformer(ids, output_attentions=True).last_hidden_state[:, -1]
            largest = model.lm_head(hidden).amax(-1).tolist()
        return time.perf_counter() - start, largest

    print("| prompts | wasm, s | PyTorch, s | ratio | wasm heap, MB | largest difference |\n|---|---|---|---|---|---|")
    for prompts in (1, 128):
        ids = torch.randint(0, 50257, (prompts, 16), generator=torch.Generator().manual_seed(0))
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(wasm(ids))
            theirs.append(pytorch(ids))
        best, reference = min(o[0] for o in ours), min(t[0] for t in theirs)
        off = max(abs(a - b) for a, b in zip(ours[0][1], theirs[0][1]))
        print(f"| {prompts} × 16 | {best:.2f} | {reference:.2f} | {best / reference:.2f} | {max(o[2] for o in ours):.0f} |"
              f" {off:.0e} |")
    for worker in workers:
        worker.stdin.close()
        worker.wait()


if __name__ == "__main__":
    main(*sys.argv[1:3])
