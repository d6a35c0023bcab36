// A link comes from anywhere: every parameter that an address may have, with values that nobody should send, on every page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, complete, start, withPage } from "./harness.mjs";

const source = (name) => readFileSync(join(ROOT, "src/ui/address", name), "utf8");

/** Names of all parameters, as the tables of the address have them. */
function parameters() {
  const named = (text) => [...text.matchAll(/(?:\bname: |\b(?:index|seed|between|slugs)\(\s*|\b(?:number|choice)!\(\s*)"([^"]+)"/g)].map(([, name]) => name);
  const [, table] = source("keys.rs").split(/^table! \{/m);
  return [...new Set([...named(table), ...named(source("toy.rs").split("#[cfg(test)]")[0])])];
}

/** Names of all pages, as they stand in an address. */
const pages = () => [...source("route.rs").matchAll(/^\s+Self::\w+ => "([a-z-]+)",$/gm)].map(([, slug]) => slug);

/** Each alone. */
const WORST = ["4294967295", "-1", "1e309", "NaN"];
/** In all parameters at once. */
const MORE = [...WORST, "", "0", "20000", "4294967296", "18446744073709551616", "-0", "0x10", "٣", "\u0000", "a,b:c", "=1+1", "9".repeat(5000)];

describe("An absurd address", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const [keys, all] = [parameters(), pages()];

  test("can be made of every parameter that there is", () => {
    for (const name of ["layer", "n", "d", "template", "t3-n", "prompt", "preset", "at", "x-moved", "tau"]) assert.ok(keys.includes(name), name);
    assert.ok(keys.length > 100 && all.length > 10, `${keys.length} parameters, ${all.length} pages`);
  });

  for (const slug of all) {
    test(`leaves the page ${slug} alive`, { timeout: 300_000 }, () =>
      withPage(session, { hash: "#/heads", serviceWorkers: "block" }, async (page) => {
        await complete(page, "built-in model");
        const [longest, panics] = await page.evaluate(
          async ([slug, keys, worst, more]) => {
            const { port1, port2 } = new MessageChannel();
            // Behind what the page does when it hears of an address.
            const turn = () => new Promise((done) => ((port1.onmessage = done), port2.postMessage(null)));
            const heard = () => new Promise((done) => addEventListener("hashchange", done, { once: true }));
            const frame = () => new Promise(requestAnimationFrame);
            let longest = 0;
            // The page takes every address up and builds what it shows. Laying out and painting costs as much again: once for the values of a parameter.
            const go = async (params, painted) => {
              const query = params.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
              const begun = performance.now();
              const taken = heard();
              location.hash = `#/${slug}?${query}`;
              await taken;
              if (painted) await frame();
              await turn();
              longest = Math.max(longest, performance.now() - begun);
            };
            for (const key of keys) for (const value of worst) await go([[key, value]], value === worst.at(-1));
            for (const value of more) await go(keys.map((key) => [key, value]), true);
            return [longest, document.querySelectorAll(".panic").length];
          },
          [slug, keys, WORST, MORE],
        );
        assert.equal(panics, 0);
        // An address that asks for too much is clamped before anything is drawn: it costs what an ordinary one does.
        assert.ok(longest < 5_000, `${slug} stood still for ${Math.round(longest)} ms`);
        // It still computes and draws.
        await page.evaluate(() => (location.hash = "#/heads?layer=1&head=2"));
        await page.locator(".spectrum h2", { hasText: "L1H2" }).waitFor();
        await complete(page, "built-in model");
      }),
    );
  }
});
