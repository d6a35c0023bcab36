//! From a model and the traces of a prompt to the split of one head's queries and keys over everything written before.

use super::Split;
use super::builder::{Reader, SplitBuilder, Upstream};
use crate::circuits::error::CircuitError;
use crate::circuits::sad::terms::TermBasis;
use crate::math::Mat;
use crate::model::{AttentionLayer, HeadWeights, LayerTrace, Model, Part, Weights};

/// Why the residual stream of a model is not the sum of its writers, if it is not.
///
/// Where the stream itself is normed after each block (BERT, OPT-350m), no split over writers exists.
pub fn unsplittable(model: &Model, layer: usize) -> Option<String> {
    let before = model.arch.layers.iter().take(layer);
    let normed = before.clone().any(|l| l.after_attention.is_some() || l.after_mlp.is_some());
    let reason = || {
        format!(
            "{} norms the residual stream itself after each block, so it is not the sum of what was written into it",
            model.arch.title
        )
    };
    normed.then(reason)
}

/// The writers behind every query and every key of a head, from the traces of one prompt for layers `0..=layer`.
///
/// `weights` are the head's folded weights and `basis` comes from their SVD. One earlier layer's W_O is in memory at a time.
///
/// # Errors
/// [`CircuitError::Unsplittable`], [`CircuitError::TooFew`] without the traces of all layers up to the head's, or what
/// reading the layers says.
pub fn split_head(
    model: &Model,
    traces: &[LayerTrace],
    (layer, head): (usize, usize),
    weights: &HeadWeights,
    basis: &TermBasis,
) -> Result<(Split, Split), CircuitError> {
    if let Some(reason) = unsplittable(model, layer) {
        return Err(CircuitError::Unsplittable { reason });
    }
    let (found, needed) = (traces.len(), layer + 1);
    let (Some(first), Some(own)) = (traces.first(), traces.get(layer)) else {
        return Err(CircuitError::TooFew { what: "traces of layers".into(), found, needed });
    };
    let attention = model.attention(layer)?;
    let (rope, sizes) = (attention.rope.as_ref(), attention.sizes);
    let angles: Vec<Vec<(f64, f64)>> =
        (0..own.n).filter_map(|at| Some(rope?.angles(at as f64, own.n))).collect();
    let rotate = |at: usize, vector: &mut [f64]| {
        if let (Some(rope), Some(angles)) = (rope, angles.get(at)) {
            rope.rotate(vector, angles);
        }
    };
    let side = |dest: bool| {
        let at = if dest { head } else { sizes.kv_head(head) };
        let (w, bias, g) = if dest {
            (&weights.w_q, &weights.b_q, &basis.g_dest)
        } else {
            (&weights.w_k, &weights.b_k, &basis.g_src)
        };
        let (whole, scales) = if dest { (&own.q, &own.q_scale) } else { (&own.k, &own.k_scale) };
        let reader = Reader {
            w,
            bias,
            g,
            norm_scale: &own.input_scale,
            head_scale: part(scales, own.n, at)?,
            whole: part(whole, own.n * sizes.d_head, at)?,
            rotate: &rotate,
        };
        SplitBuilder::new(reader, &first.resid_pre)
    };
    let (mut dest, mut src) = (side(true)?, side(false)?);
    for (index, trace) in traces.iter().enumerate().take(layer) {
        let (w_o, b_o) = writing(model, index)?;
        let upstream = Upstream {
            pattern: &trace.pattern,
            v: &trace.v,
            w_o: &w_o,
            b_o: &b_o,
            output_scale: &trace.attn_out_scale,
            mlp_out: &trace.mlp_out,
        };
        dest.add(&upstream)?;
        src.add(&upstream)?;
    }
    Ok((dest.finish(), src.finish()))
}

/// Every head's W_O as in the file and the output bias, the gains of a norm on the attention's output multiplied in.
fn writing(model: &Model, layer: usize) -> Result<(Vec<Mat>, Vec<f64>), CircuitError> {
    let attention = AttentionLayer::read(model, layer, Part::Ov)?;
    let heads = (0..attention.n_heads()).map(|head| attention.head(head, Weights::Raw));
    let mut w_o = heads.map(|head| head.map(|head| head.w_o)).collect::<Result<Vec<_>, _>>()?;
    let mut b_o = attention.b_o(Weights::Raw)?;
    if let Some(norm) = &model.layer(layer)?.on_attention {
        let (gains, _) = model.read_norm(norm, model.arch.d_model)?;
        for (d, gain) in gains.iter().enumerate() {
            w_o.iter_mut().for_each(|w| w.column_mut(d).scale_mut(*gain));
            b_o.iter_mut().skip(d).take(1).for_each(|b| *b *= gain);
        }
    }
    Ok((w_o, b_o))
}

fn part(values: &[f32], width: usize, at: usize) -> Result<&[f32], CircuitError> {
    let absent = CircuitError::Shape {
        what: "trace",
        expected: (at + 1, width),
        found: (values.len().checked_div(width).unwrap_or(0), width),
    };
    values.get(at * width..(at + 1) * width).ok_or(absent)
}
