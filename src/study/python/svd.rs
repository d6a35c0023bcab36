//! What the room on the SVD shows: a matrix of two rows and columns, and a head built pair by pair.

use super::heading;
use crate::study::stamp::Stamp;

/// Code that prints, of `Ω` in the plane, where it sends `y`, every singular value with the pair's term of `x Ω yᵀ`, and their sum.
pub fn plane(omega: [[f64; 2]; 2], x: [f64; 2], y: [f64; 2], stamp: &Stamp) -> String {
    format!(
        "{}import numpy as np\n\n\
         omega = np.array({omega:?})\n\
         x, y = np.array({x:?}), np.array({y:?})\n\
         u, sigma, v_t = np.linalg.svd(omega)\n\
         print(\"image\", *(f\"{{e:.10g}}\" for e in omega @ y))\n\
         for k, term in enumerate(sigma * (x @ u) * (v_t @ y)):\n    \
             print(\"pair\", k, f\"sigma {{sigma[k]:.10g}} term {{term:.10g}}\")\n\
         print(f\"score {{x @ omega @ y:.10g}}\")\n",
        heading("A score in the plane as a sum over singular pairs.", "python plane.py", stamp),
    )
}

/// `spectrum`, the code of [`super::spectrum`], continued: the head's matrix from its first `k` pairs and from the others, their sizes, and
/// the share of `‖Ω‖_F²` that the first carry.
pub fn built(spectrum: &str, k: usize) -> String {
    format!(
        "{spectrum}\
         k = {k}\n\
         built = (u[:, :k] * sigma[:k]) @ v[:, :k].T\n\
         missing = (u[:, k:] * sigma[k:]) @ v[:, k:].T\n\
         size, rest = np.linalg.norm(built), np.linalg.norm(missing)\n\
         print(f\"built {{size:.10g}} missing {{rest:.10g}} share {{size ** 2 / (size ** 2 + rest ** 2):.10g}}\")\n"
    )
}
