// What files leave open, the page asks: which model, which family, how many heads; the address remembers the answer.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ROOT, assertAccessible, complete, drop, model, picture, start, withPage } from "./harness.mjs";

const BUILT_IN = join(ROOT, "www/models/names");
const STEPS = { "checkpoint-500": "step-00500", "checkpoint-4000": "step-04000" };

describe("Opening", () => {
  let session, scratch, run, unknown;
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "omega-"));
    run = join(scratch, "run");
    for (const [name, step] of Object.entries(STEPS)) {
      mkdirSync(join(run, name), { recursive: true });
      copyFileSync(join(BUILT_IN, `${step}.safetensors`), join(run, name, "model.safetensors"));
      copyFileSync(join(BUILT_IN, "config.json"), join(run, name, "config.json"));
    }
    unknown = join(scratch, "unknown");
    mkdirSync(unknown);
    copyFileSync(join(BUILT_IN, "step-04000.safetensors"), join(unknown, "model.safetensors"));
    const config = JSON.parse(readFileSync(join(BUILT_IN, "config.json"), "utf8"));
    writeFileSync(join(unknown, "config.json"), JSON.stringify({ ...config, model_type: "our_own" }));
    writeFileSync(join(unknown, "tokenizer.json"), '{"model": {"type": "Strange"}}');
    session = await start();
  });
  after(async () => {
    await session?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const address = (page) => page.evaluate(() => location.hash);

  it("asks which of several models, remembers it, and forgets it with the next files", {}, async (page) => {
    await complete(page, "built-in model");
    await drop(page, [run]);
    const ask = page.getByTestId("which-model");
    await ask.waitFor();
    assert.match(await model(page).textContent(), /built-in model/, "what was open stays");
    await assertAccessible(page, "with a question");
    await ask.getByRole("button", { name: "checkpoint-500" }).click();
    await complete(page, "run, checkpoint-500");
    assert.match(await address(page), /which=checkpoint-500/);
    assert.equal(await ask.count(), 0);
    // The same link, the same files: no question.
    await page.reload();
    await complete(page, "built-in model");
    await drop(page, [run]);
    await complete(page, "run, checkpoint-500");
    assert.equal(await ask.count(), 0);
    // Files that speak for themselves leave nothing of it.
    await drop(page, [join(run, "checkpoint-4000")]);
    await complete(page, "checkpoint-4000");
    assert.doesNotMatch(await address(page), /which=/);
  });

  it("asks for the family, keeps the question while an answer does not do, and shows ids where words cannot be read", {}, async (page) => {
    await complete(page, "built-in model");
    await drop(page, [unknown]);
    const ask = page.getByTestId("which-family");
    await ask.waitFor();
    assert.match(await ask.textContent(), /our_own/);
    assert.doesNotMatch(await ask.textContent(), /\{l\}/);
    const open = ask.getByRole("button", { name: "open" });
    assert.ok(await open.isDisabled(), "nothing is chosen for the reader");
    await ask.getByRole("combobox").selectOption("bert");
    await open.click();
    await page.locator(".notices li").filter({ hasText: "not in the files" }).waitFor();
    await ask.waitFor();
    await ask.getByRole("combobox").selectOption("gpt2");
    await open.click();
    await complete(page, "unknown");
    assert.match(await address(page), /family=/);
    assert.match(await page.locator(".notices").textContent(), /as was asked/, "what was assumed is listed");
    await page.getByTestId("wordless").waitFor();
    assert.match(await page.getByTestId("wordless").textContent(), /shown as ids: .*tokenizer\.json/);
    await page.locator(".pair .side li code").first().waitFor();
  });

  it("asks which of two families a file is of that nothing in it tells apart, and the address remembers", {}, async (page) => {
    await complete(page, "built-in model");
    const gemma = join(ROOT, "tests/golden/families/gemma/model.safetensors");
    await drop(page, [gemma]);
    const ask = page.getByTestId("which-family");
    await ask.filter({ hasText: "Llama's and Gemma's alike" }).waitFor();
    assert.match(await ask.textContent(), /1 \+ w/);
    await ask.getByRole("combobox").selectOption("gemma");
    await ask.getByRole("button", { name: "open" }).click();
    await page.getByTestId("head-count").getByRole("button", { name: "4 heads" }).click();
    await complete(page, "model.safetensors: Gemma");
    assert.match(await address(page), /family=gemma/);
    // The link of one who has answered asks nothing.
    const link = await address(page);
    await page.getByRole("button", { name: "built-in model" }).click();
    await complete(page, "built-in model");
    await page.evaluate((hash) => (location.hash = hash), link);
    await drop(page, [gemma]);
    await complete(page, "model.safetensors: Gemma");
    assert.equal(await ask.count(), 0);
  });

  it("takes the head count that a link brings, and says that it is assumed", { hash: "#/heads?heads=4" }, async (page) => {
    await complete(page, "built-in model");
    await drop(page, [join(BUILT_IN, "step-04000.safetensors")]);
    await complete(page, "step-04000");
    assert.match(await page.locator("body").textContent(), /assumed/);
    assert.match(await address(page), /heads=4/);
    assert.equal(await page.getByTestId("head-count").count(), 0);
  });

  it("shows what an adapter adds to each head, once it knows how many there are", {}, async (page) => {
    await complete(page, "built-in model");
    await drop(page, ["adapter_model.safetensors", "adapter_config.json"].map((name) => join(ROOT, "tests/golden/adapters/lora/adapter", name)));
    const ask = page.getByTestId("head-count");
    await ask.filter({ hasText: "a LoRA adapter without its base (org/base)" }).waitFor();
    assert.match(await model(page).textContent(), /built-in model/, "what was open stays");
    await ask.getByRole("button", { name: "2 heads" }).click();
    const shown = page.getByTestId("adapter");
    await shown.locator("tbody tr").first().waitFor();
    const { "model.layers.0.self_attn.q_proj q1": expected } = JSON.parse(readFileSync(join(ROOT, "tests/golden/adapters/lora/alone.json"), "utf8"));
    const row = shown.locator("tbody tr").filter({ has: page.getByRole("rowheader", { name: "L0H1", exact: true }) }).filter({ hasText: "q" }).first();
    assert.match(await row.textContent(), new RegExp(expected.map((sigma) => sigma.toFixed(4)).join(" ")));
    await assertAccessible(page, "with an adapter's table");
    await picture(page, "adapter-alone");
    await shown.getByRole("button", { name: "never mind" }).click();
    assert.equal(await shown.count(), 0);
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      it(`draws its questions at ${width} in ${colorScheme}`, { colorScheme, viewport: { width, height: 900 } }, async (page) => {
        await complete(page, "built-in model");
        await drop(page, [run]);
        await page.getByTestId("which-model").waitFor();
        await picture(page, `which-model-${colorScheme}-${width}`);
        await drop(page, [unknown]);
        await page.getByTestId("which-family").waitFor();
        await picture(page, `which-family-${colorScheme}-${width}`);
        await assertAccessible(page, "with a list of families");
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `nothing runs out of the page: ${wide} px`);
      });
    }
  }
});
