// The Features page on the built-in model, and on MiniLM with a dictionary of the reader's own.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, complete, measures, picture, python, start, withPage } from "./harness.mjs";

/** Waits until every head of the grid has its number, and the job is over. */
async function everyHead(page) {
  const numbered = () => [...document.querySelectorAll(".page.features [data-head]")].every((cell) => /\d/.test(cell.textContent));
  await page.waitForFunction(numbered, null, { timeout: 120_000 });
  await page.locator(".progress").waitFor({ state: "detached", timeout: 120_000 });
}

describe("Features", () => {
  let session, scratch;
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "omega-"));
    session = await start();
  });
  after(async () => {
    await session?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));
  const grid = (page) => page.locator(".page.features [data-head]");
  const head = "#/features?layer=2&head=1";

  it("compares every head with the words of the built-in model", { hash: "#/features" }, async (page) => {
    await page.getByTestId("dictionary").filter({ hasText: "65 features" }).waitFor();
    await page.getByTestId("align-all").click();
    await everyHead(page);
    const shown = await grid(page).allTextContents();
    assert.ok(shown.length === 12 && shown.every((text) => Number.isFinite(Number(text.replace("−", "-")))), shown.join(" "));
    await picture(page, "features");
  });

  it("gives up a comparison of all heads when the dictionary changes", { hash: "#/features" }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("align-all").click();
    await page.getByRole("combobox", { name: /^dictionary/ }).selectOption("positions");
    await page.getByTestId("dictionary").filter({ hasText: "position embeddings" }).waitFor();
    await page.locator(".progress").waitFor({ state: "detached" });
    await page.getByTestId("verdict").waitFor();
    // One head was compared with positions; nothing of the words is left on the grid.
    assert.equal((await grid(page).allTextContents()).filter((text) => /\d/.test(text)).length, 1);
  });

  it("lists everything that is being computed, and cancels one of it alone", { hash: "#/features" }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    const job = (what) => page.locator(".progress", { hasText: what });
    const [steps, heads] = [job("checkpoints compared with the dictionary"), job("heads compared with the dictionary")];
    await page.getByTestId("align-steps").click();
    await steps.filter({ hasText: /: \d+ of 14/ }).waitFor();
    await page.getByTestId("align-all").click();
    await heads.filter({ hasText: /: \d+ of 12/ }).waitFor();
    await page.getByRole("button", { name: "cancel: checkpoints compared with the dictionary" }).click();
    await steps.waitFor({ state: "detached" });
    await page.getByTestId("aligned-stopped").filter({ hasText: /The comparison was cancelled; \d+ of 14 steps are compared/ }).waitFor();
    await heads.waitFor({ state: "detached", timeout: 60_000 });
    assert.ok((await grid(page).allTextContents()).every((text) => /\d/.test(text)), "every head was compared all the same");
    await page.getByTestId("align-steps").click();
    await page.getByTestId("aligned-stopped").waitFor({ state: "detached" });
    await steps.filter({ hasText: /: \d+ of 14/ }).waitFor();
  });

  it("gives Python that finds the same features", { hash: `${head}&side=src` }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    const snippet = await page.locator(".page.features").getByTestId("python").textContent();
    const printed = python(snippet, join(ROOT, "www/models/names/step-04000.safetensors")).trim().split("\n");
    const figure = page.locator(".page.features figure").nth(1);
    await figure.locator("details").first().evaluate((details) => (details.open = true));
    const shown = (await measures(figure, 4)).map(Math.abs);
    const found = printed.filter((line) => line.startsWith("src ")).map((line) => Number(line.split(" ").at(-1)));
    assert.equal(shown.length, 16);
    shown.forEach((x, k) => assert.ok(Math.abs(x - found[k]) < 1e-5, `k = ${k}: ${x} here, ${found[k]} in numpy`));
  });

  it("lends its rotations to the words on Heads", { hash: "#/heads?layer=1&head=3" }, async (page) => {
    await page.getByTestId("token-chance").first().filter({ hasText: "isotropic" }).waitFor();
    await page.getByRole("link", { name: "is it more than chance?" }).click();
    await page.getByTestId("verdict").filter({ hasText: /random bases|in the same subspace/ }).waitFor({ timeout: 60_000 });
    await page.locator("nav").getByRole("link", { name: "Heads" }).click();
    await page.getByTestId("token-chance").first().filter({ hasText: "rotations of this side" }).waitFor();
    // Every pair's own two vectors, beside what two random directions reach.
    await page.locator(".all-pairs summary").click();
    assert.equal(await page.locator(".all-pairs th", { hasText: "cos(u, v)" }).count(), 1);
  });

  it("whitens, and says how far the dictionary is from isotropic", { hash: head }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    await page.getByLabel("whiten").click();
    await page.locator("summary", { hasText: /‖E_X‖ [\d.]+ · average alignment 0\.\d+ · participation/ }).waitFor();
    assert.match(page.url(), /whiten=on/);
  });

  it("matches one to one: no feature is given away twice", { hash: `${head}&side=src` }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("cosines").click();
    await page.getByTestId("matching").filter({ hasText: "L2H1 src: mean |cosine| of the 16 matched pairs is " }).waitFor();
    assert.match(await page.getByTestId("matching").textContent(), /199 random bases of the same subspace/);
    const figure = page.getByRole("region", { name: "Cosine matrix" }).locator("figure");
    await figure.locator("details").first().evaluate((details) => (details.open = true));
    const rows = await figure.locator("tbody td:nth-child(3)").allTextContents();
    assert.equal(new Set(rows).size, 16);
  });

  it("finds what heads write into others, and opens a head from the table", { hash: head }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("channels").click();
    // Eight earlier heads, through query, key and value.
    await page.getByTestId("threshold").filter({ hasText: /of 24 that were compared\. The largest of so many expected by chance: 0\.\d+\. .+ beyond chance \(q < 0\.01\)/ }).waitFor();
    const column = async (n) => (await page.getByRole("region", { name: "Strongest channels" }).locator(`tbody td:nth-child(${n})`).allTextContents()).map(Number);
    const falls = (values) => values.length === 24 && values.every((x, i) => x > 0 && (i === 0 || x <= values[i - 1]));
    const cosines = await column(8);
    assert.ok(falls(cosines) && cosines[0] <= 1, cosines.join(" "));
    const [p, q] = [await column(10), await column(11)];
    assert.ok(p.every((x, i) => x > 0 && x <= q[i] * 1.01 && q[i] <= 1), `${p} / ${q}`);
    assert.ok((await page.locator("svg.graph text.name").count()) > 3, "heads that are joined are named");
    await page.getByRole("combobox", { name: /^rank by/ }).selectOption("carried");
    await page.waitForFunction(() => /channel=carried/.test(location.hash));
    assert.ok(falls(await column(9)), "ranked by what is carried");
    await page.getByRole("region", { name: "Strongest channels" }).locator("tbody th button").first().click();
    await page.waitForFunction(() => /circuit=ov/.test(location.hash));
  });

  it("answers the paper's question at every step of training", { hash: "#/features?layer=0&head=0&side=src" }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    await page.getByTestId("align-steps").click();
    await page.getByTestId("aligned-sides").filter({ hasText: "At step 4000" }).waitFor({ timeout: 120_000 });
    await page.locator(".progress").waitFor({ state: "detached", timeout: 120_000 });
    const figure = page.getByRole("region", { name: "Alignment through training" }).locator("figure");
    await figure.locator("details").first().evaluate((details) => (details.open = true));
    const rows = await figure.locator("tbody tr").allTextContents();
    assert.equal(rows.length, 14);
    // The sentence says what the last row counts; every q is over the sides of all fourteen steps.
    const last = await figure.locator("tbody tr").last().locator("th, td").allTextContents();
    const [, said] = /^At step 4000, (none|one|\d+) of 48 sides/.exec(await page.getByTestId("aligned-sides").textContent());
    assert.deepEqual([last[0], last[1], last[2]], ["4000", { none: "0", one: "1" }[said] ?? said, "48"]);
    assert.ok(Number(last[5]) > 0.5, `the strongest side of the trained model: ${last[5]}`);
    await figure.scrollIntoViewIfNeeded();
    await picture(page, "features-training");
  });

  it("corrects for all that was compared so far", { hash: "#/features?layer=0&head=0&side=src" }, async (page) => {
    const [verdict, family] = [page.getByTestId("verdict"), page.getByTestId("family")];
    const q = async () => Number(/q ([\d.e-]+)/.exec(await verdict.textContent())[1]);
    await family.filter({ hasText: "64 directions and 4 sides of one head" }).waitFor();
    const alone = await q();
    await page.getByTestId("align-all").click();
    await family.filter({ hasText: "768 directions and 48 sides of 12 heads" }).waitFor({ timeout: 120_000 });
    assert.ok((await q()) > alone, `${alone} for one head, ${await q()} for twelve`);
  });

  it("answers which heads read a word", { hash: "#/features" }, async (page) => {
    await page.getByTestId("verdict").waitFor();
    const failed = page.locator(".page.features .ask", { hasText: "no feature is called" });
    await page.getByRole("searchbox", { name: "feature" }).fill("two words");
    await page.getByRole("button", { name: "find" }).click();
    await failed.first().waitFor();
    await page.getByRole("searchbox", { name: "feature" }).fill("Mary");
    await page.getByRole("button", { name: "find" }).click();
    await failed.first().waitFor({ state: "detached" });
    const rows = page.getByRole("region", { name: "Directions nearest to the feature" }).locator("tbody tr");
    await rows.first().waitFor();
    // Each layer answers by itself; q is over all three.
    await page.locator(".hint", { hasText: "over all 48 sides searched." }).waitFor();
    assert.equal(await rows.count(), 48);
  });

  it("compares a head with the vectors of the others, of its own layer or another", { hash: head }, async (page) => {
    await page.getByRole("combobox", { name: /^dictionary/ }).selectOption("heads-qk");
    const about = page.getByTestId("dictionary");
    await about.filter({ hasText: "QK vectors of the heads of L2" }).waitFor();
    await page.getByTestId("verdict").waitFor();
    const best = page.getByRole("region", { name: "Best features" });
    await best.filter({ hasText: /L2H[023].[uv]_\d/ }).waitFor();
    assert.doesNotMatch(await best.textContent(), /L2H1.[uv]_/, "its own vectors are no part of them");
    assert.match(new URL(page.url()).hash, /dictionary=heads-qk/);
    await page.getByLabel("of the heads of").selectOption({ label: "L0" });
    await about.filter({ hasText: "QK vectors of the heads of L0" }).waitFor();
    await best.filter({ hasText: /L0H\d.[uv]_\d/ }).waitFor();
    assert.match(new URL(page.url()).hash, /of-layer=0/);
  });

  it("takes a dictionary of the reader, and finds a planted direction", { hash: "#/heads?layer=2&head=1&circuit=qk" }, async (page) => {
    await complete(page);
    // The first destination vector of L2H1 as its own dictionary, among noise: its cosine must be one.
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "U, S, V of this head" }).click()]);
    const bytes = readFileSync(await file.path());
    const size = Number(bytes.readBigUInt64LE(0));
    const { u } = JSON.parse(bytes.subarray(8, 8 + size).toString());
    const [rows, columns] = u.shape;
    const at = (i, k) => bytes.readDoubleLE(8 + size + u.data_offsets[0] + 8 * (i * columns + k));
    const planted = Array.from({ length: rows }, (_, i) => at(i, 0));
    const noise = (seed) => Array.from({ length: rows }, (_, i) => Math.sin(seed * 97.3 + i * i * 0.7 + i));
    const line = (name, row) => [name, ...row].join(",");
    const csv = [line("planted", planted), ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed) => line(`noise ${seed}`, noise(seed)))].join("\n");
    writeFileSync(join(scratch, "mine.csv"), csv);
    await page.evaluate(() => (location.hash = "#/features?layer=2&head=1&side=dest&mean=kept"));
    await page.getByTestId("dictionary-file").setInputFiles(join(scratch, "mine.csv"));
    await page.getByTestId("dictionary").filter({ hasText: "9 features" }).waitFor();
    const best = page.getByRole("region", { name: "Best features" }).locator(".end").first().locator("li").first();
    await best.filter({ hasText: "planted" }).waitFor();
    assert.ok(Number(await best.locator(".cosine").textContent()) > 0.999);
  });
});

