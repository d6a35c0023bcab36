// The Attention page on the built-in model: why does "to" look at "Mary"?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAccessible, complete, picture, start, withPage } from "./harness.mjs";

const QUESTION = /“to” gives “Mary” \d+ % of its attention\. Singular vector k = \d+ carries/;

describe("Attention", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const explain = (page) => page.getByTestId("explain");
  const looks = (page) => page.locator(".page.attention [data-head]");
  const ready = (page) =>
    page.waitForFunction(() => {
      const cells = [...document.querySelectorAll(".page.attention [data-head]")];
      return cells.length === 12 && cells.every((cell) => cell.textContent !== "…");
    });

  it("answers within four clicks which singular vector explains why “to” looks at “Mary”", {}, async (page) => {
    await complete(page);
    let clicks = 0;
    const click = async (locator) => {
      clicks += 1;
      await locator.click();
    };
    await click(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Attention" }));
    await ready(page);
    // The darkest cell that looks at Mary.
    const labels = await looks(page).evaluateAll((cells) => cells.map((cell) => cell.ariaLabel));
    const strength = (label) => (/looks at Mary$/.test(label) ? Number(/attention ([\d.]+)/.exec(label)?.[1] ?? 0) : -1);
    const best = labels.reduce((b, label, i) => (strength(label) > strength(labels[b]) ? i : b), 0);
    await click(looks(page).nth(best));
    await explain(page).filter({ hasText: QUESTION }).waitFor();
    assert.ok(clicks <= 4, `${clicks} clicks`);
    assert.match(await page.getByTestId("next").textContent(), /^next: Mary/);
    await picture(page, "attention");
  });

  it("shows terms that add up to the score, and a control beside them", { hash: "#/attention" }, async (page) => {
    await explain(page).waitFor();
    const figures = page.locator(".cell figure");
    const said = Number(/Relative attention (−?[\d.]+)/.exec(await figures.first().locator("figcaption").textContent())[1].replace("−", "-"));
    await figures.first().locator("details").evaluate((details) => (details.open = true));
    const rows = figures.first().locator("tbody tr");
    await rows.first().waitFor();
    const sum = async (column) =>
      (await rows.locator(`td:nth-child(${column})`).allTextContents()).reduce((total, text) => total + Number(text), 0);
    assert.equal(await rows.count(), 16);
    const [real, control] = [await sum(4), await sum(5)];
    assert.ok(Math.abs(real - said) <= 0.006 * Math.abs(said), `terms add up to ${real}, the page says ${said}`);
    assert.ok(Math.abs(control - real) <= 1e-6 * Math.abs(real), "the basis control keeps the score");
  });

  it("keeps a typed prompt in the URL", { hash: "#/attention" }, async (page) => {
    await ready(page);
    await page.getByTestId("prompt").fill("Emma is at the museum . Tom is at the park . Where is Emma ? The");
    await page.getByRole("button", { name: "run", exact: true }).first().click();
    await page.getByTestId("next").filter({ hasText: "museum" }).waitFor();
    await page.reload();
    await page.getByTestId("next").filter({ hasText: "museum" }).waitFor();
  });

  it("measures a set of prompts against both controls", { hash: "#/attention" }, async (page) => {
    await ready(page);
    await page.getByTestId("run-set").click();
    await page.getByTestId("set-outcome").filter({ hasText: "128" }).waitFor({ timeout: 120_000 });
    const outcome = await page.getByTestId("set-outcome").textContent();
    const [, correct] = /(\d+) of 128 answered correctly/.exec(outcome) ?? [];
    assert.ok(Number(correct) >= 125, outcome);
    // Any head's distributions: an event a row, real beside both controls.
    const figures = page.locator(".prompt-set figure");
    await page.locator(".prompt-set select").last().selectOption({ index: 0 });
    await figures.first().locator("details").evaluate((details) => (details.open = true));
    const [, n] = /^L\dH\d\s+(\d+)/.exec(await page.locator(".prompt-set table").first().locator("tbody tr").first().innerText());
    assert.equal(await figures.first().locator("tbody tr").count(), Number(n));
    await picture(page, "prompt-set", { fullPage: true });
  });

  it("follows sparseness through training", { hash: "#/attention" }, async (page) => {
    await ready(page);
    await page.getByTestId("run-series").click();
    const figures = page.locator(".series-view figure");
    const figure = figures.first();
    await page.locator(".progress").waitFor();
    await page.locator(".progress").waitFor({ state: "detached", timeout: 240_000 });
    await figure.locator("details").evaluate((details) => (details.open = true));
    const rows = await figure.locator("tbody tr").allInnerTexts();
    assert.ok(rows.length >= 10, `steps with events: ${rows.length}`);
    const [, sparseness, basis, , , accuracy] = rows.at(-1).split("\t").map(Number);
    assert.ok(Number(accuracy) > 0.95, `the trained model answers: ${accuracy}`);
    assert.ok(sparseness < 0.6 * basis, `sparser than chance at the end: ${sparseness} against ${basis}`);
    // Both spectra of the head, every singular value of every step, descending.
    for (const at of [2, 3]) {
      await figures.nth(at).locator("details").evaluate((details) => (details.open = true));
      await figures.nth(at).locator("tbody tr").nth(13).waitFor();
      const spectra = (await figures.nth(at).locator("tbody tr").allInnerTexts()).map((row) => row.split("\t").map(Number));
      assert.deepEqual([spectra.length, spectra[0].length], [14, 17]);
      for (const [, ...sigma] of spectra) assert.ok(sigma.every((s, k) => s >= 0 && (k === 0 || s <= sigma[k - 1])), `${sigma}`);
      assert.ok(spectra.at(-1)[1] > spectra[0][1], "the largest singular value grows");
    }
    await picture(page, "series", { fullPage: true });
    await page.locator(".series-view select").selectOption("L0H0");
    await figures.nth(2).filter({ hasText: "L0H0, QK" }).waitFor();
    assert.match(page.url(), /measured=L0H0/);
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, { hash: "#/attention", ...options }, async (page) => {
      await ready(page);
      await assertAccessible(page, "on Attention");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
    });
  }
});
