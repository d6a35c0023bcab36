// Times the wasm forward pass on request: a line of JSON, {"ids": [...], "n": 16}, runs those prompts and answers with
// milliseconds, each prompt's largest next-token logit and the bytes of wasm memory.
require("../relaxed.cjs");
const fs = require("fs");
const [, , wasm, folder] = process.argv;
const file = fs.openSync(`${folder}/model.safetensors`);
globalThis.readBytes = (start, end) => {
  const bytes = new Uint8Array(end - start);
  fs.readSync(file, bytes, 0, end - start, start);
  return bytes;
};
const { Opened } = require(wasm);
const model = new Opened(fs.fstatSync(file).size, fs.readFileSync(`${folder}/config.json`));
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { ids, n } = JSON.parse(line);
  const start = performance.now();
  const largest = Array.from(model.run(Uint32Array.from(ids), n));
  console.log(JSON.stringify({ ms: performance.now() - start, largest, heap: model.heap() }));
});