/** The bytes of a safetensors file with f32 matrices `{ name: [rows, columns] }` of uneven numbers. */
function matrices(shapes) {
  const header = {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const begin = end;
    end += 4 * shape[0] * shape[1];
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const values = Float32Array.from({ length: end / 4 }, (_, i) => Math.sin(1 + i * i * 0.37));
  return Buffer.concat([size, text, Buffer.from(values.buffer)]);
}

describe("A dictionary that leaves something open", () => {
  let session, scratch;
  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), "omega-"));
    session = await start();
  });
  after(async () => {
    await session?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  test("asks which matrix, and whether rows or columns are features", () =>
    withPage(session, { hash: "#/features" }, async (page) => {
      await page.getByTestId("verdict").waitFor();
      writeFileSync(join(scratch, "two.safetensors"), matrices({ square: [64, 64], tall: [9, 64] }));
      await page.getByTestId("dictionary-file").setInputFiles(join(scratch, "two.safetensors"));
      const question = page.getByTestId("dictionary-question");
      await question.getByRole("button", { name: "square" }).click();
      await question.getByRole("button", { name: "a feature is a column" }).click();
      await page.getByTestId("dictionary").filter({ hasText: "64 features" }).waitFor();
      assert.match(page.url(), /matrix=square/);
      await page.getByTestId("verdict").waitFor();
      // Another file is asked anew.
      await page.getByTestId("dictionary-file").setInputFiles([]);
      await page.getByTestId("dictionary-file").setInputFiles(join(scratch, "two.safetensors"));
      await question.getByRole("button", { name: "tall" }).click();
      await page.getByTestId("dictionary").filter({ hasText: "9 features" }).waitFor();
    }));

  test("counts the rows that rotations have seen, and draws them again after a cancel", () =>
    withPage(session, { hash: "#/features" }, async (page) => {
      await page.getByTestId("verdict").waitFor();
      writeFileSync(join(scratch, "large.safetensors"), matrices({ large: [80_000, 64] }));
      await page.getByTestId("dictionary-file").setInputFiles(join(scratch, "large.safetensors"));
      const drawn = page.locator(".progress", { hasText: /features compared with random rotations: \d+ of 80000/ });
      await drawn.waitFor();
      await page.getByRole("button", { name: "cancel: features compared with random rotations" }).click();
      await page.getByTestId("verdict-waits").filter({ hasText: "were not drawn" }).waitFor({ timeout: 60_000 });
      await page.getByTestId("draw").click();
      await page.getByTestId("verdict").waitFor({ timeout: 120_000 });
      await drawn.waitFor({ state: "detached" });
    }));

  test("compares one head's part of an SAE on heads' outputs", () =>
    withPage(session, { hash: "#/features" }, async (page) => {
      await page.getByTestId("verdict").waitFor();
      writeFileSync(join(scratch, "cfg.json"), JSON.stringify({ hook_name: "blocks.1.attn.hook_z" }));
      writeFileSync(join(scratch, "sae.safetensors"), matrices({ W_dec: [20, 64] }));
      await page.getByTestId("dictionary-file").setInputFiles([join(scratch, "cfg.json"), join(scratch, "sae.safetensors")]);
      await page.getByTestId("dictionary").filter({ hasText: "All heads together, taken through W_O." }).waitFor();
      await page.getByLabel("part of the dictionary").selectOption("2");
      await page.getByTestId("dictionary").filter({ hasText: "Only the part of head 2, taken through its W_O." }).waitFor();
    }));
});

