// Keeps the page usable without a network: each version of it is stored whole, and served whole. The built-in model's earlier training
// steps are as large as all the rest, so each of them is stored when it is first read.
//
// `.ci/offline.mjs` fills in the four lines below. A new version is fetched in the background, is stored only if every file is what its hash
// says (half a deployment is no version), and waits until the reader asks for it. A version stays for as long as a page of it may be
// open: names of programs change with their contents, so that an old page finds its own. Only files of this folder are ever touched.

const VERSION = "";
const FILES = {};
const LATER = {};
const POLICY = "";

importScripts("relaxed.js");

// Another copy of the page on the same host has another scope, and its caches are none of our business.
const OURS = `omega-lens ${self.registration.scope} `;
const CACHE = OURS + VERSION;
const HOME = new URL("./", self.location).href;

self.addEventListener("install", (event) => event.waitUntil(fill()));
// What the first visit reads is kept as well.
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET" || !url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(event.request));
  if (mode === "navigate") event.waitUntil(sweep(event.resultingClientId, event.clientId));
});

/** Fetches every file of this version, past the browser's own cache, or fails as a whole. The program that this browser does not run is none. */
async function fill() {
  const cache = await caches.open(CACHE);
  const other = self.omegaRelaxed ? /_plain\.wasm$/ : /worker-[0-9a-f]+_bg\.wasm$/;
  const files = Object.entries(FILES).filter(([file]) => !other.test(file));
  try {
    await cache.addAll(files.map(([file, integrity]) => new Request(file, { cache: "no-cache", integrity })));
  } catch (why) {
    await caches.delete(CACHE);
    throw why;
  }
}

/** When a page is opened and no other page of ours is open, forgets the versions before this one. */
async function sweep(...opening) {
  // What waits or is being fetched is newer than this version, and stays.
  if (self.registration.waiting || self.registration.installing) return;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.some(({ id, url }) => !opening.includes(id) && url.startsWith(self.registration.scope))) return;
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** This version's file; else that of a version which a page may still run; else the network's. A cache that fails costs the offline copy only. */
async function answer(request) {
  const [address] = request.url.split(/[?#]/);
  const file = address === `${HOME}index.html` ? HOME : address;
  try {
    const ours = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
    for (const name of [CACHE, ...ours]) {
      const found = await (await caches.open(name)).match(file);
      if (found) return bound(found, file);
    }
    const integrity = LATER[file.slice(HOME.length)];
    if (integrity) {
      const fetched = await fetch(file, { cache: "no-cache", integrity });
      await (await caches.open(CACHE)).put(file, fetched.clone());
      return fetched;
    }
  } catch {
    // Storage that is full, forbidden or broken; a file that is not this version's.
  }
  return bound(await fetch(request), file);
}

/**
 * A worker is not bound by the policy in its page, only by what comes with its own program, and a static host sends nothing: from the
 * second visit on it gets the page's policy from here, and tells nobody where it is asked from.
 */
function bound(response, file) {
  if (!POLICY || !response.ok || !/\/worker-[0-9a-f]+_loader\.js$/.test(file)) return response;
  const headers = { "Content-Type": "text/javascript", "Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer" };
  return new Response(response.body, { headers });
}
