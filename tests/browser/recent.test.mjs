// Files that were opened before: asked for again where the browser has handles, names to look for elsewhere; ten at most, each forgotten
// at a click, and nothing of them but names, sizes, dates and handles.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, complete, drop, model, start, withPage } from "./harness.mjs";
import { gpt2 } from "./models.mjs";

const BUILT_IN = join(ROOT, "www/models/names");
const NAME = "step-00700.safetensors";

describe("Files opened before", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (name, run) => test(name, { timeout: 180_000 }, () => withPage(session, { hash: "#/heads" }, run));
  const list = (page) => page.getByTestId("recent");
  const open = async (page) => {
    await list(page).locator("summary").click();
    return list(page).locator("li");
  };

  /** Files in the page's own folder, whose handles are like any other's; what the browser's choice gives back is theirs. */
  const picked = (page) =>
    page.evaluate(async (names) => {
      const root = await navigator.storage.getDirectory();
      const handles = [];
      for (const name of names) {
        const handle = await root.getFileHandle(name, { create: true });
        const out = await handle.createWritable();
        await out.write(await (await fetch(`models/names/${name}`)).blob());
        await out.close();
        handles.push(handle);
      }
      window.showOpenFilePicker = async () => handles;
    }, [NAME, "config.json", "tokenizer.json"]);

  it("are picked, listed after a reload, opened again and forgotten", async (page) => {
    await complete(page);
    assert.equal(await list(page).count(), 0, "the built-in model is no file of the reader's");
    await picked(page);
    await page.locator(".open-another").getByRole("button", { name: "open…" }).click();
    await complete(page, NAME);
    await list(page).waitFor();
    await page.reload();
    await complete(page);
    assert.match(await list(page).locator("summary").textContent(), /opened before \(1\)/);
    const rows = await open(page);
    assert.match(await rows.first().textContent(), /step-00700\.safetensors, config\.json, tokenizer\.json, [\d.]+ [kM]B, \d/);
    await assertAccessible(page, "the list of files opened before");
    await rows.first().getByRole("button", { name: NAME, exact: true }).focus();
    await page.keyboard.press("Enter");
    await complete(page, NAME);
    // What lies in the browser: no content of a file.
    const stored = await page.evaluate(
      () =>
        new Promise((done) => {
          const opening = indexedDB.open("omega-recent");
          opening.onsuccess = () => {
            const all = opening.result.transaction("opened").objectStore("opened").getAll();
            all.onsuccess = () => done(all.result.map((entry) => [Object.keys(entry).sort(), entry.handles.map((handle) => handle.constructor.name)]));
          };
        }),
    );
    assert.deepEqual(stored, [[["bytes", "date", "handles", "id", "name", "names"], Array(3).fill("FileSystemFileHandle")]]);

    // The reader says no; then the file is gone. Both are said, and the open model stays.
    await page.evaluate(() => {
      FileSystemHandle.prototype.queryPermission = async () => "prompt";
      FileSystemHandle.prototype.requestPermission = async () => "denied";
    });
    await rows.first().getByRole("button", { name: NAME, exact: true }).click();
    await page.locator(".notices").filter({ hasText: "was not allowed to read it" }).waitFor();
    await page.evaluate(async (name) => {
      FileSystemHandle.prototype.requestPermission = async () => "granted";
      await (await navigator.storage.getDirectory()).removeEntry(name);
    }, NAME);
    await rows.first().getByRole("button", { name: NAME, exact: true }).click();
    await page.locator(".notices").filter({ hasText: "cannot be read again" }).waitFor();
    assert.match(await model(page).textContent(), /step-00700/);

    await rows.first().getByRole("button", { name: `forget ${NAME}` }).click();
    await list(page).waitFor({ state: "detached" });
    await page.reload();
    await complete(page);
    assert.equal(await list(page).count(), 0);
  });

  it("that were dropped keep their handle: a folder is read whole again", async (page) => {
    const folder = gpt2({ layers: 2, heads: 2 });
    try {
      await complete(page);
      await drop(page, [folder]);
      await complete(page, basename(folder));
      const rows = await open(page);
      const again = rows.first().getByRole("button", { name: basename(folder), exact: true });
      await page.locator(".open-another").getByRole("button", { name: "built-in model" }).click();
      await complete(page);
      await again.click();
      await complete(page, basename(folder));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("are names to look for where the browser has no handles", async (page) => {
    await page.addInitScript(() => delete window.showOpenFilePicker);
    await page.reload();
    await complete(page);
    const chooser = page.waitForEvent("filechooser");
    await page.locator(".open-another").getByRole("button", { name: "open…" }).click();
    await (await chooser).setFiles([NAME, "config.json", "tokenizer.json"].map((name) => join(BUILT_IN, name)));
    await complete(page, NAME);
    const rows = await open(page);
    assert.match(await rows.first().textContent(), /look for it where you keep your files/);
    assert.equal(await rows.first().getByRole("button", { name: NAME, exact: true }).count(), 0);
  });

  it("are ten at most, the newest first", async (page) => {
    await complete(page);
    await page.evaluate(async () => {
      for (let i = 0; i < 12; i += 1) {
        await window.omegaRecent.remember(`m${i}`, [[`m${i}.safetensors`, i]]);
        // The clock tells one from the next.
        for (const now = Date.now(); Date.now() === now; ) await new Promise(requestAnimationFrame);
      }
    });
    await page.reload();
    await complete(page);
    const rows = await open(page);
    const names = await rows.allTextContents();
    assert.equal(names.length, 10);
    assert.ok(names[0].startsWith("m11") && names[9].startsWith("m2 "), `${names}`);
    const width = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    assert.ok(width <= 1, `${width} px sideways`);
  });
});
