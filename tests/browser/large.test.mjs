// Models of many heads: every cell is there and keeps its number, headers stay on their line, nothing is cut, keys and table work.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { OUTPUT, PROJECTS, assertAccessible, complete, drop, start, still, withPage } from "./harness.mjs";
import { gpt2 } from "./models.mjs";

/** What a grid of heads looks like; runs in the page. */
function seen(page) {
  const frame = document.querySelector(`.page.${page}:not([hidden]) .grid-frame`);
  const grid = frame.querySelector("table.grid");
  const heads = [...grid.querySelectorAll("thead th")].filter((th) => getComputedStyle(th).visibility === "visible");
  const boxes = heads.map((th) => {
    const words = document.createRange();
    words.selectNodeContents(th);
    return words.getBoundingClientRect();
  });
  const cells = [...grid.querySelectorAll("[data-head]")];
  const last = cells.at(-1).getBoundingClientRect();
  return {
    cells: cells.length,
    named: cells.filter((cell) => /: .*\d/.test(cell.title) && cell.getAttribute("aria-label") === cell.title).length,
    lines: Math.max(...boxes.map((box) => box.height)),
    collide: boxes.some((box, i) => i > 0 && box.left < boxes[i - 1].right + 1),
    cut: Math.max(frame.scrollWidth - frame.clientWidth, Math.round(last.right - frame.getBoundingClientRect().right)),
    sideways: document.scrollingElement.scrollWidth - innerWidth,
    smallest: Math.min(...cells.slice(0, 200).map((cell) => cell.getBoundingClientRect().width)),
  };
}

async function held(page, name, [layers, heads], width, least) {
  const found = await page.evaluate(seen, name);
  const what = `${name}, ${layers} × ${heads} at ${width}: ${JSON.stringify(found)}`;
  assert.equal(found.cells, layers * heads, what);
  assert.equal(found.named, layers * heads, what);
  assert.ok(found.lines < 22 && !found.collide, what);
  assert.ok(found.cut <= 1 && found.sideways <= 1, what);
  assert.ok(found.smallest >= least, what);
}

