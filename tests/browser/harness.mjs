// What every browser test stands on: a real Chromium, a page that may not talk to anybody else, drops, axe, screenshots.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serve } from "./server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = resolve(HERE, "../..");
export const DIST = process.env.OMEGA_DIST || join(ROOT, "dist");
export const OUTPUT = join(HERE, "output");
export const MINILM = join(ROOT, ".tools/minilm");

/**
 * Switches off features of Chromium. The last such switch alone counts, so each names what no test wants: pop-ups of the
 * address bar are pages of their own, which a new window makes at once and which cost as much as ours.
 */
const without = (...features) => `--disable-features=${["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", ...features]}`;

/** Both ways that a reader's browser may be: without a GPU, and with one (here Chromium's software adapter). */
export const PROJECTS = {
  "without WebGPU": [without("WebGPU")],
  "with WebGPU": ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"],
};

/** Starts the server and a Chromium with more `flags` (and Playwright's `options`); `stop()` ends both. */
export async function start(flags = [], options = {}) {
  assert.ok(existsSync(join(DIST, "index.html")), "dist/ is missing: run `make dist` first");
  mkdirSync(OUTPUT, { recursive: true });
  // A prefix, so that an absolute address anywhere on the page is a failing test.
  const server = await serve(DIST, { prefix: "/any/where/" });
  const browser = await chromium.launch({
    ...options,
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--no-first-run",
      "--enable-precise-memory-info",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      without(),
      ...flags,
    ],
  });
  const stop = async () => {
    await browser.close();
    await server.close();
  };
  return { address: server.address, browser, server, stop };
}

/** Has pages of `context` believe that the machine has `cores` cores. */
export async function claim(context, cores) {
  const say = (n) => Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => n });
  await context.addInitScript(say, cores);
}

/**
 * Opens the page at `hash`, runs `test(page)`, and fails if anything left the origin or was reported as an error.
 *
 * `expected`: patterns of console errors that the test provokes on purpose. `cores`: how many the page believes that
 * the machine has. Other options are Playwright's (`viewport`, `colorScheme`, `reducedMotion`).
 */
export async function withPage(session, { hash = "", expected = [], cores, ...options }, test) {
  // The page's policy forbids `eval`, which Playwright's waits use; policy.test.mjs is where the policy itself is tested.
  const context = await session.browser.newContext({ bypassCSP: true, viewport: { width: 1280, height: 900 }, ...options });
  if (cores) await claim(context, cores);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const trouble = [];
  const origin = new URL(session.address).origin;
  const report = (what) => expected.some((pattern) => pattern.test(what)) || trouble.push(what);
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url)) report(`request to ${url}`);
  });
  context.on("response", (response) => response.status() >= 400 && report(`${response.status()} for ${response.url()}`));
  context.on("console", (message) => message.type() === "error" && report(`console: ${message.text()}`));
  context.on("weberror", (error) => report(`error: ${error.error().stack ?? error.error()}`));
  try {
    await page.goto(`${session.address}${hash}`);
    await test(page);
    assert.deepEqual(trouble, [], "the page stayed at home and reported no error");
  } catch (error) {
    if (trouble.length) error.message += `\nReported by the page:\n${trouble.join("\n")}`;
    await page.screenshot({ path: join(OUTPUT, "failure.png") }).catch(() => {});
    throw error;
  } finally {
    await context.close();
  }
}

/** Drops files or folders from the desktop onto the middle of the page, as the operating system does. */
export async function drop(page, paths) {
  const { width, height } = page.viewportSize();
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files: paths.map((path) => resolve(path)), dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await cdp.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
  }
  await cdp.detach();
}

/** Waits for `n` frames of the display. */
export const frames = (page, n) =>
  page.evaluate(async (n) => {
    for (let i = 0; i < n; i += 1) await new Promise(requestAnimationFrame);
  }, n);

