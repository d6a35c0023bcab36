// Links that hold: what one copied is what the next reader gets, and what one came from is what one sees.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { MINILM, PROJECTS, complete, drop, model, start, withPage } from "./harness.mjs";

const FILES = ["model.safetensors", "config.json", "tokenizer.json"].map((name) => join(MINILM, name));

describe("Links", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const path = (page) => page.locator("nav.path li").allTextContents();
  const says = (page, text) => page.waitForFunction((text) => document.querySelector("nav.path")?.textContent.includes(text), text);
  const hash = (page) => page.evaluate(() => location.hash);

  it("keep the head of a model that is not there yet", { hash: "#/heads?circuit=ov&head=9&k=3&layer=4" }, async (page) => {
    await complete(page, "built-in model");
    await drop(page, FILES);
    await complete(page, "6 layers × 12 heads");
    assert.deepEqual((await path(page)).slice(1), ["L4H9", "OV", "k = 3"]);
    const link = await hash(page);
    assert.match(link, /checkpoint=[^&]+~\d+~[0-9a-f]{8}&circuit=ov&head=9&k=3&layer=4/);

    // The next reader's tab: the built-in model answers until the right one is there, and says so.
    await withPage(session, { hash: link }, async (other) => {
      await complete(other, "built-in model");
      const wish = other.getByTestId("wish");
      assert.match(await wish.textContent(), /This link is about “model.safetensors” \(9\d(\.\d)? MB\)\. Drop that model/);
      assert.equal(await hash(other), link, "the built-in model leaves the wish alone");
      await drop(other, FILES);
      await complete(other, "6 layers × 12 heads");
      assert.equal(await wish.count(), 0);
      assert.deepEqual((await path(other)).slice(1), ["L4H9", "OV", "k = 3"]);
    });

    // Another model: its own first head, and an address that no longer speaks of MiniLM.
    await page.getByRole("button", { name: "built-in model" }).click();
    await complete(page, "built-in model");
    assert.equal(await hash(page), "#/heads?circuit=ov");
  });

  it("can be told to forget their model", { hash: "#/heads?checkpoint=gone~5~00000000&layer=1&head=2" }, async (page) => {
    await complete(page, "built-in model");
    await page.getByRole("button", { name: "Forget what the link is about" }).click();
    await page.getByTestId("wish").waitFor({ state: "detached" });
    assert.equal(await hash(page), "#/heads");
  });

  it("lead to the pair that they stand at", { hash: "#/heads?layer=2&head=1&k=2" }, async (page) => {
    await complete(page, "built-in model");
    await page.getByRole("link", { name: "is it more than chance?" }).click();
    await says(page, "QK dest");
    assert.deepEqual((await path(page)).slice(1), ["L2H1", "QK dest", "k = 2"]);
    await page.goBack();
    await page.getByRole("link", { name: "see it on a prompt" }).click();
    await says(page, "k = 2");
    assert.deepEqual((await path(page)).slice(1), ["L2H1", "QK", "k = 2"]);
    await page.locator(".page.attention .cell").getByText("The pair in view, k = 2").waitFor();
    // A new prompt keeps the head and its pair.
    await page.getByTestId("prompt").fill("When Anna and Tom went to the park, Tom gave a ball to");
    await page.getByTestId("prompt").press("Enter");
    await page.locator(".page.attention .cell").getByText("“to” gives").waitFor();
    assert.deepEqual((await path(page)).slice(1), ["L2H1", "QK", "k = 2"]);
    // What an OV pair writes is no score.
    await page.evaluate(() => (location.hash = "#/heads?circuit=ov&head=1&k=0&layer=2"));
    await page.getByRole("link", { name: "is it more than chance?" }).waitFor();
    await says(page, "OV");
    assert.equal(await page.getByRole("link", { name: "see it on a prompt" }).count(), 0);
  });

  it("go where a search found something", { hash: "#/features?layer=0&head=0&side=dest" }, async (page) => {
    await model(page).filter({ hasText: "built-in model" }).waitFor();
    const search = page.getByRole("region", { name: "Feature search" });
    await search.getByRole("searchbox").fill("Mary");
    await search.getByRole("button", { name: "find" }).click();
    const hit = search.locator("tbody tr").first();
    await search.getByText(/over all 48 sides/).waitFor({ timeout: 60_000 });
    const [name, side, k] = await hit.evaluate((row) => [...row.children].slice(0, 3).map((cell) => cell.textContent));
    await hit.getByRole("button").click();
    const circuit = ["dest", "src"].includes(side) ? "QK" : "OV";
    await says(page, `${circuit} ${side}`);
    assert.deepEqual((await path(page)).slice(1), [name, `${circuit} ${side}`, `k = ${k}`]);
    assert.match(await model(page).textContent(), /built-in model/);
  });
});