for (const [project, flags] of Object.entries(PROJECTS)) {
  describe(`Features ${project}`, () => {
    let session;
    before(async () => (session = await start(flags)));
    after(() => session?.stop());

    /** Standard deviations beyond rotations of every head, as the grid shows them. */
    const compared = async (compute) => {
      let found;
      await withPage(session, { hash: `#/features?compute=${compute}` }, async (page) => {
        await page.getByTestId("verdict").waitFor();
        await page.getByTestId("align-all").click();
        await everyHead(page);
        const shown = await page.locator(".page.features [data-head]").allTextContents();
        const line = await page.getByTestId("compared-by").allTextContents();
        const notices = (await page.locator(".notices").allTextContents()).join(" ");
        found = { z: shown.map((text) => Number(text.replace("−", "-"))), line: line.join(" "), notices };
      });
      return found;
    };

    test("compares all heads alike wherever they are computed", async () => {
      const cpu = await compared("cpu");
      assert.ok(cpu.z.length === 12 && cpu.z.every(Number.isFinite) && cpu.line === "");
      for (const compute of ["gpu", "drill"]) {
        const gpu = await compared(compute);
        // Three digits are shown, and the products are f32 on both.
        gpu.z.forEach((z, i) => assert.ok(Math.abs(z - cpu.z[i]) <= 0.011, `${z} for ${cpu.z[i]}`));
        if (project === "with WebGPU") {
          assert.match(gpu.line, /^Compared on BrowserWebGpu.*: products in f32/);
          assert.match(gpu.notices, compute === "drill" ? /The GPU went away/ : /^$/);
        } else {
          assert.match(gpu.line, /^Compared on the CPU/);
          assert.match(gpu.notices, /The GPU is not used/);
        }
      }
    });
  });
}
