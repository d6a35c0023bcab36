// The page's linear algebra, CPU and WebGPU, against ml-matrix and jax-js from npm, in Chromium: errors beside times.
//
//   node benches/rivals/run.mjs     needs .tools/rivals and .tools/node_modules (.ci/bench makes both)
//
// The task is the [h, h] core of a head. We start from its two factors, as the page does; the others take the product,
// computed in f64. Each library has a page of its own: one that hangs is left behind.

import { PROJECTS, ROOT, start } from "../../tests/browser/harness.mjs";
import { serve } from "../../tests/browser/server.mjs";

const SIZES = [32, 64, 128];
/** Condition of the planted head; 1 is one of normal weights. */
const CASES = { normal: 1, "condition 1e6": 1e6 };
const PRODUCT = 512;
const PATIENCE = 120_000;

/** In the page: all that one library is asked at one size; milliseconds are the best of a second, or of three runs. */
async function measure({ name, sizes: [h, n], cases }) {
  const { LIBRARIES, planted } = await import("/benches/rivals/libraries.mjs");
  const numbers = await Promise.all(cases.map((kappa) => planted(h, kappa)));
  const square = n && (await planted(n, 1));
  const { copies = 1, svd, product } = await LIBRARIES[name]();
  const best = async (work) => {
    // A second also gives engines the time to compile what is hot.
    let [result, ms] = [await work(), Infinity];
    for (let [runs, end] = [0, performance.now() + 1000]; runs < 3 || performance.now() < end; runs++) {
      const start = performance.now();
      result = await work();
      ms = Math.min(ms, performance.now() - start);
    }
    return { ms, result };
  };
  const plain = ({ s, orthogonality }) => ({ s: Array.from(s), orthogonality });
  const timed = await best(() => svd(numbers[0]));
  const found = [plain(timed.result)];
  for (const each of numbers.slice(1)) found.push(plain(await svd(each)));
  const multiplied = n && (await best(() => product(square)));
  if (!n) return { ms: timed.ms / copies, found };
  const largest = square.core.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const error = multiplied.result.reduce((most, x, i) => Math.max(most, Math.abs(x - square.core[i]) / largest), 0);
  return { ms: timed.ms / copies, found, product: { ms: multiplied.ms, error } };
}

const server = await serve(ROOT);
const session = await start(PROJECTS["with WebGPU"]);

async function ask(name, sizes) {
  const page = await session.browser.newPage();
  const blank = `${server.address}rivals.html`;
  await page.route(blank, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html>" }));
  await page.goto(blank);
  const late = new Promise((_, failed) => setTimeout(() => failed(new Error("no answer")), PATIENCE).unref());
  try {
    return await Promise.race([page.evaluate(measure, { name, sizes, cases: Object.values(CASES) }), late]);
  } catch (error) {
    return { failed: error.message.split("\n")[0] };
  } finally {
    await page.close();
  }
}

const digits = (x) => (x >= 100 ? x.toFixed(0) : x.toPrecision(3));
const worst = (found, truth) => found.reduce((most, x, i) => Math.max(most, Math.abs(x / truth[i] - 1)), 0);
const shown = (error) => (Number.isNaN(error) ? "NaN" : error.toExponential(0));

const names = ["ours, wasm", "ours, WebGPU", "ml-matrix", "jax-js, WebGPU", "jax-js, wasm"];
const products = [];
try {
  console.log(`Chromium ${session.browser.version()}, WebGPU by SwiftShader, on the processor.`);
  console.log("SVD: ours in wasm and ml-matrix in f64, the others in f32. Product: ml-matrix in f64, the others in f32.");
  for (const h of SIZES) {
    const errors = Object.keys(CASES).map((name) => `worst σ: ${name}`);
    console.log(`\nA core of ${h} × ${h}\n\n| who | ms | / ours, wasm | ${errors.join(" | ")} | worst |UᵀU − I| |`);
    console.log(`|---|---|---|${"---|".repeat(errors.length + 1)}`);
    let ours;
    for (const name of names) {
      const result = await ask(name, [h, h === SIZES.at(-1) ? PRODUCT : 0]);
      if (result.failed) {
        console.log(`| ${name} | ${result.failed} |`);
        continue;
      }
      ours ??= result;
      const sigma = result.found.map(({ s }, i) => shown(worst(s, ours.found[i].s)));
      const orthogonality = Math.max(...result.found.map((each) => each.orthogonality));
      console.log(`| ${name} | ${digits(result.ms)} | ${digits(result.ms / ours.ms)} | ${sigma.join(" | ")} | ${shown(orthogonality)} |`);
      if (result.product) products.push([name, result.product]);
    }
  }
  console.log(`\nA product of ${PRODUCT} × ${PRODUCT}\n\n| who | ms | GFLOP/s | / ours, wasm | worst entry |\n|---|---|---|---|---|`);
  for (const [name, { ms, error }] of products) {
    const rate = (2 * PRODUCT ** 3) / ms / 1e6;
    console.log(`| ${name} | ${digits(ms)} | ${digits(rate)} | ${digits(ms / products[0][1].ms)} | ${shown(error)} |`);
  }
} finally {
  await session.stop();
  await server.close();
}
