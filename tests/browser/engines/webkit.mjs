// A real WebKit, WebKitGTK's MiniBrowser under Xvfb, driven by plain WebDriver.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const TITLE_BAR = 38;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts it; the verbs are those of `open.mjs`. */
export async function webkit({ width = 1280, height = 900 } = {}) {
  const port = 4444 + (process.pid % 1000);
  const display = `:${90 + (process.pid % 100)}`;
  const home = mkdtempSync(join(tmpdir(), "omega-webkit-"));
  const env = { PATH: process.env.PATH, LANG: "C.UTF-8", HOME: home, XDG_RUNTIME_DIR: home, DISPLAY: display, GDK_BACKEND: "x11", NO_AT_BRIDGE: "1" };
  const screen = spawn("Xvfb", [display, "-screen", "0", `${width + 100}x${height + 200}x24`, "-nolisten", "tcp"], { stdio: "ignore" });
  const driver = spawn("WebKitWebDriver", [`--port=${port}`], { env, stdio: "ignore" });
  const missing = new Promise((_, fail) => [screen, driver].forEach((process) => process.on("error", fail)));
  const end = () => [driver, screen].forEach((process) => process.kill());
  process.on("exit", end);

  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKit, ${path.split("/").at(-1)}: ${value.error}: ${value.message}`);
    return value;
  };
  const ready = async () => {
    for (let tries = 0; !(await call("GET", "/status").catch(() => null)); tries += 1) {
      if (tries > 100) throw new Error("WebKitWebDriver does not answer");
      await sleep(100);
    }
  };
  await Promise.race([ready(), missing]);
  const timeouts = { script: 120_000, pageLoad: 60_000 };
  const { sessionId } = await call("POST", "/session", { capabilities: { alwaysMatch: { timeouts } } });
  const post = (path, body = {}) => call("POST", `/session/${sessionId}${path}`, body);
  const find = async (css) => (await post("/element", { using: "css selector", value: css }))[ELEMENT];
  await post("/window/rect", { width, height: height + TITLE_BAR });
  return {
    goto: (url) => post("/url", { url }),
    // Arguments and results are JSON; an element would be stale by the time it is looked at.
    evaluate: (f, ...args) => post("/execute/sync", { script: `return (${f})(...arguments)`, args }),
    click: async (css) => post(`/element/${await find(css)}/click`),
    choose: async (css, paths) => post(`/element/${await find(css)}/value`, { text: paths.join("\n") }),
    arrowDown: () => post("/actions", { actions: [{ type: "key", id: "keys", actions: ["keyDown", "keyUp"].map((type) => ({ type, value: "\uE015" })) }] }),
    picture: async (path) => writeFileSync(path, Buffer.from(await call("GET", `/session/${sessionId}/screenshot`), "base64")),
    downloads: home,
    close: async () => {
      await call("DELETE", `/session/${sessionId}`).catch(() => {});
      end();
      await sleep(200);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
