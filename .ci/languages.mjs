// After the programs are built: lays the texts of every language but English beside the page, from where build.rs has set them.
//
// Where that is, cargo's list of what the app was made of knows: the English texts lie in the same folder.

import { copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const { TRUNK_STAGING_DIR: staging, TRUNK_PROFILE: profile, CARGO_TARGET_DIR: target = "target" } = process.env;
const made = readFileSync(join(target, "wasm32-unknown-unknown", profile === "release" ? "app" : "quick", "app.d"), "utf8");
const [, folder] = /(\S(?:[^ ]|(?<=\\) )*)[\\/]answers\.md/.exec(made) ?? [];
if (!folder) throw new Error("app.d names no lessons: was the app built?");
const texts = folder.replaceAll("\\ ", " ");
mkdirSync(join(staging, "languages"), { recursive: true });
for (const name of readdirSync(texts).filter((name) => name.endsWith(".txt"))) copyFileSync(join(texts, name), join(staging, "languages", name));
