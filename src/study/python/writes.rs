//! What a head adds to an answer's logit, by the token that it reads and by singular pairs of its OV.

use super::loader::{gain, loader};
use super::{ARRAY, SVD, base64, heading};
use crate::checkpoint::quoting::python;
use crate::circuits::CircuitError;
use crate::circuits::trace::CleanRun;
use crate::model::Weights;
use crate::study::cell::CellAt;
use crate::study::stamp::Stamp;

/// The answer, what it is held against (`None`: the mean of all tokens), and what the final norm divides by.
pub struct AnswerTokens {
    /// The answer's id.
    pub answer: u32,
    /// The other token's.
    pub wrong: Option<u32>,
    /// The final norm's scale at the destination.
    pub scale: f64,
}

/// Code that prints what the head adds by reading each token, then k, sigma, what is written along v_k and its share; `None` where norms
/// stand between the head and the last stream, or between that and W_U more than one map.
///
/// # Errors
/// What reading says.
pub fn writes(
    run: CleanRun<'_>,
    at: CellAt,
    held: AnswerTokens,
    stamp: &Stamp,
) -> Result<Option<String>, CircuitError> {
    let (model, CellAt { layer, head, dest, src }) = (run.model, at);
    let later = model.arch.layers.iter().skip(layer);
    let on_the_way = later.clone().any(|l| l.after_attention.is_some() || l.after_mlp.is_some());
    let normed = later.take(1).any(|l| l.on_attention.is_some());
    let unembedding = model.arch.unembedding.as_ref().filter(|u| u.project.is_none());
    let Some(unembedding) = unembedding.filter(|_| !on_the_way && !normed) else {
        return Ok(None);
    };
    let (d_value, values) = run.mixed_values(layer, head, dest)?;
    let n_src = values.len() / d_value.max(1);
    let against = match held.wrong {
        Some(wrong) => format!("w_u[{wrong}]"),
        None => "w_u.mean(axis=0)".to_owned(),
    };
    let norm = model.arch.final_norm();
    let gains = norm.and_then(gain).map_or_else(String::new, |gain| {
        format!("direction = direction * {gain}  # the final norm\n")
    });
    let centred = norm.is_some_and(|norm| norm.kind.centres());
    let centred = if centred { "direction = direction - direction.mean()\n" } else { "" };
    let prints = format!(
        "What layer {layer}, head {head} adds at position {dest} to the logit of token {} by reading each token; then, for position {src}: \
         k, sigma, written along v_k, its share.",
        held.answer
    );
    Ok(Some(format!(
        "{}{}\n{SVD}\n{ARRAY}\n\
         # Attention times value of each token, as they met in the forward pass; what every value holds anyhow is taken out.\n\
         values = array(\"{}\", {n_src}, {d_value})\n\
         w_u = tensor({})\n\
         direction = {} * (w_u[{}] - {against})\n\
         {gains}{centred}\
         direction = direction / {:e}  # what the final norm divides by here, held\n\
         by_source = values @ w_o @ direction\n\
         print(\"\\n\".join(f\"source {{i}} {{x:.10g}}\" for i, x in enumerate(by_source)))\n\
         u, sigma, v = svd(w_v, w_o.T)\n\
         written = values[{src}] @ w_o @ v\n\
         shares = written * (v.T @ direction)\n\
         print(\"\\n\".join(f\"{{k}} {{s:.10g}} {{w:.10g}} {{x:.10g}}\" for k, (s, w, x) in enumerate(zip(sigma, written, shares))))\n",
        heading(&prints, "python writes.py model.safetensors", stamp),
        loader(model, layer, head, Weights::Folded)?,
        base64(&values),
        python(&unembedding.linear.weight),
        unembedding.scale,
        held.answer,
        held.scale,
    )))
}
