//! The spectrum of one circuit of one head.

use super::loader::loader;
use super::{SVD, heading};
use crate::circuits::omega::Circuit;
use crate::model::{Model, ModelError};
use crate::study::stamp::Stamp;
use crate::study::vectors::HeadAt;

/// Code that prints `k` and the singular value for every k, and holds the vectors as `u` and `v`.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub fn spectrum(model: &Model, at: HeadAt, stamp: &Stamp) -> Result<String, ModelError> {
    let HeadAt { layer, head, .. } = at;
    let (factors, name) = match at.circuit {
        Circuit::Qk => ("w_q, w_k", "Omega = W_Q W_K^T"),
        Circuit::Ov => ("w_v, w_o.T", "OV = W_V W_O"),
    };
    let prints = format!("Singular values of {name}, layer {layer}, head {head}: k, sigma.");
    Ok(format!(
        "{}{}\n{SVD}\n\
         u, sigma, v = svd({factors})\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}}\" for k, s in enumerate(sigma)))\n",
        heading(&prints, "python spectrum.py model.safetensors", stamp),
        loader(model, layer, head, at.weights)?,
    ))
}
