// The page opens, with and without WebGPU; it says when it has failed, and no address makes it fail.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DIST, PROJECTS, complete, picture, start, withPage } from "./harness.mjs";
import { serve } from "./server.mjs";

test("the site says what it is made of, each part with its licence and checksum", () => {
  const { components } = JSON.parse(readFileSync(join(DIST, "sbom.json"), "utf8"));
  const names = components.map((component) => component.name);
  for (const name of ["yew", "nalgebra", "wgpu", "tokenizers", "wasm-bindgen"]) assert.ok(names.includes(name), name);
  for (const { name, version, licenses, hashes } of components) {
    assert.match(version, /^\d+\.\d+/, name);
    assert.match(licenses[0].expression, /MIT|Apache|Zlib|BSD/, name);
    assert.match(hashes[0].content, /^[0-9a-f]{64}$/, name);
  }
});

test("what is served is sent packed, whether a packed copy lies there or not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "omega-served-"));
  const text = "attention ".repeat(10_000);
  writeFileSync(join(folder, "long.txt"), text);
  const { address, close } = await serve(folder);
  try {
    const ask = (accepted) => fetch(`${address}long.txt`, { headers: { "Accept-Encoding": accepted } });
    for (const [accepted, encoding] of [["br, gzip", "br"], ["identity", null]]) {
      const answer = await ask(accepted);
      assert.equal(answer.headers.get("content-encoding"), encoding, accepted);
      assert.equal(await answer.text(), text, accepted);
    }
    assert.ok(Number((await ask("br")).headers.get("content-length")) < text.length / 100);
    writeFileSync(join(folder, "long.txt"), "short");
    assert.equal(await (await ask("br")).text(), "short", "a file that changed is packed again");
  } finally {
    await close();
    rmSync(folder, { recursive: true });
  }
});

for (const [name, flags] of Object.entries(PROJECTS)) {
  describe(`the page, ${name}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());

    test("loads from any sub-path and says what it is", () =>
      withPage(session, {}, async (page) => {
        assert.match(await page.title(), /Omega Lens/);
      }));
  });
}

// What a translator or an extension does to a page, and what a memory that ran out does to a program.
const DEATHS = {
  "a panic": [
    async (page) => {
      await page.evaluate(() => (Node.prototype.insertBefore = () => { throw new Error("moved away by a stranger"); }));
      await page.evaluate(() => (location.hash = "#/theorems"));
    },
    /panicked at|insert/,
  ],
  "a trap": [
    async (page) => {
      // (module (func (export "f") unreachable))
      const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11];
      await page.evaluate(async (bytes) => {
        const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes));
        setTimeout(() => instance.exports.f());
      }, bytes);
    },
    /unreachable/,
  ],
};

describe("workers whose program does not come", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  test("are spoken of once, with the reason, and start when a model is opened later", () =>
    withPage(session, { serviceWorkers: "block", cores: 3, expected: [/404/] }, async (page) => {
      await complete(page, "built-in model");
      const program = /worker-\w+_bg\.wasm/;
      let asked = 0;
      await page.route(program, (route) => {
        asked += 1;
        return route.fulfill({ status: 404 });
      });
      await page.reload();
      await page.getByText("could not be loaded: the host answers 404.").first().waitFor();
      assert.deepEqual(await page.locator(".notices .what").evaluateAll((all) => all.map((what) => what.firstChild.textContent)), [
        "The program of the page's workers could not be loaded: the host answers 404.",
      ]);
      assert.ok(asked > 0 && asked < 20, `${asked} requests`);
      await page.unroute(program);
      await page.getByRole("button", { name: "built-in model" }).click();
      await complete(page, "built-in model");
    }));

  test("are not all that may be missing: the page's own program is, and nobody is blamed", () =>
    withPage(session, { serviceWorkers: "block", expected: [/./] }, async (page) => {
      await page.route(/app-\w+_bg\.wasm/, (route) => route.fulfill({ status: 404 }));
      await page.reload();
      await page.getByText("could not be loaded whole").waitFor();
      assert.equal(await page.locator(".panic").count(), 0);
    }));
});

describe("pages that were seen", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  test("stay as they were, whichever page is seen for the first time beside them", () =>
    withPage(session, { hash: "#/compare" }, async (page) => {
      const prompt = "what is typed, and not asked yet";
      const seen = [];
      for (const slug of ["compare", "attention", "heads", "trace", "toy", "features", "learn"]) {
        await page.evaluate((slug) => (location.hash = `#/${slug}`), slug);
        await page.locator(`.page.${slug} > *`).first().waitFor();
        if (slug === "attention") await page.locator(".page.attention [data-testid=prompt]").fill(prompt);
        const same = await page.evaluate((seen) => seen.filter((slug) => document.querySelector(`.page.${slug}`).seen), seen);
        assert.deepEqual(same, seen, `at the first visit of ${slug}`);
        await page.evaluate((slug) => (document.querySelector(`.page.${slug}`).seen = true), slug);
        seen.push(slug);
      }
      assert.equal(await page.locator(".page.attention [data-testid=prompt]").inputValue(), prompt);
    }));
});

