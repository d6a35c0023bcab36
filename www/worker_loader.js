// Starts a worker of the page. What reads prompts in words is a program of its own, fetched when the first one comes.

import init from "./worker.js";

// A browser may remember that an address failed.
let failures = 0;

self.omegaEncoder = async () => {
  try {
    const { default: start, Encoder } = await import(failures ? `./tokenizer.js?${failures}` : "./tokenizer.js");
    await start();
    return Encoder;
  } catch (why) {
    failures += 1;
    throw why;
  }
};

// The first message is the program itself, which the page has compiled; from then on the program listens.
self.onmessage = ({ data }) => init({ module_or_path: data }).catch(reportError);
