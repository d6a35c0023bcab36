// The map of roles: its numbers are those of the pattern beside it, and a list that repeats shows induction.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PROJECTS, assertAccessible, complete, start, withPage } from "./harness.mjs";

describe("Roles on a prompt", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

  it("are shares of the pattern in view", { hash: "#/attention?layer=0&head=1&role=induction" }, async (page) => {
    await page.getByTestId("next").waitFor();
    await page.getByRole("button", { name: "random list, twice" }).click();
    const roles = page.getByRole("region", { name: "Roles on this prompt" });
    await page.waitForFunction(() => /ids=on/.test(location.hash) && document.querySelectorAll(".roles [data-head]").length === 12);
    const cell = roles.locator('[data-head="0,1"]');
    await page.waitForFunction(() => document.querySelector('.roles [data-head="0,1"]')?.textContent !== "…");
    const tokens = await page.locator(".page.attention .tokens button").allTextContents();
    assert.equal(tokens.length, 25, "the start token, and twelve tokens twice");

    // The pattern's own table: "dest word", "src word", attention.
    const figure = page.locator(".page.attention figure", { hasText: "attention after softmax" }).first();
    await figure.locator("details").first().evaluate((details) => (details.open = true));
    const rows = await figure.locator("tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.querySelector("data")?.value ?? cell.textContent)));
    const seen = rows.map(([dest, src, p]) => [parseInt(dest), parseInt(src), Number(p)]);
    const shares = [];
    for (let dest = 0; dest < tokens.length; dest++) {
      const own = seen.filter(([d, , p]) => d === dest && p > 0);
      const there = own.filter(([, s]) => s > 0 && s !== dest && s - 1 !== dest && tokens[s - 1] === tokens[dest]);
      if (there.length && there.length < own.length) shares.push(there.reduce((sum, [, , p]) => sum + p, 0));
    }
    const expected = shares.reduce((a, b) => a + b, 0) / shares.length;
    const shown = Number(await cell.textContent());
    assert.ok(Math.abs(shown - expected) < 6e-3 * expected, `${shown} for ${expected}`);
    assert.ok(expected > 0.4, "this head looks at what followed the same token");
    assert.match(await roles.locator(".sentence").textContent(), /^L0H1 exceeds equal attention most towards “after the same token \(induction\)”/);
    await assertAccessible(page);

    await page.getByRole("button", { name: "words again" }).click();
    await page.waitForFunction(() => !/ids=on|prompt=/.test(location.hash));
    await page.getByTestId("next").getByText("Mary").waitFor();
  });

  it("colour the grid of heads once a prompt was run, and are forgotten with the model", { hash: "#/heads?colour=induction" }, async (page) => {
    await complete(page);
    const heads = page.locator(".page.heads");
    const on = heads.getByTestId("roles-on");
    await on.filter({ hasText: "measured on a prompt" }).waitFor();
    assert.equal(await heads.locator('[data-head="0,1"]').textContent(), "–");
    await on.getByRole("link").click();
    const roles = page.getByRole("region", { name: "Roles on this prompt" });
    await page.getByRole("button", { name: "random list, twice" }).click();
    await page.waitForFunction(() => /ids=on/.test(location.hash) && document.querySelectorAll(".roles [data-head]").length === 12);
    await roles.getByLabel("colour by").selectOption("induction");
    const seen = await roles.locator("[data-head]").allTextContents();
    const here = await page.evaluate(() => location.hash.replace("#/attention", "#/heads"));
    await page.evaluate((hash) => (location.hash = hash), `${here}&colour=induction`);
    await on.filter({ hasText: "25 tokens" }).waitFor();
    assert.deepEqual(await heads.locator("[data-head]").allTextContents(), seen);
    assert.match(await heads.locator('[data-head="0,1"]').getAttribute("title"), /^L0H1: after the same token \(induction\) 0\.\d+, chance 0\.0/);
    // As a table: the strongest first.
    await heads.getByLabel("table", { exact: true }).check();
    await heads.locator(".finder tbody tr").first().waitFor();
    const header = await heads.locator(".finder thead th").allTextContents();
    const column = 1 + header.findIndex((name) => name.startsWith("after the same token"));
    const shown = (await heads.locator(`.finder td:nth-child(${column})`).allTextContents()).map(Number);
    assert.deepEqual(shown, shown.toSorted((a, b) => b - a));
    assert.ok(header.includes("previous token") && shown[0] > 0.4, `${header}: ${shown}`);
    await assertAccessible(page);
  });
});
