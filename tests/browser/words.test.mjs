// Prompts in words are read by a program of their own, which no reader of weights alone fetches.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { start, withPage } from "./harness.mjs";

/** How many workers have fetched the program that reads prompts. */
const readers = async (page) => {
  const fetched = () => performance.getEntriesByType("resource").some(({ name }) => /tokenizer.*_bg\.wasm/.test(name));
  const each = await Promise.all(page.workers().map((worker) => worker.evaluate(fetched)));
  return each.filter(Boolean).length;
};

describe("what reads prompts", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  test("is fetched for a prompt in words, not for weights, labels or numbers", async () => {
    await withPage(session, { hash: "#/heads?layer=2&head=1" }, async (page) => {
      await page.getByText("John").first().waitFor();
      assert.equal(await readers(page), 0);
      await page.evaluate(() => (location.hash = "#/attention?ids=on&prompt=1+2+3&bos=off"));
      await page.getByTestId("next").waitFor();
      assert.equal(await readers(page), 0);
      await page.evaluate(() => (location.hash = "#/attention?prompt=John+gave+Mary+the"));
      await page.getByText("Mary").first().waitFor();
      await page.getByTestId("next").waitFor();
      assert.ok((await readers(page)) > 0);
    });
  });

  test("costs words alone where it does not come, and is asked for again", async () => {
    const expected = [/Failed to load resource/, /ERR_FAILED/];
    await withPage(session, { hash: "#/heads", expected }, async (page) => {
      await page.context().route("**/tokenizer-*", (route) => route.abort());
      await page.evaluate(() => (location.hash = "#/attention?prompt=John+gave+Mary+the"));
      const notice = page.getByText("what reads prompts in words could not be fetched");
      await notice.first().waitFor();
      await page.context().unroute("**/tokenizer-*");
      // The same prompt once more, as the reader is told to try.
      await page.getByRole("region", { name: "Prompt", exact: true }).getByRole("button", { name: "run" }).click();
      await page.getByTestId("next").waitFor();
      await notice.first().waitFor({ state: "detached" });
    });
  });
});