/** Waits until nothing in the page has changed for four frames: a chart hears of its new room in one and is drawn in the next. */
export const still = (page) =>
  page.evaluate(async () => {
    let quiet = 0;
    const watch = new MutationObserver(() => (quiet = 0));
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    for (const end = performance.now() + 20_000; quiet < 4; quiet += 1) {
      if (performance.now() > end) throw new Error("the page did not stand still");
      await new Promise(requestAnimationFrame);
    }
    watch.disconnect();
  });

/** The line that names the open model. */
export const model = (page) => page.getByTestId("model");

/** Waits until a model of this name is open and every head has its number. */
export async function complete(page, name = "built-in model", timeout = 60_000) {
  await model(page).filter({ hasText: name }).waitFor({ timeout });
  const done = () => {
    // While files are being opened, their name stands in the line, and the heads are those of the model before.
    if (document.querySelector("[data-testid=model] .opening")) return false;
    const cells = [...document.querySelectorAll(".page.heads [data-head]")];
    return cells.length > 0 && cells.every((cell) => cell.textContent !== "…");
  };
  await page.waitForFunction(done, null, { timeout });
}

/** The singular values in the table under the spectrum, as numbers. */
export async function sigmas(page) {
  const figure = page.locator(".spectrum figure").first();
  if (!(await figure.locator("details").first().getAttribute("open"))) {
    await figure.locator("details").first().evaluate((details) => (details.open = true));
  }
  return measures(figure, 2);
}

/** The numbers in a column of the tables in `where`, to their last digit. */
export const measures = (where, column) =>
  where.locator(`tbody td:nth-child(${column}) data`).evaluateAll((cells) => cells.map((cell) => Number(cell.value)));

/** Fails unless two spectra differ by at most `tolerance` of the largest value. */
export function assertClose(measured, expected, tolerance, what) {
  assert.equal(measured.length, expected.length, `${what}: as many singular values`);
  measured.forEach((s, k) => {
    const error = Math.abs(s - expected[k]) / expected[0];
    assert.ok(error <= tolerance, `${what}, k = ${k}: ${s} for ${expected[k]}`);
  });
}

/**
 * Bytes of WebAssembly memory of each worker.
 *
 * A module is loaded once per worker, and its initialiser returns what it made the first time. The memory never shrinks:
 * this is also the peak.
 */
export async function heaps(page) {
  const bytes = async () => {
    const { default: init } = await import(self.location.href.replace(/_loader\.js.*$/, ".js"));
    return (await init()).memory.buffer.byteLength;
  };
  return Promise.all(page.workers().map((worker) => worker.evaluate(bytes)));
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fails with a readable list if axe finds any violation of WCAG 2.2 AA or its best practices. */
export async function assertAccessible(page, context = "") {
  await page.evaluate(AXE);
  // What fades in has its colours when it is there, and nothing begins to fade while they are looked at.
  const moments = "animation-duration: 0s !important; animation-delay: 0s !important; transition-duration: 0s !important;";
  const style = await page.addStyleTag({ content: `*, ::before, ::after { ${moments} }` });
  await page.evaluate(() => {
    const ends = document.getAnimations().filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime));
    return Promise.allSettled(ends.map(({ finished }) => finished));
  });
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  await style.evaluate((style) => style.remove());
  const found = violations.map(({ id, help, nodes }) => {
    const where = nodes.slice(0, 3).map(({ target, failureSummary }) => `    ${target.join(" ")}: ${failureSummary}`);
    return `${id}: ${help} (${nodes.length})\n${where.join("\n")}`;
  });
  assert.deepEqual(found, [], `no accessibility violation ${context}`);
}

/** Writes `output/NAME.png`. */
export async function picture(page, name, options = {}) {
  await page.screenshot({ path: join(OUTPUT, `${name}.png`), ...options });
}

/** Runs a Python program with numpy and safetensors and returns what it prints, as text. */
export function python(program, ...args) {
  const binary = process.env.PYTHON || join(ROOT, ".tools/venv/bin/python");
  return execFileSync(binary, ["-c", program, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
}
