// After the programs are built: lays the texts that are fetched beside the page, from where build.rs has set them.
//
// Where that is, cargo's list of what the app was made of knows: the texts that the page carries lie in the same folder.

import { copyFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const { TRUNK_STAGING_DIR: staging, TRUNK_PROFILE: profile, CARGO_TARGET_DIR: target = "target" } = process.env;
const made = readFileSync(join(target, "wasm32-unknown-unknown", profile === "release" ? "app" : "quick", "app.d"), "utf8");
const [, folder] = /(\S(?:[^ ]|(?<=\\) )*)[\\/]glossary\.md/.exec(made) ?? [];
if (!folder) throw new Error("app.d names no lessons: was the app built?");
const texts = folder.replaceAll("\\ ", " ");
mkdirSync(join(staging, "texts"), { recursive: true });
for (const name of readdirSync(texts).filter((name) => name.endsWith(".txt"))) copyFileSync(join(texts, name), join(staging, "texts", name));
