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

SEED = 20260
STEPS, BATCH, WIDTH, RATE = 4000, 64, 32, 3e-3
# Roughly geometric, and denser where the tasks are learned.
SAVED = [0, 32, 64, 125, 180, 250, 350, 500, 700, 1000, 1400, 2000, 2800, 4000]
PREDICTABLE, ELSEWHERE = 3.0, 0.1

BOS, UNKNOWN = "<|endoftext|>", "<unk>"
WOMEN = "Mary Alice Anna Emma Kate Lucy Sara Jane".split()
MEN = "John Bob Tom James Paul Mark Peter David".split()
NAMES = WOMEN + MEN
PLACES = "store park school garden office beach library museum".split()
THINGS = "drink book ring ball letter flower cake key".split()
GIVING = "gave handed passed".split()
STATES = "tired happy".split()
PLAIN = "red blue green one two three four five".split()
GRAMMAR = "When After went and to the a , . is at Where ? The because he she was".split()
VOCABULARY = [BOS, UNKNOWN, *NAMES, *PLACES, *THINGS, *GIVING, *STATES, *PLAIN, *GRAMMAR]
ID = {word: i for i, word in enumerate(VOCABULARY)}
OUT = Path(__file__).parent / "names"


def indirect_object(rng):
    """When Mary and John went to the store , John gave a drink to [Mary] ."""
    first, second = rng.sample(NAMES, 2)
    giver, receiver = rng.sample([first, second], 2)
    opening = f"{rng.choice(['When', 'After'])} {first} and {second} went to the {rng.choice(PLACES)} ,"
    return f"{opening} {giver} {rng.choice(GIVING)} a {rng.choice(THINGS)} to [{receiver}] ."


def repeated_list(rng):
    """one Mary key one [Mary] [key]: distinct words, so from the second of the copy on every word is known."""
    words = rng.sample(VOCABULARY[1:], rng.randint(4, 12))
    return " ".join(words + [words[0]] + [f"[{word}]" for word in words[1:]])


def where_is(rng):
    """Alice is at the park . Bob is at the store . Where is Alice ? The [park] ."""
    people, places = rng.sample(NAMES, 2), rng.sample(PLACES, 2)
    asked = rng.randrange(2)
    facts = " ".join(f"{who} is at the {place} ." for who, place in zip(people, places))
    return f"{facts} Where is {people[asked]} ? The [{places[asked]}] ."


def pronoun(rng):
    """Mary went to the park because [she] was tired ."""
    name = rng.choice(NAMES)
    word = "she" if name in WOMEN else "he"
    return f"{name} went to the {rng.choice(PLACES)} because [{word}] was {rng.choice(STATES)} ."


# How often each is drawn; the pronoun is learned at once and needs few.
TASKS = {"indirect_object": (indirect_object, 4), "repeated_list": (repeated_list, 3), "where_is": (where_is, 3),
         "pronoun": (pronoun, 1)}


def tokens(sentence):
    """Ids of a sentence, the start token first, and which of them stand in brackets: those can be known."""
    words = [BOS, *sentence.split()]
    known = [len(word) > 2 and word[0] == "[" for word in words]
    return [ID[word[1:-1] if k else word] for word, k in zip(words, known)], known


def batch(rng):
    """Rows of `WIDTH` tokens, filled with sentences; each weight belongs to the prediction of that token."""
    makers, shares = zip(*TASKS.values())
    rows, weights = [], []
    for _ in range(BATCH):
        row, weight = [], []
        while len(row) < WIDTH:
            ids, known = tokens(rng.choices(makers, shares)[0](rng))
            row += ids
            weight += [PREDICTABLE if k else ELSEWHERE for k in known]
        # Now and then without the start token, so that a reader may leave it out.
        start = 1 if rng.random() < 0.1 else 0
        row, weight = row[start:], weight[start:]
        row, weight = (row + [0])[:WIDTH], (weight + [0.0])[:WIDTH]
        rows.append(row)
        weights.append(weight)
    return torch.tensor(rows), torch.tensor(weights)


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
        ids, weight = batch(rng)
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
