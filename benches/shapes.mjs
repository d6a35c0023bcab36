// Checkpoints of well-known shapes with random attention weights, to measure reading and not to understand.
//
//   node benches/shapes.mjs gpt2 FOLDER      548 MB, f32, every tensor filled
//   node benches/shapes.mjs llama FOLDER     16 GB, bf16, sparse: only the attention of layers 0 and 31 takes space on disk

import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** GPT-2 small as the Hub has it: no prefix, Conv1D orientation, mask buffers. */
function gpt2() {
  const tensors = { "wte.weight": [50257, 768], "wpe.weight": [1024, 768] };
  for (let l = 0; l < 12; l++) {
    Object.assign(tensors, {
      [`h.${l}.ln_1.weight`]: [768],
      [`h.${l}.ln_1.bias`]: [768],
      [`h.${l}.attn.bias`]: [1, 1, 1024, 1024],
      [`h.${l}.attn.c_attn.weight`]: [768, 2304],
      [`h.${l}.attn.c_attn.bias`]: [2304],
      [`h.${l}.attn.c_proj.weight`]: [768, 768],
      [`h.${l}.attn.c_proj.bias`]: [768],
      [`h.${l}.ln_2.weight`]: [768],
      [`h.${l}.ln_2.bias`]: [768],
      [`h.${l}.mlp.c_fc.weight`]: [768, 3072],
      [`h.${l}.mlp.c_fc.bias`]: [3072],
      [`h.${l}.mlp.c_proj.weight`]: [3072, 768],
      [`h.${l}.mlp.c_proj.bias`]: [768],
    });
  }
  Object.assign(tensors, { "ln_f.weight": [768], "ln_f.bias": [768] });
  const config = {
    model_type: "gpt2",
    architectures: ["GPT2LMHeadModel"],
    vocab_size: 50257,
    n_positions: 1024,
    n_embd: 768,
    n_layer: 12,
    n_head: 12,
    layer_norm_epsilon: 1e-5,
    activation_function: "gelu_new",
  };
  return { config, dtype: "F32", tensors, filled: () => true };
}

/** Llama-3-8B in one file. */
function llama() {
  const tensors = { "model.embed_tokens.weight": [128256, 4096] };
  for (let l = 0; l < 32; l++) {
    const at = `model.layers.${l}`;
    Object.assign(tensors, {
      [`${at}.input_layernorm.weight`]: [4096],
      [`${at}.self_attn.q_proj.weight`]: [4096, 4096],
      [`${at}.self_attn.k_proj.weight`]: [1024, 4096],
      [`${at}.self_attn.v_proj.weight`]: [1024, 4096],
      [`${at}.self_attn.o_proj.weight`]: [4096, 4096],
      [`${at}.post_attention_layernorm.weight`]: [4096],
      [`${at}.mlp.gate_proj.weight`]: [14336, 4096],
      [`${at}.mlp.up_proj.weight`]: [14336, 4096],
      [`${at}.mlp.down_proj.weight`]: [4096, 14336],
    });
  }
  Object.assign(tensors, { "model.norm.weight": [4096], "lm_head.weight": [128256, 4096] });
  const config = {
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    vocab_size: 128256,
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
    max_position_embeddings: 8192,
  };
  const filled = (name) => /layers\.(0|31)\.(self_attn|input_layernorm)/.test(name);
  return { config, dtype: "BF16", tensors, filled };
}

/** Numbers of deviation 0.02 around zero, 4 million of them, by a 32-bit xorshift from a fixed seed. */
function noise(dtype) {
  const floats = new Float32Array(1 << 22);
  let x = 0x9e3779b9;
  const uniform = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
  // The sum of two uniforms, centred, has the variance 1/6.
  for (let i = 0; i < floats.length; i++) floats[i] = 0.02 * Math.sqrt(6) * (uniform() + uniform() - 1);
  if (dtype === "F32") return Buffer.from(floats.buffer);
  // bfloat16 is the upper half of a float.
  return Buffer.from(Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16).buffer);
}

/** Positions that differ in few directions, as those of trained models do: a helix of eight slow turns, and a little noise. */
function positions([n, d], noise) {
  const table = new Float32Array(n * d);
  for (let p = 0; p < n; p++) {
    for (let i = 0; i < d; i++) {
      let x = 0.1 * noise[p * d + i];
      for (let turn = 1; turn <= 8; turn++) x += (noise[turn * d + i] / turn) * Math.sin((Math.PI * turn * p) / n + turn);
      table[p * d + i] = x;
    }
  }
  return Buffer.from(table.buffer);
}

/** Writes `model.safetensors` and `config.json` of `shape` into `folder`, unless they are there. */
export function write(shape, folder) {
  const path = join(folder, "model.safetensors");
  if (existsSync(path)) return path;
  const { config, dtype, tensors, filled } = { gpt2, llama }[shape]();
  const width = { F32: 4, BF16: 2 }[dtype];
  const header = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const start = end;
    end += width * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  let text = JSON.stringify(header);
  text += " ".repeat(-text.length & 7);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));

  mkdirSync(folder, { recursive: true });
  const file = openSync(`${path}.part`, "w");
  writeSync(file, Buffer.concat([length, Buffer.from(text)]));
  const base = 8 + text.length;
  ftruncateSync(file, base + end);
  const block = noise(dtype);
  let shift = 0;
  for (const [name, { data_offsets: range }] of Object.entries(header).slice(1)) {
    if (!filled(name)) continue;
    if (name === "wpe.weight") {
      const table = positions(tensors[name], new Float32Array(block.buffer));
      writeSync(file, table, 0, table.length, base + range[0]);
      continue;
    }
    // Another start in the block for every tensor, so that no two heads are equal.
    shift = (shift + 8 * 65537) % block.length;
    for (let at = range[0], from = shift; at < range[1]; from = 0) {
      const piece = block.subarray(from, Math.min(block.length, from + range[1] - at));
      writeSync(file, piece, 0, piece.length, base + at);
      at += piece.length;
    }
  }
  closeSync(file);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  renameSync(`${path}.part`, path);
  return path;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(write(process.argv[2], process.argv[3]));
}
