// Writes the service worker of a finished build: www/sw.js with its files, those that are stored when they are first read, what each must
// hash to, a version made of them all, and the policy of the page, which its workers get as well.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

const dist = process.argv[2];
const files = readdirSync(dist, { recursive: true })
  .map((name) => join(dist, name))
  .filter((path) => statSync(path).isFile())
  .map((path) => relative(dist, path).split(sep).join("/"))
  .filter((name) => !["sw.js", "sbom.json"].includes(name) && !/(^|\/)\.|\.(br|gz)$/.test(name))
  .sort();

const version = createHash("sha256");
const [listed, later] = [{}, {}];
// The last training step of a model is the one that the page opens.
const earlier = files.filter((name) => /^models\/.*\/step-\d+\.safetensors$/.test(name)).slice(0, -1);
for (const name of files) {
  const bytes = readFileSync(join(dist, name));
  version.update(name).update(bytes);
  // The host decides whether the first page is called index.html; its folder always works.
  (earlier.includes(name) ? later : listed)[name === "index.html" ? "./" : name] = `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
}

const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(readFileSync(join(dist, "index.html"), "utf8"));

const worker = readFileSync(new URL("../www/sw.js", import.meta.url), "utf8")
  .replace('const VERSION = "";', `const VERSION = "${version.digest("hex").slice(0, 12)}";`)
  .replace("const FILES = {};", `const FILES = ${JSON.stringify(listed)};`)
  .replace("const LATER = {};", `const LATER = ${JSON.stringify(later)};`)
  .replace('const POLICY = "";', `const POLICY = ${JSON.stringify(policy?.[1] ?? "")};`);
writeFileSync(join(dist, "sw.js"), worker);
