// The same program for browsers without relaxed SIMD: in place of each fused product and sum, a product and a sum.
//
// A hook of trunk: it is made of the finished program instruction by instruction, so both have one build, one glue and one set of imports. A new kind of
// instruction that this file does not know makes the result invalid, and the build stops.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Relaxed SIMD's `a b c → a b + c`, and the product and the sum that stand in its place. */
const FUSED = {
  0x105: { product: [0xfd, 0xe6, 0x01], sum: [0xfd, 0xe4, 0x01] }, // f32x4
  0x107: { product: [0xfd, 0xf2, 0x01], sum: [0xfd, 0xf0, 0x01] }, // f64x2
};
const V128 = 0x7b;

/** Reads numbers and skips instructions. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  number() {
    let [value, shift, byte] = [0, 1, 0];
    do {
      byte = this.bytes[this.at++];
      value += (byte & 0x7f) * shift;
      shift *= 128;
    } while (byte & 0x80);
    return value;
  }
  skip(count) {
    while (count--) this.number();
  }
  memory() {
    this.skip(this.number() & 0x40 ? 2 : 1);
  }
  /** Passes one instruction, and returns its number if it is one of SIMD's. */
  instruction() {
    const code = this.bytes[this.at++];
    if (code === 0xfd) return this.simd();
    if (code === 0xfc) this.skip([0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1][this.number()]);
    else if (code >= 0x28 && code <= 0x3e) this.memory();
    else if (code === 0x11) this.skip(2);
    else if (code === 0x0e || code === 0x1c) this.skip(this.number() + (code === 0x0e ? 1 : 0));
    else if (code === 0x43) this.at += 4;
    else if (code === 0x44) this.at += 8;
    else if ([0x02, 0x03, 0x04, 0x0c, 0x0d, 0x10, 0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2].includes(code)) this.number();
    else if (code >= 0x20 && code <= 0x26) this.number();
    return undefined;
  }
  simd() {
    const code = this.number();
    if (code <= 11 || code === 92 || code === 93) this.memory();
    else if (code === 12 || code === 13) this.at += 16;
    else if (code >= 21 && code <= 34) this.at += 1;
    else if (code >= 84 && code <= 91) {
      this.memory();
      this.at += 1;
    }
    return code;
  }
}

const written = (value) => {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value);
  return bytes;
};

/** The bytes of a module without fused instructions, and how many there were. */
function plain(module) {
  const sections = [];
  for (const reader = new Reader(module, 8); reader.at < module.length; ) {
    const [id, length] = [module[reader.at++], reader.number()];
    sections.push({ id, bytes: module.subarray(reader.at, (reader.at += length)) });
  }
  const of = (id) => new Reader(sections.find((section) => section.id === id)?.bytes ?? [0]);
  const types = of(1);
  const parameters = Array.from({ length: types.number() }, () => {
    types.at += 1;
    const count = types.number();
    types.at += count;
    const results = types.number();
    types.at += results;
    return count;
  });
  const declared = of(3);
  const functions = Array.from({ length: declared.number() }, () => parameters[declared.number()]);

  let fused = 0;
  const code = sections.find((section) => section.id === 10);
  const reader = new Reader(code.bytes);
  const parts = [written(reader.number())];
  for (const n_parameters of functions) {
    const length = reader.number();
    const body = code.bytes.subarray(reader.at, (reader.at += length));
    const mended = without(body, n_parameters);
    fused += mended.fused;
    parts.push(written(mended.length), ...mended.parts);
  }
  code.bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const whole = sections.flatMap(({ id, bytes }) => [[id, ...written(bytes.length)], bytes]);
  return { bytes: Buffer.concat([module.subarray(0, 8), ...whole.map((part) => Buffer.from(part))]), fused };
}

/** One function's body with a variable more, in which the number to be added waits for the product. */
function without(body, n_parameters) {
  const reader = new Reader(body);
  const groups = reader.number();
  const first = reader.at;
  let n_locals = n_parameters;
  for (let i = 0; i < groups; i++) {
    n_locals += reader.number();
    reader.at += 1;
  }
  const spare = written(n_locals);
  const parts = [written(groups + 1), body.subarray(first, reader.at), [1, V128]];
  let [copied, fused] = [reader.at, 0];
  while (reader.at < body.length) {
    const start = reader.at;
    const found = FUSED[reader.instruction()];
    if (!found) continue;
    fused += 1;
    parts.push(body.subarray(copied, start), [0x21, ...spare, ...found.product, 0x20, ...spare, ...found.sum]);
    copied = reader.at;
  }
  if (!fused) return { parts: [body], length: body.length, fused };
  parts.push(body.subarray(copied));
  return { parts, length: parts.reduce((sum, part) => sum + part.length, 0), fused };
}

const program = (ending) => join(process.env.TRUNK_STAGING_DIR, `worker_${ending}.wasm`);
const { bytes, fused } = plain(readFileSync(program("bg")));
if (!fused || !WebAssembly.validate(bytes)) throw new Error(`the workers' program has ${fused} fused products; without them it must be valid`);
writeFileSync(program("plain"), bytes);
