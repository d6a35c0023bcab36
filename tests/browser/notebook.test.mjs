// The notebook: views pinned with notes, saved and opened again in another tab, and a report that stands alone.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertAccessible, complete, picture, start, withPage } from "./harness.mjs";

describe("Notebook", () => {
  let session, folder;
  before(async () => {
    session = await start();
    folder = mkdtempSync(join(tmpdir(), "omega-notebook-"));
  });
  after(async () => {
    await session?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const it = (name, hash, run, options = {}) => test(name, () => withPage(session, { hash, ...options }, run));
  const pin = (page) => page.getByRole("button", { name: "pin this view" }).click();
  const notebook = (page) => page.getByRole("link", { name: /^Notebook/ }).click();

  async function download(page, button) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: button, exact: true }).click()]);
    const path = join(folder, file.suggestedFilename());
    await file.saveAs(path);
    return path;
  }

  it("keeps a view with a note, in a file that another tab opens", "#/heads?layer=1&head=3&k=2", async (page) => {
    await complete(page);
    await page.locator(".pair .sentence").waitFor();
    const sentence = (await page.locator(".pair .sentence").textContent()).trim();
    await pin(page);
    await notebook(page);
    await page.getByRole("textbox", { name: "note" }).fill("Who is this?\n<b>she</b>");
    assert.equal(await page.locator(".pinned img").count() >= 1, true);
    const widths = await page.locator(".pinned img").evaluateAll((all) => all.map((image) => image.naturalWidth));
    assert.ok(widths.every((width) => width > 50), `pictures are pictures: ${widths}`);
    const saved = await download(page, "save");

    const report = readFileSync(await download(page, "report"), "utf8");
    assert.ok(report.includes("Who is this?<br>&lt;b&gt;she&lt;/b&gt;") && report.includes("import numpy"), "note and Python");
    await withPage(session, {}, async (other) => {
      await other.setContent(report);
      assert.equal(await other.locator("section").count(), 1);
      assert.ok((await other.locator("section").textContent()).includes(sentence.slice(0, 30)));
      const drawn = await other.locator("img").evaluateAll((all) => Promise.all(all.map((image) => image.decode().then(() => image.naturalWidth))));
      assert.ok(drawn.length >= 1 && drawn.every((width) => width > 50));
      const link = await other.locator(".address a").getAttribute("href");
      assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/any\/where\/#\/heads\?/);
    });

    await withPage(session, { hash: "#/notebook" }, async (other) => {
      await other.getByText("Nothing is pinned yet").waitFor();
      await other.getByTestId("notebook-file").setInputFiles(saved);
      assert.equal(await other.getByRole("textbox", { name: "note" }).inputValue(), "Who is this?\n<b>she</b>");
      await other.locator(".pins a").click();
      await other.locator(".spectrum h2", { hasText: "L1H3" }).waitFor();
      assert.equal(await other.getByTestId("pair").innerText(), "k = 2");
    });
  });

  it("refuses what is no notebook, and keeps its pins", "#/heads", async (page) => {
    await complete(page);
    await pin(page);
    await notebook(page);
    const path = join(folder, "other.json");
    writeFileSync(path, '{"model": "gpt2"}');
    await page.getByTestId("notebook-file").setInputFiles(path);
    await page.locator(".notices li", { hasText: "This file is no notebook of this page." }).waitFor();
    assert.equal(await page.locator(".pins > li").count(), 1);
    await page.getByRole("button", { name: /^take away/ }).click();
    await page.getByText("Nothing is pinned yet").waitFor();
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, "#/heads", async (page) => {
      await complete(page);
      await pin(page);
      await notebook(page);
      await page.locator(".pins > li").waitFor();
      await assertAccessible(page, "in the notebook");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
      await picture(page, `notebook-${options.colorScheme ?? "390"}`, { fullPage: true });
    }, options);
  }
});
