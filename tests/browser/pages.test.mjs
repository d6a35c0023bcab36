// Every other page: it opens, does its first thing, and is accessible.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PROJECTS, assertAccessible, start, withPage } from "./harness.mjs";

for (const [name, flags] of Object.entries(PROJECTS)) {
  describe(`the other pages, ${name}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());
    const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

    it("tests itself, or says that there is no WebGPU", { hash: "#/self-test" }, async (page) => {
      // On WebGPU every width of head that the kernels have: Tint checks what naga does not.
      if (name === "with WebGPU") await page.getByLabel(/thorough/).check();
      await page.getByTestId("run-self-test").click();
      const verdict = page.locator('p[data-testid="self-test"]');
      await verdict.waitFor({ timeout: 600_000 });
      const expected = name === "with WebGPU" ? /Every check passed/ : /WebGPU|GPU/;
      assert.match(await verdict.textContent(), expected);
    });

    if (name === "with WebGPU") return;

    for (const slug of ["features", "self-test"]) {
      for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
        it(`${slug} is accessible: ${JSON.stringify(options)}`, { hash: `#/${slug}`, ...options }, async (page) => {
          await page.locator(`section.page.${slug}`).waitFor();
          await page.waitForTimeout(1500);
          await assertAccessible(page, `on ${slug}`);
          const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
        });
      }
    }
  });
}
