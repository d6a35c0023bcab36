// Writes the service worker of a finished build: www/sw.js with the list of its files and a version made of their contents.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const dist = process.argv[2];
const files = readdirSync(dist, { recursive: true })
  .map((name) => join(dist, name))
  .filter((path) => statSync(path).isFile())
  .map((path) => relative(dist, path).split(sep).join("/"))
  .filter((name) => name !== "sw.js" && !/(^|\/)\./.test(name))
  .sort();

const hash = createHash("sha256");
for (const name of files) hash.update(name).update(readFileSync(join(dist, name)));

// The host decides whether the first page is called index.html; its folder always works.
const listed = files.map((name) => (name === "index.html" ? "./" : name));
const worker = readFileSync(new URL("../www/sw.js", import.meta.url), "utf8")
  .replace('const VERSION = "";', `const VERSION = "${hash.digest("hex").slice(0, 12)}";`)
  .replace("const FILES = [];", `const FILES = ${JSON.stringify(listed)};`);
writeFileSync(join(dist, "sw.js"), worker);
