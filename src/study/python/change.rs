//! What became of one circuit of one head, from one model to another.

use super::loader::{READER, matrices};
use super::{SVD, heading};
use crate::circuits::omega::Circuit;
use crate::model::{Model, ModelError};
use crate::study::stamp::Stamp;
use crate::study::vectors::HeadAt;

/// Code that prints the size of the change, then `k` and every singular value of `Ω_B − Ω_A`, and holds its vectors as `u` and
/// `v`; the head of the model before is `from`, its partner in the model after is `to`.
///
/// # Errors
/// [`ModelError::OutOfRange`] if one of the models has no such layer.
pub fn change(
    [before, after]: [&Model; 2],
    from: HeadAt,
    to: usize,
    stamp: &Stamp,
) -> Result<String, ModelError> {
    let HeadAt { layer, head, circuit, weights } = from;
    let (factors, name) = match circuit {
        Circuit::Qk => ("w_q, w_k", "Omega = W_Q W_K^T"),
        Circuit::Ov => ("w_v, w_o.T", "OV = W_V W_O"),
    };
    let prints = format!(
        "The change of {name}, layer {layer}, head {head} before and {to} after: its size, then k and sigma."
    );
    let heading =
        heading(&prints, "python change.py BEFORE.safetensors… -- AFTER.safetensors…", stamp);
    Ok(format!(
        "{heading}{READER}\n{SVD}\n\
         files = sys.argv[1:]\n\
         split = files.index(\"--\")\n\
         sys.argv[1:] = files[:split]  # the model before\n\
         {}\
         a, b = {factors}\n\
         sys.argv[1:] = files[split + 1:]  # the model after\n\
         {}\
         new_a, new_b = {factors}\n\n\
         wide = lambda m: np.pad(m, ((0, 0), (0, max(a.shape[1], new_a.shape[1]) - m.shape[1])))\n\
         old = np.linalg.norm(svd(a, b)[1])\n\
         a, b, new_a, new_b = map(wide, (a, b, new_a, new_b))\n\
         # (A' - A) B'^T + A (B' - B)^T: two terms of the size of the difference.\n\
         u, sigma, v = svd(np.hstack([new_a - a, a]), np.hstack([new_b, new_b - b]))\n\
         print(f\"change {{np.linalg.norm(sigma) / old:.10g}}\")\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}}\" for k, s in enumerate(sigma)))\n",
        matrices(before, layer, head, weights)?,
        matrices(after, layer, to, weights)?,
    ))
}
