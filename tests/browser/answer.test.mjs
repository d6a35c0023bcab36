// Who writes the answer: shares that add up, the head that matters in view by itself, and what it writes through its OV.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { PROJECTS, assertAccessible, picture, start, withPage } from "./harness.mjs";

const number = (text) => Number(text.replace("−", "-"));

describe("The answer on Attention", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const answer = (page) => page.getByTestId("answer");
  const writes = (page) => page.getByTestId("writes");
  const save = async (page, button) => {
    const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
    return readFileSync(await file.path(), "utf8");
  };

  it("is split over parts that add up, and the head that writes most of it is in view", { hash: "#/attention" }, async (page) => {
    await writes(page).waitFor();
    const said = await answer(page).locator(".sentence").textContent();
    // The numbers of tests/golden/logits.json, which numpy computed.
    assert.match(said, /^“Mary” over “John” after “to”₂: 8\.25 logits .*Most for it: MLP 2 4\.86, L1H3 1\.88, L0H1 1\.23;/);
    assert.match(await page.locator("nav.path").textContent(), /attention|L1H3|model/i);
    assert.equal(await answer(page).locator("td.selected button").getAttribute("data-head"), "1,3");
    const csv = await save(page, answer(page).getByRole("button", { name: "answer CSV" }));
    const rows = csv.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => line.split(","));
    const whole = Number(rows.find(([name]) => name === "logit difference")[3]);
    const parts = rows.slice(1).filter(([name]) => name !== "logit difference").map((row) => Number(row.at(-1)));
    assert.ok(parts.length > 12 * 15 && Math.abs(whole - 8.2541) < 1e-3, `${whole}`);
    assert.ok(Math.abs(parts.reduce((sum, x) => sum + x, 0) - whole) < 1e-9, "every part and the remainder add up");
    const json = JSON.parse(await save(page, answer(page).getByRole("button", { name: "answer JSON" })));
    assert.ok(Math.abs(json.layers[2].mlp - 4.8559) < 1e-3 && json.convention.shares && json.writes.pairs.length === 16);
    await assertAccessible(page);
    await picture(page, "answer", { fullPage: true });
  });

  it("says what the head writes, pair by pair", { hash: "#/attention" }, async (page) => {
    await writes(page).waitFor();
    assert.match(await writes(page).locator("h2").textContent(), /^What L1H3 writes by reading “John”₂$/);
    const cells = await writes(page).locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
    const shares = cells.map((row) => number(row[5]));
    const together = shares.pop();
    assert.ok(Math.abs(shares.reduce((sum, x) => sum + x, 0) - together) < 0.02, `${shares} against ${together}`);
    assert.ok(Math.abs(together - 1.81) < 0.01);
    // A pair leads to itself on Heads.
    await writes(page).locator("tbody a").first().click();
    await page.waitForFunction(() => /#\/heads\?.*circuit=ov/.test(location.hash) && /head=3/.test(location.hash));
  });

  it("is held against what the reader says, and its rows lead to a head at a token", { hash: "#/attention" }, async (page) => {
    await answer(page).waitFor();
    await page.getByTestId("against-word").fill("store");
    await answer(page).getByRole("button", { name: "split" }).click();
    await answer(page).locator(".sentence").filter({ hasText: "“Mary” over “store”" }).waitFor();
    assert.match(page.url(), /against=store/);
    await answer(page).getByText("against the mean of all tokens").click();
    await answer(page).locator(".sentence").filter({ hasText: "“Mary” over the mean of all tokens after “to”₂: 13.5" }).waitFor();
    await page.reload();
    await answer(page).locator(".sentence").filter({ hasText: "the mean of all tokens" }).waitFor();
    await answer(page).locator("tbody a", { hasText: "L0H1" }).first().click();
    await page.waitForFunction(() => /layer=0/.test(location.hash) && /head=1/.test(location.hash) && /src=2/.test(location.hash));
    await page.getByTestId("explain").filter({ hasText: "“to” gives “Mary”" }).waitFor();
    // Who wrote what it reads: a row of the tables leads on.
    await page.goto(page.url().replace(/#.*/, "#/attention?layer=2&head=1"));
    const row = page.locator(".components a").first();
    await row.waitFor();
    const [, layer, head] = /^L(\d)H(\d) from “/.exec(await row.textContent());
    await row.click();
    await page.waitForFunction(([l, h]) => new RegExp(`layer=${l}`).test(location.hash) && new RegExp(`head=${h}`).test(location.hash), [layer, head]);
    // A word that the model does not have is said beside it.
    await page.getByTestId("answer-word").fill("Marmalade");
    await answer(page).getByRole("button", { name: "split" }).click();
    await page.getByTestId("no-answer").filter({ hasText: "not one token" }).waitFor();
  });
});
