//! The feature nearest to every singular direction of one head.

use super::loader::loader;
use super::{SVD, heading};
use crate::checkpoint::quoting::python;
use crate::model::{Model, ModelError};
use crate::study::dictionary::Comparing;
use crate::study::stamp::Stamp;

/// Code that prints, for every direction of one head, the row of the token embeddings nearest to it and their cosine;
/// `None` for models whose embeddings are not one plain tensor.
///
/// # Errors
/// [`ModelError::OutOfRange`] if there is no such layer.
pub fn alignment(
    model: &Model,
    (layer, head): (usize, usize),
    how: &Comparing,
    centre: bool,
    stamp: &Stamp,
) -> Result<Option<String>, ModelError> {
    let Some(embedding) = model.arch.embedding() else { return Ok(None) };
    let (Some(tokens), None) = (&embedding.tokens, &embedding.project) else { return Ok(None) };
    let centred = |x: &str| if centre { format!("{x} - {x}.mean(axis=0)") } else { x.to_owned() };
    let mean = if how.remove_mean {
        "m = unit(x).mean(axis=1)\nm /= np.linalg.norm(m)  # what all features have in common\n"
    } else {
        "m = np.zeros(len(x))\n"
    };
    let prints = format!(
        "The token embedding nearest to every singular direction of layer {layer}, head {head}: side, k, row, cosine."
    );
    Ok(Some(format!(
        "{}{}\n{SVD}\n\
         unit = lambda x: x / np.maximum(np.linalg.norm(x, axis=0), 1e-30)\n\
         x = tensor({}).T  # one feature a column\n\
         x = {}\n\
         {mean}\
         def frame(x):\n    \
             x = {}\n    \
             return unit(x - np.outer(m, m @ x))\n\n\
         features = frame(unit(x))\n\
         (u, _, v), (read, _, write) = svd(w_q, w_k), svd(w_v, w_o.T)\n\
         for side, vectors in dict(dest=u, src=v, read=read, write=write).items():\n    \
             cosines = features.T @ frame(vectors)\n    \
             for k, row in enumerate(np.abs(cosines).argmax(axis=0)):\n        \
                 print(side, k, row, f\"{{abs(cosines[row, k]):.8f}}\")\n",
        heading(&prints, "python features.py model.safetensors", stamp),
        loader(model, layer, head, how.weights)?,
        python(tokens),
        centred("x"),
        centred("x"),
    )))
}
