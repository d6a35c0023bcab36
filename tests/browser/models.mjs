// Models made up for a test: GPT-2 by its names, of any number of layers and heads, with weights drawn from a fixed seed.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with `layers` × `heads` heads two wide, a vocabulary of forty and sixteen positions; about 4 · layers · d_model² floats. */
export function gpt2({ layers, heads, seed = 1 }) {
  const d = 2 * heads;
  const inner = 8;
  const shapes = { "wte.weight": [40, d], "wpe.weight": [16, d], "ln_f.weight": [d], "ln_f.bias": [d] };
  for (let layer = 0; layer < layers; layer += 1) {
    const at = (name) => `h.${layer}.${name}`;
    for (const norm of ["ln_1", "ln_2"]) [shapes[at(`${norm}.weight`)], shapes[at(`${norm}.bias`)]] = [[d], [d]];
    const maps = { "attn.c_attn": [d, 3 * d], "attn.c_proj": [d, d], "mlp.c_fc": [d, inner], "mlp.c_proj": [inner, d] };
    for (const [name, [n, m]] of Object.entries(maps)) [shapes[at(`${name}.weight`)], shapes[at(`${name}.bias`)]] = [[n, m], [m]];
  }
  const header = {};
  let floats = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const n = shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [4 * floats, 4 * (floats + n)] };
    floats += n;
  }
  const text = JSON.stringify(header).padEnd(Math.ceil(JSON.stringify(header).length / 8) * 8);
  const values = new Float32Array(floats);
  let state = seed;
  for (let i = 0; i < floats; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state / 2 ** 32 - 0.5) * 0.4;
  }
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const folder = mkdtempSync(join(tmpdir(), `omega-${layers}x${heads}-`));
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat([length, Buffer.from(text), Buffer.from(values.buffer)]));
  const config = { model_type: "gpt2", n_layer: layers, n_head: heads, n_embd: d, n_inner: inner, n_positions: 16, vocab_size: 40 };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}
