// What a finished build still needs: workers' programs whose names change with their contents, a policy that allows nothing but the page itself,
// and, with `--compress`, a .br and a .gz beside every file that gets smaller.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [dist, option] = process.argv.slice(2);
const read = (name) => readFileSync(join(dist, name), "utf8");
const write = (name, text) => writeFileSync(join(dist, name), text);

// A page of one version must never start a program of another: the names in it are of its own version only.
const programs = ["worker.js", "worker_bg.wasm", "worker_plain.wasm", "worker_loader.js", "tokenizer.js", "tokenizer_bg.wasm"];
const version = createHash("sha256").update(Buffer.concat(programs.map((name) => readFileSync(join(dist, name))))).digest("hex").slice(0, 16);
const versioned = (name) => name.replace(/^(worker|tokenizer)/, `$1-${version}`);
for (const name of programs) {
  if (name.endsWith(".js")) write(name, programs.reduce((text, other) => text.replaceAll(other, versioned(other)), read(name)));
  renameSync(join(dist, name), join(dist, versioned(name)));
}

// Only what index.html itself says inline may run; everything else comes from this folder. `style-src-attr`: charts set sizes and colours.
let index = read("index.html").replace(/content="\.\/(worker[^"]*)"/g, (_, name) => `content="./${versioned(name)}"`);
const inline = [...index.matchAll(/<script(?: type="module")?>([^]*?)<\/script>/g)].map(([, text]) => {
  const hash = createHash("sha256").update(text).digest("base64");
  return `'sha256-${hash}'`;
});
// Checkpoints are read from the hosts in www/hosts and no others, once the reader has said so.
const listed = readFileSync(new URL("../www/hosts", import.meta.url), "utf8").split("\n").filter((line) => !line.startsWith("#"));
const hosts = [...listed, ...(process.env.OMEGA_HOSTS ?? "").split(" ")].filter(Boolean).join(" ");
const policy = [
  "default-src 'none'",
  `script-src 'self' 'wasm-unsafe-eval' ${inline.join(" ")}`,
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data: blob:",
  `connect-src 'self' ${hosts}`,
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
index = index.replace('<meta charset="utf-8" />', `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`);
write("index.html", index);

if (option === "--compress") {
  for (const name of readdirSync(dist, { recursive: true })) {
    const path = join(dist, name);
    if (!statSync(path).isFile() || !/\.(js|wasm|css|html|json|md|svg|txt|webmanifest)$/.test(name)) continue;
    const bytes = readFileSync(path);
    const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
    const packed = { ".br": brotliCompressSync(bytes, best), ".gz": gzipSync(bytes, { level: 9 }) };
    for (const [ending, smaller] of Object.entries(packed)) if (smaller.length < bytes.length) writeFileSync(path + ending, smaller);
  }
}
