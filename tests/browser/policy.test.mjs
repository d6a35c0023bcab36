// What index.html promises is enforced by the browser: nothing runs but our own programs, nothing is asked of anybody else; and two versions
// of the page never mix.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DIST, ROOT, start, withPage } from "./harness.mjs";
import { serve } from "./server.mjs";

const PAGES = ["heads", "features", "attention", "trace", "compare", "toy", "svd", "theorems", "learn", "methods", "notebook", "self-test"];

describe("the policy", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  test("holds on every page", async () => {
    await withPage(session, { hash: "#/heads", bypassCSP: false }, async (page) => {
      await page.evaluate(() => {
        window.broken = [];
        document.addEventListener("securitypolicyviolation", (event) => window.broken.push(`${event.violatedDirective} ${event.blockedURI}`));
      });
      for (const name of PAGES) {
        await page.evaluate((name) => (location.hash = `#/${name}`), name);
        await page.locator(`section.page.${name}`).first().waitFor();
      }
      await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
      assert.deepEqual(await page.evaluate(() => window.broken), []);
    });
  });

  test("blocks a script that was slipped in, and a request to anybody else", async () => {
    // The browser tells of the attempts, and of its refusals.
    const expected = [/Content Security Policy/, /Refused to/, /Failed to load/, /^request to http:\/\/127\.0\.0\.1:9\//];
    await withPage(session, { hash: "#/learn", bypassCSP: false, expected }, async (page) => {
      await page.locator(".lessons").waitFor();
      const asked = await page.evaluate(async () => {
        const script = document.createElement("script");
        script.textContent = "window.slippedIn = true";
        document.body.append(script);
        const image = new Image();
        const refused = new Promise((done) => (image.onerror = () => done("refused")));
        image.src = "http://127.0.0.1:9/x.png";
        const answer = await fetch("http://127.0.0.1:9/").then(() => "answered", () => "refused");
        return { slippedIn: window.slippedIn ?? false, fetch: answer, image: await refused };
      });
      assert.deepEqual(asked, { slippedIn: false, fetch: "refused", image: "refused" });
    });
  });
});

describe("the workers' policy", () => {
  let session, elsewhere;
  before(async () => {
    session = await start();
    elsewhere = await serve(DIST, { prefix: "/" });
  });
  after(async () => {
    await elsewhere?.close();
    await session?.stop();
  });

  /** What becomes of a request of every worker to somebody else. */
  const asked = async (page) => {
    const ask = (url) => fetch(url, { mode: "no-cors" }).then(() => "answered", () => "refused");
    const all = await Promise.all(page.workers().map((worker) => worker.evaluate(ask, `${elsewhere.address}icon.svg`)));
    assert.ok(all.length > 0, "there are workers");
    return [...new Set(all)];
  };

  test("comes with the second visit, from the page's own service worker: a static host sends none", async () => {
    const context = await session.browser.newContext();
    try {
      const page = await context.newPage();
      const model = page.getByTestId("model").filter({ hasText: "built-in model" });
      await page.goto(`${session.address}?offline#/heads`);
      await model.waitFor();
      await page.evaluate(() => navigator.serviceWorker.ready);
      // On the first visit a worker is bound by its own program alone, which reads from the list of hosts.
      assert.deepEqual(await asked(page), ["answered"]);
      await page.reload();
      await model.waitFor();
      await page.locator(".pair .sentence").waitFor();
      assert.deepEqual(await asked(page), ["refused"]);
      // No worker is made of anything but the page's own files.
      const blob = await page.evaluate(
        () =>
          new Promise((done) => {
            const worker = new Worker(URL.createObjectURL(new Blob(["postMessage('ran')"])));
            worker.onmessage = () => done("ran");
            worker.onerror = () => done("refused");
          }),
      );
      assert.equal(blob, "refused");
    } finally {
      await context.close();
    }
  });
});

