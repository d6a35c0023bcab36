// The Methods page: every screen opens, fits, and is reached from the "?" at a number.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAccessible, picture, start, withPage } from "./harness.mjs";

const PARTS = ["Question", "Formula", "Chance", "What it cannot tell", "Source", "Tests"];

describe("Methods", () => {
  let session;
  before(async () => {
    session = await start(["--disable-features=WebGPU"]);
  });
  after(() => session?.stop());
  const it = (what, options, body) => test(what, () => withPage(session, options, body));

  for (const [viewport, colorScheme] of [[{ width: 1280, height: 900 }, "light"], [{ width: 390, height: 844 }, "dark"]]) {
    it(`says six things of every number, ${viewport.width} wide, ${colorScheme}`, { hash: "#/methods", viewport, colorScheme }, async (page) => {
      const links = page.locator(".methods nav a");
      await links.first().waitFor();
      const titles = await links.allTextContents();
      assert.ok(titles.length > 10, titles.join(", "));
      await assertAccessible(page, "on the list of methods");
      for (const title of titles) {
        await links.nth(titles.indexOf(title)).click();
        await page.locator(".methods h2", { hasText: title }).waitFor();
        await page.locator(".methods h3").first().waitFor();
        assert.deepEqual(await page.locator(".methods h3").allTextContents(), PARTS, title);
        const [over, article] = await page.evaluate(() => [
          document.documentElement.scrollWidth - innerWidth,
          document.querySelector(".methods article").getBoundingClientRect().height,
        ]);
        assert.ok(over <= 0, `${title} is wider than the screen by ${over}`);
        assert.ok(viewport.width < 700 || article < 1100, `${title} is ${article} high`);
      }
      await links.filter({ hasText: "Channels" }).click();
      await page.locator(".methods h2", { hasText: "Channels" }).waitFor();
      await assertAccessible(page, "on a method");
      await picture(page, `methods-${viewport.width}`);
    });
  }

  it("says in a sentence that a text does not come", { hash: "#/heads", expected: [/texts\/teachers\.txt/, /ERR_FAILED/, /Failed to load/] }, async (page) => {
    await page.context().route("**/texts/teachers.txt", (route) => route.abort());
    await page.goto(`${session.address}#/learn?read=teachers`);
    await page.getByRole("alert").filter({ hasText: "This text could not be fetched" }).waitFor();
    await page.context().unroute("**/texts/teachers.txt");
    await page.goto(`${session.address}#/learn?read=answers`);
    await page.locator(".page.learn h2").first().waitFor();
    await page.goto(`${session.address}#/learn?read=teachers`);
    await page.getByRole("heading", { name: "For teachers" }).waitFor();
  });

  it("opens from the ? at a verdict, and from the words behind one", { hash: "#/features?layer=2&head=1" }, async (page) => {
    await page.getByTestId("verdict").getByRole("link", { name: "how rotation null is measured" }).click();
    await page.locator(".methods h2", { hasText: "Does a side single out features?" }).waitFor();
    await page.goBack();
    await page.locator(".gloss summary", { hasText: "channel" }).click();
    await page.locator(".gloss[open]", { hasText: "channel" }).getByRole("link", { name: "How it is measured" }).click();
    await page.locator(".methods h2", { hasText: "Channels between heads" }).waitFor();
  });
});
