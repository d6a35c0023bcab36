// Trains on request: a line of JSON starts a run, a number takes so many steps and answers with milliseconds and the loss.
require("../relaxed.cjs");
const { Run } = require(process.argv[2]);

let run;
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  if (line.startsWith("{")) {
    run = new Run(line);
    console.log("{}");
    return;
  }
  const start = performance.now();
  const loss = run.steps(Number(line));
  console.log(JSON.stringify({ ms: performance.now() - start, loss }));
});
