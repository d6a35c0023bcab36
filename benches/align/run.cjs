// Times the alignment of one head in view in wasm, one worker, in milliseconds of processor time (so that a busy machine does
// not count); two workers take half each. Build and run:
//   cargo build --release --target wasm32-unknown-unknown
//   wasm-bindgen --target nodejs --out-dir PKG target/wasm32-unknown-unknown/release/align.wasm
//   node run.cjs PKG/align.js
require("../relaxed.cjs");
const { Bench } = require(process.argv[2]);

for (const [name, d, h, n] of [["GPT-2 small", 768, 64, 50257], ["MiniLM", 384, 32, 30522]]) {
  const bench = new Bench(d, h, n);
  const best = (work) => Math.min(...[0, 1, 2].map(() => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  }));
  const survey = best(() => bench.survey());
  const [plain, null16, null64] = [0, 16, 64].map((rotations) => best(() => bench.align(rotations)));
  console.log(`${name}: ${2 * h} directions x ${n} x ${d}: survey ${survey.toFixed(0)} ms, top 10 ${plain.toFixed(0)} ms, ` +
    `with 16 rotations ${null16.toFixed(0)} ms, with 64 ${null64.toFixed(0)} ms`);
}
