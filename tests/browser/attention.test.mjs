// The Attention page on the built-in model: why does "to" look at "Mary"?

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PROJECTS, assertAccessible, complete, measures, picture, python, start, withPage } from "./harness.mjs";

const QUESTION = /“to” gives “Mary” \d+ % of its attention\. Singular vector k = \d+ carries/;

describe("Attention", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const explain = (page) => page.getByTestId("explain");
  const looks = (page) => page.locator(".page.attention [aria-label='Heads on this prompt'] [data-head]");
  // What is below the explanation moves when that comes, and a click at a place that moves goes elsewhere.
  const ready = async (page) => {
    await page.waitForFunction(() => {
      const cells = [...document.querySelectorAll(".page.attention [aria-label='Heads on this prompt'] [data-head]")];
      return cells.length === 12 && cells.every((cell) => cell.textContent !== "…");
    });
    await explain(page).waitFor();
  };

  /** The darkest cell that looks at Mary. */
  const atMary = async (page) => {
    await ready(page);
    const labels = await looks(page).evaluateAll((cells) => cells.map((cell) => cell.ariaLabel));
    const strength = (label) => (/looks at Mary$/.test(label) ? Number(/attention ([\d.]+)/.exec(label)?.[1] ?? 0) : -1);
    return looks(page).nth(labels.reduce((b, label, i) => (strength(label) > strength(labels[b]) ? i : b), 0));
  };

  it("answers within four clicks which singular vector explains why “to” looks at “Mary”", {}, async (page) => {
    await complete(page);
    let clicks = 0;
    const click = async (locator) => {
      clicks += 1;
      await locator.click();
    };
    await click(page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Attention" }));
    await click(await atMary(page));
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
    const sum = async (column) => (await measures(figures.first(), column)).reduce((total, term) => total + term, 0);
    assert.equal(await rows.count(), 16);
    const [real, control] = [await sum(4), await sum(5)];
    assert.ok(Math.abs(real - said) <= 0.006 * Math.abs(said), `terms add up to ${real}, the page says ${said}`);
    assert.ok(Math.abs(control - real) <= 1e-6 * Math.abs(real), "the basis control keeps the score");
  });

  it("calls a look sparser than chance only where it beats every control", { hash: "#/attention" }, async (page) => {
    await explain(page).waitFor();
    const p = (await page.getByTestId("as-sparse").locator("td").allInnerTexts()).slice(1).map(Number);
    assert.equal(p.length, 3);
    assert.ok(p.every((x) => x >= 0.005 && x <= 1), `${p}`);
    const said = await explain(page).textContent();
    assert.match(said, Math.max(...p) < 0.05 ? /\. Sparser than chance: / : /\. No sparser than chance: /);
    assert.ok(!/\d\.\d\d on average/.test(said), said);
    // The grid's p is the same one.
    await page.locator(".look select").first().selectOption("s-chance");
    const cells = await page.locator(".look table.grid button").allInnerTexts();
    assert.ok(cells.length === 12 && cells.every((cell) => Number(cell) >= 0.005), `${cells}`);
    assert.match(await page.locator("section[aria-label='Attention pattern'] figcaption").textContent(), /itself and each earlier one/);
  });

  it("keeps a typed prompt in the URL", { hash: "#/attention" }, async (page) => {
    await ready(page);
    await page.getByTestId("prompt").fill("Emma is at the museum . Tom is at the park . Where is Emma ? The");
    await page.getByRole("button", { name: "run", exact: true }).first().click();
    await page.getByTestId("next").filter({ hasText: "museum" }).waitFor();
    await page.reload();
    await page.getByTestId("next").filter({ hasText: "museum" }).waitFor();
  });

  it("measures a set of prompts against every control", { hash: "#/attention" }, async (page) => {
    await ready(page);
    // A list without a prompt fails, and its notice goes once a set is measured.
    const prompts = page.getByRole("region", { name: "Prompt sets" }).getByRole("combobox", { name: /^prompts/ });
    const notice = page.locator(".notices li", { hasText: "the set has no prompts" });
    await prompts.selectOption("own");
    await page.getByTestId("run-set").click();
    await notice.waitFor();
    await prompts.selectOption("ioi");
    await page.getByTestId("run-set").click();
    await notice.waitFor({ state: "detached" });
    await page.getByTestId("set-outcome").filter({ hasText: "128" }).waitFor({ timeout: 120_000 });
    const outcome = await page.getByTestId("set-outcome").textContent();
    const [, correct] = /(\d+) of 128 answered correctly/.exec(outcome) ?? [];
    assert.ok(Number(correct) >= 125, outcome);
    assert.match(await page.getByTestId("found-heads").textContent(), /sparser than chance at q < 0\.05, of \d+ with an event/);
    // Any head's distributions: an event a row, real beside every control.
    const figures = page.locator(".prompt-set figure");
    await page.locator(".prompt-set select").last().selectOption({ index: 0 });
    await figures.first().locator("details").evaluate((details) => (details.open = true));
    const [, n] = /^L\dH\d\s+(\d+)/.exec(await page.locator(".prompt-set table").first().locator("tbody tr").first().innerText());
    assert.equal(await figures.first().locator("tbody tr").count(), Number(n));
    // Its Python finds the table again from the file of every look.
    const set = page.getByRole("region", { name: "Prompt sets" });
    const [file] = await Promise.all([page.waitForEvent("download"), set.getByRole("button", { name: "CSV of every look" }).click()]);
    const printed = python(await set.getByTestId("python").first().textContent(), await file.path()).trim().split("\n");
    const rows = await set.locator("table").first().locator("tbody tr").evaluateAll((rows) =>
      rows.map((row) => [row.cells[0].textContent, "looks", row.cells[1].textContent].join(" ")));
    assert.deepEqual(printed.map((line) => line.split(" ").slice(0, 3).join(" ")).sort(), rows.sort());
    await picture(page, "prompt-set", { fullPage: true });
  });

  it("follows sparseness through training", { hash: "#/attention" }, async (page) => {
    await ready(page);
    await page.getByTestId("run-series").click();
    const figures = page.locator(".series-view .curves figure");
    const figure = figures.first();
    // Not the line of the spectra, which may still be there.
    const progress = page.locator(".progress").filter({ hasText: "checkpoints measured" });
    await progress.waitFor();
    await progress.waitFor({ state: "detached", timeout: 240_000 });
    await figure.locator("details").evaluate((details) => (details.open = true));
    const rows = await figure.locator("tbody tr").allInnerTexts();
    assert.ok(rows.length >= 10, `steps with events: ${rows.length}`);
    const [, sparseness, basis, , , , accuracy] = rows.at(-1).split("\t").map(Number);
    assert.ok(Number(accuracy) > 0.95, `the trained model answers: ${accuracy}`);
    assert.ok(sparseness < 0.6 * basis, `sparser than random bases at the end: ${sparseness} against ${basis}`);
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
    // Every step can be looked at, and they play one after the other.
    const at = page.getByTestId("at-step");
    const play = page.getByTestId("play-series");
    await at.filter({ hasText: "Step 4000: S 0." }).waitFor();
    await play.click();
    await at.filter({ hasText: "Step 0: " }).waitFor();
    await at.filter({ hasText: "Step 32: " }).waitFor();
    await play.click();
    const stopped = await at.textContent();
    // A step is shown for 0.7 s: only time shows that no other follows.
    await page.waitForTimeout(1500);
    assert.equal(await at.textContent(), stopped, "paused is paused");
    await page.locator(".series-view input[type=range]").last().fill("5");
    await at.filter({ hasText: "Step 250: " }).waitFor();
    await page.locator(".series-view figcaption").filter({ hasText: "QK: its singular values at step 250" }).waitFor();
    await page.locator(".series-view select").selectOption("L0H0");
    await figures.nth(2).filter({ hasText: "L0H0, QK" }).waitFor();
    assert.match(page.url(), /measured=L0H0/);
  });

  it("reruns the model without some vectors, with others scaled, and with two sources swapped", { hash: "#/attention" }, async (page) => {
    await (await atMary(page)).click();
    await explain(page).filter({ hasText: QUESTION }).waitFor();
    const changed = page.getByTestId("changed");
    /** Percentages before and after of the source that was looked at most. */
    const first = async (text) => {
      await changed.filter({ hasText: text }).waitFor();
      const cells = await changed.locator("table").first().locator("tbody tr").first().locator("td").allTextContents();
      return cells.map((cell) => Number.parseFloat(cell));
    };
    const form = page.getByRole("form", { name: "Several vectors" });
    const rerun = form.getByRole("button", { name: "rerun" });
    await page.getByTestId("directions").fill("0-15");
    await rerun.click();
    const [before, after] = await first("remove k = 0-15");
    assert.ok(before > after + 10, `without any vector the look is lost: ${before} to ${after}`);
    await form.getByLabel("do").selectOption("scale");
    await form.getByLabel("factor").fill("1");
    await rerun.click();
    const same = await first("× 1.00 on k = 0-15");
    assert.equal(same[0], same[1], "times one changes nothing");
    await form.getByLabel("do").selectOption("swap");
    await form.getByLabel("and take its part").selectOption({ index: 1 });
    await rerun.click();
    await changed.filter({ hasText: "swapped on k = 0-15" }).waitFor();
    const rows = changed.locator("table").first().locator("tbody tr");
    const table = Object.fromEntries((await rows.allInnerTexts()).map((row) => row.split("\t")).map(([name, ...at]) => [name, at.map(Number.parseFloat)]));
    assert.ok(Math.abs(Math.max(...Object.values(table).map(([b]) => b)) - Math.max(...Object.values(table).map(([, a]) => a))) < 15, "swapping all exchanges the two looks");
    await page.getByTestId("directions").fill("three");
    await rerun.click();
    await page.locator(".change .ask").filter({ hasText: "names no singular vectors" }).waitFor();
  });

  it("splits the pair in view over what wrote the stream, and colours tokens by it", { hash: "#/attention" }, async (page) => {
    await (await atMary(page)).click();
    await explain(page).filter({ hasText: QUESTION }).waitFor();
    const columns = async () => page.locator(".components .parts").first().locator("tbody tr").allInnerTexts();
    const number = (text) => Number(text.replace("−", "-"));
    for (const k of [0, 5]) {
      await page.evaluate((k) => (location.hash = `${location.hash.replace(/&k=\d+/, "")}${location.hash.includes("?") ? "&" : "?"}k=${k}`), k);
      await page.locator(".components thead").first().filter({ hasText: `k = ${k}` }).waitFor();
      await page.locator(".prompt .hint").filter({ hasText: `k = ${k}` }).first().waitFor();
      const rows = (await columns()).map((row) => row.split("\t"));
      const [, one, all] = rows.at(-1);
      const sum = (at) => rows.slice(0, -1).reduce((total, row) => total + number(row[at]), 0);
      // Three digits are shown of each.
      assert.ok(Math.abs(sum(1) - number(one)) <= 0.02 * Math.max(1, Math.abs(number(one))), `k = ${k}: ${sum(1)} for ${one}`);
      assert.ok(Math.abs(sum(2) - number(all)) <= 0.02 * Math.max(1, Math.abs(number(all))), `${sum(2)} for ${all}`);
    }
    await page.getByLabel("colour tokens as").selectOption("dest");
    await page.locator(".prompt .hint").filter({ hasText: "as a destination" }).first().waitFor();
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

/** A prompt set and one prompt by each way to compute: what the page shows of them. */
async function measured(session, compute) {
  let found;
  await withPage(session, { hash: `#/attention?compute=${compute}` }, async (page) => {
    await page.getByTestId("next").waitFor();
    await page.getByTestId("run-set").click();
    await page.getByTestId("set-outcome").filter({ hasText: "128" }).waitFor({ timeout: 240_000 });
    const rows = await page.locator(".prompt-set table").first().locator("tbody tr").allInnerTexts();
    const heads = Object.fromEntries(rows.map((row) => row.split("\t")).map(([head, ...cells]) => [head, cells]));
    const [outcome, next] = [await page.getByTestId("set-outcome").textContent(), await page.getByTestId("next").textContent()];
    found = { heads, outcome, next, notices: (await page.locator(".notices").allTextContents()).join(" ") };
  });
  return found;
}

for (const [project, flags] of Object.entries(PROJECTS)) {
  describe(`Attention ${project}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());

    test("shows the same of a prompt and of a set wherever the products are made", async () => {
      const cpu = await measured(session, "cpu");
      assert.ok(Object.keys(cpu.heads).length > 0 && !/GPU/.test(cpu.outcome));
      for (const compute of ["gpu", "drill"]) {
        const gpu = await measured(session, compute);
        assert.equal(gpu.next, cpu.next);
        assert.deepEqual(Object.keys(gpu.heads).sort(), Object.keys(cpu.heads).sort());
        for (const [head, cells] of Object.entries(cpu.heads)) {
          const [events, attention, sparseness] = gpu.heads[head];
          assert.deepEqual([events, attention], cells.slice(0, 2), head);
          assert.ok(Math.abs(Number(sparseness) - Number(cells[2])) <= 0.002, `${head}: S ${sparseness} for ${cells[2]}`);
        }
        if (project === "with WebGPU") {
          assert.match(gpu.outcome, /Products on the GPU/);
          assert.match(gpu.notices, compute === "drill" ? /The GPU went away/ : /^$/);
        } else {
          assert.match(gpu.notices, /The GPU is not used/);
        }
      }
    });
  });
}
