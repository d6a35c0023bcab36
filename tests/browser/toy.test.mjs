// The toy lab and the theorem bench: every preset, live training, links that reproduce, files, sweeps, theorems.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { assertAccessible, frames, picture, start, still, withPage } from "./harness.mjs";

const LONG = { timeout: 240_000 };
const settled = (page) => page.locator('[data-testid="toy-verdict"][data-settled="true"]').waitFor(LONG);
const ready = (page) => page.getByTestId("toy-verdict").waitFor();
const rows = (page) => page.locator(".verdicts li");
const verdicts = (page) => rows(page).locator(".verdict").allTextContents();
const measured = (page) => rows(page).evaluateAll((cells) => cells.map((c) => c.dataset.got));
const trained = async (page) => Number(await page.locator("[data-trained]").getAttribute("data-trained"));

describe("the toy lab", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

  it("begins every preset", { hash: "#/toy" }, async (page) => {
    await ready(page);
    const ids = await page.getByTestId("preset").locator("option").evaluateAll((all) => all.map((o) => o.value));
    assert.ok(ids.length >= 20, `${ids.length} presets`);
    for (const id of ids) {
      await page.getByTestId("preset").selectOption(id);
      await page.waitForFunction((id) => new URL(location).hash.includes(`preset=${id}`), id);
      await page.getByText("step 0 of").waitFor();
      await ready(page);
      assert.ok((await rows(page).count()) > 0, `${id} says what it expects`);
      assert.equal(await page.getByTestId("toy-failed").count(), 0, id);
    }
  });

  it("trains one pair live until every claim holds", { hash: "#/toy" }, async (page) => {
    await ready(page);
    await page.getByTestId("train").click();
    await settled(page);
    assert.deepEqual(await verdicts(page), ["yes", "yes", "yes", "yes", "yes"]);
    assert.match(page.url(), /at=800/);
    await picture(page, "toy", { fullPage: true });
  });

  // How many frames a second is measured in benches/browser.mjs.
  it("goes on with forty and with a hundred features, and answers meanwhile", { hash: "#/toy?preset=eight-pairs" }, async (page) => {
    const beyond = (step) => page.waitForFunction((step) => Number(document.querySelector("[data-trained]").dataset.trained) > step, step);
    for (const id of ["eight-pairs", "twenty-pairs"]) {
      await page.getByTestId("preset").selectOption(id);
      await page.getByText("step 0 of").waitFor();
      await ready(page);
      await page.getByTestId("train").click();
      await beyond(10);
      await page.getByTestId("pace").waitFor();
      await page.getByRole("slider", { name: "steps a frame" }).fill("20");
      await page.waitForFunction(() => /speed=20/.test(location.hash));
      await beyond(await trained(page));
      assert.equal(await page.getByTestId("once").isDisabled(), true, "it still trains");
      await page.getByTestId("train").click();
      await page.locator('[data-testid="once"]:enabled').waitFor();
    }
  });

  it("is listed on every page while it trains, and stops where it is cancelled", { hash: "#/toy?preset=twenty-pairs" }, async (page) => {
    await ready(page);
    await page.getByTestId("train").click();
    const listed = page.locator(".progress", { hasText: /training of the toy: \d+ of \d+/ });
    await listed.waitFor({ state: "attached" });
    assert.ok(!(await listed.isVisible()), "its own page has a bar that shows it");
    await page.locator("nav").getByRole("link", { name: "Heads" }).click();
    await listed.waitFor();
    await page.getByRole("button", { name: "cancel: training of the toy" }).click();
    await listed.waitFor({ state: "detached" });
    await page.locator("nav").getByRole("link", { name: "Toy" }).click();
    const at = await trained(page);
    assert.ok(at > 0);
    await page.getByTestId("train").click();
    await page.waitForFunction((at) => Number(document.querySelector("[data-trained]").dataset.trained) > at, at);
  });

  it("reproduces the same numbers from a link", { hash: "#/toy?lambda=30&t=3&seed=4&steps=300" }, async (page) => {
    await ready(page);
    await page.getByTestId("train").click();
    await settled(page);
    const [numbers, url] = [await measured(page), page.url()];
    await withPage(session, { hash: new URL(url).hash }, async (other) => {
      await settled(other);
      assert.deepEqual(await measured(other), numbers, "to the last bit");
    });
  });

  it("can say no, and does below the threshold", { hash: "#/toy?preset=threshold-below&at=2000" }, async (page) => {
    await settled(page);
    assert.deepEqual(await verdicts(page), ["yes", "no", "yes", "yes"]);
    await rows(page).nth(1).getByText("paper").waitFor();
  });

  it("steps, resets, and looks back", { hash: "#/toy?steps=60" }, async (page) => {
    await ready(page);
    await page.getByTestId("once").click();
    await page.locator('[data-trained="1"]').waitFor();
    await page.getByTestId("train").click();
    await settled(page);
    const end = await measured(page);
    await page.locator(".slide input").focus();
    await page.keyboard.press("Home");
    await page.getByTestId("toy-verdict").filter({ hasText: "At step 0" }).waitFor();
    assert.notDeepEqual(await measured(page), end);
    await page.keyboard.press("End");
    await settled(page);
    assert.deepEqual(await measured(page), end);
    await page.getByTestId("reset").click();
    await page.locator('[data-trained="0"]').waitFor();
    assert.doesNotMatch(page.url(), /at=/);
  });

  it("keeps in the address from where the features are seen", { hash: "#/toy?at=800" }, async (page) => {
    await settled(page);
    const view = page.locator(".space-view svg").first();
    const drawn = () => view.locator(".ray").evaluateAll((rays) => rays.map((ray) => [ray.getAttribute("x2"), ray.getAttribute("y2")]));
    const before = await drawn();
    await view.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await view.boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 60, y + height / 2 + 30, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => /turned=/.test(location.hash) && /tilted=/.test(location.hash));
    await page.getByRole("combobox", { name: "seen along" }).selectOption("principal");
    await page.waitForFunction(() => /seen=principal/.test(location.hash));
    const after = await drawn();
    assert.notDeepEqual(after, before);
    await page.reload();
    await settled(page);
    assert.deepEqual(await drawn(), after, "a link shows what its sender saw");
    await page.getByRole("button", { name: "two dimensions" }).click();
    await page.waitForFunction(() => /turned=0&/.test(`${location.hash}&`) && /tilted=0&/.test(`${location.hash}&`));
  });

  it("obeys whatever is pressed while it trains", { hash: "#/toy?steps=20000" }, async (page) => {
    await ready(page);
    const train = page.getByTestId("train");
    // Twice before a frame can be drawn: it goes and stops.
    await train.evaluate((button) => (button.click(), button.click()));
    // It trains from frame to frame.
    await still(page);
    const held = await trained(page);
    await frames(page, 20);
    assert.equal(await trained(page), held, "pressed twice, it stops");
    for (let i = 0; i < 8; i += 1) await train.click();
    await train.click();
    await page.waitForFunction(() => Number(document.querySelector("[data-trained]").dataset.trained) > 50);
    await page.locator(".slide input").focus();
    await page.keyboard.press("Home");
    await page.getByTestId("toy-verdict").filter({ hasText: "At step 0" }).waitFor();
    const stopped = await trained(page);
    await frames(page, 20);
    assert.equal(await trained(page), stopped, "looking back stops the training");
    await page.getByTestId("toy-verdict").filter({ hasText: "At step 0" }).waitFor();
    await page.getByTestId("preset").selectOption("no-head");
    await page.locator('[data-trained="0"]').waitFor();
  });

  it("takes settings from controls into the address, and refuses what cannot be", { hash: "#/toy?more=1" }, async (page) => {
    await ready(page);
    const set = async (name, value) => {
      await page.locator(`[data-setting="${name}"]`).fill(value);
      await page.locator(`[data-setting="${name}"]`).press("Enter");
      await page.waitForFunction(([name, value]) => location.hash.includes(`${name}=${value}`), [name, value]);
    };
    await set("lambda", "3");
    await ready(page);
    await set("rope", "10000");
    await ready(page);
    await set("h", "5");
    await page.getByTestId("toy-failed").filter({ hasText: "even, because rotary turns planes" }).waitFor();
    await set("h", "4");
    await page.getByTestId("toy-failed").waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Back to the preset" }).click();
    await page.waitForFunction(() => !location.hash.includes("lambda"));
  });

  it("says what became of what is typed, and stays in its place", { hash: "#/toy?more=1" }, async (page) => {
    await ready(page);
    for (const [name, typed, said, now] of [
      ["seed", "-1", /seed takes a whole number .* stays 0/, "0"],
      ["n", "2.5", /“2.5” is none, so it stays 20/, "20"],
      ["lr", "1000", /“1000” became 1\. The run begins anew/, "1"],
      ["lambda", "1e9", /λ takes a number from 0 to 10000: “1e9” became 10000/, "10000"],
      ["t", "", /T takes a number from 0\.01 to 1000; what was typed is none, so nothing changes/, "10"],
      ["p", "-3", /p takes .* “-3” became 0\.001/, "0.001"],
    ]) {
      const field = page.locator(`[data-setting="${name}"]`);
      await field.fill(typed);
      await field.press("Enter");
      await page.locator('[data-testid="setting-said"], [data-testid="dial-said"]').filter({ hasText: said }).waitFor();
      assert.equal(await field.inputValue(), now);
    }
    await ready(page);
    const grid = page.getByRole("application", { name: /^Template/ });
    await grid.scrollIntoViewIfNeeded();
    await grid.focus();
    const before = await page.evaluate(() => scrollY);
    for (const key of ["ArrowDown", "Enter"]) await page.keyboard.press(key);
    await page.waitForFunction(() => /template=free/.test(location.hash));
    await ready(page);
    const moved = Math.abs((await page.evaluate(() => scrollY)) - before);
    assert.ok(before > 500 && moved < 200, `from ${before} px by ${moved} px`);
  });

  it("keeps what is being typed while it trains", { hash: "#/toy?more=1" }, async (page) => {
    await ready(page);
    await page.getByTestId("train").click();
    for (const [name, typed] of [["lambda", "3"], ["seed", "7"]]) {
      const field = page.locator(`[data-setting="${name}"]`);
      const from = await trained(page);
      await field.fill(typed);
      await page.waitForFunction((from) => Number(document.querySelector("[data-trained]").dataset.trained) > from + 20, from, LONG);
      assert.equal(await field.inputValue(), typed);
      await field.press("Enter");
      await page.waitForFunction((said) => location.hash.includes(said), name === "seed" ? "seed=7" : "lambda");
    }
  });

  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    it(`is one screen at ${viewport.width} × ${viewport.height}`, { hash: "#/toy?at=800", viewport }, async (page) => {
      await settled(page);
      for (const mark of ['[data-testid="train"]', ".space-view svg", '[data-dial="lambda"]', '[data-dial="t"]', '[data-dial="p"]', '[data-testid="toy-said"]']) {
        const { top, bottom, height } = await page.locator(mark).first().evaluate((e) => e.getBoundingClientRect().toJSON());
        assert.ok(top >= 0 && bottom <= viewport.height, `${mark}: ${top} to ${bottom}`);
        if (mark.startsWith(".space")) assert.ok(height > viewport.height / 4, `${height} px for what moves`);
      }
      await picture(page, `toy-screen-${viewport.width}`);
    });
  }

  it("turns λ, T and p while it trains, and a link trains to the same", { hash: "#/toy?steps=1200&more=1" }, async (page) => {
    await ready(page);
    const turned = page.getByTestId("toy-turned");
    await page.getByTestId("train").click();
    await page.waitForFunction(() => Number(document.querySelector("[data-trained]").dataset.trained) > 60);
    await page.evaluate(() => {
      window.lowest = Infinity;
      new MutationObserver(() => (window.lowest = Math.min(window.lowest, Number(document.querySelector("[data-trained]")?.dataset.trained ?? 0)))).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    for (const [dial, key, said] of [["lambda", "ArrowRight", /From step \d+ on λ is 13/], ["t", "ArrowLeft", /T is 9\.5/], ["p", "End", /present with chance 1/], ["p", "Home", /present with chance 0\.01/]]) {
      await page.locator(`[data-dial="${dial}"]`).focus();
      await page.keyboard.press(key);
      await turned.filter({ hasText: said }).waitFor();
    }
    assert.equal(await page.evaluate(() => scrollY), 0, "nothing scrolls");
    const at = await trained(page);
    await page.waitForFunction((at) => Number(document.querySelector("[data-trained]").dataset.trained) > at + 30, at);
    assert.ok((await page.evaluate(() => window.lowest)) > 60, "the run was never thrown away");
    await page.getByTestId("train").click();
    await page.getByRole("button", { name: "train", exact: true }).waitFor();
    // A place of the template is turned where the run stands, too.
    const stopped = await trained(page);
    await page.getByRole("application", { name: /^Template/ }).focus();
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key);
    await turned.filter({ hasText: `From step ${stopped} on a query with feature 2 wants a key with feature 3` }).waitFor();
    assert.equal(await trained(page), stopped);
    for (let i = 0; i < 3; i += 1) {
      await page.getByTestId("once").click();
      await page.locator(`[data-trained="${stopped + i + 1}"]`).waitFor();
    }
    await page.waitForFunction((at) => location.hash.includes(`at=${at}`), stopped + 3);
    const [numbers, said, hash] = [await measured(page), await page.getByTestId("toy-said").textContent(), new URL(page.url()).hash];
    assert.equal(decodeURIComponent(/turns=([^&]*)/.exec(hash)[1]).split(",").length, 5, hash);
    await withPage(session, { hash }, async (other) => {
      await other.locator(`[data-trained="${stopped + 3}"]`).waitFor(LONG);
      await other.getByTestId("toy-said").filter({ hasText: said }).waitFor(LONG);
      assert.deepEqual(await measured(other), numbers, "to the last bit");
      await other.getByTestId("reset").click();
      await other.locator('[data-trained="0"]').waitFor();
      await other.waitForFunction(() => !/turns=|at=/.test(location.hash));
    });
  });

  it("goes back to a run that was left while it trained, where it was turned last", { hash: "#/toy?steps=1200&more=1" }, async (page) => {
    await ready(page);
    await page.getByTestId("train").click();
    await page.waitForFunction(() => Number(document.querySelector("[data-trained]").dataset.trained) > 60);
    await page.locator('[data-dial="lambda"]').focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForFunction(() => /turns=/.test(location.hash) && /at=/.test(location.hash));
    await page.locator('[data-setting="seed"]').fill("1");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /seed=1/.test(location.hash) && !/turns=|at=/.test(location.hash));
    await page.locator('[data-trained="0"]').waitFor();
    await page.goBack();
    await page.waitForFunction(() => /turns=/.test(location.hash));
    const hash = decodeURIComponent(new URL(page.url()).hash);
    const [at, turned] = [/at=(\d+)/, /turns=(\d+):lambda:/].map((of) => Number(of.exec(hash)[1]));
    assert.ok(at === turned && at > 60, hash);
    await page.locator(`[data-trained="${at}"]`).waitFor(LONG);
    await page.getByTestId("toy-turned").filter({ hasText: `From step ${at} on λ is` }).waitFor();
  });

  it("grows a head when λ leaves 0, and says what it does", { hash: "#/toy?preset=no-head&at=300" }, async (page) => {
    await page.locator('[data-trained="300"]').waitFor(LONG);
    await page.getByTestId("toy-said").filter({ hasText: "no head" }).waitFor();
    await page.locator('[data-dial="lambda"]').focus();
    await page.keyboard.press("End");
    await page.getByTestId("toy-turned").filter({ hasText: "From step 300 on λ is 1000: the same weights" }).waitFor();
    await page.getByTestId("train").click();
    await page.getByTestId("toy-said").filter({ hasText: /Step \d+: the attended features lie on their singular vectors .* have left the crowd/ }).waitFor(LONG);
  });

  it("shows a stored end at once, and trains to the same", { hash: "#/learn" }, async (page) => {
    await page.locator(".lessons").waitFor();
    for (const [preset, steps] of [["no-head", 2000], ["eight-pairs", 3000], ["frozen-random", 3000]]) {
      await page.evaluate((hash) => (location.hash = hash), `#/toy?preset=${preset}&at=${steps}`);
      const stored = await page.waitForFunction((end) => {
        const said = document.querySelector('[data-testid="toy-said"]')?.textContent ?? "";
        return said.includes(end) && { trained: document.querySelector("[data-trained]")?.dataset.trained ?? "0" };
      }, `Step ${steps}:`);
      const { trained } = await stored.jsonValue();
      assert.ok(Number(trained) < steps, `${preset}: the end is there at step ${trained} of the training`);
      if (preset !== "no-head") continue;
      const known = await page.getByTestId("toy-said").textContent();
      await settled(page);
      assert.equal(await page.getByTestId("toy-said").textContent(), known, "training ends where the file says");
    }
  });

  it("has no chart of a head where there is none", { hash: "#/toy?preset=no-head" }, async (page) => {
    await ready(page);
    await page.getByTestId("toy-said").filter({ hasText: "no head" }).waitFor();
    assert.equal(await page.locator(".page.toy figure").count(), 1);
    await page.getByTestId("more").click();
    await page.getByText("Losses of each batch").waitFor();
    assert.equal(await page.locator(".page.toy figure").count(), 4);
    assert.match(page.url(), /more=1/);
  });

  it("lets the template be edited by keyboard", { hash: "#/toy?more=1" }, async (page) => {
    await ready(page);
    const grid = page.getByRole("application", { name: /^Template/ });
    await grid.focus();
    for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key);
    await page.waitForFunction(() => /template=free/.test(location.hash) && /2-3%3A10|2-3:10/.test(location.hash));
    await ready(page);
    await page.getByText("step 0 of").waitFor();
  });

  it("takes the head apart, against both controls", { hash: "#/toy?at=800&more=1" }, async (page) => {
    await settled(page);
    await page.getByTestId("take-apart").click();
    await page.getByTestId("toy-sad").waitFor();
    const means = await page.locator('[aria-label="Sparse attention decomposition"] .compare tbody td').allTextContents();
    const [own, , , basis] = means.map(Number);
    assert.ok(own < 0.12 && basis > 0.3, `S ${own} against ${basis}`);
  });

  it("opens the trained toy as a checkpoint whose words are its features", { hash: "#/toy?at=800&more=1" }, async (page) => {
    await settled(page);
    await page.getByTestId("open-features").click();
    await page.getByTestId("model").filter({ hasText: "trained toy" }).waitFor();
    await page.getByTestId("dictionary").filter({ hasText: "20 features" }).waitFor();
    await page.getByText("f0(wants·1)").first().waitFor();
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Attention" }).click();
    await page.getByTestId("explain").filter({ hasText: "k = 0 carries 100 %" }).waitFor();
  });

  it("gives the run away as files", { hash: "#/toy?at=100&more=1" }, async (page) => {
    await page.getByTestId("toy-verdict").filter({ hasText: "At step 100" }).waitFor(LONG);
    const download = async (name) => {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).click()]);
      return readFileSync(await file.path());
    };
    const run = JSON.parse((await download("the run as JSON")).toString());
    assert.deepEqual([run.step, run.config.seed, run.history.points.length], [100, 0, 11]);
    const weights = await download("safetensors");
    const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE(0))).toString());
    assert.deepEqual(header["model.embed_tokens.weight"].shape, [20, 10]);
  });

  it("sweeps values and seeds in the background", { hash: "#/toy?more=1&sweep=lambda&values=1,30&seeds=2&steps=300" }, async (page) => {
    await ready(page);
    await page.getByTestId("sweep").click();
    await page.getByTestId("sweep-outcome").filter({ hasText: "4 of 4 runs" }).waitFor(LONG);
    const figure = page.locator('[aria-label="Sweep"] figure');
    await figure.locator("details").evaluate((details) => (details.open = true));
    assert.equal(await figure.locator("tbody tr").count(), 2);
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, { hash: "#/toy?at=60&more=1&steps=60", ...options }, async (page) => {
      await settled(page);
      await page.locator('[data-dial="lambda"]').focus();
      await page.keyboard.press("ArrowRight");
      await page.getByTestId("toy-turned").waitFor();
      await page.getByTestId("take-apart").click();
      await page.getByTestId("toy-sad").waitFor();
      await assertAccessible(page, "in the toy lab");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
    });
  }
});

