// The workers' program, the one that this browser can run: fetched while the page's own is on its way, and compiled once, however many workers there are.
//
// The page asks through `omegaProgram`; the answer is a promise of a module. What failed is tried again when it is asked for again.

const address = document.querySelector(`meta[name=${self.omegaRelaxed ? "omega-program" : "omega-program-plain"}]`).content;
let coming = null;

async function compiled() {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the host answers ${response.status}`);
  // Some hosts do not know the type, without which browsers compile nothing as it comes.
  const streams = response.headers.get("Content-Type")?.startsWith("application/wasm");
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

window.omegaProgram = () => {
  coming ??= compiled().catch((why) => {
    coming = null;
    throw why;
  });
  return coming;
};
// Whoever asks hears what went wrong.
window.omegaProgram().catch(() => {});
