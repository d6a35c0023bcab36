// One walk through the page in Chromium, Firefox and WebKit: the same numbers to the last bit, and no error in any of them. Products with relaxed
// SIMD, which WebKit lacks, round otherwise: Chromium walks once more with them, and says the same but for the last digits.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { beyond } from "./engines/beyond.mjs";
import { open } from "./engines/open.mjs";
import { DIST, MINILM, OUTPUT, ROOT } from "./harness.mjs";
import { serve } from "./server.mjs";

const RECORDER = join(dirname(fileURLToPath(import.meta.url)), "engines/recorder.js");
const PATIENCE = 120_000;
/** Heads of the golden Llama. */
const LLAMA_HEADS = 8;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A copy of the page that writes down its errors; all browsers run the same program of its workers, unless they may choose. */
function watched(chooses) {
  const copy = mkdtempSync(join(tmpdir(), "omega-engines-"));
  cpSync(DIST, copy, { recursive: true, filter: (path) => !/\/\.(stage|built)|\.(br|gz)$/.test(path) });
  cpSync(RECORDER, join(copy, "recorder.js"));
  if (!chooses) writeFileSync(join(copy, "relaxed.js"), "self.omegaRelaxed = false;\n");
  const index = join(copy, "index.html");
  writeFileSync(index, readFileSync(index, "utf8").replace(/<link /, '<script src="./recorder.js"></script><link '));
  execFileSync("node", [join(ROOT, ".ci/offline.mjs"), copy]);
  return copy;
}

/** The numbers of a CSV of spectra, without the lines that name its file. */
const rows = (csv) => csv.split("\n").filter((line) => /^\d/.test(line));

/** Texts that are alike but for the last digits of their numbers. */
function assertAlike(found, expected) {
  const parts = (text) => String(text).split(/([-+]?\d[\d.]*(?:e[-+]?\d+)?)/i);
  const [a, b] = [parts(found), parts(expected)];
  assert.equal(a.length, b.length);
  a.forEach((part, i) => {
    // A version has points too.
    if (i % 2 === 0 || isNaN(part)) assert.equal(part, b[i]);
    else assert.ok(Math.abs(part - b[i]) <= 1e-9 * Math.max(1, Math.abs(b[i])), `${part} for ${b[i]}`);
  });
}

