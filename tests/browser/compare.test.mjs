// The Compare page: two steps of the built-in model against numpy, a second model of the reader's, and what cannot be compared.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, assertClose, measures, picture, start, withPage } from "./harness.mjs";

const GOLDEN = JSON.parse(readFileSync(join(ROOT, "tests/golden/compare/names.json")));
const PROMPT = JSON.parse(readFileSync(join(ROOT, "tests/golden/compare/prompt.json")));
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

  it("compares checkpoints of the reader's own, each with the open model and with the one before", { hash: `#/compare?step=${to}&layer=1&head=2` }, async (page) => {
    await page.getByTestId("compare-series-files").waitFor({ timeout: 60_000 });
    const names = [to, from].map((step) => `step-${String(step).padStart(5, "0")}.safetensors`);
    await page.getByTestId("compare-series-files").setInputFiles([...names, "config.json"].map((name) => join(BUILT_IN, name)));
    await page.getByTestId("compare-own-steps").click();
    const { delta, sigma_b, change } = GOLDEN.folded.find(({ layer, head }) => layer === 1 && head === 2).qk;
    const rows = async (at, n) => {
      const figure = page.locator(".page.compare .series-view figure").nth(at);
      await figure.locator("summary").click({ timeout: 60_000 });
      await figure.locator(`tbody tr:nth-child(${n})`).waitFor({ timeout: 60_000 });
      return measures(figure, 2);
    };
    const [still, none] = await rows(0, 2);
    assert.ok(Math.abs(still - Math.hypot(...delta) / Math.hypot(...sigma_b)) < 1e-9 && none === 0, `${still}, ${none}`);
    const [pace] = await rows(1, 1);
    assert.ok(Math.abs(pace / change - 1) < 1e-9, `${pace} for ${change}`);
    assert.match(await page.getByTestId("became").textContent(), /L1H2.s QK came within a tenth of its size of what it is at step 4000 by step 4000/);
  });

  it("shows both models on a prompt, and takes the difference of a score apart as numpy does", { hash: `#/compare?with=${from}&step=${to}&layer=1&head=2` }, async (page) => {
    const [cell] = PROMPT.cells;
    const view = page.locator('.page.compare [aria-label="On a prompt"]');
    await page.getByTestId("run-together").click({ timeout: 60_000 });
    assert.match(page.url(), /together=prompt/);
    await page.getByTestId("score-change").waitFor({ timeout: 60_000 });
    // The attention that changed most, until the reader picks another pair; the pair is in the address.
    const ended = (text) => text.replaceAll("−", "-");
    const [dest, src] = cell.most;
    assert.match(await page.getByTestId("score-change").textContent(), new RegExp(`L1H2, “[^”]*” \\(${dest}\\) gave “[^”]*” \\(${src}\\) `));
    const prompt = page.getByTestId("both-prompt");
    await page.goto(`${page.url()}&dest=${cell.dest}&src=${cell.src}`);
    await page.getByTestId("score-change").filter({ hasText: `(${cell.dest})` }).waitFor({ timeout: 60_000 });
    for (const [name, expected, digits] of [
      ["before", cell.pattern_a, 1], ["now", cell.pattern_b, 2],
    ]) {
      const map = view.locator("figure").nth(digits - 1);
      await map.locator("summary").click();
      await map.locator("tbody td").first().waitFor();
      const all = await measures(map, digits === 1 ? 3 : 4);
      const rows = await map.locator("tbody td:first-child").allTextContents();
      const row = all.filter((_, i) => rows[i].startsWith(`${cell.dest} `));
      row.forEach((found, i) => assert.ok(Math.abs(found - expected[i]) < 1e-5, `${name}: ${found} for ${expected[i]}`));
      assert.equal(row.length, cell.dest + 1);
    }
    for (const [at, terms] of [[3, cell.weights], [4, cell.streams]]) {
      const figure = view.locator("figure").nth(at);
      await figure.locator("summary").click();
      await figure.locator("tbody td").first().waitFor();
      const found = await measures(figure, 3);
      assert.equal(found.length, terms.length);
      found.forEach((found, k) => assert.ok(Math.abs(found - terms[k]) < 1e-5, `${found} for ${terms[k]}`));
    }
    assert.match(ended(await page.getByTestId("sums").textContent()), /score before-0\.298.*weights.*-0\.660.*score now-1\.00/);
    const next = page.getByTestId("next-of-both").locator("tbody tr").first();
    assert.match(await next.textContent(), /Mary\s*91 %\s*100 %/);
    assert.match(await view.getByTestId("python").textContent(), /The score of layer 1, head 2 before and 2 after, from position 14 to 2/);
    // A pattern is picked with the arrow keys too, and another prompt forgets the old positions.
    await view.locator(".heat-map").first().press("ArrowLeft");
    assert.match(page.url(), /src=1\b/);
    await prompt.fill("Mary gave John a drink");
    await prompt.press("Enter");
    await page.getByTestId("score-change").filter({ hasText: "drink" }).or(page.getByTestId("score-change").filter({ hasText: "John" })).waitFor();
    assert.doesNotMatch(page.url(), /src=/);
    await prompt.fill("Mary xyzzy");
    await prompt.press("Enter");
    await page.waitForFunction(() => !/is being/.test(document.querySelector('.page.compare [aria-label="On a prompt"]').textContent));
  });

  it("says that a comparison was cancelled, and does it again when asked to", {}, async (page) => {
    // Workers that answer a second later: there is time to press the button.
    await page.addInitScript(() => {
      const { set } = Object.getOwnPropertyDescriptor(Worker.prototype, "onmessage");
      Object.defineProperty(Worker.prototype, "onmessage", {
        set(hears) {
          this.hears = hears;
          // A worker that was ended meanwhile is heard no more.
          const tell = (event) => this.hears === hears && hears.call(this, event);
          set.call(this, hears && ((event) => (window.slow ? setTimeout(tell, 1000, event) : tell(event))));
        },
      });
    });
    await page.reload();
    await page.locator("[data-testid=model] strong").filter({ hasText: "built-in" }).waitFor();
    await page.evaluate((hash) => {
      window.slow = true;
      location.hash = hash;
    }, `#/compare?with=${from}&step=${to}&layer=1&head=2`);
    await page.locator("li, .progress").filter({ hasText: "compared" }).getByRole("button", { name: "cancel" }).first().click();
    await page.getByText("The comparison was cancelled.").first().waitFor();
    await page.getByRole("button", { name: "compare again" }).click();
    await compared(page).filter({ hasText: "Of 24 circuits" }).waitFor({ timeout: 60_000 });
  });

  it("takes a second model of the reader's, and says when nothing can be compared", { hash: "#/compare" }, async (page) => {
    await files(page).waitFor({ timeout: 60_000 });
    const same = ["step-04000.safetensors", "config.json"].map((name) => join(BUILT_IN, name));
    await files(page).setInputFiles(same);
    await page.getByTestId("compared").filter({ hasText: "None of 24 circuits changed at all" }).waitFor({ timeout: 60_000 });
    const llama = join(ROOT, "tests/golden/families/llama");
    await files(page).setInputFiles(["model.safetensors", "config.json"].map((name) => join(llama, name)));
    await page.getByText(/wide, so no head of one can be compared/).waitFor({ timeout: 60_000 });
    // An adapter alone is no model, and says so.
    await files(page).setInputFiles([join(ROOT, "tests/golden/compare/adapter/adapter_model.safetensors")]);
    await page.getByTestId("refused").filter({ hasNotText: /wide, so no head/ }).waitFor({ timeout: 60_000 });
  });

  it("asks what the second model's files leave open", { hash: "#/compare?layer=1&head=2" }, async (page) => {
    await files(page).waitFor({ timeout: 60_000 });
    const both = [`step-00${from}.safetensors`, "step-04000.safetensors", "config.json"].map((name) => join(BUILT_IN, name));
    await files(page).setInputFiles(both);
    const question = page.getByTestId("which-model");
    await question.getByRole("button", { name: new RegExp(`step-00${from}`) }).click({ timeout: 60_000 });
    await compared(page).waitFor({ timeout: 60_000 });
    assert.match(await page.getByTestId("compared").textContent(), new RegExp(`step-00${from}.* \\(before\\)`));
    assert.doesNotMatch(await page.getByTestId("compared").textContent(), /None of 24/);
    // Not answered but left: there is no second model then.
    await files(page).setInputFiles([]);
    await files(page).setInputFiles(both);
    await question.getByRole("button", { name: "never mind" }).click({ timeout: 60_000 });
    await page.getByText(/Choose the model that this one came from/).waitFor();
  });

  it("holds every change against a third model", { hash: `#/compare?with=${from}&step=${to}&yardstick=2000&layer=1&head=2&change=third` }, async (page) => {
    await compared(page).filter({ hasText: /The yardstick is built-in model, step 2000\. .* Measured by the third model, \d+ changed more than the others and \d+ less\./ }).waitFor({ timeout: 60_000 });
    assert.match(await page.getByTestId("changed").textContent(), /Measured by the third model it would be [\d.]+(, no clear difference|: it changed)/);
    assert.match(await page.locator('.page.compare [data-head="1,2"]').getAttribute("aria-label"), /standard deviations \([\d.]+, where the third model would have it [\d.]+, q /);
    await assertAccessible(page, "with a third model");
    await picture(page, "compare-third");
    await page.getByRole("button", { name: "without it" }).click();
    await page.getByTestId("compared").filter({ hasNotText: "yardstick" }).waitFor();
    assert.doesNotMatch(page.url(), /yardstick/);
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, { hash: "#/compare?with=700&layer=1&head=2&together=prompt", ...options }, async (page) => {
      await compared(page).waitFor({ timeout: 60_000 });
      await page.getByTestId("words").waitFor({ timeout: 60_000 });
      await page.getByTestId("sums").waitFor({ timeout: 60_000 });
      await assertAccessible(page, "on compare");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
      await picture(page, `compare-${options.colorScheme ?? options.viewport.width}`);
    });
  }
});
