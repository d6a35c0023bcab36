// Models that the reader keeps on this machine: in the private folder that the browser gives this page (OPFS), which no other page can read.
//
// The page's program asks through `omegaKept`; every answer is a promise. A model is whole once the list of its files is written, the last
// of all; what broke off before is shown as such, and can be kept again or forgotten.

const FOLDER = "omega-models";
const LIST = "list.json";
const TRIES = 4;

let stopping = null;

async function home() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

/** The folder of a model; names of the hub have slashes, which names of folders may not. */
const folder = async (name, options) => (await home()).getDirectoryHandle(encodeURIComponent(name), options);

/** `[path, file]` of a kept model; null if it is not there whole. */
async function files(name) {
  try {
    const there = await folder(name);
    const paths = JSON.parse(await (await (await there.getFileHandle(LIST)).getFile()).text());
    const file = async (path) => [path, await (await there.getFileHandle(encodeURIComponent(path))).getFile()];
    return await Promise.all(paths.map(file));
  } catch {
    return null;
  }
}

/** `[name, bytes, whole]` of all kept models. */
async function list() {
  const found = [];
  for await (const [name, there] of (await home()).entries()) {
    let [bytes, whole] = [0, false];
    for await (const [file, handle] of there.entries()) {
      whole ||= file === LIST;
      bytes += (await handle.getFile()).size;
    }
    found.push([decodeURIComponent(name), bytes, whole]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Keeps the files `[path, address, blob, bytes]` of a model, of which each has an address or a blob; `tell(bytes)` hears how far it is. */
async function keep(name, all, tell) {
  const bytes = all.reduce((sum, [, , , bytes]) => sum + bytes, 0);
  const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
  if (bytes > quota - usage) throw new Error(`the browser has room for ${Math.floor((quota - usage) / 1e6)} MB here`);
  // Whether the browser may clear it when the disk is full; it is kept either way.
  await navigator.storage.persist?.();
  await forget(name);
  const there = await folder(name, { create: true });
  stopping = new AbortController();
  let done = 0;
  const came = (n) => tell((done += n));
  for (const [path, address, blob] of all) {
    const out = await (await there.getFileHandle(encodeURIComponent(path), { create: true })).createWritable();
    try {
      if (blob) {
        await out.write(blob);
        came(blob.size);
      } else await fetched(address, out, came);
    } finally {
      await out.close();
    }
  }
  const out = await (await there.getFileHandle(LIST, { create: true })).createWritable();
  await out.write(JSON.stringify(all.map(([path]) => path)));
  await out.close();
}

/** Writes what lies at an address; a connection that breaks goes on where it broke. */
async function fetched(address, out, came) {
  let at = 0;
  for (let tried = 1; ; tried += 1) {
    try {
      const headers = at ? { Range: `bytes=${at}-` } : {};
      const options = { headers, credentials: "omit", referrerPolicy: "no-referrer", signal: stopping.signal };
      const response = await fetch(address, options);
      if (!response.ok || (at && response.status !== 206)) throw new Error(`the host answers ${response.status}`);
      const reader = response.body.getReader();
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
        await out.write(piece.value);
        at += piece.value.length;
        came(piece.value.length);
      }
      return;
    } catch (why) {
      if (stopping.signal.aborted) throw new Error("it was stopped");
      if (tried === TRIES || why.name === "QuotaExceededError") throw why;
      await new Promise((done) => setTimeout(done, 200 * 4 ** tried));
    }
  }
}

async function forget(name) {
  await (await home()).removeEntry(encodeURIComponent(name), { recursive: true }).catch(() => {});
}

const stop = async () => stopping?.abort();

window.omegaKept = { files, list, keep, forget, stop };
