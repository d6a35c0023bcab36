// A job that began in view goes on while its tab is hidden and for a moment frozen, a lost device included; what it finds is right.
//
// Playwright tells every page that it is in view, and keeps Chromium from slowing down what is not. So the page is opened
// over a second connection, which leaves both as a reader has them.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { chromium } from "playwright-core";
import { MINILM, PROJECTS, assertClose, complete, drop, sigmas, start } from "./harness.mjs";

const MINILM_FILES = ["model.safetensors", "config.json", "tokenizer.json"].map((name) => join(MINILM, name));
const SLOWS_DOWN = ["background-timer-throttling", "backgrounding-occluded-windows", "renderer-backgrounding"];

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Runs `body(page, another tab)` in a window that Chromium treats as a reader's. */
async function asReader(flags, body) {
  const port = await freePort();
  const ignoreDefaultArgs = SLOWS_DOWN.map((what) => `--disable-${what}`);
  const session = await start([`--remote-debugging-port=${port}`, ...flags], { ignoreDefaultArgs });
  try {
    const reader = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
    const page = await reader.contexts()[0].newPage();
    page.setDefaultTimeout(20_000);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(session.address);
    await complete(page, "built-in model");
    const other = await page.context().newPage();
    await page.bringToFront();
    await body(page, other);
    await reader.close();
  } finally {
    await session.stop();
  }
}

/** Asks again and again until `ready(pending heads, the line of the convention)`; nothing that waits for a frame works in a hidden page. */
async function until(page, ready, timeout = 120_000) {
  const look = () => {
    const cells = [...document.querySelectorAll(".page.heads [data-head]")];
    const waiting = cells.filter((cell) => cell.textContent === "…").length;
    return [cells.length, waiting, document.querySelector(".spectrum figure .convention")?.textContent ?? ""];
  };
  for (const end = Date.now() + timeout; ; await new Promise((later) => setTimeout(later, 20))) {
    const [cells, waiting, convention] = await page.evaluate(look);
    if (cells > 0 && ready(cells, waiting, convention)) return;
    assert.ok(Date.now() < end, `${waiting} of ${cells} heads still wait; ${convention}`);
  }
}

/** Puts `other` in front in the middle of a job, freezes the page for a moment, waits until `ready`, and comes back. */
async function hiddenUntil(page, other, ready) {
  const visibility = () => page.evaluate(() => document.visibilityState);
  assert.equal(await visibility(), "visible");
  await other.bringToFront();
  await until(page, (cells, waiting) => waiting > 0, 0);
  assert.equal(await visibility(), "hidden", "in the middle of the job");
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
  // Nothing says that a frozen page is frozen: a while is what is tested.
  await new Promise((later) => setTimeout(later, 500));
  await cdp.send("Page.setWebLifecycleState", { state: "active" });
  await page.evaluate(() => requestAnimationFrame(() => (window.drawn = true)));
  await until(page, ready);
  assert.equal(await visibility(), "hidden", "at the end of the job");
  assert.equal(await page.evaluate(() => window.drawn), undefined, "no frame was drawn");
  await page.bringToFront();
}

/** The spectra of three heads of the built-in shape or larger, as the page shows them. */
async function spectra(page, query = "") {
  const found = [];
  for (const [layer, head] of [[0, 0], [1, 3], [2, 1]]) {
    await page.evaluate((hash) => (location.hash = hash), `#/heads?layer=${layer}&head=${head}${query}`);
    await page.locator(".spectrum h2", { hasText: `L${layer}H${head}` }).waitFor();
    found.push(await sigmas(page));
  }
  return found;
}

describe("a hidden tab", () => {
  test("finishes the spectra of a dropped checkpoint on the CPU", () =>
    asReader(PROJECTS["without WebGPU"], async (page, other) => {
      const all = (cells, waiting) => cells === 72 && waiting === 0;
      await drop(page, MINILM_FILES);
      await until(page, (cells) => cells === 72);
      await hiddenUntil(page, other, all);
      const hidden = await spectra(page);
      await page.reload();
      await complete(page, "built-in model");
      await drop(page, MINILM_FILES);
      await complete(page, "6 layers × 12 heads");
      assert.deepEqual(hidden, await spectra(page), "the same numbers as in view");
    }));

  test("finishes the spectra on the GPU, though the device is lost in the meantime", () =>
    asReader(PROJECTS["with WebGPU"], async (page, other) => {
      const onCpu = await spectra(page);
      await page.evaluate(() => (location.hash = "#/heads?compute=drill"));
      await until(page, (cells, waiting, convention) => waiting < cells && /f32 on the GPU/.test(convention));
      await hiddenUntil(page, other, (cells, waiting) => waiting === 0);
      await page.locator(".notices li", { hasText: "The GPU went away" }).waitFor();
      const onGpu = await spectra(page, "&compute=drill");
      onGpu.forEach((s, i) => assertClose(s, onCpu[i], 1e-5, `head ${i} of three`));
    }));
});
