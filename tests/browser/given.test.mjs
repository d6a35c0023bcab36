// Images and sound: a file beside the prompt, the attention that the library computed, and what is no such file.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, complete, drop, picture, start, withPage } from "./harness.mjs";

const fixture = (name, file) => join(ROOT, "tests/golden/families2", name, file);

/** The numbers of one tensor of a safetensors file of f32. */
function tensor(path, name) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const { data_offsets, dtype } = JSON.parse(bytes.subarray(8, 8 + length).toString())[name];
  assert.equal(dtype, "F32");
  const [start, end] = data_offsets.map((offset) => 8 + length + offset);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + end));
}

describe("A file beside the prompt", () => {
  let session, folder;
  before(async () => {
    session = await start(PROJECTS["without WebGPU"]);
    folder = mkdtempSync(join(tmpdir(), "omega-given-"));
  });
  after(() => (session?.stop(), rmSync(folder, { recursive: true, force: true })));
  const it = (what, body) => test(what, () => withPage(session, { hash: "#/heads" }, body));

  /** The model of a fixture open on Attention. */
  const open = async (page, name, title) => {
    await complete(page);
    await drop(page, ["model.safetensors", "config.json"].map((file) => fixture(name, file)));
    await complete(page, title);
    await page.evaluate(() => (location.hash = "#/attention?layer=1&head=1"));
    await page.getByTestId("given-file").waitFor();
  };
  const figure = (page) => page.locator("section[aria-label='Attention pattern']");
  /** Layer 1, head 1, as the page's table of numbers has it: rows of zeros are left out. */
  const shown = async (page) => {
    await figure(page).locator("details").evaluate((details) => (details.open = true));
    await figure(page).locator("tbody tr").first().waitFor();
    return figure(page).locator("tbody tr").evaluateAll((rows) =>
      rows.map((row) => [...row.cells].map((cell) => cell.querySelector("data")?.value ?? cell.textContent)));
  };
  const compare = async (page, expected, n, words) => {
    const rows = await shown(page);
    assert.ok(rows.length > n, `${rows.length} rows`);
    for (const [dest, src, attention] of rows) {
      const [i, j] = [dest, src].map((place) => Number(place.split(" ")[0]));
      const theirs = expected[n * n + i * n + j];
      assert.ok(Math.abs(Number(attention) - theirs) < 1e-4, `${dest} to ${src}: ${attention} against ${theirs}`);
    }
    assert.ok(words.every((word) => rows.some(([dest]) => dest === word)), JSON.stringify(rows.slice(0, 3)));
  };

  it("runs an image, and calls patches by row and column", async (page) => {
    await open(page, "dinov2", "DINOv2");
    await page.getByText("it reads an image (pixel_values), which is given as a file").waitFor();
    const path = fixture("dinov2", "expected.safetensors");
    await page.getByTestId("given-file").setInputFiles(path);
    await figure(page).locator("h2", { hasText: "L1H1" }).waitFor();
    await compare(page, tensor(path, "attention.1"), 17, ["0 [CLS]", "1 0,0", "16 3,3"]);
    const patches = page.getByRole("group", { name: "Tokens of the prompt" }).getByRole("button");
    assert.equal(await patches.count(), 17);
    await patches.nth(3).click();
    await page.getByTestId("explain").waitFor();
    await assertAccessible(page);
    await picture(page, "given");

    // Another file that is none of it is refused beside the field, and the next one runs.
    const wrong = join(folder, "wrong.safetensors");
    writeFileSync(wrong, "hello");
    await page.getByTestId("given-file").setInputFiles(wrong);
    await page.locator(".page.attention .ask", { hasText: "wrong.safetensors" }).waitFor();
    await page.getByTestId("given-file").setInputFiles(path);
    await patches.nth(16).waitFor();
    await page.getByRole("button", { name: "without the file" }).click();
    await page.getByText("it reads an image (pixel_values), which is given as a file").waitFor();
  });

  it("runs sound, and a decoder beside it", async (page) => {
    await open(page, "whisper", "Whisper");
    const path = fixture("whisper", "expected.safetensors");
    await page.getByTestId("given-file").setInputFiles(path);
    const tokens = (whose) => page.getByRole("group", { name: `Tokens of the ${whose}'s prompt` }).getByRole("button");
    await tokens("decoder").nth(8).waitFor();
    assert.deepEqual([await tokens("encoder").count(), await tokens("decoder").count()], [12, 9]);
    await figure(page).locator("h2", { hasText: "enc L1H1" }).waitFor();
    await compare(page, tensor(path, "encoder.attention.1"), 12, ["0 frame\u00a00", "11 frame\u00a011"]);
  });
});
