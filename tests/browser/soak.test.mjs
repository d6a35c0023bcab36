// One tab for a long time: models opened and closed, work cancelled, pages changed, faults. Heap, workers and elements return to where they were.
//
// `OMEGA_SOAK` says how many of these; `make bench` records 500.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PROJECTS, ROOT, complete, frames, heaps, model, start, still, withPage } from "./harness.mjs";

const DEEDS = Number(process.env.OMEGA_SOAK ?? 60);
const GOLDEN = join(ROOT, "tests/golden/families");
const files = (family) => ["model.safetensors", "config.json"].map((name) => join(GOLDEN, family, name));

test(`after ${DEEDS} deeds a tab holds no more than before`, { timeout: 3_600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "omega-soak-"));
  const broken = join(folder, "broken.safetensors");
  writeFileSync(broken, "\u0008\0\0\0\0\0\0\0{\"a\": 1}");
  const session = await start([...PROJECTS["without WebGPU"], "--js-flags=--expose-gc"]);
  try {
    await withPage(session, { hash: "#/heads", cores: 4, serviceWorkers: "block" }, async (page) => {
      await complete(page, "built-in model");
      const cdp = await page.context().newCDPSession(page);
      await cdp.send("Performance.enable");
      const go = (hash) => page.evaluate((hash) => (location.hash = hash), hash);
      const choose = (paths) => page.getByTestId("file-input").setInputFiles(paths);
      const open = (family) => async () => {
        await go("#/heads");
        await choose(files(family));
        await complete(page, "model.safetensors");
      };
      const built_in = async () => {
        await go("#/heads");
        await page.getByRole("button", { name: "built-in model" }).click();
        await complete(page, "built-in model");
      };
      const notices = page.locator(".notices li");
      const deeds = [
        open("llama"),
        async () => {
          await go("#/attention");
          await page.locator(".page.attention").first().waitFor();
        },
        open("gpt2"),
        // A fault: no model, and what was open stays.
        async () => {
          await choose([broken]);
          await notices.filter({ hasText: "broken.safetensors" }).first().waitFor();
          for (let left = await notices.count(); left > 0; left -= 1) await notices.first().getByRole("button").last().click();
        },
        built_in,
        async () => {
          await go("#/toy?steps=100000");
          await page.getByTestId("train").click();
          await frames(page, 6);
          await go("#/features?layer=1");
        },
        async () => {
          await go("#/attention?prompt=When%20Mary%20and%20John%20went%20to%20the%20store");
          await page.locator(".page.attention .cell").first().waitFor();
        },
        // Left before it is there.
        async () => {
          await choose(files("bloom"));
          await choose(files("gemma2"));
          await complete(page, "model.safetensors");
        },
        async () => {
          await go("#/trace");
          await page.locator(".page.trace").first().waitFor();
          await go("#/theorems");
          await page.locator(".page.theorems").first().waitFor();
        },
        async () => {
          await go("#/learn?lesson=2.1");
          await page.locator(".page.learn").first().waitFor();
        },
      ];
      const state = async () => {
        await built_in();
        await still(page);
        for (let i = 0; i < 3; i += 1) await cdp.send("HeapProfiler.collectGarbage");
        const { metrics } = await cdp.send("Performance.getMetrics");
        const of = (name) => metrics.find((metric) => metric.name === name).value;
        const workers = await heaps(page);
        return { heap: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners"), workers: workers.length, wasm: Math.max(...workers) };
      };
      // Everything once: what is made for good is made now.
      for (const deed of deeds) await deed();
      const before = await state();
      for (let i = 0; i < DEEDS; i += 1) await deeds[i % deeds.length]();
      const after = await state();
      console.log(`soak of ${DEEDS}: ${JSON.stringify({ before, after })}`);
      assert.equal(after.workers, before.workers, "as many workers");
      // A garbage collector leaves some behind; a leak of a model, a page or a worker a time would be far more.
      assert.ok(after.heap < before.heap * 1.25 + 2e6, `heap: ${before.heap}, then ${after.heap}`);
      assert.ok(after.nodes < before.nodes * 1.25 + 500, `elements: ${before.nodes}, then ${after.nodes}`);
      assert.ok(after.listeners < before.listeners * 1.25 + 100, `listeners: ${before.listeners}, then ${after.listeners}`);
      // Memory of WebAssembly never shrinks; it holds the largest question so far, and grows no further.
      assert.ok(after.wasm <= before.wasm * 1.25, `WebAssembly: ${before.wasm}, then ${after.wasm}`);
      assert.equal(await model(page).filter({ hasText: "built-in model" }).count(), 1);
    });
  } finally {
    await session.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
