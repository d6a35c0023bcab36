// Positional share and the curve of cosines with positions on Heads, against numpy; and bars that move only where motion is welcome.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PROJECTS, ROOT, assertAccessible, complete, measures, picture, python, start, withPage } from "./harness.mjs";

const GOLDEN = JSON.parse(readFileSync(join(ROOT, "tests/golden/positions.json"), "utf8"))["names-folded"];

/** |cos| of u_0 and v_0 of a head of the built-in model's QK with every position, folded. */
const CURVES = `
import json, sys
import numpy as np
from safetensors.numpy import load_file
t = {name: x.astype(np.float64) for name, x in load_file(sys.argv[1]).items()}
layer, head = int(sys.argv[2]), int(sys.argv[3])
qkv = t[f"transformer.h.{layer}.attn.c_attn.weight"] * t[f"transformer.h.{layer}.ln_1.weight"][:, None]
q, k = (qkv[:, 64 * i + 16 * head : 64 * i + 16 * head + 16] for i in (0, 1))
u, _, v_t = np.linalg.svd((q - q.mean(axis=0)) @ (k - k.mean(axis=0)).T)
p = t["transformer.wpe.weight"]
p = p - p.mean(axis=0)
p = p - p.mean(axis=1, keepdims=True)
p = p / np.linalg.norm(p, axis=1, keepdims=True)
print(json.dumps([list(np.abs(p @ u[:, 0])), list(np.abs(p @ v_t[0]))]))
`;

describe("Positions on Heads", () => {
  let session;
  before(async () => (session = await start(PROJECTS["without WebGPU"])));
  after(() => session?.stop());
  const it = (what, options, body) => test(what, (t) => withPage(session, options, (page) => body(page, t)));

  it("are a colour, a number with its chance, and a curve", { hash: "#/heads?colour=positions-u&circuit=qk&layer=0&head=3&k=0" }, async (page) => {
    await complete(page);
    const shown = (await page.locator(".page.heads [data-head]").allTextContents()).map(Number);
    const expected = GOLDEN.heads.map(([[[share]]]) => share);
    shown.forEach((share, i) => assert.ok(Math.abs(share - expected[i]) < 6e-4, `head ${i}: ${share} for ${expected[i]}`));
    assert.match(await page.locator('.page.heads [data-head="0,3"]').getAttribute("title"), /positional share, u 0\.\d+, chance 0\.159, z 17\.4/);
    assert.match(await page.getByTestId("statistics").textContent(), /positional share, v\D+0\.\d+ \(chance 0\.159, z 16\.9\)/);

    const view = page.getByTestId("positions");
    await view.locator("figure svg").waitFor();
    await view.locator("summary").click();
    const [u, v] = JSON.parse(python(CURVES, join(ROOT, "www/models/names/step-04000.safetensors"), "0", "3"));
    for (const [column, numpy] of [[2, u], [3, v]]) {
      const ours = (await measures(view, column)).map(Math.abs);
      assert.equal(ours.length, 32);
      // The page takes its vectors and cosines in f32.
      ours.forEach((cosine, i) => assert.ok(Math.abs(cosine - numpy[i]) < 1e-6, `position ${i}: ${cosine} for ${numpy[i]}`));
    }
    const critical = Number(/±(0\.\d+)/.exec(await view.locator(".hint").textContent())[1]);
    const beyond = u.filter((cosine) => cosine > critical).length;
    assert.match(await view.locator(".hint").textContent(), new RegExp(`u0 at ${beyond} of 32, v0 at`));
    await picture(page, "positions", { fullPage: true });
    await assertAccessible(page);
  });

  for (const reducedMotion of ["no-preference", "reduce"]) {
    it(`bars move from head to head: ${reducedMotion}`, { hash: "#/heads", reducedMotion }, async (page) => {
      await complete(page);
      await page.locator(".spectrum .bars .bar").first().waitFor();
      // They have grown.
      await page.waitForFunction(() => !document.getAnimations().some(({ effect }) => effect.target.matches(".spectrum .bar")));
      const moving = await page.evaluate(async () => {
        document.querySelector('.page.heads [data-head="2,3"]').click();
        for (let frame = 0; frame < 8; frame += 1) {
          await new Promise((next) => requestAnimationFrame(next));
          const moves = document.getAnimations().filter(({ effect }) => effect.target.matches(".spectrum .bar"));
          if (moves.length) return moves.length;
        }
        return 0;
      });
      assert.equal(moving > 0, reducedMotion === "no-preference", `${moving} bars move`);
    });
  }
});
