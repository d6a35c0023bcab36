//! One score of one head as a sum over singular vectors.

use super::loader::loader;
use super::{ARRAY, BESIDE, SVD, base64, heading};
use crate::model::{Model, ModelError, Weights};
use crate::study::cell::CellAt;
use crate::study::stamp::Stamp;

/// What the head had before it on the prompt: the numbers that the code carries along.
pub struct LookedAt<'a> {
    /// `[d_head]`: the destination's query as it meets the keys, biases, norms and rotation inside.
    pub q: &'a [f64],
    /// `[n_visible, d_head]`: the keys of the sources that it sees, row-major.
    pub keys: &'a [f64],
    /// Which of those is looked at.
    pub src: usize,
    /// What `q·k` is multiplied with.
    pub scale: f64,
}

/// Code that prints the terms of relative attention: k, sigma, term; then their sum, S and N_recon.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub fn cell(
    model: &Model,
    at: CellAt,
    seen: &LookedAt<'_>,
    stamp: &Stamp,
) -> Result<String, ModelError> {
    let CellAt { layer, head, dest, src } = at;
    let prints = format!(
        "Relative attention of layer {layer}, head {head} from position {dest} to {src} as a sum over singular vectors: \
         k, sigma, term."
    );
    let d_head = seen.q.len();
    let n_visible = seen.keys.len().checked_div(d_head).unwrap_or(0);
    Ok(format!(
        "{}{}\n{SVD}\n{ARRAY}\n\
         # The query of the destination and the keys that it sees, as they met in the forward pass.\n\
         q = array(\"{}\", {d_head})\n\
         keys = array(\"{}\", {n_visible}, {d_head})\n\
         src, scale = {}, {:e}\n\n\
         {}u, sigma, v = svd(w_q, w_k)\n\
         # q = x W_Q, so x u_k = (q W_Q^+) u_k: what each token holds of each singular vector.\n\
         rcond = len(w_q) * np.finfo(np.float32).eps\n\
         dest = q @ np.linalg.pinv(w_q, rcond=rcond) @ u * sigma\n\
         sources = keys @ np.linalg.pinv(w_k, rcond=rcond) @ v\n\
         terms = scale * dest * sources\n\
         relative = terms[src] - np.delete(terms, src, axis=0).mean(axis=0)\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}} {{t:.10g}}\" for k, (s, t) in enumerate(zip(sigma, relative))))\n\
         scores = scale * keys @ q\n\
         total = scores[src] - np.delete(scores, src).mean()\n\
         running = np.cumsum(np.sort(relative * np.sign(total))[::-1])\n\
         n_recon = lambda tau: next((n + 1 for n, r in enumerate(running) if r >= (tau - 5e-6) * abs(total)), None)\n\
         print(f\"relative {{total:.10g}} S {{np.abs(relative).mean() ** 2 / (relative ** 2).mean():.10g}}\", end=\" \")\n\
         print(f\"N_recon {{n_recon(1)}} N_recon_90 {{n_recon(0.9)}}\")\n",
        heading(&prints, "python cell.py model.safetensors", stamp),
        loader(model, layer, head, Weights::Folded)?,
        base64(seen.q),
        base64(seen.keys),
        seen.src,
        seen.scale,
        if model.attention(layer)?.qkv.latent().is_some() { BESIDE } else { "" },
    ))
}
