"""Train the built-in model and write its checkpoints, tokenizer and index into `names/`.

    OMP_NUM_THREADS=1 python train.py        # about four minutes on one core; needs torch, transformers, safetensors

A plain GPT-2 of 3 layers, 4 heads and d_model 64 over 65 words, small enough to ship and trained on four tasks whose
answer must be looked up earlier in the text, so that its heads have something to find: indirect objects, repeated
lists, where somebody is, and which pronoun a name takes. Everything is drawn from one seed.
"""

import json
import math
import random
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from sentences import BOS, ID, SEED, TASKS, UNKNOWN, VOCABULARY, WIDTH, batch, tokens

STEPS, RATE = 4000, 3e-3
# Roughly geometric, and denser where the tasks are learned.
SAVED = [0, 32, 64, 125, 180, 250, 350, 500, 700, 1000, 1400, 2000, 2800, 4000]
OUT = Path(__file__).parent / "names"


def questions(n=128):
    """`n` fixed sentences of each task, cut before their last known word, with that word as the answer."""
    held = {}
    for task, (maker, _) in TASKS.items():
        rng = random.Random(f"{SEED} questions {task}")
        held[task] = []
        for _ in range(n):
            ids, known = tokens(maker(rng))
            at = max(i for i, k in enumerate(known) if k)
            held[task].append((ids[:at], ids[at]))
    return held


@torch.no_grad()
def accuracy(model, held, start=True):
    """Share of the questions whose answer is the most likely of all words, per task; optionally without start token."""
    result = {}
    for task, asked in held.items():
        hits = sum(int(model(torch.tensor([ids if start else ids[1:]])).logits[0, -1].argmax()) == answer
                   for ids, answer in asked)
        result[task] = hits / len(asked)
    return result


def configuration():
    """The GPT-2 shape: no dropout, tied embeddings, 32 positions."""
    return GPT2Config(vocab_size=len(VOCABULARY), n_positions=WIDTH, n_embd=64, n_layer=3, n_head=4, resid_pdrop=0.0,
                      embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, pad_token_id=None)


def save(model, step):
    """Write the tensors as f16 under the Hub's names; the tied unembedding is not repeated."""
    tensors = {name: value.detach().to(torch.float16).contiguous() for name, value in model.state_dict().items()
               if name != "lm_head.weight"}
    path = OUT / f"step-{step:05d}.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    return path


def reload(path):
    """The model as a reader gets it: from the f16 file."""
    model = GPT2LMHeadModel(configuration())
    missing, unexpected = model.load_state_dict({n: t.float() for n, t in load_file(path).items()}, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model.eval()


def write_tokenizer():
    """A tokenizer.json of whole words: spaces part words, punctuation stands alone."""
    special = [{"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                "special": True} for i, word in enumerate([BOS, UNKNOWN])]
    body = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
            "model": {"type": "WordLevel", "vocab": ID, "unk_token": UNKNOWN}}
    (OUT / "tokenizer.json").write_text(json.dumps(body, indent=1) + "\n")


def main():
    """Train, save and report."""
    random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    OUT.mkdir(exist_ok=True)
    rng, held = random.Random(SEED), questions()
    model = GPT2LMHeadModel(configuration())
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
    series, began = [], time.time()
    for step in range(STEPS + 1):
        if step in SAVED:
            path = save(model, step)
            scores = accuracy(reload(path), held)
            series.append({"step": step, "file": path.name, "bytes": path.stat().st_size, "accuracy": scores})
            print(f"{step:5d} {time.time() - began:6.0f} s ", {k: round(v, 3) for k, v in scores.items()}, flush=True)
        if step == STEPS:
            break
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        ids, weight = map(torch.tensor, batch(rng))
        logits = model(ids).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.reshape(-1, len(VOCABULARY)), ids[:, 1:].reshape(-1), reduction="none")
        weight = weight[:, 1:].reshape(-1)
        loss = (losses * weight).sum() / weight.sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
              "vocab_size": len(VOCABULARY), "n_positions": WIDTH, "n_embd": 64, "n_layer": 3, "n_head": 4,
              "layer_norm_epsilon": 1e-5, "scale_attn_weights": True, "tie_word_embeddings": True, "bos_token_id": 0,
              "eos_token_id": 0, "torch_dtype": "float16"}
    (OUT / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    write_tokenizer()
    index = {"name": "names", "seed": SEED, "config": "config.json", "tokenizer": "tokenizer.json",
             "examples": {task: maker(random.Random(SEED)).replace("[", "").replace("]", "") for task, (maker, _) in TASKS.items()},
             "questions": 128, "steps": series}
    (OUT / "series.json").write_text(json.dumps(index, indent=1) + "\n")
    print("without the start token:", accuracy(reload(path), held, start=False), f"{time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
