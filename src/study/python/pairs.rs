//! The features that meet in one score, and what every pair of them adds through the singular vectors.

use super::loader::loader;
use super::{ARRAY, BESIDE, SVD, base64, heading};
use crate::circuits::dictionary::Dictionary;
use crate::circuits::pairs::SplitSide;
use crate::model::{Model, ModelError, Weights};
use crate::study::cell::CellAt;
use crate::study::pairs::Meetings;
use crate::study::stamp::Stamp;

/// Code that prints every pair of active features: their numbers, what they add to the score, the singular vector that most of it goes
/// through, and how much. `None` for a dictionary that is not one tensor of a checkpoint.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub fn pairs(
    model: &Model,
    dictionary: &Dictionary,
    found: &Meetings,
    stamp: &Stamp,
) -> Result<Option<String>, ModelError> {
    let Some(rows) = dictionary.python_rows() else { return Ok(None) };
    let CellAt { layer, head, dest, src } = found.at;
    let prints = format!(
        "What pairs of features add to the score of layer {layer}, head {head} from position {dest} to {src}: feature, feature, value, k, \
         value through k."
    );
    let split = &found.split;
    Ok(Some(format!(
        "{}{}\n{SVD}\n{ARRAY}\n\
         rows = {rows}  # a feature of the dictionary each\n\n\
         # The active features of both sides, and what each row is multiplied by: the encoder has made them from the run.\n\
         {}{}scale = {:e}\n\n\
         {}u, sigma, v = svd(w_q, w_k)\n\
         # q = x W_Q, so x u_k = (q W_Q^+) u_k; the norms in front are held at what they divide by in the run.\n\
         rcond = len(w_q) * np.finfo(np.float32).eps\n\
         def image(w, side, vectors):\n    \
             features, times, divisor, turn = side\n    \
             read = rows[features] * times[:, None] @ w / divisor @ turn\n    \
             return read @ np.linalg.pinv(w, rcond=rcond) @ vectors\n\n\
         terms = scale * image(w_q, dest, u * sigma)[:, None] * image(w_k, src, v)[None]\n\
         values = terms.sum(axis=2)\n\
         for i, j in zip(*np.unravel_index(np.argsort(-abs(values), axis=None), values.shape)):\n    \
             k = abs(terms[i, j]).argmax()\n    \
             print(dest[0][i], src[0][j], f\"{{values[i, j]:.10g}}\", k, f\"{{terms[i, j, k]:.10g}}\")\n",
        heading(&prints, "python pairs.py model.safetensors sae_weights.safetensors", stamp),
        loader(model, layer, head, Weights::Folded)?,
        side("dest", &split.dest),
        side("src", &split.src),
        split.scale,
        if model.attention(layer)?.qkv.latent().is_some() { BESIDE } else { "" },
    )))
}

/// One side's active features, their factors, what the norms divide by, and how the head turns there.
fn side(name: &str, side: &SplitSide) -> String {
    let features: Vec<usize> = side.features.iter().map(|feature| feature.feature).collect();
    let times: Vec<f64> = side.features.iter().map(|feature| feature.times).collect();
    let (n, d_head) = (times.len(), side.bias.len());
    let turn = if side.turn.is_empty() {
        format!("np.eye({d_head})")
    } else {
        format!("array(\"{}\", {d_head}, {d_head})", base64(&side.turn))
    };
    format!(
        "{name} = {features:?}, array(\"{}\", {n}), {:e}, {turn}\n",
        base64(&times),
        side.divisor
    )
}
