// Asks the browser to keep this page for times without a network, and says when a newer version is waiting.
//
// The page learns of it by `data-update` and the event `omega-update`; it answers with `omega-update-now`. On a
// developer's own machine nothing is kept, unless the address has `?offline`: a stale build would be no help there.

const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname) && !location.search.includes("offline");
const workers = navigator.serviceWorker;

if (workers && own) {
  for (const registration of await workers.getRegistrations()) {
    if (registration.scope === new URL("./", location).href) registration.unregister();
  }
} else if (workers) {
  keep().catch((why) => console.info(`This page will not work offline: ${why.message}`));
}

async function keep() {
  // The first version ever takes over nothing; what replaces another one is an update.
  const replaces = Boolean(workers.controller);
  const registration = await workers.register("sw.js");
  let asked = false;
  const announce = () => {
    document.documentElement.dataset.update = "ready";
    window.dispatchEvent(new Event("omega-update"));
  };
  const watch = (worker) =>
    worker?.addEventListener("statechange", () => worker.state === "installed" && workers.controller && announce());
  if (registration.waiting && replaces) announce();
  watch(registration.installing);
  registration.addEventListener("updatefound", () => watch(registration.installing));
  workers.addEventListener("controllerchange", () => {
    if (asked) location.reload();
    else if (replaces) announce();
  });
  window.addEventListener("omega-update-now", () => {
    asked = true;
    if (registration.waiting) registration.waiting.postMessage("take over");
    else location.reload();
  });
}
