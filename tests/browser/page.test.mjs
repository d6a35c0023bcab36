// The page opens, with and without WebGPU.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DIST, PROJECTS, start, withPage } from "./harness.mjs";

test("the site says what it is made of, each part with its licence and checksum", () => {
  const { components } = JSON.parse(readFileSync(join(DIST, "sbom.json"), "utf8"));
  const names = components.map((component) => component.name);
  for (const name of ["yew", "nalgebra", "wgpu", "tokenizers", "wasm-bindgen"]) assert.ok(names.includes(name), name);
  for (const { name, version, licenses, hashes } of components) {
    assert.match(version, /^\d+\.\d+/, name);
    assert.match(licenses[0].expression, /MIT|Apache|Zlib|BSD/, name);
    assert.match(hashes[0].content, /^[0-9a-f]{64}$/, name);
  }
});

for (const [name, flags] of Object.entries(PROJECTS)) {
  describe(`the page, ${name}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());

    test("loads from any sub-path and says what it is", () =>
      withPage(session, {}, async (page) => {
        assert.match(await page.title(), /Omega Lens/);
      }));
  });
}
