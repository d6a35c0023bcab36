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

  it("ask again what a change of a score does", { hash: "#/attention?layer=1&head=3&dest=14&src=10" }, async (page) => {
    const changed = (page) => page.getByTestId("changed");
    await page.getByRole("button", { name: "keep only the largest" }).click();
    await changed(page).filter({ hasText: "keep only k = " }).waitFor();
    await page.getByTestId("directions").fill("0-1");
    const form = page.getByRole("form", { name: "Several vectors" });
    await form.getByLabel("do").selectOption("scale");
    await form.getByRole("button", { name: "rerun" }).click();
    await changed(page).filter({ hasText: "× 0.500 on k = 0-1" }).waitFor();
    const [link, found] = [await hash(page), await changed(page).innerText()];
    await withPage(session, { hash: link }, async (other) => {
      await changed(other).filter({ hasText: "× 0.500 on k = 0-1" }).waitFor();
      assert.equal(await changed(other).innerText(), found);
      assert.equal(await other.getByTestId("directions").inputValue(), "0-1");
      assert.equal(await other.getByRole("form", { name: "Several vectors" }).getByLabel("factor").inputValue(), "0.5");
    });
    // It is about that score: of another one nothing was asked, and going back brings it again.
    await page.evaluate(() => (location.hash = location.hash.replace("src=10", "src=2")));
    await changed(page).waitFor({ state: "detached" });
    await page.goBack();
    await changed(page).filter({ hasText: "× 0.500 on k = 0-1" }).waitFor();
    assert.equal(await changed(page).innerText(), found);
  });

  it("ask again what becomes of an answer without a part of its circuit", { hash: "#/trace" }, async (page) => {
    const effect = (page) => page.getByTestId("effect");
    await page.locator('.circuit .node[id="trace-L1H3:14-10"]').click();
    await page.getByLabel("changed is").selectOption("what the head writes");
    await page.getByTestId("rerun").click();
    await effect(page).filter({ hasText: "× 0: the logit difference goes from 8.25 to 7.74" }).waitFor();
    const link = await hash(page);
    assert.match(link, /changed=writes&pin=L1H3:14-10&times=0$/);
    // A rerun is a step of the history: back is the pinned head as it was.
    await page.goBack();
    await effect(page).waitFor({ state: "detached" });
    await page.goForward();
    await effect(page).filter({ hasText: "from 8.25 to 7.74" }).waitFor();
    await withPage(session, { hash: link }, async (other) => {
      await effect(other).filter({ hasText: "from 8.25 to 7.74" }).waitFor();
      // Nothing was asked of another part.
      await other.locator('.circuit .node[id="trace-mlp0:14"]').click();
      await effect(other).waitFor({ state: "detached" });
      assert.match(await hash(other), /#\/trace\?pin=mlp0:14$/);
    });
  });

  it("trace another prompt beside this one, and run the circuit alone", { hash: "#/trace" }, async (page) => {
    const [compared, worth] = [(page) => page.getByTestId("compared"), (page) => page.getByTestId("worth")];
    await page.getByTestId("traced").waitFor();
    await page.getByTestId("alone").click();
    await worth(page).waitFor();
    await page.getByTestId("other-prompt").fill("After Bob and Anna went to the park , Anna handed a ring to");
    await page.getByTestId("other-answer").fill("Bob");
    await page.getByRole("button", { name: "trace beside" }).click();
    await compared(page).waitFor();
    const link = await hash(page);
    assert.match(link, /alone=on&beside=After.*&beside-answer=Bob/);
    await withPage(session, { hash: link }, async (other) => {
      await compared(other).waitFor();
      await worth(other).waitFor();
      assert.equal(await compared(other).textContent(), await compared(page).textContent());
      assert.equal(await worth(other).textContent(), await worth(page).textContent());
      assert.equal(await other.getByTestId("other-answer").inputValue(), "Bob");
      // What is found stays while another page is looked at, and nothing is asked anew.
      await other.evaluate(() => (location.hash = "#/heads"));
      await other.locator(".page.heads .spectrum h2").waitFor();
      await other.goBack();
      assert.equal(await compared(other).count(), 1);
    });
  });

  it("trace the set of prompts that was traced", { hash: "#/trace" }, async (page) => {
    const [region, found] = [(page) => page.getByRole("region", { name: "Over a set of prompts" }), (page) => page.getByTestId("set-said")];
    const lines = "When Mary and John went to the store , John gave a drink to => Mary\nWhen Anna and Tom went to the park , Tom gave a ball to => Anna";
    await region(page).getByRole("combobox").selectOption("own");
    await region(page).getByRole("textbox").fill(lines);
    assert.doesNotMatch(await hash(page), /set/, "nothing is asked yet");
    await page.getByTestId("trace-set").click();
    await found(page).filter({ hasText: "Prompts: 2, 2 of 2 answered right" }).waitFor();
    const link = await hash(page);
    assert.match(link, /set=own&set-lines=When/);
    await withPage(session, { hash: link }, async (other) => {
      await found(other).waitFor();
      assert.equal(await found(other).textContent(), await found(page).textContent());
      assert.equal(await region(other).getByRole("combobox").inputValue(), "own");
      assert.equal(await region(other).getByRole("textbox").inputValue(), lines);
      // It is about no prompt in particular, and stays while another one is traced.
      await other.getByTestId("trace-prompt").fill("When Anna and Tom went to the park , Tom gave a ball to");
      await other.getByTestId("trace-answer").fill("Anna");
      await other.getByTestId("trace-against").fill("");
      await other.getByRole("button", { name: "trace", exact: true }).click();
      await other.getByTestId("traced").filter({ hasText: "Anna" }).waitFor();
      assert.equal(await found(other).count(), 1);
      // Another choice asks for nothing by itself, and the address says so.
      await region(other).getByRole("combobox").selectOption("ioi");
      await found(other).waitFor({ state: "detached" });
      assert.doesNotMatch(await hash(other), /set/);
    });
  });

  it("compare the heads that were compared", { hash: "#/features?head=1&layer=1" }, async (page) => {
    const cells = (page) => page.locator(".page.features [data-head]").allTextContents();
    const known = (page, n) =>
      page.waitForFunction((n) => [...document.querySelectorAll(".page.features [data-head]")].filter((cell) => /\d/.test(cell.textContent)).length === n, n, { timeout: 120_000 });
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("align-layer").click();
    await known(page, 4);
    const [link, found] = [await hash(page), await cells(page)];
    assert.match(link, /compared=1&/);
    await withPage(session, { hash: link }, async (other) => {
      await known(other, 4);
      assert.deepEqual(await cells(other), found);
      await other.getByTestId("align-all").click();
      await known(other, 12);
      assert.match(await hash(other), /compared=all/);
      // With another dictionary the head in view is compared alone, and the address says so.
      await other.getByRole("combobox", { name: /^dictionary/ }).selectOption("positions");
      await known(other, 1);
      assert.doesNotMatch(await hash(other), /compared/);
    });
  });

  it("compare every saved step with a dictionary", { hash: "#/features?layer=0&head=0&side=src" }, async (page) => {
    const sentence = (page) => page.getByTestId("aligned-sides").filter({ hasText: "At step 4000" });
    const whole = async (page) => {
      await sentence(page).waitFor({ timeout: 120_000 });
      await page.locator(".progress").waitFor({ state: "detached", timeout: 120_000 });
      await page.getByRole("region", { name: "Alignment through training" }).locator("figure details").first().evaluate((details) => (details.open = true));
      return page.getByRole("region", { name: "Alignment through training" }).locator("tbody tr").allTextContents();
    };
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("align-steps").click();
    const [found, said] = [await whole(page), await sentence(page).textContent()];
    assert.equal(found.length, 14);
    const link = await hash(page);
    assert.match(link, /aligned=steps/);
    await withPage(session, { hash: link }, async (other) => {
      assert.deepEqual(await whole(other), found);
      assert.equal(await sentence(other).textContent(), said);
      // Of another dictionary nobody has asked that, and the address says so.
      await other.getByRole("combobox", { name: /^dictionary/ }).selectOption("positions");
      await other.getByTestId("aligned-sides").waitFor({ state: "detached" });
      await other.getByTestId("verdict").waitFor();
      assert.doesNotMatch(await hash(other), /aligned/);
      await other.getByTestId("align-steps").waitFor();
      assert.equal(await other.getByTestId("aligned-sides").count(), 0);
    });
  });

  it("compare every saved step", { hash: "#/compare?head=2&layer=1" }, async (page) => {
    await page.getByTestId("compare-steps").click({ timeout: 60_000 });
    await page.getByTestId("became").waitFor({ timeout: 60_000 });
    await withPage(session, { hash: await hash(page) }, async (other) => {
      await other.getByTestId("became").waitFor({ timeout: 60_000 });
      await other.locator(".page.compare .series-view figure").first().locator("summary").click();
      await other.waitForFunction(() => document.querySelectorAll(".page.compare .series-view figure:first-child tbody tr").length === 14, null, { timeout: 60_000 });
    });
  });
});
