// An encoder with its decoder: a prompt for each, and whose stream the sides of a cross head read.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT, assertAccessible, complete, drop, picture, start, withPage } from "./harness.mjs";

const T5 = ["model.safetensors", "config.json"].map((name) => join(ROOT, "tests/golden/families2/t5", name));

describe("A decoder's prompt", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

  /** T5 open on Attention, every head of every stack drawn. */
  const open = async (page) => {
    await complete(page);
    await drop(page, T5);
    await complete(page, "T5");
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Attention" }).click();
    await page.waitForFunction(() => {
      const cells = [...document.querySelectorAll(".page.attention [aria-label='Heads on this prompt'] [data-head]")];
      return cells.length === 24 && cells.every((cell) => cell.textContent !== "…");
    });
  };
  const tokens = (page, whose) => page.getByRole("group", { name: `Tokens of the ${whose}'s prompt` }).getByRole("button");

  it("runs all three stacks, and a cross head says whose tokens look at whose", {}, async (page) => {
    await open(page);
    await page.getByTestId("prompt").fill("3 4 5 6 7");
    await page.getByTestId("decoder-prompt").fill("0 8 9");
    await page.getByRole("button", { name: "run", exact: true }).first().click();
    await page.waitForURL(/decoder=0/);
    await tokens(page, "decoder").nth(2).waitFor();
    assert.deepEqual([await tokens(page, "encoder").count(), await tokens(page, "decoder").count()], [5, 3]);
    // A token of the encoder that looks brings one of its heads into view, one of the decoder a cross head.
    const figure = page.locator("section[aria-label='Attention pattern']");
    await tokens(page, "encoder").nth(2).click();
    await figure.locator("h2", { hasText: /^enc / }).waitFor();
    assert.equal(await tokens(page, "encoder").nth(2).getAttribute("aria-pressed"), "true");
    await tokens(page, "decoder").nth(1).click();
    await figure.locator("h2", { hasText: /^cross L0H0$/ }).waitFor();
    assert.match(await figure.locator("figcaption").textContent(), /token of the decoder \(row\) to every token of the encoder's last stream \(column\)/);
    assert.match(await figure.textContent(), /looks, in the decoder.*looked at, in the encoder/s);
    await figure.locator("details").evaluate((details) => (details.open = true));
    await figure.locator("tbody tr").first().waitFor();
    assert.equal(await figure.locator("tbody tr").count(), 15, "three tokens look at five");
    await page.getByTestId("explain").waitFor();
    await page.getByTestId("next").waitFor();
    assert.equal(await tokens(page, "decoder").nth(1).getAttribute("aria-pressed"), "true");
    await assertAccessible(page);
    await picture(page, "decoder");
  });

  it("leaves the decoder idle where its prompt is empty", {}, async (page) => {
    await open(page);
    await page.getByTestId("decoder-prompt").fill("");
    await page.getByRole("button", { name: "run", exact: true }).first().click();
    await page.getByText("a decoder prompt, which is empty").waitFor();
    assert.equal(await page.locator(".page.attention [aria-label='Heads on this prompt'] [data-head]").count(), 8);
  });
});
