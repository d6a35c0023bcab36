// The room on the SVD: what is turned changes what is said, by pointer and by keyboard, and a real head is built pair by pair.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertAccessible, complete, picture, start, withPage } from "./harness.mjs";

describe("SVD", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (name, hash, run, options = {}) => test(name, () => withPage(session, { hash, ...options }, run));
  const said = (page, id, words) => page.getByTestId(id).filter({ hasText: words }).waitFor();

  it("turns y by keyboard and by pointer, and says when it lies on v", "#/svd?y-at=105&v-at=110", async (page) => {
    const dial = page.getByRole("slider", { name: "direction of y" });
    await said(page, "svd-image", /of v0 and/);
    await dial.press("ArrowLeft");
    await said(page, "svd-image", "y lies on v0 and comes out along u0, σ0 = 2.00");
    assert.match(page.url(), /y-at=110/);
    // The page is whole before its places are measured: what comes above a picture moves it.
    await said(page, "svd-built", "1 of 16 pairs");
    // A quarter round lies v1, a half round the other end of v0.
    await dial.evaluate((element) => element.scrollIntoView({ block: "center" }));
    const box = await dial.locator("svg").boundingBox();
    const at = (degrees) => {
      const turn = (degrees * Math.PI) / 180;
      return [box.x + box.width / 2 + (box.width / 3) * Math.cos(turn), box.y + box.height / 2 - (box.height / 3) * Math.sin(turn)];
    };
    await page.mouse.move(...at(110));
    await page.mouse.down();
    await page.mouse.move(...at(200), { steps: 5 });
    await said(page, "svd-image", "y lies on v1 and comes out along u1");
    await page.mouse.move(...at(290), { steps: 5 });
    await page.mouse.up();
    await said(page, "svd-image", "y lies on v0 and comes out against u0");
  });

  it("adds a score up from its terms", "#/svd", async (page) => {
    const text = await page.getByTestId("svd-score").textContent();
    const [, first, sign, second, sum] = /= ([−\d.]+) ([+−]) ([\d.]+) = ([−\d.]+):/.exec(text);
    const number = (s) => Number(s.replace("−", "-"));
    assert.ok(Math.abs(number(first) + (sign === "−" ? -1 : 1) * number(second) - number(sum)) < 0.006, text);
  });

  it("shows that equal singular values leave only the plane", "#/svd?turn=40", async (page) => {
    await said(page, "svd-turned", "another matrix");
    await page.getByTestId("equal").click();
    await said(page, "svd-turned", "Ω is the same");
    assert.match(page.url(), /sigma-1=2/);
  });

  it("builds the head in view pair by pair, and goes on where another page chose it", "#/heads?layer=2&head=1", async (page) => {
    await complete(page);
    await page.locator("nav").getByRole("link", { name: "SVD" }).click();
    await page.getByRole("heading", { name: "built pair by pair: QK of L2H1" }).waitFor();
    await said(page, "svd-built", /1 of 16 pairs, σ0 = [\d.]+: 58 % of ‖Ω‖²/);
    const slider = page.getByRole("slider", { name: "pairs", exact: true });
    await slider.fill("16");
    await said(page, "svd-built", /16 of 16 pairs, the last with σ15 = [\d.]+: 100 % of ‖Ω‖² is there, 0/);
    const code = page.locator(".touch").getByTestId("python");
    assert.match(await code.first().textContent(), /u, sigma, v_t = np\.linalg\.svd\(omega\)/);
    assert.match(await code.last().textContent(), /k = 16\nbuilt = /);
    // The pictures are of all 64 × 64 numbers.
    assert.equal(await page.locator(".touch .heat-map, .touch figure").count() >= 4, true);
  });

  for (const reducedMotion of ["no-preference", "reduce"]) {
    it(`fades from one picture of Ω to the next: ${reducedMotion}`, "#/svd?head=0&layer=1&pairs-added=1", async (page) => {
      await said(page, "svd-built", "1 of 16 pairs");
      await page.evaluate(() => {
        window.faded = new Set();
        addEventListener("transitionrun", ({ target, propertyName }) => target.matches(".heat-map image") && window.faded.add(propertyName));
      });
      const settled = () => page.waitForFunction(() => [...document.querySelectorAll(".page.svd .heat-map")].every((map) => [...map.querySelectorAll("image")].map((image) => getComputedStyle(image).opacity).sort().join() === "0,1"));
      const shown = () => page.locator(".page.svd .heat-map").first().locator("image:not(.gone)").getAttribute("href");
      await settled();
      const one = await shown();
      await page.evaluate(() => (location.hash = location.hash.replace("pairs-added=1", "pairs-added=2")));
      await said(page, "svd-built", "2 of 16 pairs");
      await page.waitForFunction((one) => document.querySelector(".page.svd .heat-map image:not(.gone)").getAttribute("href") !== one, one);
      await settled();
      assert.deepEqual([...(await page.evaluate(() => [...window.faded]))], reducedMotion === "reduce" ? [] : ["opacity"]);
    }, { reducedMotion });
  }

  it("is reached from the question mark at a word", "#/heads", async (page) => {
    await complete(page);
    await page.locator(".gloss", { hasText: "largest σ" }).first().locator("summary").click();
    await page.getByRole("link", { name: "Touch it" }).first().click();
    await page.getByRole("heading", { name: "a circle becomes an ellipse" }).waitFor();
  });

  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    it(`is accessible: ${JSON.stringify(options)}`, "#/svd?turn=20&pairs-added=3", async (page) => {
      await said(page, "svd-built", "3 of 16 pairs");
      await assertAccessible(page, "in the room on the SVD");
      const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
      await picture(page, `svd-${options.colorScheme ?? "390"}`, { fullPage: true });
    }, options);
  }
});
