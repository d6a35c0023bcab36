//! The difference of one score between two models as a sum over singular pairs.

use super::loader::{READER, matrices};
use super::{ARRAY, SVD, base64, heading};
use crate::circuits::compare::scores::Meeting;
use crate::model::{Model, ModelError};
use crate::study::stamp::Stamp;
use crate::study::vectors::HeadAt;

/// Code that prints the three scores, what the weights and what the streams make of their difference, and `k`, sigma and term of every
/// pair of the change. The head of the model before is `from`, its partner `to`; `met` are the queries and keys of the model before, of the
/// model after at the residuals of the one before, and of the model after.
///
/// # Errors
/// [`ModelError::OutOfRange`] if one of the models has no such layer.
pub fn score_change(
    [before, after]: [&Model; 2],
    (from, to): (HeadAt, usize),
    (dest, src): (usize, usize),
    met: [&Meeting; 3],
    stamp: &Stamp,
) -> Result<String, ModelError> {
    let HeadAt { layer, head, weights, .. } = from;
    let prints = format!(
        "The score of layer {layer}, head {head} before and {to} after, from position {dest} to {src}: its difference as a sum over singular pairs."
    );
    let heading =
        heading(&prints, "python score.py BEFORE.safetensors… -- AFTER.safetensors…", stamp);
    let arrays: Vec<String> = ["a", "x", "b"]
        .iter()
        .zip(met)
        .map(|(name, met)| {
            let part = |x: &[f64]| format!("array(\"{}\", {})", base64(x), x.len());
            format!("q_{name}, k_{name} = {}, {}\n", part(&met.query), part(&met.key))
        })
        .collect();
    Ok(format!(
        "{heading}{READER}\n{SVD}\n{ARRAY}\n{TERMS}\n\
         files = sys.argv[1:]\n\
         split = files.index(\"--\")\n\
         sys.argv[1:] = files[:split]  # the model before\n\
         {}\
         a, b = w_q, w_k\n\
         sys.argv[1:] = files[split + 1:]  # the model after\n\
         {}\
         new_a, new_b = w_q, w_k\n\n\
         # As they met in the forward passes, the score's scale in q: before; after, at the residuals of before; after.\n\
         {}\n\
         print(f\"a {{q_a @ k_a:.10g}} across {{q_x @ k_x:.10g}} b {{q_b @ k_b:.10g}}\")\n\
         streams = terms(new_a, new_b, q_b, k_b)[1] - terms(new_a, new_b, q_x, k_x)[1]\n\
         h = max(a.shape[1], new_a.shape[1])\n\
         wide = lambda m: np.pad(m, [(0, 0)] * (m.ndim - 1) + [(0, h - m.shape[-1])])\n\
         a, b, new_a, new_b, q_a, k_a, q_x, k_x = map(wide, (a, b, new_a, new_b, q_a, k_a, q_x, k_x))\n\
         # (A' - A) B'^T + A (B' - B)^T, and queries and keys beside each other likewise.\n\
         sigma, weights = terms(np.hstack([new_a - a, a]), np.hstack([new_b, new_b - b]), np.hstack([q_x - q_a, q_a]), np.hstack([k_x, k_x - k_a]))\n\
         print(f\"weights {{weights.sum():.10g}} streams {{streams.sum():.10g}}\")\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}} {{t:.10g}}\" for k, (s, t) in enumerate(zip(sigma, weights))))\n",
        matrices(before, layer, head, weights)?,
        matrices(after, layer, to, weights)?,
        arrays.concat(),
    ))
}

/// The terms of `q k^T` over the singular pairs of `a b^T`, from a query and a key that came through the factors.
const TERMS: &str = "\
def terms(a, b, q, k):
    u, s, v = svd(a, b)
    # q = x A, so x u_k = (q A^+) u_k; by columns of one length, for what changed may be far smaller than what was.
    def within(x, m):
        size = np.linalg.norm(m, axis=0)
        size[size == 0] = 1
        return x / size @ np.linalg.pinv(m / size, rcond=1e-12)
    return s, s * (within(q, a) @ u) * (within(k, b) @ v)
";
