// The kernels of the page's worker: several numbers at a time. How the program is linked decides it (`[profile.worker]`), and no native test
// sees when it is lost: everything is right then, and takes two to three times as long.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "./harness.mjs";

/** Instructions of WebAssembly's SIMD, as they stand in the code, and how often at least; the last two are relaxed. */
const PRODUCTS = {
  "f64x2.mul": [[0xfd, 0xf2, 0x01], 50],
  "f32x4.mul": [[0xfd, 0xe6, 0x01], 50],
  "f64x2.relaxed_madd": [[0xfd, 0x87, 0x02], 16],
  "f32x4.relaxed_madd": [[0xfd, 0x85, 0x02], 8],
};

const program = (ending) => readFileSync(join(DIST, readdirSync(DIST).find((name) => name.startsWith("worker-") && name.endsWith(ending))));

function count(code, instruction) {
  const mark = Buffer.from(PRODUCTS[instruction][0]);
  let found = 0;
  for (let at = code.indexOf(mark); at >= 0; at = code.indexOf(mark, at + mark.length)) found += 1;
  return found;
}

test("the worker multiplies several numbers at a time", (t) => {
  const code = program("_bg.wasm");
  for (const [instruction, [, least]] of Object.entries(PRODUCTS)) {
    const found = count(code, instruction);
    t.diagnostic(`${instruction}: ${found}`);
    assert.ok(found >= least, `${instruction} stands ${found} times`);
  }
});

test("the program for browsers without relaxed SIMD has none, and as many products", () => {
  const [code, plain] = [program("_bg.wasm"), program("_plain.wasm")];
  assert.ok(WebAssembly.validate(plain), "it is valid where relaxed SIMD is unknown");
  for (const kind of ["f64x2", "f32x4"]) {
    assert.equal(count(plain, `${kind}.relaxed_madd`), 0);
    assert.ok(count(plain, `${kind}.mul`) >= count(code, `${kind}.mul`) + count(code, `${kind}.relaxed_madd`));
  }
});
