// Where the time of the 548 MB file goes: from its drop until all heads are drawn, in Chromium with two workers, by stage.
//
//   node benches/stages.mjs     needs dist/, the programs with names that it was made of (target/wasm-bindgen/release), and tests/browser/node_modules
//
// A profile is sampled every half millisecond in the page and in its workers; the time of a function belongs to the nearest of its callers that is
// named below, itself included. Programs with names are those before wasm-opt, a few per cent slower than what is published.

import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { write } from "./shapes.mjs";

const ROOT = join(import.meta.dirname, "..");
const dist = mkdtempSync(join(tmpdir(), "omega-named-"));
cpSync(join(ROOT, "dist"), dist, { recursive: true });
for (const name of readdirSync(dist)) {
  const [, program] = /^(app|worker)-[0-9a-f]+_bg\.wasm(\.gz|\.br)?$/.exec(name) ?? [];
  if (!program) continue;
  if (/\.(gz|br)$/.test(name)) rmSync(join(dist, name));
  else cpSync(join(ROOT, "target/wasm-bindgen/release", `${program}_bg.wasm`), join(dist, name));
}
process.env.OMEGA_DIST = dist;
const { drop, start, withPage } = await import("../tests/browser/harness.mjs");

/** Stages by what their functions are called. */
const STAGES = [
  ["read", /readAsArrayBuffer|worker::(blob|sources)|checkpoint::(source|checkpoint|gather|open|header)/],
  ["words of the head in view", /circuits::(alignment|dictionary)|study::(alignment|dictionary|vectors)|math::(wide|top_k|streamed)|heads::nearest/],
  ["decode", /checkpoint::(tensor|dtype)|math::decode|model::matrix|Matrix::(outputs|inputs|columns|rows)|layout::write_rows/],
  ["fold", /model::(processing|heads|layer|by_head|attention_parts)|fold_|layout::(center_columns|scale_rows)/],
  ["factor", /math::(qr|factor|householder)::|Qr::|Factor::|Reflectors::/],
  ["core", /math::(core_svd|jacobi|pivoted_qr)/],
  ["certificate", /math::certificate|apply_svd|apply_product|probed_norm|::orthogonality/],
  ["statistics", /head_statistics|eigenvalues|circuits::(positional|biases|spectrum)|math::leading/],
  ["send", /postMessage|protocol::|worker::transport|serde/],
];

/** Time by thread and stage, in seconds, from the events of a trace. */
function stages(events) {
  const profiles = new Map();
  for (const { name, pid, id, args } of events) {
    if (name !== "ProfileChunk") continue;
    const key = `${pid} ${id}`;
    if (!profiles.has(key)) profiles.set(key, { nodes: new Map(), time: new Map() });
    const { nodes, time } = profiles.get(key);
    const { cpuProfile: { nodes: added = [], samples = [] } = {}, timeDeltas = [] } = args.data;
    for (const { id, parent, callFrame } of added) nodes.set(id, { parent, name: callFrame.functionName });
    samples.forEach((node, i) => time.set(node, (time.get(node) ?? 0) + timeDeltas[i] / 1e6));
  }
  const sums = new Map();
  const left = new Map();
  for (const { nodes, time } of profiles.values()) {
    const names = [...nodes.values()].map(({ name }) => name);
    const drawing = names.some((name) => /yew::/.test(name));
    for (const [leaf, seconds] of time) {
      let stage = null;
      for (let at = leaf; at !== undefined && !stage; at = nodes.get(at)?.parent) {
        const name = nodes.get(at)?.name ?? "";
        if (at === leaf && /^\((idle|program|root)\)$/.test(name)) stage = "idle";
        else stage = STAGES.find(([, pattern]) => pattern.test(name))?.[0];
      }
      if (stage === "idle") continue;
      const kind = drawing ? "draw" : stage ?? "the rest";
      sums.set(kind, (sums.get(kind) ?? 0) + seconds);
      if (kind === "the rest") left.set(nodes.get(leaf)?.name, (left.get(nodes.get(leaf)?.name) ?? 0) + seconds);
    }
  }
  return { sums, left };
}

const folder = join(ROOT, ".tools/bench/gpt2");
write("gpt2", folder);
const session = await start();
try {
  await withPage(session, { cores: 3 }, async (page) => {
    await page.waitForSelector(".spectrum svg.bars");
    await page.waitForTimeout(1000);
    const browser = page.context().browser();
    const categories = ["disabled-by-default-v8.cpu_profiler", "disabled-by-default-v8.cpu_profiler.hires", "v8"];
    await browser.startTracing(page, { categories });
    const began = performance.now();
    await drop(page, [folder]);
    await page.locator("[data-testid=model] strong", { hasText: "gpt2" }).waitFor({ timeout: 60_000 });
    await page.waitForFunction(() => [...document.querySelectorAll("[data-head]")].every((cell) => cell.textContent !== "…"), null, { timeout: 120_000 });
    const wall = (performance.now() - began) / 1000;
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
    const { sums, left } = stages(traceEvents);
    const all = [...sums.values()].reduce((a, b) => a + b, 0);
    console.log("| stage of all heads, GPT-2 small shape, 548 MB | s of all threads | share |\n|---|---|---|");
    const order = [...STAGES.map(([name]) => name), "draw", "the rest"];
    for (const name of order) console.log(`| ${name} | ${(sums.get(name) ?? 0).toFixed(2)} | ${(100 * (sums.get(name) ?? 0) / all).toFixed(0)} % |`);
    console.log(`| all, in ${wall.toFixed(1)} s | ${all.toFixed(2)} | |`);
    if (process.argv[2]) console.log([...left].sort((a, b) => b[1] - a[1]).slice(0, 20).map(([name, s]) => `${s.toFixed(3)} ${name}`).join("\n"));
  });
} finally {
  await session.stop();
  rmSync(dist, { recursive: true });
}
