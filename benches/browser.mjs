// From the drop of a large checkpoint to its first spectrum and to all of them, in Chromium with two workers; then one prompt
// of 16 tokens, from its address to the last layer's pattern, to the next token's probabilities and to every head's look; then a
// set of 128 prompts of 20 random tokens, with every head measured against its controls; then the frames of the toy lab.
//
//   node benches/browser.mjs [RUNS]     needs dist/ and tests/browser/node_modules; prints tables, medians of RUNS (3)

import { join } from "node:path";
import { ROOT, drop, heaps, start, withPage } from "../tests/browser/harness.mjs";
import { median } from "./median.mjs";
import { write } from "./shapes.mjs";

const CASES = [
  { shape: "gpt2", name: "GPT-2 small shape, f32, 548 MB", reach: { first: 0.5, all: 2, pattern: 1, next: 1, looks: undefined, set: undefined, heap: 200 } },
  { shape: "llama", name: "Llama-3-8B shape, bf16, 16 GB", reach: { first: 1, heap: 600 } },
];

/** Notes in the page itself when the drop arrived, when a spectrum was drawn, and when no head was pending. */
function watch(folder) {
  const times = (window.omegaTimes = {});
  window.addEventListener("drop", () => (times.drop = performance.now()), { capture: true });
  const look = () => {
    const open = document.querySelector("[data-testid=model] strong")?.textContent.includes(folder);
    const cells = [...document.querySelectorAll("[data-head]")];
    if (open && !times.first && document.querySelector(".spectrum svg.bars")) times.first = performance.now();
    if (open && cells.length && cells.every((cell) => cell.textContent !== "…")) times.all = performance.now();
    if (!times.all) requestAnimationFrame(look);
  };
  look();
}

/** Goes to a prompt of 16 tokens and notes when the last layer's pattern and the predictions were drawn. */
function prompt(ids) {
  const times = (window.omegaPrompt = { start: performance.now() });
  location.hash = `#/attention?bos=off&layer=11&head=0&prompt=${ids.join("+")}`;
  const look = () => {
    const drawn = (name, selector) => (times[name] ??= document.querySelector(selector) ? performance.now() : undefined);
    drawn("pattern", ".page.attention [aria-label='Attention pattern'] .picture > *");
    drawn("next", ".page.attention [data-testid=next]");
    const cells = [...document.querySelectorAll(".page.attention [aria-label='Heads on this prompt'] [data-head]")];
    if (cells.length && cells.every((cell) => /\d/.test(cell.textContent))) times.looks ??= performance.now();
    if (!times.next || !times.looks) requestAnimationFrame(look);
  };
  look();
}

async function run({ shape, reach }) {
  const folder = join(ROOT, ".tools/bench", shape);
  write(shape, folder);
  const session = await start();
  const result = {};
  try {
    await withPage(session, { cores: 3 }, async (page) => {
      await page.waitForSelector(".spectrum svg.bars");
      await page.evaluate(watch, shape);
      await drop(page, [folder]);
      await page.waitForFunction(() => window.omegaTimes.first, null, { timeout: 120_000 });
      if (reach.all) await page.waitForFunction(() => window.omegaTimes.all, null, { timeout: 300_000 });
      const times = await page.evaluate(() => window.omegaTimes);
      result.first = (times.first - times.drop) / 1000;
      if (reach.all) result.all = (times.all - times.drop) / 1000;
      if (reach.pattern) {
        await page.waitForTimeout(1000); // the spectra's last drawing
        await page.evaluate(prompt, Array.from({ length: 16 }, (_, i) => 1000 + 37 * i));
        await page.waitForFunction(() => window.omegaPrompt.next && window.omegaPrompt.looks, null, { timeout: 120_000 });
        const { start, ...drawn } = await page.evaluate(() => window.omegaPrompt);
        for (const measure of ["pattern", "next", "looks"]) result[measure] = (drawn[measure] - start) / 1000;
        await page.locator(".prompt-set select").first().selectOption("repeated");
        const run = performance.now();
        await page.getByTestId("run-set").click();
        await page.getByTestId("set-outcome").waitFor({ timeout: 300_000 });
        result.set = (performance.now() - run) / 1000;
      }
      result.heap = (await heaps(page)).reduce((a, b) => a + b, 0) / 1e6;
    });
  } finally {
    await session.stop();
  }
  return result;
}

const runs = Number(process.argv[2] ?? 3);
const label = {
  pattern: "one prompt of 16 tokens: last layer's pattern, s",
  next: "one prompt of 16 tokens: next token, s",
  looks: "one prompt of 16 tokens: every head's look, s",
  set: "128 prompts of 20 tokens, every head against its controls, s",
  first: "first spectrum, s",
  all: "all heads, QK and OV, s",
  heap: "wasm heap of all workers, MB",
};
console.log("| file | measure | measured | reach | ratio |\n|---|---|---|---|---|");
for (const each of CASES.filter((each) => !process.argv[3] || each.shape === process.argv[3])) {
  const results = [];
  for (let i = 0; i < runs; i++) results.push(await run(each));
  for (const [measure, reach] of Object.entries(each.reach)) {
    const value = median(results.map((r) => r[measure]));
    const goal = reach ? `${reach} | ${(value / reach).toFixed(2)}` : "– | –";
    console.log(`| ${each.name} | ${label[measure]} | ${value.toPrecision(3)} | ${goal} |`);
  }
}

// The toy lab while it trains: how even the display is, for four seconds.
console.log("\n| toy lab | frames | median, ms | 95 % within, ms | longest, ms | steps in 4 s |\n|---|---|---|---|---|---|");
const session = await start();
for (const preset of process.argv[3] ? [] : ["one-pair", "eight-pairs", "twenty-pairs"]) {
  await withPage(session, { hash: `#/toy?preset=${preset}&steps=100000` }, async (page) => {
    await page.getByTestId("toy-verdict").waitFor();
    await page.getByTestId("train").click();
    const gaps = await page.evaluate(async () => {
      const found = [];
      for (let last = performance.now(), end = last + 4000; last < end; ) {
        const now = await new Promise(requestAnimationFrame);
        found.push(now - last);
        last = now;
      }
      return found.sort((a, b) => a - b);
    });
    const at = (share) => gaps[Math.min(gaps.length - 1, Math.floor(share * gaps.length))].toFixed(1);
    const steps = await page.locator("[data-trained]").getAttribute("data-trained");
    console.log(`| ${preset} | ${gaps.length} | ${at(0.5)} | ${at(0.95)} | ${at(1)} | ${steps} |`);
  });
}
await session.stop();
