// The kernels of the page's worker: several numbers at a time. How the program is linked decides it (`[profile.worker]`), and no native test
// sees when it is lost: everything is right then, and takes two to three times as long.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "./harness.mjs";

/** Instructions of WebAssembly's SIMD, as they stand in the code. */
const PRODUCTS = { "f64x2.mul": [0xfd, 0xf2, 0x01], "f32x4.mul": [0xfd, 0xe6, 0x01] };

test("the worker multiplies several numbers at a time", (t) => {
  const name = readdirSync(DIST).find((name) => /^worker-.*\.wasm$/.test(name));
  const code = readFileSync(join(DIST, name));
  for (const [instruction, bytes] of Object.entries(PRODUCTS)) {
    const mark = Buffer.from(bytes);
    let count = 0;
    for (let at = code.indexOf(mark); at >= 0; at = code.indexOf(mark, at + mark.length)) count += 1;
    t.diagnostic(`${instruction}: ${count}`);
    assert.ok(count > 50, `${instruction} stands ${count} times in ${name}`);
  }
});
