// The Trace page on the built-in model: which components carry "Mary", and why did the head among them look where it did?

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT, assertAccessible, picture, start, withPage } from "./harness.mjs";

const SENTENCE = "When Mary and John went to the store , John gave a drink to";

describe("Trace", () => {
  let session;
  before(async () => (session = await start()));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, { hash: "#/trace", ...options }, (page) => body(page, t)));
  const said = (page) => page.getByTestId("traced");
  const rows = (page) => page.getByTestId("edges").locator("tr");
  const nodes = (page) => page.locator(".circuit .node");

  const download = async (page, name) => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name, exact: true }).click()]);
    return readFileSync(await file.path(), "utf8");
  };

  it("traces a prediction that was picked on Attention", { hash: "#/attention" }, async (page) => {
    await page.getByTestId("next").getByRole("link").first().click();
    await said(page).filter({ hasText: /“Mary” has probability \d+ % after “to” and leads/ }).waitFor();
    assert.match(page.url(), /#\/trace\?.*answer=%23\d+/);
    assert.ok((await nodes(page).count()) >= 4);
    assert.equal(await page.locator(".circuit .edge").count(), await rows(page).count());
  });

  it("traces a score that was picked on Attention", { hash: "#/attention?layer=1&head=3&dest=14&src=10" }, async (page) => {
    await page.getByRole("link", { name: "Who wrote this score?" }).click();
    await said(page).filter({ hasText: /L1H3 at “to” gives “John” 92 % of its attention/ }).waitFor();
    assert.equal(await rows(page).count(), 3);
    await page.getByRole("link", { name: "Trace the answer" }).click();
    await said(page).filter({ hasText: "“Mary” has probability" }).waitFor();
  });

  it("reruns the model with an edge taken out, or a look", {}, async (page) => {
    await said(page).waitFor();
    await rows(page).filter({ hasText: "query" }).first().getByRole("button").click();
    await page.getByTestId("rerun").click();
    // In numpy: 8.2541 before, 6.2386 after; attention 0.9217 before, 0.1650 after.
    await page.getByTestId("effect").filter({ hasText: /× 0: the logit difference goes from 8\.25 to 6\.24, .* from 92 % to 16 %/ }).waitFor();
    await page.locator('.circuit .node[id="trace-L0H1:14-2"]').click();
    await page.getByTestId("rerun").click();
    await page.getByTestId("effect").filter({ hasText: /from 8\.25 to −2\.58, .* from 84 % to 0\.0 %/ }).waitFor();
    // The whole head at every token, and what an MLP writes at one: numpy says 7.7410 without what it writes, 5.3597 without where it looks, 1.4076.
    await page.locator('.circuit .node[id="trace-L1H3:14-10"]').click();
    await page.getByLabel("changed is").selectOption("what the head writes");
    await page.getByTestId("rerun").click();
    await page.getByTestId("effect").filter({ hasText: /× 0: the logit difference goes from 8\.25 to 7\.74\.$/ }).waitFor();
    await page.getByLabel("changed is").selectOption("where the head looks");
    await page.getByTestId("rerun").click();
    await page.getByTestId("effect").filter({ hasText: /× 0: the logit difference goes from 8\.25 to 5\.36\.$/ }).waitFor();
    await page.locator('.circuit .node[id="trace-mlp0:14"]').click();
    await page.getByTestId("rerun").click();
    await page.getByTestId("effect").filter({ hasText: /× 0: the logit difference goes from 8\.25 to 1\.41\.$/ }).waitFor();
  });

  it("draws nodes under one name as one, and keeps the names in the address", {}, async (page) => {
    await said(page).waitFor();
    const nodes = page.locator(".circuit .node");
    const before = await nodes.count();
    const name = async (id, text) => {
      await page.locator(`.circuit .node[id="trace-${id}"]`).click();
      await page.getByTestId("node-name").fill(text);
      await page.getByTestId("node-name").press("Enter");
      await page.locator(".circuit .node.named").filter({ hasText: text.slice(0, 7) }).waitFor();
    };
    await name("L1H3:14-10", "a look");
    assert.equal(await nodes.count(), before);
    await page.locator('.circuit .node[id="trace-mlp0:14"]').click();
    await page.getByRole("button", { name: "into “a look”" }).click();
    await page.getByTestId("parts").getByText("the MLP of layer 0").waitFor();
    assert.equal(await nodes.count(), before - 1);
    await page.getByTestId("pinned").getByRole("heading", { name: "“a look” (2 parts)" }).waitFor();
    await picture(page, "trace-named", { fullPage: true });
    const link = page.url();
    assert.match(link, /groups=/);
    await page.goto("about:blank");
    await page.goto(link);
    await page.locator(".circuit .node.named").filter({ hasText: "2 parts" }).waitFor();
    await page.getByTestId("parts").getByRole("button", { name: "take out" }).first().click();
    await page.locator(".circuit .node.named").filter({ hasText: "parts" }).waitFor({ state: "detached" });
    assert.equal(await nodes.count(), before);
  });

  it("saves the circuit as the command line prints it, and as GraphML", {}, async (page) => {
    await said(page).waitFor();
    const found = JSON.parse(await download(page, "circuit JSON"));
    // The same question in the golden graphs' format: the fields that those have, by their names.
    const golden = JSON.parse(readFileSync(join(ROOT, "tests/golden/circuits/gpt2/circuit_0_contrast.json"), "utf8"));
    for (const key of ["ids", "objective", "threshold", "seeds", "firings", "edges", "empty"]) assert.ok(key in found && key in golden, key);
    assert.equal(found.tokens.slice(1).join(" "), SENTENCE);
    assert.equal(found.convention.model, "built-in model, step 4000");
    const edges = found.seeds.length + found.edges.length;
    assert.equal(edges, await rows(page).count());
    const graphml = await download(page, "circuit GraphML");
    const [nodeCount, edgeCount] = await page.evaluate((text) => {
      const graph = new DOMParser().parseFromString(text, "application/xml");
      return ["node", "edge"].map((name) => graph.getElementsByTagName(name).length);
    }, graphml);
    assert.deepEqual([nodeCount, edgeCount], [await nodes(page).count(), edges]);
  });

  it("is walked with the keyboard, pinned, kept in the address, and leads to the head", {}, async (page) => {
    await said(page).waitFor();
    // The answer is where the walk begins; its strongest edge comes first in the table.
    await page.locator(".circuit .node[tabindex='0']").focus();
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => location.hash.includes("pin="));
    const pinned = await page.locator(".circuit .node.pinned title").textContent();
    assert.match(pinned, / at “to” \(14\)/);
    assert.ok((await page.getByTestId("pinned").textContent()).includes("It serves"));
    // An edge of a head: its sentence names the singular vectors, and a link opens them.
    await rows(page).filter({ hasText: "query" }).first().getByRole("button").click();
    const sentence = page.getByTestId("pinned").locator(".sentence");
    await sentence.filter({ hasText: /by the query through k = \d+.*loses 0\.\d+ of its attention/ }).waitFor();
    await page.reload();
    await sentence.filter({ hasText: "by the query" }).waitFor();
    await page.getByTestId("pinned").getByRole("link", { name: "its score on Attention" }).click();
    await page.getByTestId("explain").filter({ hasText: /“to” gives/ }).waitFor();
  });

  it("asks again when the question changes, and draws less when told to", {}, async (page) => {
    await said(page).waitFor();
    const all = await rows(page).count();
    await page.getByLabel("draw edges from").fill("0.6");
    await page.getByTestId("hidden").waitFor();
    assert.ok((await rows(page).count()) < all);
    await page.getByLabel("what carries the answer").selectOption("prob");
    await rows(page).filter({ hasText: "nats" }).first().waitFor();
    await page.getByTestId("trace-answer").fill("John");
    await page.getByRole("button", { name: "trace", exact: true }).click();
    await said(page).filter({ hasText: "“John” has probability" }).waitFor();
    await page.getByTestId("trace-answer").fill("two words");
    await page.getByRole("button", { name: "trace", exact: true }).click();
    await page.locator(".page.trace .ask").filter({ hasText: "is not one token" }).waitFor();
    await page.locator(".page.trace .tokens").waitFor({ state: "detached" });
    await page.getByTestId("trace-answer").fill("");
    await page.getByRole("button", { name: "trace", exact: true }).click();
    await said(page).filter({ hasText: "“Mary” has probability" }).waitFor();
    // What comes after another token is another question.
    await page.locator(".page.trace .tokens button").nth(1).click();
    await said(page).filter({ hasText: "after “When”" }).waitFor();
  });

  it("runs the model with the circuit alone, beside random ones", {}, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("alone").click();
    const worth = page.getByTestId("worth");
    await worth.waitFor();
    // In numpy: 0.0738 with all attention levelled, 8.2541 with all of it, 28.6 % of the way with L0H1 and L1H3 at the last token.
    assert.match(await worth.textContent(), /is 0\.0738, with all of it 8\.25\. The circuit alone keeps 29 % of that way, the model without it -11 %/);
    assert.match(await worth.textContent(), /p = 0\.\d+\.$/);
    await picture(page, "trace-alone", { fullPage: true });
  });

  it("walks the circuit in random bases", {}, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("vectors").click();
    await page.getByTestId("vectors-said").filter({ hasText: /taking away 2 cells of singular vectors; in random bases 10\.3 are needed on average, and as few with p = 0\.0100/ }).waitFor();
  });

  it("counts edges over a set of prompts", {}, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("trace-set").click();
    await page.getByTestId("set-said").filter({ hasText: /Prompts: 32, \d+ of 32 answered right/ }).waitFor();
    // One head carries the answer on every prompt, and chance does not make that.
    const row = page.getByTestId("set-edges").locator("tr").filter({ hasText: "L1H3answeranswer" });
    assert.match(await row.textContent(), /32 of 32, 100 %.*0\.005/);
    const csv = await download(page, "edges CSV");
    assert.match(csv, /from,to,side,prompts,share,mean weight,p/);
    // Who is asked for nothing is not right.
    const region = page.getByRole("region", { name: "Over a set of prompts" });
    const prompt = "When Mary and John went to the store , John gave a drink to";
    for (const [lines, what] of [[prompt, "Prompts: 1, none with one expected answer, so traced from the likeliest token, such as"], [`${prompt}\n${prompt} => Mary`, "Prompts: 2, 1 of the 1 with an expected answer answered right"]]) {
      await region.getByRole("combobox").selectOption("own");
      await region.getByRole("textbox").fill(lines);
      await page.getByTestId("trace-set").click();
      await page.getByTestId("set-said").filter({ hasText: what }).waitFor();
    }
  });

  it("lays another prompt beside this one", {}, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("other-prompt").fill("After Bob and Anna went to the park , Anna handed a ring to");
    await page.getByTestId("other-answer").fill("Bob");
    await page.getByTestId("other-against").fill("Anna");
    await page.getByRole("button", { name: "trace beside" }).click();
    await page.getByTestId("compared").filter({ hasText: /“Bob” after .*: \d+ edges are in both circuits, \d+ only here, \d+ only there/ }).waitFor();
    const shared = page.getByTestId("compared-edges").locator("tr").filter({ hasText: "shared" });
    assert.ok((await shared.filter({ hasText: "L1H3answer" }).count()) === 1);
    // The same prompt beside itself shares everything.
    await page.getByTestId("other-prompt").fill(SENTENCE);
    await page.getByTestId("other-answer").fill("Mary");
    await page.getByTestId("other-against").fill("John");
    await page.getByRole("button", { name: "trace beside" }).click();
    await page.getByTestId("compared").filter({ hasText: / 0 only here, 0 only there/ }).waitFor();
    assert.match(await download(page, "both circuits CSV"), /shared/);
    // What is asked now has no answer, and that of the last question goes.
    await page.getByTestId("other-answer").fill("two words");
    await page.getByRole("button", { name: "trace beside" }).click();
    await page.locator(".prompt-set", { has: page.getByTestId("other-prompt") }).locator(".ask").filter({ hasText: "two words" }).waitFor();
    assert.equal(await page.getByTestId("compared").count(), 0);
  });

  it("holds no answer against itself", {}, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("trace-answer").fill("John");
    await page.getByRole("button", { name: "trace", exact: true }).click();
    // The likeliest of all others takes John's place.
    await said(page).filter({ hasText: /“John” has probability .* and leads “Mary” by −8\.25 in logits/ }).waitFor();
  });

  it("splits a pinned score by features, and says what does not fit", { hash: "#/trace?pin=L1H3%3A14-10" }, async (page) => {
    await said(page).waitFor();
    await page.getByTestId("pairs").click();
    await page.getByTestId("pairs-said").filter({ hasText: /“to” gives “John” 92 % of its attention, score 3\.66\. \d+ active features meet \d+: together they add 5\.30.*Left over: [\d.]+e-\d+/ }).waitFor();
    await page.getByTestId("pairs-p").filter({ hasText: /in 199 random rotations .*p = 0\.\d+/ }).waitFor();
    assert.equal(await page.getByTestId("pairs-list").locator("tbody tr").count(), 12);
    await page.getByTestId("pairs-list").getByRole("button").nth(1).click();
    const saved = JSON.parse(await download(page, "pairs JSON"));
    const sum = saved.pairs.reduce((sum, { value }) => sum + value, 0);
    assert.ok(Math.abs(sum - 5.3) < 0.005 && saved.ids.length === 15 && saved.pairs[0].by_k.length === 16, `${sum}`);
    assert.match(await download(page, "pairs CSV"), /destination feature,destination label,source feature,source label,value,k,value through k/);
    assert.match(await page.locator(".pairs").getByTestId("python").textContent(), /What pairs of features add to the score of layer 1, head 3 from position 14 to 10/);
    await picture(page, "trace-pairs", { fullPage: true });
    await assertAccessible(page, "feature pairs on Trace");
    // A dictionary that was made later than the head reads.
    const folder = join(ROOT, "www/models/sae-layer-2");
    await page.getByTestId("pairs-file").setInputFiles(["sae_weights.safetensors", "cfg.json"].map((name) => join(folder, name)));
    await page.locator(".pairs .ask").filter({ hasText: "was made in front of layer 2, and this head reads in front of layer 1" }).waitFor();
    // It does not take the place of the page's own.
    await page.getByTestId("pairs").filter({ hasText: "split this score by features" }).click();
    await page.getByTestId("pairs-said").filter({ hasText: "together they add 5.30" }).waitFor();
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const options = { colorScheme, viewport: { width, height: width === 390 ? 844 : 900 } };
      it(`is accessible and looks right: ${colorScheme}, ${width} px`, options, async (page) => {
        await said(page).waitFor();
        await rows(page).filter({ hasText: "query" }).first().getByRole("button").click();
        await page.getByTestId("pinned").filter({ hasText: "query" }).waitFor();
        await picture(page, `trace-${colorScheme}-${width}`, { fullPage: true });
        await assertAccessible(page, `on Trace, ${colorScheme}, ${width} px`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `no sideways scrolling: ${wide} px`);
      });
    }
  }
});
