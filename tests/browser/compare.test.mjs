// The Compare page: two steps of the built-in model against numpy, a second model of the reader's, and what cannot be compared.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, assertClose, measures, picture, start, withPage } from "./harness.mjs";

const GOLDEN = JSON.parse(readFileSync(join(ROOT, "tests/golden/compare/names.json")));
const BUILT_IN = join(ROOT, "www/models/names");
const compared = (page) => page.getByTestId("compared").filter({ hasText: "circuits" });
const files = (page) => page.getByTestId("second-files");

describe("Compare", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const [from, to] = GOLDEN.steps;

  it("agrees with numpy on two steps of the built-in model", { hash: `#/compare?with=${from}&step=${to}&layer=1&head=2` }, async (page) => {
    await compared(page).waitFor({ timeout: 60_000 });
    assert.match(await page.getByTestId("compared").textContent(), /From built-in model, step 700 \(before\) to built-in model, step 4000 \(now\)\. .* changed most, by .* Of 24 circuits/);
    const expected = GOLDEN.folded.find(({ layer, head }) => layer === 1 && head === 2).qk;
    const cell = page.locator('.page.compare [data-head="1,2"]');
    assert.match(await cell.getAttribute("aria-label"), /size of the change .* \(chance .*, q /);
    const spectra = page.locator(".page.compare figure").first();
    await spectra.locator("summary").click();
    await spectra.locator("tbody td").first().waitFor();
    assertClose(await measures(spectra, 2), expected.sigma_a, 1e-9, "before");
    assertClose(await measures(spectra, 3), expected.sigma_b, 1e-9, "now");
    await page.getByTestId("words").waitFor({ timeout: 60_000 });
    assert.ok((await page.getByTestId("words").locator("section").count()) > 0);
    assert.match(await page.getByTestId("changed").textContent(), /L1H2's QK changed by .* nine tenths of the change/);
    assert.match(await page.locator(".page.compare").getByTestId("python").textContent(), /change of Omega = W_Q W_K\^T, layer 1, head 2/);
    // A circuit, a measure and raw weights are in the address, and come back with it.
    await page.locator(".page.compare").getByRole("tab", { name: "OV" }).click();
    await page.locator(".page.compare").getByLabel("colour by").selectOption("overlap-left");
    assert.match(page.url(), /circuit=ov/);
    assert.match(page.url(), /change=overlap-left/);
    // As a table, the largest first.
    await page.locator(".page.compare").getByLabel("table").check();
    const table = page.locator(".page.compare .finder tbody");
    assert.equal(await table.locator("tr").count(), 12);
    const shown = (await table.locator("td:nth-child(6)").allTextContents()).map(Number);
    assert.deepEqual(shown, shown.toSorted((a, b) => b - a));
  });

  it("says when a head became what it is, over all saved steps", { hash: `#/compare?step=${to}&layer=1&head=2` }, async (page) => {
    await page.getByTestId("compare-steps").click({ timeout: 60_000 });
    await page.getByTestId("became").waitFor({ timeout: 60_000 });
    const way = page.locator(".page.compare .series-view figure").first();
    await way.locator("summary").click();
    await page.waitForFunction(() => document.querySelectorAll(".page.compare .series-view figure:first-child tbody tr").length === 14, null, { timeout: 60_000 });
    const still = await measures(way, 2);
    const steps = (await way.locator("tbody td:first-child").allTextContents()).map(Number);
    const { delta, sigma_b } = GOLDEN.folded.find(({ layer, head }) => layer === 1 && head === 2).qk;
    const expected = Math.hypot(...delta) / Math.hypot(...sigma_b);
    assert.ok(Math.abs(still[steps.indexOf(from)] - expected) < 1e-9, `${still} for ${expected} at ${from}`);
    assert.equal(still[steps.indexOf(to)], 0);
    assert.match(await page.getByTestId("became").textContent(), /L1H2.s QK came within half .* by step 2800; no earlier step is within a tenth/);
  });

  it("takes a second model of the reader's, and says when nothing can be compared", { hash: "#/compare" }, async (page) => {
    await files(page).waitFor({ timeout: 60_000 });
    const same = ["step-04000.safetensors", "config.json"].map((name) => join(BUILT_IN, name));
    await files(page).setInputFiles(same);
    await page.getByTestId("compared").filter({ hasText: "None of 24 circuits changed at all" }).waitFor({ timeout: 60_000 });
    const llama = join(ROOT, "tests/golden/families/llama");
    await files(page).setInputFiles(["model.safetensors", "config.json"].map((name) => join(llama, name)));
    await page.getByText(/wide, so no head of one can be compared/).waitFor({ timeout: 60_000 });
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, { hash: "#/compare?with=700&layer=1&head=2", ...options }, async (page) => {
      await compared(page).waitFor({ timeout: 60_000 });
      await page.getByTestId("words").waitFor({ timeout: 60_000 });
      await assertAccessible(page, "on compare");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
      await picture(page, `compare-${options.colorScheme ?? options.viewport.width}`);
    });
  }
});