describe("the theorem bench", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const number = async (page, id) => Number.parseFloat(await page.getByTestId(id).textContent());

  it("finds one head in three ways, wherever a feature is moved", { hash: "#/theorems" }, async (page) => {
    const said = page.getByTestId("theorem-1");
    await said.filter({ hasText: "after unwhitening 0°" }).waitFor();
    const first = await said.textContent();
    await page.getByRole("application", { name: /arrow keys move x0/ }).focus();
    for (let i = 0; i < 5; i += 1) await page.keyboard.press("ArrowUp");
    await page.waitForFunction((first) => document.querySelector('[data-testid="theorem-1"]').textContent !== first, first);
    await said.filter({ hasText: "after unwhitening 0°" }).waitFor();
    assert.match(page.url(), /x-moved=0/);
    assert.ok((await number(page, "least-squares")) < 1e-9);
    assert.ok((await number(page, "descent")) < 1e-9);
    await page.getByTestId("tight").click();
    await said.filter({ hasText: "Corollary 1" }).waitFor();
  });

  it("drags without selecting text, keeps names apart, and knows a feature that points nowhere", { hash: "#/theorems" }, async (page) => {
    await page.getByTestId("theorem-1").waitFor();
    const box = await page.locator(".plane svg").first().evaluate((e) => e.getBoundingClientRect().toJSON());
    await page.mouse.move(box.x + 12, box.y + 12);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height + 300, { steps: 6 });
    await page.mouse.up();
    assert.equal(await page.evaluate(() => String(getSelection()).length), 0);
    for (const hash of ["#/theorems", "#/theorems?x-kind=tight&x-n=6&x-strength=0"]) {
      await page.evaluate((hash) => (location.hash = hash), hash);
      await still(page);
      const over = await page.locator(".plane svg").first().evaluate((svg) => {
        const boxes = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBBox()]);
        return boxes.flatMap(([a, p], i) => boxes.slice(0, i).filter(([, q]) => Math.min(p.x + p.width, q.x + q.width) - Math.max(p.x, q.x) > 2 && Math.min(p.y + p.height, q.y + q.height) - Math.max(p.y, q.y) > 5).map(([b]) => `${a} on ${b}`));
      });
      assert.deepEqual(over, [], hash);
    }
    await page.evaluate(() => (location.hash = "#/theorems?x-moved=0:0:0"));
    await page.getByTestId("theorem-1").filter({ hasText: "points nowhere" }).waitFor();
  });

  it("does the same in 64 dimensions", { hash: "#/theorems?x-n=128&x-d=64&x-kind=tight" }, async (page) => {
    await page.getByTestId("theorem-1").filter({ hasText: "after unwhitening 0°" }).waitFor();
    assert.ok((await number(page, "least-squares")) < 1e-9 && (await number(page, "descent")) < 1e-9);
  });

  it("draws ten thousand sets of features, none beyond the bound", { hash: "#/theorems" }, async (page) => {
    await page.locator(".theorem").getByText("10000 of 10000").waitFor(LONG);
    assert.match(await page.getByTestId("theorem-2").textContent(), /^0 of the \d{4} draws/);
    assert.match(await page.getByTestId("python").nth(1).textContent(), /seed, draws = 0, 10000/);
    const mine = page.locator(".scatter .point", { hasText: "the picture of Theorem 1" }).locator("circle");
    const before = [await mine.getAttribute("cx"), await mine.getAttribute("cy")];
    await page.getByRole("application", { name: /arrow keys move x0/ }).focus();
    for (let i = 0; i < 8; i += 1) await page.keyboard.press("ArrowUp");
    await page.waitForFunction((cx) => [...document.querySelectorAll(".scatter .point")].find((p) => /Theorem 1/.test(p.textContent)).querySelector("circle").getAttribute("cx") !== cx, before[0]);
    const first = await page.locator(".dots").first().getAttribute("d");
    await page.getByTestId("draw-cloud").click();
    await page.waitForFunction(() => /cloud-seed=1/.test(location.hash));
    await page.locator(".theorem").getByText("10000 of 10000").waitFor(LONG);
    assert.notEqual(await page.locator(".dots").first().getAttribute("d"), first, "another cloud");
    await page.getByTestId("measure-dictionaries").click();
    await page.getByText(/token embeddings: 65 features/).waitFor(LONG);
    await picture(page, "theorems", { fullPage: true });
  });

  it("makes features orthogonal under a fixed head", { hash: "#/theorems" }, async (page) => {
    await page.getByTestId("train-third").click();
    await page.locator(".progress", { hasText: /training of Theorem 3: \d+ of \d+/ }).waitFor();
    await page.getByRole("button", { name: "cancel: training of Theorem 3" }).click();
    await page.getByTestId("train-third").filter({ hasText: "train" }).click();
    const said = page.locator('[data-testid="theorem-3"][data-done="true"]');
    await said.waitFor(LONG);
    const interference = Number(/with all others is ([\d.e-]+)/.exec(await said.textContent())[1]);
    assert.ok(interference < 0.05, `${interference}`);
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, { hash: "#/theorems", ...options }, async (page) => {
      await page.getByTestId("theorem-1").waitFor();
      await page.locator(".theorem").getByText("10000 of 10000").waitFor(LONG);
      await assertAccessible(page, "on the theorem bench");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
    });
  }
});
