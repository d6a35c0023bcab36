//! From a model and the traces of a prompt to the split of one head's queries and keys over everything written before.

use super::Split;
use super::builder::{Reader, SplitBuilder, Upstream};
use crate::circuits::error::CircuitError;
use crate::circuits::sad::terms::TermBasis;
use crate::math::Mat;
use crate::model::architecture::Layer;
use crate::model::forward::EmbeddingPart;
use crate::model::{Architecture, AttentionLayer, HeadWeights, LayerTrace, Model, Part, Weights};

/// Why a latent attention's queries and keys are no sum of shares.
pub(in crate::circuits) const LATENT: &str = "queries and keys come out of latents with norms of their own, so what was \
                                              written before has no fixed share in them";

/// Why the residual stream of a model is not the sum of its writers, if it is not.
///
/// Where the stream itself is normed after each block (BERT, OPT-350m), no split over writers exists.
pub fn unsplittable(model: &Model, layer: usize) -> Option<String> {
    let (arch, title) = (&model.arch, model.arch.title);
    let before = upstream(arch, layer).filter_map(|index| arch.layers.get(index));
    let own = arch.attention(layer);
    if own.is_some_and(|own| own.qkv.latent().is_some()) {
        return Some(LATENT.to_owned());
    }
    if before.clone().any(|l| l.after_attention.is_some() || l.after_mlp.is_some()) {
        return Some(format!(
            "{title} norms the residual stream itself after each block, so it is not the sum of what was written into it"
        ));
    }
    if before.clone().any(|l| l.attention.is_none() || l.mixer.is_some()) {
        return Some(format!(
            "layers of {title} write into the stream by something else than attention too, and that has no heads to split it over"
        ));
    }
    if before.clone().any(Layer::moves_more_than_one_stream) {
        return Some(format!(
            "layers of {title} move more than the one stream that attention and MLP write into, so it is not the sum of what they wrote"
        ));
    }
    let attentions = before.filter_map(|l| l.attention.as_ref());
    if attentions.clone().chain(own).any(|a| a.source.is_some()) {
        return Some(
            "attention to another stream writes into this one, and its sources are not in it"
                .into(),
        );
    }
    let gated = attentions.into_iter().any(|a| a.gated);
    gated.then(|| {
        format!("{title} gates what each head writes, so it is not a sum over what the head saw")
    })
}

/// The layers before `layer` that write into its stream.
fn upstream(arch: &Architecture, layer: usize) -> impl Iterator<Item = usize> + Clone {
    let stream = move |l: usize| arch.stack_of(l).map(|stack| stack.stream);
    (0..layer).filter(move |&index| stream(index) == stream(layer))
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
    let trace_of = |layer: usize| traces.iter().find(|trace| trace.layer == layer);
    let earlier: Vec<usize> = upstream(&model.arch, layer).collect();
    let (found, needed) = (traces.len(), earlier.len() + 1);
    let first = earlier.first().copied().unwrap_or(layer);
    let (Some(first), Some(own)) = (trace_of(first), trace_of(layer)) else {
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
        SplitBuilder::new(reader, embedded(first))
    };
    let (mut dest, mut src) = (side(true)?, side(false)?);
    for index in earlier {
        let few = CircuitError::TooFew { what: "traces of layers".into(), found, needed };
        let trace = trace_of(index).ok_or(few)?;
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
        let (gains, _) = model.read_norm(norm, b_o.len())?;
        for (d, gain) in gains.iter().enumerate() {
            w_o.iter_mut().for_each(|w| w.column_mut(d).scale_mut(*gain));
            b_o.iter_mut().skip(d).take(1).for_each(|b| *b *= gain);
        }
    }
    let layer = model.layer(layer)?;
    let gains = layer.attention_gain.as_ref().map(|name| model.read_vector(name, b_o.len()));
    for (d, gain) in gains.transpose()?.unwrap_or_default().into_iter().enumerate() {
        w_o.iter_mut().for_each(|w| w.column_mut(d).scale_mut(gain));
        b_o.iter_mut().skip(d).take(1).for_each(|b| *b *= gain);
    }
    Ok((w_o, b_o))
}

/// What enters the stream at its first layer, part by part where that is known.
fn embedded(first: &LayerTrace) -> Vec<(EmbeddingPart, &[f32])> {
    match first.embedded.as_slice() {
        [] => vec![(EmbeddingPart::Whole, first.resid_pre.as_slice())],
        parts => parts.iter().map(|(part, values)| (*part, values.as_slice())).collect(),
    }
}

fn part(values: &[f32], width: usize, at: usize) -> Result<&[f32], CircuitError> {
    let absent = CircuitError::Shape {
        what: "trace",
        expected: (at + 1, width),
        found: (values.len().checked_div(width).unwrap_or(0), width),
    };
    values.get(at * width..(at + 1) * width).ok_or(absent)
}
