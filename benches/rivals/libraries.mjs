// In the page: one `svd` of a core and one `product` of each library, on the same numbers.

import init, * as omega from "/.tools/rivals/rivals.js";

/** The numbers, made where they are used. */
export async function planted(h, kappa) {
  await init();
  const both = omega.planted(h, kappa);
  const [a, b] = [both.slice(0, h * h), both.slice(h * h)];
  return { h, a, b, core: omega.exact_product(h, a, b) };
}

const own = (found) => ({ s: found.slice(0, -1), orthogonality: found.at(-1) });

/** Largest entry of |UᵀU - I| of a row-major U. */
function orthogonality(u, h) {
  let worst = 0;
  for (let j = 0; j < h; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = j === k ? -1 : 0;
      for (let i = 0; i < h; i++) sum += u[i * h + j] * u[i * h + k];
      // A NaN is no small error.
      if (!(Math.abs(sum) <= worst)) worst = Math.abs(sum);
    }
  }
  return worst;
}

async function jax(device) {
  const { defaultDevice, init: start, numpy: np } = await import("/.tools/node_modules/@jax-js/jax/dist/index.js");
  if (!(await start(device)).includes(device)) throw new Error(`no ${device}`);
  defaultDevice(device);
  const matrix = (values, n) => np.array(Float32Array.from(values)).reshape([n, n]);
  return {
    async svd({ h, core }) {
      const [u, s, v] = np.linalg.svd(matrix(core, h), { fullMatrices: false });
      const [values, vectors] = [await s.data(), await u.data()];
      v.dispose();
      return { s: values, orthogonality: orthogonality(vectors, h) };
    },
    product: async ({ h, a, b }) => np.matmul(matrix(a, h), matrix(b, h).transpose()).data(),
  };
}

export const LIBRARIES = {
  async "ours, wasm"() {
    return {
      svd: ({ h, a, b }) => own(omega.svd(h, a, b)),
      product: ({ h, a, b }) => omega.product(h, Float32Array.from(a), Float32Array.from(b)),
    };
  },
  async "ours, WebGPU"() {
    const device = await omega.Device.request();
    // The page has whole layers to do at a time.
    const copies = device.software() ? 4 : 64;
    return {
      copies,
      svd: async ({ h, a, b }) => own(await device.svd(h, a, b, copies)),
      product: ({ h, a, b }) => device.product(h, Float32Array.from(a), Float32Array.from(b)),
    };
  },
  async "ml-matrix"() {
    await import("/.tools/node_modules/ml-matrix/matrix.umd.js");
    const { Matrix, SVD } = globalThis.mlMatrix;
    const matrix = (values, n) => Matrix.from1DArray(n, n, values);
    return {
      svd({ h, core }) {
        const svd = new SVD(matrix(core, h));
        return { s: svd.diagonal, orthogonality: orthogonality(svd.leftSingularVectors.to1DArray(), h) };
      },
      product: ({ h, a, b }) => matrix(a, h).mmul(matrix(b, h).transpose()).to1DArray(),
    };
  },
  "jax-js, WebGPU": () => jax("webgpu"),
  "jax-js, wasm": () => jax("wasm"),
};
