// The same few verbs over Chromium, Firefox and WebKit. Firefox has a playwright-core of its own: later ones ask Debian's Firefox for a
// command of WebDriver BiDi that it does not have.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { firefox } from "playwright-firefox";
import { webkit } from "./webkit.mjs";

const LAUNCH = {
  chromium: (downloadsPath) =>
    chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-features=WebGPU"], downloadsPath }),
  firefox: (downloadsPath) => firefox.launch({ channel: "moz-firefox", executablePath: process.env.FIREFOX || "/usr/bin/firefox-esr", downloadsPath }),
};

/** A window of `engine` with nothing in it: `goto`, `evaluate`, `click`, `choose` files, `arrowDown`, `picture`, `downloads`, `close`. */
export async function open(engine) {
  if (engine === "webkit") return webkit();
  const downloads = mkdtempSync(join(tmpdir(), "omega-downloads-"));
  const browser = await LAUNCH[engine](downloads);
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (f, ...args) => page.evaluate(`(${f})(...${JSON.stringify(args)})`),
    click: (css) => page.locator(css).first().click(),
    choose: (css, paths) => page.locator(css).setInputFiles(paths),
    arrowDown: () => page.keyboard.press("ArrowDown"),
    picture: (path) => page.screenshot({ path }),
    downloads,
    close: async () => {
      await browser.close();
      rmSync(downloads, { recursive: true, force: true });
    },
  };
}
