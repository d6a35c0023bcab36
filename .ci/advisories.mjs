// Writes tests/supply.json: what RustSec knows about the crates of Cargo.lock, so that a test can hold us to it without the network.
//
//   git clone --depth 1 https://github.com/rustsec/advisory-db /tmp/advisory-db && node .ci/advisories.mjs /tmp/advisory-db

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const git = (...options) => execFileSync("git", ["-C", process.argv[2], ...options], { encoding: "utf8", maxBuffer: 1 << 28 });
const [commit, date] = git("log", "-1", "--format=%H %cs").trim().split(" ");
const crates = [...new Set([...readFileSync("Cargo.lock", "utf8").matchAll(/^name = "(.+)"$/gm)].map(([, name]) => name))].sort();
const paths = git("ls-tree", "-r", "HEAD", "--name-only").split("\n");

const strings = (text, name) => [...(new RegExp(`^${name} = \\[([^\\]]*)\\]`, "m").exec(text)?.[1] ?? "").matchAll(/"([^"]*)"/g)].map(([, s]) => s);
const advisories = [];
for (const path of paths) {
  const [, crate] = /^crates\/([^/]+)\/RUSTSEC-[\d-]+\.md$/.exec(path) ?? [];
  if (!crates.includes(crate)) continue;
  const text = git("show", `HEAD:${path}`);
  const head = /```toml\n([^]*?)```/.exec(text)[1];
  if (/^withdrawn = /m.test(head)) continue;
  const id = /^id = "(.+)"$/m.exec(head)[1];
  const title = /^# (.+)$/m.exec(text)?.[1] ?? "";
  advisories.push({ id, crate, title, patched: strings(head, "patched"), unaffected: strings(head, "unaffected") });
}
const lines = (name, list) => `  "${name}": [\n${list.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n")}\n  ]`;
const source = `  "source": "https://github.com/rustsec/advisory-db at ${commit}, of ${date}"`;
writeFileSync("tests/supply.json", `{\n${source},\n  "crates": ${JSON.stringify(crates)},\n${lines("advisories", advisories)}\n}\n`);
console.log(`${advisories.length} advisories about ${crates.length} crates, of ${date}`);
