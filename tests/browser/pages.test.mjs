// Every other page: it opens, does its first thing, and is accessible.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PROJECTS, assertAccessible, complete, start, still, withPage } from "./harness.mjs";

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

    it("says under every figure where its numbers come from", { hash: "#/heads" }, async (page) => {
      await complete(page, "built-in model");
      const figures = async (selector, seed) => {
        await page.locator(`${selector} figure .convention`).first().waitFor({ timeout: 60_000 });
        const lines = await page.locator(selector).evaluate((section) =>
          [...section.querySelectorAll("figure")].map((figure) => figure.querySelector(".convention")?.textContent ?? ""));
        for (const line of lines) assert.match(line, seed ? /seed \d+ · omega-lens \d+\.\d+\.\d+$/ : / · omega-lens \d+\.\d+\.\d+$/);
        return lines;
      };
      assert.match((await figures(".page.heads"))[0], /^built-in model, step 4000 \(gpt2\) · folded weights · OV = W_V W_O/);
      for (const [hash, selector, python] of [
        ["#/features", ".page.features", true], ["#/attention", ".page.attention .cell", true], ["#/toy?more=1", ".page.toy", true],
        ["#/theorems", ".page.theorems", true],
      ]) {
        await page.evaluate((hash) => (location.hash = hash), hash);
        const lines = await figures(selector, selector !== ".page.features");
        assert.ok(lines.length > 0, hash);
        if (python) await page.locator(selector).getByTestId("python").first().waitFor({ state: "attached" });
      }
    });

    for (const [hash, there] of [
      ["#/toy?at=60&more=1&steps=60", ".verdicts"], ["#/theorems", '[data-testid="theorem-1"]'], ["#/svd?head=0&layer=1", '[data-testid="svd-built"]'],
      ["#/heads?head=0&layer=1&lesson=2.1", ".on-stage .bars"], ["#/attention?dest=14&head=3&layer=1&lesson=1.1&prompt=When+Mary+and+John+went+to", ".arc-words"], ["#/toy?preset=one-pair&lesson=4.1", ".verdicts"],
    ]) {
      it(`has targets for a finger on ${hash}`, { hash, viewport: { width: 390, height: 844 }, hasTouch: true }, async (page) => {
        if (/lesson=[24]\.1/.test(hash)) await page.getByTestId("guess").getByRole("button").last().click();
        await page.locator(there).first().waitFor({ timeout: 60_000 });
        // Words in a line of text are as high as their line; everything else is met by a finger.
        const small = await page.evaluate(() => [...document.querySelectorAll("main :is(button, a, summary, select, input, [role=tab]), .lesson :is(button, a, summary, select, input)")]
          .filter((e) => e.getClientRects().length && !e.matches(".word, .prose a, p a, .hint a, li > a:only-child") && getComputedStyle(e).visibility === "visible")
          .map((e) => [e, (e.matches("label input") ? e.closest("label") : e).getBoundingClientRect()])
          .filter(([, { height, width }]) => height < 24 || width < 24)
          .map(([e, { height, width }]) => `${e.tagName} “${(e.getAttribute("aria-label") ?? e.textContent).trim().slice(0, 30)}” ${Math.round(width)} × ${Math.round(height)}`));
        assert.deepEqual(small, []);
      });
    }

    for (const slug of ["features", "self-test"]) {
      for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
        it(`${slug} is accessible: ${JSON.stringify(options)}`, { hash: `#/${slug}`, ...options }, async (page) => {
          await page.locator(`section.page.${slug}`).waitFor();
          await still(page);
          await assertAccessible(page, `on ${slug}`);
          const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
        });
      }
    }
  });
}
