// A static file server on 127.0.0.1: of the tests, and of `make serve` (node server.mjs DIRECTORY PORT).

import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** The packed copy that lies beside a file and that the browser can read, if there is one; one older than its file is not it. */
async function smaller(file, mtimeMs, accepted) {
  for (const [encoding, ending] of [["br", ".br"], ["gzip", ".gz"]]) {
    const path = file + ending;
    const found = accepted.includes(encoding) && (await stat(path).catch(() => null));
    if (found && found.mtimeMs >= mtimeMs) return { path, encoding, size: found.size };
  }
  return null;
}

const packing = promisify(brotliCompress);
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const packs = new Map();

/** A file packed on its way, where no packed copy of it lies there: kept until the file changes. Null for what is packed already. */
async function packed(file, mtimeMs, accepted) {
  if (!accepted.includes("br") || !(extname(file) in TYPES) || extname(file) === ".png") return null;
  if (packs.get(file)?.mtimeMs !== mtimeMs) packs.set(file, { mtimeMs, bytes: packing(await readFile(file), quick) });
  return packs.get(file).bytes;
}

/** The first and last byte of a single range that lies in a file of `size` bytes; null for anything else. */
export function part(header, size) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header ?? "") ?? [];
  const range = { start: Number(first), end: Math.min(Number(last), size - 1) };
  return range.start <= range.end ? range : null;
}

/**
 * Serves `directory` under `prefix` until `close()`; port 0 takes any free one.
 *
 * A prefix shows that every address on the page is relative. Returns the address to open.
 */
export async function serve(directory, { port = 0, prefix = "/" } = {}) {
  const root = resolve(directory);
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const inside = path.startsWith(prefix) ? normalize(`/${path.slice(prefix.length)}`) : null;
    const file = inside && join(root, inside.endsWith("/") ? `${inside}index.html` : inside);
    const found = file && (await stat(file).catch(() => null));
    if (!found?.isFile()) {
      response.writeHead(404).end("Not found");
      return;
    }
    // A file may go while it is sent: the answer breaks off.
    const send = (path, range) => createReadStream(path, range).on("error", () => response.destroy()).pipe(response);
    const range = part(request.headers.range, found.size);
    if (range) {
      response.writeHead(206, {
        "Content-Length": range.end - range.start + 1,
        "Content-Range": `bytes ${range.start}-${range.end}/${found.size}`,
        "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      });
      send(file, range);
      return;
    }
    const accepted = request.headers["accept-encoding"] ?? "";
    const copy = await smaller(file, found.mtimeMs, accepted);
    const bytes = copy ? null : await packed(file, found.mtimeMs, accepted).catch(() => null);
    response.writeHead(200, {
      "Cache-Control": "no-cache",
      "Content-Length": copy?.size ?? bytes?.length ?? found.size,
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Accept-Ranges": "bytes",
      "Vary": "Accept-Encoding",
      "X-Content-Type-Options": "nosniff",
      ...(copy && { "Content-Encoding": copy.encoding }),
      ...(bytes && { "Content-Encoding": "br" }),
    });
    if (bytes) response.end(bytes);
    else send(copy?.path ?? file);
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, "127.0.0.1", done));
  const address = `http://127.0.0.1:${server.address().port}${prefix}`;
  const close = () => new Promise((done) => server.close(done).closeAllConnections());
  return { address, close };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [directory, port] = process.argv.slice(2);
  try {
    const { address } = await serve(directory, { port: Number(port) });
    console.log(`Omega Lens is at ${address}\nPress Ctrl-C to stop.`);
  } catch (error) {
    const why = error.code === "EADDRINUSE" ? `port ${port} is in use by another program` : error.message;
    console.error(`Cannot serve: ${why}.`);
    process.exit(1);
  }
}
