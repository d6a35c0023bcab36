// A host that behaves like the hub: a list of files, and files that another host sends, in pieces, after a redirect; and one that misbehaves.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { part } from "./server.mjs";

/** Files of one page of a list. */
const PAGE = 2;

/** A key and a certificate that nobody trusts: the browser of the test is told not to mind. */
function credentials() {
  const folder = mkdtempSync(join(tmpdir(), "omega-hub-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
  const options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=huggingface.co".split(" ");
  execFileSync("openssl", [...options, "-keyout", key, "-out", cert], { stdio: "pipe" });
  const found = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return found;
}

/**
 * Starts both hosts. `models`: by id, paths in the model to files here. `asked` lists what was asked for; `wrong` may hold a function
 * that is given request and response first, and returns true where it answered.
 */
export async function hub(models) {
  const pair = credentials();
  const state = { asked: [], wrong: null };
  const open = { "Access-Control-Allow-Origin": "*", "Cache-Control": "no-store" };
  const of = (path) => {
    const [, id, verb, , file] = /^\/(.+?)\/(resolve|tree)\/([^/]+)\/?(.*)$/.exec(path) ?? [];
    return { id: id?.replace(/^api\/models\//, ""), verb, file };
  };
  const answer = (request, response, name) => {
    const path = decodeURIComponent(new URL(request.url, "https://huggingface.co").pathname);
    state.asked.push({ host: name, method: request.method, path, range: request.headers.range, referer: request.headers.referer });
    if (state.wrong?.(request, response, name)) return;
    const { id, verb, file } = of(path);
    const files = models[id];
    if (!files) return response.writeHead(401, open).end("Repository not found");
    if (verb === "tree") {
      // A page of the hub's list holds a thousand files, one of ours a few; the next page's address is in the answer's header.
      const query = new URL(request.url, "https://huggingface.co").searchParams;
      const from = Number(query.get("cursor") ?? 0);
      const list = Object.entries(files).map(([path, here]) => ({ type: "file", oid: "0", path, size: statSync(here).size }));
      const next = `<https://huggingface.co${path}?recursive=true&cursor=${from + PAGE}>; rel="next"`;
      const link = list.length > from + PAGE ? { Link: next, "Access-Control-Expose-Headers": "Link" } : {};
      const body = [{ type: "directory", path: "x", size: 0 }, ...list.slice(from, from + PAGE)];
      return response.writeHead(200, { ...open, ...link, "Content-Type": "application/json" }).end(JSON.stringify(body));
    }
    if (!files[file]) return response.writeHead(404, open).end("Entry not found");
    if (name === "huggingface.co") return response.writeHead(302, { ...open, Location: `https://cdn-lfs.hf.co${request.url}` }).end();
    const bytes = readFileSync(files[file]);
    const range = part(request.headers.range, bytes.length);
    const body = range ? bytes.subarray(range.start, range.end + 1) : bytes;
    response.writeHead(range ? 206 : 200, { ...open, "Content-Type": "application/octet-stream", "Content-Length": body.length });
    response.end(body);
  };
  const servers = await Promise.all(
    ["huggingface.co", "cdn-lfs.hf.co"].map(async (name) => {
      const server = createServer(pair, (request, response) => answer(request, response, name));
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      return { name, server };
    }),
  );
  const rules = servers.map(({ name, server }) => `MAP ${name}:443 127.0.0.1:${server.address().port}`);
  const flags = [`--host-resolver-rules=${rules.join(", ")}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`, "--ignore-certificate-errors"];
  const close = () => Promise.all(servers.map(({ server }) => new Promise((done) => server.close(done).closeAllConnections())));
  return Object.assign(state, { flags, close, open });
}
