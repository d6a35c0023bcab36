// How the page looks: every view in light and dark at four widths, saved to output/looks, and held to what a reader feels: nothing runs
// out of the window sideways, no text is smaller than 11 px or has another size in another figure, no label is cut, and on a phone
// nothing that is pressed is smaller than 24 px.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { OUTPUT, PROJECTS, complete, start, still, withPage } from "./harness.mjs";

const WIDTHS = [390, 1024, 1280, 1920];
const SMALLEST = 11;
/** Text of a chart, in CSS pixels. */
const CHART = [11, 12.5];
const TARGET = 24;

/** Twelve views: an address, and what stands there once it is whole. */
const VIEWS = {
  heads: ["#/heads", ".page.heads .sentence"],
  "heads-table": ["#/heads?view=table", ".page.heads .finder tbody tr:nth-child(12)"],
  attention: ["#/attention", "[data-testid=writes]"],
  features: ["#/features", ".page.features figure svg"],
  trace: ["#/trace", ".page.trace figure svg"],
  compare: ["#/compare?with=700&step=4000", ".page.compare table.grid"],
  svd: ["#/svd", ".page.svd svg"],
  toy: ["#/toy", ".page.toy svg"],
  theorems: ["#/theorems", ".page.theorems svg"],
  learn: ["#/learn", ".page.learn a"],
  methods: ["#/methods", ".page.methods h2, .page.methods h3"],
  "self-test": ["#/self-test", "[data-testid=run-self-test]"],
};

/** What breaks the rules, in words; runs in the page. */
function faults([smallest, [least, most], target]) {
  const found = [];
  const root = document.scrollingElement;
  if (root.scrollWidth > innerWidth + 1) found.push(`the page is ${root.scrollWidth} px wide in a window of ${innerWidth}`);
  const named = (element) => {
    const around = element.closest("[aria-label], section, figure");
    return `${around?.getAttribute("aria-label") ?? element.parentElement?.className ?? ""} “${element.textContent.trim().slice(0, 40)}”`;
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const text = words.currentNode;
    const element = text.parentElement;
    if (!text.data.trim() || !seen(element) || element.tagName === "title") continue;
    const style = getComputedStyle(element);
    // Cells that are colours alone keep their number for those who hear the page.
    if (parseFloat(style.textIndent) > 0 || element.closest("math, .skip")) continue;
    const box = element.getBoundingClientRect();
    if (box.width <= 1 || box.height <= 1) continue;
    const drawn = element instanceof SVGTextElement;
    const matrix = drawn ? element.getScreenCTM() : null;
    const size = parseFloat(style.fontSize) * (matrix ? Math.hypot(matrix.a, matrix.b) : 1);
    if (size < smallest - 0.05) found.push(`${size.toFixed(1)} px: ${named(element)}`);
    const chart = element.closest("svg");
    if (drawn && chart.matches(".chart:not(.circuit)")) {
      if (size < least - 0.05 || size > most + 0.05) found.push(`${size.toFixed(1)} px in a chart: ${named(element)}`);
    }
    if (drawn) {
      const frame = chart.getBoundingClientRect();
      if (box.left < frame.left - 1.5 || box.right > frame.right + 1.5) found.push(`cut in its picture: ${named(element)}`);
    }
    const cuts = ["BUTTON", "TH", "SUMMARY", "H1", "H2", "H3", "LABEL"].includes(element.tagName);
    if (cuts && style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${named(element)}`);
  }
  if (innerWidth < 640) {
    // A link inside a sentence is as high as its line; a cell of a map of many heads has the table beside it; a box has its label.
    const pressed = "button, select, summary, input:not([type=checkbox], [type=radio], [type=file]), label:has(input), nav a, .onward a";
    for (const element of document.querySelectorAll(pressed)) {
      if (!seen(element) || element.closest(".dense, .skip, circle")) continue;
      const { width, height } = element.getBoundingClientRect();
      if (width > 1 && (width < target - 0.5 || height < target - 0.5)) found.push(`${width.toFixed(0)} × ${height.toFixed(0)} px to press: ${named(element)}`);
    }
  }
  return [...new Set(found)];
}

// Two at a time: while one is drawn the other is photographed.
describe("Looks", { concurrency: 2 }, () => {
  let session;
  before(async () => {
    session = await start(PROJECTS["without WebGPU"]);
    mkdirSync(join(OUTPUT, "looks"), { recursive: true });
  });
  after(() => session?.stop());

  for (const [name, [hash, whole]] of Object.entries(VIEWS)) {
    test(name, async () => {
      await withPage(session, { hash, colorScheme: "light", reducedMotion: "reduce" }, async (page) => {
        if (name === "heads") await complete(page);
        await page.locator(whole).first().waitFor();
        const all = new Set();
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
          for (const colorScheme of ["light", "dark"]) {
            await page.emulateMedia({ colorScheme });
            await still(page);
            await page.screenshot({ path: join(OUTPUT, "looks", `${name}-${colorScheme}-${width}.png`), fullPage: true });
          }
          for (const fault of await page.evaluate(faults, [SMALLEST, CHART, TARGET])) all.add(`${width}: ${fault}`);
        }
        assert.deepEqual([...all], []);
      });
    });
  }
});