async function walk(engine, chooses = false) {
  const copy = watched(chooses);
  const golden = join(ROOT, "tests/golden/families/llama");
  const far = join(copy, "beyond.safetensors");
  beyond(join(golden, "model.safetensors"), far);
  const server = await serve(copy, { prefix: "/any/where/" });
  let b;
  const until = async (what, f, ...args) => {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(50)) {
      const found = await b.evaluate(f, ...args);
      if (found) return found;
    }
    throw new Error(`never came: ${what}`);
  };
  const heads = (n) =>
    until(
      `${n} heads`,
      (n) => {
        const cells = [...document.querySelectorAll(".page.heads [data-head]")];
        return cells.length === n && cells.every((cell) => cell.textContent !== "…") && document.querySelector(".pair .sentence") !== null;
      },
      n,
    );
  const text = (what, css, pattern) =>
    until(
      what,
      (css, pattern) => {
        const element = document.querySelector(css);
        return element && new RegExp(pattern).test(element.textContent) && element.textContent;
      },
      css,
      pattern,
    );
  const go = (hash) => b.evaluate((hash) => void (location.hash = hash), hash);
  // A click at a place that moves goes elsewhere, and no engine tells: wait until the element stands still.
  const still = (css) =>
    until(
      "a still page",
      (css) => {
        const y = document.querySelector(css).getBoundingClientRect().y + scrollY;
        const same = window.stoodAt === y;
        window.stoodAt = y;
        return same;
      },
      css,
    );
  const press = async (label) => {
    await until(
      label,
      (label) => {
        document.querySelector("[data-now]")?.removeAttribute("data-now");
        const button = [...document.querySelectorAll("button")].find((b) => b.textContent.trim() === label && b.getClientRects().length);
        if (button) button.dataset.now = "";
        return Boolean(button);
      },
      label,
    );
    await still("[data-now]");
    await b.click("[data-now]");
  };
  try {
    b = await open(engine);
    const numbers = {};
    await b.goto(`${server.address}?offline#/heads`);
    await heads(12);
    await b.choose("[data-testid=file-input]", ["model.safetensors", "config.json", "tokenizer.json"].map((name) => join(MINILM, name)));
    await heads(72);
    await press("all spectra CSV");
    numbers.spectra = await until("the CSV", () => window.saved.at(-1));
    for (const end = Date.now() + PATIENCE; !readdirSync(b.downloads).length; await sleep(100)) assert.ok(Date.now() < end, "no file was saved");
    // The same tensors in a small file, and where 32 bits do not reach.
    const [near, beyond4] = [[], []];
    for (const [file, into] of [[join(golden, "model.safetensors"), near], [far, beyond4]]) {
      const known = await b.evaluate(() => window.saved.length);
      await b.choose("[data-testid=file-input]", [file, join(golden, "config.json")]);
      await text("the file's name", "[data-testid=model]", file === far ? "beyond.safetensors: Llama" : "model.safetensors: Llama");
      await heads(LLAMA_HEADS);
      await press("all spectra CSV");
      into.push(...rows(await until("the CSV", (known) => window.saved.length > known && window.saved.at(-1), known)));
    }
    assert.ok(near.length > 10, "there are spectra");
    assert.deepEqual(beyond4, near);
    numbers.beyond = near;
    await b.choose("[data-testid=file-input]", ["model.safetensors", "config.json", "tokenizer.json"].map((name) => join(MINILM, name)));
    await heads(72);
    await b.evaluate(() => document.querySelector('.page.heads [data-head="0,0"]').focus());
    await b.arrowDown();
    await text("arrow keys", ".spectrum h2", "L1H0");
    await go("#/attention");
    numbers.explained = await text("an explanation", "[data-testid=explain]", "Singular vector");
    await go("#/toy?steps=200");
    await text("the toy", "[data-testid=toy-verdict]", ".");
    await still("[data-testid=train]");
    await b.click("[data-testid=train]");
    await until("the end of training", () => document.querySelector("[data-testid=toy-verdict][data-settled=true]") !== null);
    numbers.toy = await b.evaluate(() => [...document.querySelectorAll(".verdicts [data-got]")].map((cell) => cell.dataset.got));
    await go("#/heads?head=0&layer=1&lesson=2.1");
    await until("a formula", () => document.querySelector(".lesson math[display=block]")?.getBoundingClientRect().height > 5);
    const over = await b.evaluate(() => {
      const lesson = document.querySelector(".lesson");
      return lesson.scrollWidth - lesson.clientWidth;
    });
    assert.ok(over <= 1, `the lesson is ${over} px wider than its column`);
    await until("the service worker", () => {
      navigator.serviceWorker.ready.then((registration) => (window.kept = registration.active.state === "activated"));
      return window.kept;
    });
    const troubles = await b.evaluate(() => window.troubles);
    await server.close();
    await b.goto("about:blank");
    await b.goto(`${server.address}?offline#/heads`);
    await heads(12);
    assert.deepEqual(troubles.concat(await b.evaluate(() => window.troubles)), [], "no error");
    return numbers;
  } catch (error) {
    mkdirSync(OUTPUT, { recursive: true });
    await b?.picture(join(OUTPUT, `failure-${engine}.png`)).catch(() => {});
    throw error;
  } finally {
    await b?.close();
    await server.close().catch(() => {});
    rmSync(copy, { recursive: true, force: true });
  }
}

test("Chromium, Firefox and WebKit say the same numbers", { timeout: 900_000 }, async (t) => {
  if (process.env.OMEGA_SKIP?.split(",").includes("engines")) {
    if (process.env.OMEGA_SKIPPED) appendFileSync(process.env.OMEGA_SKIPPED, "engines: the page in Firefox and WebKit\n");
    return t.skip();
  }
  let first;
  for (const engine of ["chromium", "firefox", "webkit"]) {
    await t.test(engine, async () => {
      // Engines driven from outside lose a click now and then; what fails twice is the page's fault.
      const numbers = await walk(engine).catch((why) => {
        t.diagnostic(`${engine}, first try: ${why.message}`);
        return walk(engine);
      });
      first ??= numbers;
      assert.ok(numbers.spectra.split("\n").length > 4000 && numbers.toy.length > 0, "there is something to compare");
      assert.deepEqual(numbers, first);
    });
  }
  await t.test("chromium, with relaxed SIMD", async () => {
    const numbers = await walk("chromium", true);
    for (const [what, found] of Object.entries(numbers)) assertAlike(found, first[what]);
    assert.notEqual(numbers.spectra, first.spectra, "the other program ran");
  });
});
