// Times the wasm head SVD on request: "FILE D H" loads factors, "svd" or "values" runs once and answers in
// milliseconds of processor time.
require("../relaxed.cjs");
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
  const start = process.cpuUsage();
  const result = head[command]();
  const { user, system } = process.cpuUsage(start);
  console.log(JSON.stringify({ ms: (user + system) / 1e3, result: Array.from(result) }));
});
