// Keeps the page usable without a network: each version of it is stored whole, and served whole.
//
// `.ci/offline.mjs` fills in the two lines below. A new version is fetched in the background and waits until the reader
// asks for it, so that a page never runs with parts of another. Only files of this folder are ever touched.

const VERSION = "";
const FILES = [];

// Another copy of the page on the same host has another scope, and its caches are none of our business.
const OURS = `omega-lens ${self.registration.scope} `;
const CACHE = OURS + VERSION;
const HOME = new URL("./", self.location).href;

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(sweep()));
self.addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event.request));
});

/** Fetches every file of this version, past the browser's own cache, or fails as a whole. */
async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
}

/** Forgets the versions before this one. */
async function sweep() {
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function answer(request) {
  const [address] = request.url.split(/[?#]/);
  const file = address === `${HOME}index.html` ? HOME : address;
  const cache = await caches.open(CACHE);
  return (await cache.match(file)) ?? fetch(request);
}
