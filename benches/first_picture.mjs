// From the address to the first spectrum of the built-in model, in Chromium: over a line of 10 Mbit/s with the processor slowed four
// times, as a school's laptop may be, and without either.
//
//   node benches/first_picture.mjs [RUNS]     needs dist/ and tests/browser/node_modules; prints a table, medians of RUNS (3)

import { createServer, request } from "node:http";
import { Transform } from "node:stream";
import { claim, start } from "../tests/browser/harness.mjs";
import { median } from "./median.mjs";

/** `address` behind a line of `rate` bytes a second, which all that is on its way shares. */
async function slowed(address, rate) {
  let free = 0;
  let bytes = 0;
  const line = () =>
    new Transform({
      transform(piece, _, done) {
        bytes += piece.length;
        free = Math.max(free, performance.now()) + (1000 * piece.length) / rate;
        setTimeout(() => done(null, piece), free - performance.now());
      },
    });
  const server = createServer(({ url, method, headers }, response) => {
    request(new URL(url, address), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(line()).pipe(response);
    }).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  const close = () => new Promise((done) => server.close(done).closeAllConnections());
  return { address: `http://127.0.0.1:${port}${new URL(address).pathname}`, close, read: () => bytes };
}

/** Seconds until the first spectrum is drawn, and the kilobytes that had come by then. */
async function run(rate, slower) {
  const session = await start();
  const far = await slowed(session.address, rate);
  try {
    // Nothing is kept from a visit before this one.
    const context = await session.browser.newContext({ viewport: { width: 1280, height: 900 } });
    await claim(context, 3);
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: slower });
    const found = {};
    const begun = performance.now();
    const seen = async (what, selector) => {
      await page.locator(selector).first().waitFor({ timeout: 120_000 });
      found[what] = (performance.now() - begun) / 1000;
    };
    await page.goto(far.address, { waitUntil: "commit" });
    await seen("page", "main h1, main h2");
    await seen("picture", ".spectrum svg.bars");
    found.kilobytes = far.read() / 1000;
    await context.close();
    return found;
  } finally {
    await far.close();
    await session.stop();
  }
}

const runs = Number(process.argv[2] ?? 3);
console.log("| line | processor | page, s | first spectrum, s | kB until then |\n|---|---|---|---|---|");
for (const [line, rate, slower] of [["10 Mbit/s", 1.25e6, 4], ["this machine's", 1e12, 1]]) {
  const found = [];
  for (let i = 0; i < runs; i++) found.push(await run(rate, slower));
  const of = (what) => median(found.map((each) => each[what])).toPrecision(3);
  console.log(`| ${line} | ${slower === 1 ? "as it is" : `${slower} times slower`} | ${of("page")} | ${of("picture")} | ${of("kilobytes")} |`);
}