describe("two versions", () => {
  let session, copy, server;
  const offline = () => execFileSync("node", [join(ROOT, ".ci/offline.mjs"), copy]);
  before(async () => (session = await start()));
  after(() => session?.stop());

  /** A fresh copy of the build on a server of its own, and a browser whose tabs share their storage. */
  async function deployed(run) {
    copy = mkdtempSync(join(tmpdir(), "omega-versions-"));
    cpSync(DIST, copy, { recursive: true, filter: (path) => !/\/\.(stage|built)|\.(br|gz)$/.test(path) });
    offline();
    server = await serve(copy, { prefix: "/class/room/" });
    const context = await session.browser.newContext({ bypassCSP: true });
    try {
      await run(context, `${server.address}?offline`);
    } finally {
      await context.close();
      await server.close();
      rmSync(copy, { recursive: true, force: true });
    }
  }

  async function open(context, address) {
    const page = await context.newPage();
    await page.goto(`${address}#/heads`);
    await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    return page;
  }

  /** Every worker's program gets another name and other contents, as a newer build's would. */
  function deployNewer() {
    const index = join(copy, "index.html");
    const old = /worker-[0-9a-f]+/.exec(readFileSync(index, "utf8"))[0];
    const named = readdirSync(copy).filter((name) => name.startsWith(old));
    for (const name of named) {
      const bytes = readFileSync(join(copy, name));
      const text = name.endsWith(".js") ? bytes.toString().replaceAll(old, "worker-0123456789abcdef") : bytes;
      writeFileSync(join(copy, name.replace(old, "worker-0123456789abcdef")), text);
      rmSync(join(copy, name));
    }
    writeFileSync(index, readFileSync(index, "utf8").replaceAll(old, "worker-0123456789abcdef"));
    offline();
    return old;
  }

  test("a page of the old version finds its own programs after another tab has gone over to the new one", async () => {
    await deployed(async (context, address) => {
      await (await open(context, address)).close();
      const first = await open(context, address);
      const second = await open(context, address);
      const old = deployNewer();
      await second.reload();
      await Promise.all([second.waitForEvent("load"), second.getByRole("button", { name: "reload" }).click()]);
      await second.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
      const status = await first.evaluate((name) => fetch(`./${name}_loader.js`).then((r) => r.status), old);
      assert.equal(status, 200, "the first tab's worker is still there");
      assert.equal((await first.evaluate(() => caches.keys())).length, 2);
    });
  });

  test("half a deployment changes nothing", async () => {
    await deployed(async (context, address) => {
      await (await open(context, address)).close();
      const page = await open(context, address);
      offline();
      // The list is of other bytes than the server gives.
      const worker = readFileSync(join(copy, "sw.js"), "utf8");
      appendFileSync(join(copy, "icon.svg"), "<!-- newer -->");
      writeFileSync(join(copy, "sw.js"), worker.replace(/VERSION = "(.{12})"/, 'VERSION = "aaaaaaaaaaaa"'));
      await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        await registration.update().catch(() => {});
        const installing = registration.installing;
        if (installing) await new Promise((done) => installing.addEventListener("statechange", () => installing.state === "redundant" && done()));
      });
      await page.reload();
      await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
      const kept = await page.evaluate(() => caches.keys());
      assert.equal(kept.length, 1);
      assert.ok(!kept[0].includes("aaaaaaaaaaaa"), kept[0]);
      assert.equal(await page.getByText("A newer version of this page is ready.").count(), 0);
    });
  });

  test("a cache that fails costs the offline copy alone", async () => {
    await deployed(async (context, address) => {
      await (await open(context, address)).close();
      const page = await open(context, address);
      const [worker] = context.serviceWorkers();
      await worker.evaluate(() => (caches.keys = caches.open = () => Promise.reject(new DOMException("no storage", "UnknownError"))));
      await page.reload();
      await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
      assert.equal(await worker.evaluate(() => caches.keys().catch(() => "refused")), "refused", "it was this worker that answered");
    });
  });

  test("without a service worker the page works", async () => {
    const context = await session.browser.newContext({ serviceWorkers: "block", bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`${session.address}?offline#/heads`);
    await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
    await context.close();
  });

  test("a program that is not the one the page names is said, not started", async () => {
    await deployed(async (context, address) => {
      const app = readdirSync(copy).find((name) => /^app-.*\.js$/.test(name));
      appendFileSync(join(copy, app), "\n// half deployed");
      const page = await context.newPage();
      await page.goto(`${address.replace("?offline", "")}#/heads`);
      await page.getByText("could not be loaded whole").waitFor();
    });
  });
});
