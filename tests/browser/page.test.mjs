// The page opens, with and without WebGPU.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PROJECTS, start, withPage } from "./harness.mjs";

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
