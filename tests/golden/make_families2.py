"""Runs the models of tests/golden/families2 again with transformers 5.24: attention, what attention writes, hidden states, logits.
Singular values (spectra.json): make_spectra2.py.

Run with a Python that has torch, transformers, safetensors and numpy:
    python tests/golden/make_families2.py            compares with what is there, prints the largest difference of each folder, changes nothing
    python tests/golden/make_families2.py --write    writes expected.safetensors anew

The weights themselves are what these files begin with: random numbers, made once. Left out are the folders whose layout is another program's
(nanogpt, nanogpt_compiled, llama2c, transformer_lens*): transformers does not read them, make_spectra2.py does.
"""

import json
import pathlib
import re
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent / "families2"
INPUTS = ("input_ids", "decoder_input_ids", "pixel_values", "input_values", "input_features")
# The last map of an attention block, by the ways in which libraries call it.
OUTPUT = re.compile(r"(attn|attention|SelfAttention|EncDecAttention)\.(o_proj|out_proj|c_proj|dense|o|out_lin|output\.dense|Wo|output_proj)$|attention\.output\.dense$")


def stack_of(path, folder):
    """In front of whose names what a module writes stands."""
    if re.search(r"encoder_attn|EncDecAttention", path):
        return "cross."
    if "text_model" in path or "vision_model" in path:
        return "text." if "text_model" in path else "vision."
    both = "decoder_input_ids" in folder
    return ("decoder." if "decoder" in path else "encoder.") if both else ""


def run(folder, given):
    """What the library gives for the stored inputs, under the names of the file."""
    config = transformers.AutoConfig.from_pretrained(folder)
    config._experts_implementation = "eager"
    kind = getattr(transformers, config.architectures[0])
    model = kind.from_pretrained(folder, config=config, attn_implementation="eager", dtype=torch.float32).eval()
    found, layers = {}, {}
    for path, module in model.named_modules():
        if OUTPUT.search(path):
            front = stack_of(path, given)
            numbers = re.findall(r"\.(\d+)\.", path)
            layer = int(numbers[0]) if numbers else 0
            def note(_module, inputs, out, front=front, layer=layer):
                # Shared weights (ALBERT) run once a layer.
                of = layer + layers.setdefault((front, layer), 0)
                layers[front, layer] += 1
                found[f"{front}attn_out.{of}"] = (out[0] if isinstance(out, tuple) else out)[0]
            module.register_forward_hook(note)
        # Gemma 3n reads one of its streams.
        read = re.search(r"layers\.(\d+)\.input_layernorm$", path)
        if read and "attn_in.0" in given:
            module.register_forward_pre_hook(lambda _, inputs, l=read[1]: found.__setitem__(f"attn_in.{l}", inputs[0][0]))
    inputs = {key: given[key][None] for key in INPUTS if key in given}
    with torch.no_grad():
        out = model(**inputs, output_attentions=True, output_hidden_states=True)

    def take(front, attentions, hidden):
        seen = iter([a for a in attentions or () if a is not None])
        # Hybrids tell the attention of the layers that have some.
        for l in sorted(int(key.rsplit(".", 1)[1]) for key in given if re.fullmatch(rf"{re.escape(front)}attention\.\d+", key)):
            found[f"{front}attention.{l}"] = next(seen)[0]
        for l, h in enumerate(hidden or ()):
            # The streams of Gemma 3n stand in front of the batch.
            found[f"{front}hidden.{l}"] = h[:, 0] if h.dim() == 4 else h[0]

    if "decoder_input_ids" in given:
        take("encoder.", out.encoder_attentions, out.encoder_hidden_states)
        take("decoder.", out.decoder_attentions, out.decoder_hidden_states)
        take("cross.", out.cross_attentions, None)
    elif "logits_per_image" in given:
        for front, part in (("text.", out.text_model_output), ("vision.", out.vision_model_output)):
            take(front, part.attentions, part.hidden_states)
            found[f"{front}last_hidden"] = part.last_hidden_state[0]
        found |= {"text_embeds": out.text_embeds, "image_embeds": out.image_embeds, "logits_per_image": out.logits_per_image}
    else:
        take("", out.attentions, out.hidden_states)
    if "logits" in given:
        found["logits"] = out.logits[0]
    if "last_hidden" in given:
        found["last_hidden"] = out.last_hidden_state[0]
    return found


def main():
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    worst = 0.0
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir()):
        if "architectures" not in json.loads((folder / "config.json").read_text()):
            continue
        there = load_file(folder / "expected.safetensors")
        found = run(folder, there)
        missing = sorted(key for key in there if key not in found and key not in INPUTS)
        off = {}
        for key in there:
            if key in found:
                a, b = found[key].float().squeeze(), there[key].float().squeeze()
                off[key] = float((a - b).abs().max() / max(1.0, float(b.abs().max()))) if a.shape == b.shape else float("inf")
        largest = max(off, key=off.get)
        worst = max(worst, off[largest], float("inf") if missing else 0.0)
        print(f"{folder.name:22} {len(off):3} tensors, largest difference {off[largest]:.1e} {largest if off[largest] > 1e-4 else ''} {'without ' + ', '.join(missing) if missing else ''}")
        if "--write" in sys.argv:
            save_file(there | {key: found[key].reshape(there[key].shape).contiguous().clone() for key in off}, folder / "expected.safetensors")
    print(f"largest difference {worst:.1e}")
    sys.exit(worst > 1e-4 and "--write" not in sys.argv)


if __name__ == "__main__":
    main()
