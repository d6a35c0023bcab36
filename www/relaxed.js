// Whether the browser has relaxed SIMD, which the workers' program uses: it is asked for a module of one function. Without it, there is another program.
self.omegaRelaxed = WebAssembly.validate(
  new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11]),
);
