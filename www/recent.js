// Files that were opened before: names, sizes and dates, and the handles by which this browser lets the page ask for them again. All of it
// lies in this browser's IndexedDB; no content of a file is kept, and nothing leaves the machine.
//
// The page's program asks through `omegaRecent`; every answer is a promise.

const DATABASE = "omega-recent";
const STORE = "opened";
/** Entries that are kept. */
const MOST = 10;
/** Deepest folder and most files that are looked at, as for a folder that is dropped. */
const DEPTH = 6;
const FILES = 2000;

/** Handles of what was dropped or picked last: of files and folders, until a model is opened from them. */
let pending = Promise.resolve([]);
/** What is being noted. */
let noting = Promise.resolve();

// A drop's handles must be asked for while it is being handled; whether a model comes of it is known later.
addEventListener(
  "drop",
  ({ dataTransfer }) => {
    const items = [...(dataTransfer?.items ?? [])].filter(({ kind }) => kind === "file");
    const handles = items.map((item) => item.getAsFileSystemHandle?.().catch(() => null));
    pending = Promise.all(handles).then((all) => all.filter(Boolean));
  },
  true,
);

const settled = (request) =>
  new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });

/** Runs `work` on the entries; what was written is there when it answers. */
async function stored(mode, work) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
  const database = await settled(opening);
  try {
    const transaction = database.transaction(STORE, mode);
    const whole = new Promise((done, failed) => {
      transaction.oncomplete = done;
      transaction.onabort = () => failed(transaction.error);
    });
    const answer = await work(transaction.objectStore(STORE));
    await whole;
    return answer;
  } finally {
    database.close();
  }
}

const newestFirst = (all) => all.sort((a, b) => b.date - a.date);

/** `[id, name, bytes, date, names, askable]` of each entry, the newest first; `names` are those of its files and folders. */
async function list() {
  await noting;
  const all = newestFirst(await stored("readonly", (store) => settled(store.getAll())));
  return all.map(({ id, name, bytes, date, names, handles }) => [id, name, bytes, date, names, handles.length > 0]);
}

/** Notes that the files `[path, bytes]` were opened as `name`. */
function remember(name, files) {
  noting = noting.then(() => note(name, files));
  const noted = noting;
  // What could not be noted hinders nobody who comes after.
  noting = noting.catch(() => {});
  return noted;
}

async function note(name, files) {
  const names = [...new Set(files.map(([path]) => path.split("/")[0]))];
  const dropped = (await pending).filter((handle) => names.includes(handle.name));
  pending = Promise.resolve([]);
  const whole = names.every((wanted) => dropped.some((handle) => handle.name === wanted));
  const entry = { id: JSON.stringify(names), name, bytes: files.reduce((sum, [, bytes]) => sum + bytes, 0), date: Date.now(), names };
  await stored("readwrite", async (store) => {
    const before = newestFirst(await settled(store.getAll())).filter(({ id }) => id !== entry.id);
    store.put({ ...entry, handles: whole ? dropped : [] });
    before.slice(MOST - 1).forEach(({ id }) => store.delete(id));
  });
}

async function walk(handle, path, depth, found) {
  if (found.length >= FILES) return;
  if (handle.kind === "file") found.push([path, await handle.getFile()]);
  else if (depth < DEPTH) for await (const [name, child] of handle.entries()) await walk(child, `${path}/${name}`, depth + 1, found);
}

async function read(handles) {
  const found = [];
  for (const handle of handles) await walk(handle, handle.name, 0, found);
  pending = Promise.resolve(handles);
  return found;
}

/** `[path, file]` of an entry that can be asked for; null where the reader says no. */
async function files(id) {
  const entry = await stored("readonly", (store) => settled(store.get(id)));
  for (const handle of entry?.handles ?? []) {
    const rights = { mode: "read" };
    const known = await (handle.queryPermission?.(rights) ?? "granted");
    if (known !== "granted" && (await handle.requestPermission(rights)) !== "granted") return null;
  }
  return read(entry?.handles ?? []);
}

/** `[path, file]` of what the reader picks; null where nothing is picked. */
async function pick() {
  try {
    return await read(await window.showOpenFilePicker({ multiple: true }));
  } catch (why) {
    if (why.name === "AbortError") return null;
    throw why;
  }
}

const forget = (id) => stored("readwrite", (store) => settled(store.delete(id)));

window.omegaRecent = { list, remember, files, pick, forget };
