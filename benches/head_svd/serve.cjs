// Times the wasm head SVD on request: "FILE D H" loads factors, "svd" or "values" runs once and answers in milliseconds.
const fs = require("fs");
const { Head } = require(process.argv[2]);

let head;
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, d, h] = line.split(" ");
  if (d) {
    const bytes = fs.readFileSync(command);
    const both = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    head = new Head(+d, +h, both.subarray(0, d * h), both.subarray(d * h));
    console.log("{}");
    return;
  }
  const start = performance.now();
  const result = head[command]();
  console.log(JSON.stringify({ ms: performance.now() - start, result: Array.from(result) }));
});
