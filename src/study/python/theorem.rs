//! Theorem 1 on two sets of features: the best head for one pair, and where its singular vectors point.

use super::{ARRAY, base64, heading};
use crate::study::stamp::Stamp;

/// Code that prints the head's first singular values, the cosines of the first features with its singular vectors before and
/// after unwhitening, and how isotropic each set is. `features`: queries and keys, `[N, D]` row-major.
pub fn theorem(features: [&[f64]; 2], d_model: usize, stamp: &Stamp) -> String {
    let [x, y] = features.map(base64);
    let [n_x, n_y] = features.map(|side| side.len().checked_div(d_model).unwrap_or(0));
    let prints = "The head that is asked for 1 on the pair (x_1, y_1) and 0 on every other, by least squares, and Theorem 1.";
    format!(
        "{}import numpy as np\n{ARRAY}\n\
         x = array(\"{x}\", {n_x}, {d_model})  # one feature a row\n\
         y = array(\"{y}\", {n_y}, {d_model})\n\
         target = np.zeros((len(x), len(y)))\n\
         target[0, 0] = 1\n\
         omega = np.linalg.pinv(x) @ target @ np.linalg.pinv(y).T\n\
         u, sigma, v_t = np.linalg.svd(omega)\n\
         print(\"sigma\", *(f\"{{s:.10g}}\" for s in sigma[:2]))\n\
         cos = lambda a, b: abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)\n\
         for name, features, vector in (\"u\", x, u[:, 0]), (\"v\", y, v_t[0]):\n    \
             scatter = features.T @ features\n    \
             eigenvalues = np.linalg.eigvalsh(scatter)\n    \
             c = eigenvalues.mean()\n    \
             norm_e = max(eigenvalues[-1] / c - 1, 1 - eigenvalues[0] / c)\n    \
             regular = eigenvalues[0] > 1e-12 * eigenvalues[-1]\n    \
             average = np.sqrt(1 / np.mean(1 / eigenvalues) / c) if regular else np.nan\n    \
             print(name, f\"cos {{cos(features[0], vector):.10g}} unwhitened {{cos(features[0], scatter @ vector):.10g}}\", end=\" \")\n    \
             print(f\"norm_E {{norm_e:.10g}} A {{average:.10g}}\")\n",
        heading(prints, "python theorem.py", stamp),
    )
}
