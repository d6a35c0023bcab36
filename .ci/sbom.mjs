// What the page is made of, as CycloneDX 1.6: every crate that the two programs are built from, with its licence and its checksum.
// `node .ci/sbom.mjs DIST` writes DIST/sbom.json.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [dist] = process.argv.slice(2);
const checksums = new Map(
  [...readFileSync("Cargo.lock", "utf8").matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"/g)].map(([, name, version, sum]) => [`${name} v${version}`, sum]),
);
const tree = ["tree", "--workspace", "--locked", "--offline", "--target", "wasm32-unknown-unknown", "--edges", "normal", "--prefix", "none", "--format", "{p}|{l}"];
const lines = execFileSync("cargo", tree, { encoding: "utf8" }).split("\n");
const crates = new Map(
  lines.filter(Boolean).map((line) => {
    const [crate, license] = line.replace(/ \((\*|proc-macro|\/.*?)\)/g, "").trim().split("|");
    return [crate, license];
  }),
);
const component = ([crate, expression]) => {
  const [name, version] = crate.split(" v");
  const purl = `pkg:cargo/${name}@${version}`;
  const sum = checksums.get(crate);
  return {
    type: crate.startsWith("omega-lens ") ? "application" : "library",
    "bom-ref": purl,
    name,
    version,
    ...(sum && { hashes: [{ alg: "SHA-256", content: sum }] }),
    // Older crates write "MIT/Apache-2.0".
    licenses: [{ expression: expression.replace(/ *\/ */g, " OR ") }],
    purl,
  };
};
// Crates of this repository are the application, not what it is made of.
const [self, ...libraries] = [...crates].filter(([crate]) => !/^omega-(?!lens )/.test(crate)).map(component);
const bom = { bomFormat: "CycloneDX", specVersion: "1.6", version: 1, metadata: { component: self }, components: libraries };
writeFileSync(join(dist, "sbom.json"), `${JSON.stringify(bom, null, 1)}\n`);