describe("Large models", () => {
  let session;
  before(async () => {
    session = await start(PROJECTS["without WebGPU"]);
    mkdirSync(join(OUTPUT, "looks"), { recursive: true });
  });
  after(() => session?.stop());

  // Cells are at least so many pixels wide on a phone: what a finger cannot hit, keys and the table can.
  for (const [layers, heads, least] of [[12, 12, 20], [32, 32, 7], [80, 64, 3.5]]) {
    test(`${layers} × ${heads} heads`, { timeout: 180_000 }, async () => {
      const [folder, other] = [1, 2].map((seed) => gpt2({ layers, heads, seed }));
      try {
        await withPage(session, { hash: "#/heads" }, async (page) => {
          await complete(page);
          await drop(page, [folder]);
          await complete(page, `${layers} layers`);
          for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await still(page);
            await held(page, "heads", [layers, heads], width, least);
            await page.screenshot({ path: join(OUTPUT, "looks", `${layers}x${heads}-heads-${width}.png`), fullPage: true });
          }
          await page.setViewportSize({ width: 1280, height: 900 });

          // Keys: to the end of the row, one down; the sentence under the grid says the number of that head.
          await page.locator('.page.heads [data-head="0,0"]').focus();
          await page.keyboard.press("End");
          await page.keyboard.press("ArrowDown");
          await page.waitForFunction((head) => location.hash.includes(`head=${head}`) && /layer=1\b/.test(location.hash), heads - 1);
          const cell = page.locator(`.page.heads [data-head="1,${heads - 1}"]`);
          await page.waitForFunction((at) => document.activeElement?.dataset.head === at, `1,${heads - 1}`);
          const title = await cell.getAttribute("title");
          await page.waitForFunction((title) => document.querySelector(".page.heads .told").textContent === title, title);

          // The table: every column, and every head in its file.
          await page.getByLabel("table", { exact: true }).check();
          const finder = page.locator(".page.heads .finder");
          await finder.locator("tbody tr").first().waitFor();
          const columns = await finder.locator("thead th").allTextContents();
          assert.ok(columns.includes("OV copying ▾") && columns.includes("largest gap") && columns.includes("positional share, u"), `${columns}`);
          const [inside, room] = await finder.evaluate((table) => [table.scrollWidth, table.clientWidth]);
          assert.ok(inside <= room + 1, `the table is ${inside} px wide in ${room}`);
          await page.screenshot({ path: join(OUTPUT, "looks", `${layers}x${heads}-table-1280.png`), fullPage: true });
          const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "this table as CSV" }).click()]);
          const lines = readFileSync(await download.path(), "utf8").trim().split("\n").filter((line) => !line.startsWith("#"));
          assert.equal(lines.length, 1 + layers * heads);
          assert.equal(lines[1].split(",").length, lines[0].match(/("[^"]*"|[^,]+)/g).length);
          await page.getByLabel("table", { exact: true }).uncheck();
          if (layers === 32) await assertAccessible(page, "32 × 32 heads");

          // What every head does on a prompt of ids, and what it looks like beside the weights.
          await page.evaluate(() => (location.hash = "#/attention?prompt=1+2+3+4+1+2+3+4&ids=on"));
          await page.locator(".page.attention .roles [data-head]").first().waitFor({ timeout: 90_000 });
          await page.waitForFunction(() => [...document.querySelectorAll(".page.attention .grid-frame")[0].querySelectorAll("[data-head]")].every((cell) => cell.textContent !== "…"), null, { timeout: 90_000 });
          for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await still(page);
            await held(page, "attention", [layers, heads], width, least);
            await page.screenshot({ path: join(OUTPUT, "looks", `${layers}x${heads}-attention-${width}.png`), fullPage: true });
          }
          await page.evaluate(() => (location.hash = "#/features"));
          await page.locator(".page.features .grid-frame").first().waitFor();
          for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await still(page);
            const { cells, cut, sideways, collide } = await page.evaluate(seen, "features");
            assert.ok(cells === layers * heads && cut <= 1 && sideways <= 1 && !collide, `features at ${width}: ${JSON.stringify({ cells, cut, sideways, collide })}`);
            await page.screenshot({ path: join(OUTPUT, "looks", `${layers}x${heads}-features-${width}.png`), fullPage: true });
          }

          // Beside a second model of the same shape: the same cells, and the number of the head in view in a sentence.
          const files = (of) => ["model.safetensors", "config.json"].map((name) => join(of, name));
          await page.evaluate(() => (location.hash = "#/compare?layer=1&head=2"));
          await page.getByTestId("second-files").setInputFiles(files(other));
          const told = page.locator(".page.compare .told");
          await page.waitForFunction(() => {
            const cells = [...document.querySelectorAll(".page.compare .grid-frame [data-head]")];
            return cells.length > 0 && cells.every((cell) => cell.textContent !== "…");
          }, null, { timeout: 90_000 });
          for (const width of [1280, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await still(page);
            await held(page, "compare", [layers, heads], width, least);
            await page.screenshot({ path: join(OUTPUT, "looks", `${layers}x${heads}-compare-${width}.png`), fullPage: true });
          }
          assert.equal(await told.textContent(), await page.locator('.page.compare [data-head="1,2"]').getAttribute("title"));
          assert.match(await told.textContent(), /^L1H2: .*\d/);
          await page.setViewportSize({ width: 1280, height: 900 });
          await page.locator('.page.compare [data-head="1,2"]').focus();
          await page.keyboard.press("End");
          await page.waitForFunction((at) => document.activeElement?.dataset.head === at, `1,${heads - 1}`);
          // The focus moves at once, the sentence with the next drawing.
          await told.filter({ hasText: `L1H${heads - 1}: ` }).waitFor();
          assert.equal(await told.textContent(), await page.locator(`.page.compare [data-head="1,${heads - 1}"]`).getAttribute("title"));
        });
      } finally {
        rmSync(other, { recursive: true, force: true });
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