describe("a prompt typed before its model has come", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  for (const [slug, field] of Object.entries({ attention: "prompt", trace: "trace-prompt" })) {
    test(`stays on ${slug}: the model's example is only a proposal`, () =>
      withPage(session, { hash: `#/${slug}`, serviceWorkers: "block" }, async (page) => {
        // The built-in model comes a second after the page.
        await page.route(/\/models\//, async (route) => {
          await new Promise((done) => setTimeout(done, 1000));
          await route.continue();
        });
        await page.reload();
        await page.getByTestId(field).fill("mine, not asked yet");
        await page.locator("[data-testid=model] strong").filter({ hasText: "built-in" }).waitFor();
        await page.locator(`.page.${slug} svg`).first().waitFor();
        assert.equal(await page.getByTestId(field).inputValue(), "mine, not asked yet");
      }));
  }
});

describe("a page that fails", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  for (const [name, [kill, report]] of Object.entries(DEATHS)) {
    test(`says so after ${name}, keeps the place, and reloads`, () =>
      withPage(session, { hash: "#/heads?layer=1&head=2", expected: [/./] }, async (page) => {
        await complete(page);
        await kill(page);
        const notice = page.getByRole("alert").filter({ hasText: "Omega Lens has stopped" });
        await notice.waitFor();
        assert.equal(await page.locator(".panic").count(), 1);
        assert.match(await notice.locator("pre").textContent(), report);
        await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
        await notice.getByRole("button", { name: "copy report" }).click();
        await notice.getByRole("button", { name: "copied" }).waitFor();
        assert.match(await page.evaluate(() => navigator.clipboard.readText()), report);
        await picture(page, `stopped-${name.replace(" ", "-")}`);
        const hash = await page.evaluate(() => location.hash);
        await notice.getByRole("button", { name: "reload" }).click();
        await page.locator(".panic").waitFor({ state: "detached" });
        await page.getByTestId("model").filter({ hasText: "built-in model" }).waitFor();
        assert.equal(await page.evaluate(() => location.hash), hash);
      }));
  }

  test("is not one that a stranger's script fails in", () =>
    withPage(session, { hash: "#/learn", expected: [/stranger/] }, async (page) => {
      await page.locator(".lessons").waitFor();
      await page.evaluate(() => setTimeout(() => { throw new Error("a stranger's mistake"); }));
      await page.waitForEvent("pageerror");
      assert.equal(await page.locator(".panic").count(), 0);
    }));
});

/** Addresses that ask for more than any control could, what they draw, and the value that the control has then. */
const GREEDY = [
  ["#/toy?more=1&n=20000", ".page.toy [data-setting=n]", "400"],
  ["#/toy?more=1&n=100000", ".page.toy [data-setting=n]", "400"],
  ["#/toy?more=1&n=4294967295", ".page.toy [data-setting=n]", "400"],
  ["#/toy?more=1&d=4294967295", ".page.toy [data-setting=d]", "200"],
  ["#/toy?more=1&h=4294967295", ".page.toy [data-setting=h]", "200"],
  ["#/toy?more=1&template=pairs&pairs=4000000000", ".page.toy [data-setting=pairs]", "100"],
  ["#/theorems?t3-n=100000", ".page.theorems"],
  ["#/theorems?x-n=4000000000&x-d=4000000000", ".page.theorems"],
  ["#/attention?dest=99999999999999999999&src=4294967295", ".page.attention .cell"],
  ["#/features?channels=4294967295&k=4294967295", ".page.features"],
];

describe("an address that asks for too much", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());

  test("does not stop an open page", () =>
    withPage(session, { hash: "#/toy?more=1" }, async (page) => {
      // A frame of the old settings is on the page when the new ones come.
      await page.getByTestId("once").click();
      await page.locator('[data-trained="1"]').waitFor();
      for (const [hash, shown, value] of GREEDY) {
        await page.evaluate((hash) => (location.hash = hash), hash);
        await page.locator(shown).first().waitFor({ state: "attached" });
        const there = ([shown, value]) => !value || document.querySelector(shown).value === value;
        await page.waitForFunction(there, [shown, value]);
        assert.equal(await page.locator(".panic").count(), 0, hash);
      }
      await page.evaluate(() => (location.hash = "#/toy?more=1"));
      await page.locator("[data-trained]").first().waitFor();
      const field = page.locator("[data-setting=n]");
      await field.fill("100000");
      await field.press("Enter");
      await page.waitForFunction(() => document.querySelector("[data-setting=n]").value === "400");
      await page.evaluate(() => (location.hash = "#/heads?layer=99999999999999999999&head=x&k=-1"));
      await complete(page);
      assert.equal(await page.locator(".panic").count(), 0);
    }));
});
