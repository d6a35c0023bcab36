//! Theorem 1 on two sets of features: the best head for one pair, and where its singular vectors point. Theorem 3 on features that were
//! trained under a fixed head.

use super::{ARRAY, ISOTROPY, base64, heading};
use crate::study::stamp::Stamp;
use crate::toy::{Entry, Snapshot};

/// Code that prints the head's first singular values, the cosines of the first features with its singular vectors before and
/// after unwhitening, and how isotropic each set is. `features`: queries and keys, `[N, D]` row-major.
pub fn theorem(features: [&[f64]; 2], d_model: usize, stamp: &Stamp) -> String {
    let [x, y] = features.map(base64);
    let [n_x, n_y] = features.map(|side| side.len().checked_div(d_model).unwrap_or(0));
    let prints = "The head that is asked for 1 on the pair (x_1, y_1) and 0 on every other, by least squares, and Theorem 1.";
    format!(
        "{}import numpy as np\n{ARRAY}\n{ISOTROPY}\n\
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
             norm_e, average = isotropy(features)\n    \
             print(name, f\"cos {{cos(features[0], vector):.10g}} unwhitened {{cos(features[0], scatter @ vector):.10g}}\", end=\" \")\n    \
             print(f\"norm_E {{norm_e:.10g}} A {{average:.10g}}\")\n",
        heading(prints, "python theorem.py", stamp),
    )
}

/// Code that prints the smallest cosine of the pair's features with the singular vectors of the fixed head, and the interference of the
/// attended features and of all others, `Σ_{j≠i} cos²(x_i, x_j)` on average. `frame`: with its arrays.
pub fn theorem_3(frame: &Snapshot, pair: &Entry, stamp: &Stamp) -> String {
    let n = frame.bias.len();
    let d = frame.features.len().checked_div(n).unwrap_or(0);
    let wide = |values: &mut dyn Iterator<Item = &f32>| {
        base64(&values.map(|x| f64::from(*x)).collect::<Vec<_>>())
    };
    let n_columns = frame.u.len().checked_div(d).unwrap_or(1).max(1);
    format!(
        "{}import numpy as np\n{ARRAY}\n\
         x = array(\"{}\", {n}, {d})  # one feature a row\n\
         u, v = array(\"{}\", {d}), array(\"{}\", {d})  # of the head\n\
         query, key = {}, {}\n\
         unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)\n\
         squares = (unit @ unit.T) ** 2\n\
         interference = squares.sum(axis=1) - np.diag(squares)\n\
         served = np.isin(np.arange(len(x)), [query, key])\n\
         print(f\"cos {{min(abs(unit[query] @ u), abs(unit[key] @ v)):.10g}}\", end=\" \")\n\
         print(f\"attended {{interference[served].mean():.10g}} others {{interference[~served].mean():.10g}}\")\n",
        heading(
            "Theorem 3: features trained under a fixed head, and in whose way they stand.",
            "python theorem-3.py",
            stamp
        ),
        wide(&mut frame.features.iter()),
        wide(&mut frame.u.iter().step_by(n_columns)),
        wide(&mut frame.v.iter().step_by(n_columns)),
        pair.query,
        pair.key,
    )
}
