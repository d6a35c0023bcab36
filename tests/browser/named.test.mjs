// Opening by name: nothing is asked of anybody before the reader agrees, only what a question needs is read, and a host that misbehaves
// costs a sentence.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { MINILM, ROOT, assertClose, complete, model, sigmas, start, withPage } from "./harness.mjs";
import { hub } from "./hub.mjs";

const NAMES = join(ROOT, "www/models/names");
const names = {
  "model.safetensors": join(NAMES, "step-04000.safetensors"),
  "config.json": join(NAMES, "config.json"),
  "tokenizer.json": join(NAMES, "tokenizer.json"),
  "README.md": join(NAMES, "config.json"),
};
const minilm = Object.fromEntries(["model.safetensors", "config.json", "tokenizer.json"].map((name) => [name, join(MINILM, name)]));

describe("Opening by name", () => {
  let session, host;
  before(async () => {
    const nested = Object.fromEntries(Object.entries(names).map(([name, here]) => [`runs/last/${name}`, here]));
    host = await hub({ names, "org/names": names, "org/minilm": minilm, "org/nested": nested });
    session = await start(host.flags);
  });
  after(async () => {
    await session?.stop();
    await host?.close();
  });
  beforeEach(() => {
    host.asked.length = 0;
    host.wrong = null;
  });

  // The page is at home but for the hosts that the reader agreed to.
  const hosts = /^request to https:\/\/(huggingface\.co|cdn-lfs\.hf\.co)\//;
  const it = (name, hash, run, expected = []) =>
    test(name, () => withPage(session, { hash, expected: [hosts, ...expected], serviceWorkers: "block" }, run));
  const offered = (page) => page.getByTestId("offered");
  const agree = (page) => offered(page).getByRole("button", { name: /^read it from/ }).click();

  it("asks nobody before the reader agrees, then reads in pieces from where the hub leads", "#/heads?model=org/names&layer=2&head=1&k=3", async (page) => {
    await complete(page, "built-in model");
    await offered(page).filter({ hasText: "“org/names” lies on huggingface.co" }).waitFor();
    const own = await sigmas(page);
    assert.deepEqual(host.asked, [], "nothing was asked");
    await agree(page);
    await complete(page, "names:");
    // The link's own head, and the numbers of the very same file.
    await page.locator(".spectrum h2", { hasText: "L2H1" }).waitFor();
    assert.equal(await page.getByTestId("pair").innerText(), "k = 3");
    assertClose(await sigmas(page), own, 0, "the built-in model's file");
    assert.match(page.url(), /model=org(%2F|\/)names/);
    assert.equal(await offered(page).count(), 0);
    const weights = host.asked.filter(({ path }) => path.endsWith("model.safetensors"));
    assert.ok(weights.length && weights.every(({ range }) => /^bytes=\d+-\d+$/.test(range)), "weights come in pieces");
    assert.ok(weights.some(({ host }) => host === "cdn-lfs.hf.co"), "from where the hub leads");
    assert.ok(!host.asked.some(({ path }) => path.endsWith("README.md")), "and nothing that no question is about");
    assert.equal(host.asked.filter(({ path }) => path.includes("/tree/")).length, 2, "both pages of the list");
    // A page says nothing of where it is; a worker without the service worker's policy says the origin, as its browser does by itself.
    const told = host.asked.map(({ referer }) => referer ?? "").filter((told) => told !== "" && told !== `${new URL(session.address).origin}/`);
    assert.deepEqual(told, [], "no address of the page is told");
    // Going on needs no other word.
    await page.getByRole("tab", { name: "OV" }).click();
    await page.locator(".pair .sentence").waitFor();
  });

  test("stays within the page's own policy", () =>
    withPage(session, { hash: "#/heads?model=org/names", expected: [hosts], serviceWorkers: "block", bypassCSP: false }, async (page) => {
      await agree(page);
      await model(page).filter({ hasText: "names:" }).waitFor();
      await page.locator(".pair .sentence").waitFor();
    }));

  it("takes a typed name, a folder and a revision of it", "#/heads", async (page) => {
    await complete(page, "built-in model");
    await page.locator(".by-name summary").click();
    await page.getByTestId("by-name").fill("org/nested@main/runs/last");
    await page.getByRole("button", { name: "look" }).click();
    await agree(page);
    await complete(page, "last:");
    assert.ok(host.asked.some(({ path }) => path === "/api/models/org/nested/tree/main/runs/last"));
  });

  it("reads no more of 90 MB than a spectrum needs", "#/attention?model=org/minilm", async (page) => {
    await agree(page);
    await page.evaluate(() => (location.hash += "&layer=1"));
    await model(page).filter({ hasText: "minilm" }).waitFor({ timeout: 30_000 });
    const read = host.asked
      .filter(({ host, path }) => host === "cdn-lfs.hf.co" && path.endsWith("model.safetensors"))
      .map(({ range }) => range.match(/\d+/g).map(Number))
      .reduce((sum, [first, last]) => sum + last - first + 1, 0);
    assert.ok(read < statSync(minilm["model.safetensors"]).size / 2, `${read} bytes were read`);
  });

  it("goes on after a connection that broke", "#/heads?model=names", async (page) => {
    await complete(page, "built-in model");
    let broken = 0;
    host.wrong = (request, response, name) => {
      if (name !== "cdn-lfs.hf.co" || !request.headers.range || broken > 1) return false;
      broken += 1;
      response.writeHead(206, { ...host.open, "Content-Length": 1000 });
      response.write("half");
      // The host's time, which nobody waits for: what was written is on its way by then.
      setTimeout(() => response.destroy(), 20);
      return true;
    };
    await agree(page);
    await complete(page, "names:");
    assert.equal(broken, 2);
  }, [/ERR_/]);

  it("keeps a model on this machine, opens it without asking anybody, and forgets it", "#/heads?model=org/names&layer=1", async (page) => {
    await agree(page);
    await complete(page, "names:");
    const own = await sigmas(page);
    await page.getByTestId("keep").click();
    const kept = page.getByTestId("kept");
    await kept.locator("summary", { hasText: "1 model kept on this machine" }).waitFor();
    assert.equal(await page.getByTestId("keep").count(), 0);
    // The same link in a tab of its own, with a hub that is gone.
    host.asked.length = 0;
    host.wrong = (_, response) => response.destroy() ?? true;
    const other = await page.context().newPage();
    await other.goto(page.url());
    await complete(other, "names:");
    await other.locator(".spectrum h2", { hasText: "L1H0" }).waitFor();
    assertClose(await sigmas(other), own, 0, "the kept file");
    await other.close();
    assert.deepEqual(host.asked, [], "nobody was asked");
    await kept.locator("summary").click();
    await kept.getByRole("button", { name: "forget org/names" }).click();
    await kept.waitFor({ state: "detached" });
    await page.getByTestId("keep").waitFor();
  });

  it("goes on where the connection broke while it keeps a model, and can be stopped", "#/heads?model=org/minilm", async (page) => {
    await agree(page);
    await complete(page, "minilm:");
    let broken = 0;
    host.wrong = (request, response, name) => {
      // Workers ask for ranges with an end.
      if (name !== "cdn-lfs.hf.co" || !request.url.endsWith("model.safetensors") || /\d$/.test(request.headers.range ?? "")) return false;
      broken += 1;
      // Half of it, then nothing; later a host that never ends. The time is the host's, nobody waits for it.
      response.writeHead(request.headers.range ? 206 : 200, { ...host.open, "Content-Length": 90_000_000 });
      response.write(Buffer.alloc(1_000_000));
      if (broken < 3) setTimeout(() => response.destroy(), 500);
      return true;
    };
    await page.getByTestId("keep").click();
    await page.waitForFunction(() => /: 3\.00 MB of/.test(document.querySelector(".model-line .progress")?.textContent ?? ""));
    const ranges = host.asked.filter(({ path, host, range }) => host === "cdn-lfs.hf.co" && path.endsWith("model.safetensors") && !/\d$/.test(range ?? ""));
    assert.deepEqual(ranges.map(({ range }) => range), [undefined, "bytes=1000000-", "bytes=2000000-"]);
    await page.getByRole("button", { name: "stop", exact: true }).click();
    await said(page, "is not kept on this machine: it was stopped");
    await page.getByTestId("kept").getByText("not whole").waitFor({ state: "attached" });
  }, [/ERR_/]);

  const said = (page, words) => page.locator(".notices li", { hasText: words }).waitFor({ timeout: 30_000 });
  for (const [what, wrong, words] of [
    ["a private model", (_, response) => response.writeHead(401, { "Access-Control-Allow-Origin": "*" }).end(), /wants to know who asks \(401\)/],
    ["a web page for a file", (request, response) => {
      if (!request.headers.range) return false;
      response.writeHead(200, { "Access-Control-Allow-Origin": "*", "Content-Type": "text/html" }).end("<html>sign in</html>");
      return true;
    }, /a web page in place of the file/],
    ["a file that is gone", (request, response) => {
      if (!request.headers.range) return false;
      response.writeHead(404, { "Access-Control-Allow-Origin": "*" }).end();
      return true;
    }, /has no such file \(404\)/],
  ]) {
    it(`says what ${what} means, and keeps what is open`, "#/heads?model=org/names", async (page) => {
      await complete(page, "built-in model");
      host.wrong = (...all) => wrong(...all) !== false;
      await agree(page);
      await said(page, words);
      await complete(page, "built-in model");
      // It can be tried again, or let go.
      host.wrong = null;
      await agree(page);
      await complete(page, "names:");
    }, [/4\d\d/, /console/]);
  }

  it("does not read from anybody else, and lets go of a link", "#/heads?model=https://elsewhere.example/m.safetensors", async (page) => {
    await complete(page, "built-in model");
    await agree(page);
    await said(page, "this page does not read from elsewhere.example");
    await offered(page).getByRole("button", { name: "never mind" }).click();
    assert.doesNotMatch(page.url(), /model=/);
    assert.equal(await offered(page).count(), 0);
    assert.deepEqual(host.asked, []);
  });

  it("opens a folder beside the page without a question", "#/heads?model=./models/names/step-00500.safetensors&layer=1", async (page) => {
    await complete(page, "names:");
    await page.locator(".spectrum h2", { hasText: "L1H0" }).waitFor();
    await page.locator(".pair .sentence").waitFor();
    assert.deepEqual(host.asked, []);
  }, [/^404 for/, /404/]);

  it("opens a folder beside the page from this machine where the page is out of reach", "#/heads?model=./models/names/step-00500.safetensors", async (page) => {
    await complete(page, "names:");
    await page.getByTestId("keep").click();
    await page.getByTestId("kept").waitFor();
    const own = await sigmas(page);
    const other = await page.context().newPage();
    await other.route(/models\/names\/step-00500/, (route) => route.abort());
    await other.goto(page.url());
    await complete(other, "names:");
    assertClose(await sigmas(other), own, 0, "the kept file");
    await other.close();
  }, [/^404 for/, /404/, /ERR_FAILED/]);

  it("says that nothing lies beside the page, and shows the built-in model", "#/heads?model=./class/", async (page) => {
    await said(page, "none of model.safetensors.index.json");
    await complete(page, "built-in model");
    await offered(page).getByRole("button", { name: "open it" }).waitFor();
  }, [/^404 for/, /404/]);
});
