//! What components write, in full width: a few of them, where a reader's space is not enough.

use super::graph::{Kind, Node};
use super::images::own_values;
use super::run::CleanRun;
use crate::circuits::error::CircuitError;
use crate::math::Mat;
use crate::model::architecture::Norm;
use crate::model::{AttentionLayer, Part, Weights};

/// A component's summand of the stream in front of `front`, `[d_model]`, for each of `nodes`; the norm there not applied.
///
/// # Errors
/// What reading says.
pub fn vectors(
    run: CleanRun<'_>,
    nodes: &[Node],
    front: usize,
) -> Result<Vec<Vec<f64>>, CircuitError> {
    let d_model = run.d_model();
    let mut found = vec![vec![0.0; d_model]; nodes.len()];
    let of = |layer: usize, kinds: &[Kind]| -> Vec<usize> {
        let wanted = |i: &usize| nodes[*i].layer == Some(layer) && kinds.contains(&nodes[*i].kind);
        (0..nodes.len()).filter(wanted).collect()
    };
    for (node, vector) in nodes.iter().zip(&mut found) {
        if node.kind == Kind::Embed {
            copy(vector, &run.trace(0)?.resid_pre, node.dest);
        }
    }
    for layer in 0..front {
        let (trace, description) = (run.trace(layer)?, run.model.layer(layer)?);
        let written = of(layer, &[Kind::Head, Kind::Bias]);
        if !written.is_empty() && run.n_heads(layer) > 0 {
            attention(run, layer, nodes, &written, &mut found)?;
            let norm = description.on_attention.as_ref();
            for &i in &written {
                let bias = nodes[i].kind == Kind::Bias;
                through(run, norm, &trace.attn_out_scale, nodes[i].dest, bias, &mut found[i])?;
            }
        }
        // A norm of the whole stream acts on everything written so far; its bias counts as the layer's.
        let earlier = |i: &usize| {
            nodes[*i].kind == Kind::Embed
                || nodes[*i]
                    .layer
                    .is_some_and(|l| l < layer || (l == layer && nodes[*i].kind != Kind::Mlp))
        };
        for i in (0..nodes.len()).filter(earlier) {
            let bias = nodes[i].kind == Kind::Bias && nodes[i].layer == Some(layer);
            let norm = description.after_attention.as_ref();
            through(run, norm, &trace.after_attn_scale, nodes[i].dest, bias, &mut found[i])?;
        }
        for i in of(layer, &[Kind::Mlp]) {
            copy(&mut found[i], &trace.mlp_out, nodes[i].dest);
        }
        let by_now = |i: &usize| {
            nodes[*i].kind == Kind::Embed || nodes[*i].layer.is_some_and(|l| l <= layer)
        };
        for i in (0..nodes.len()).filter(by_now) {
            let bias = nodes[i].kind == Kind::Bias && nodes[i].layer == Some(layer);
            let norm = description.after_mlp.as_ref();
            through(run, norm, &trace.after_mlp_scale, nodes[i].dest, bias, &mut found[i])?;
        }
    }
    Ok(found)
}

/// Carries what an attention writes at a position to the last stream, through the norms on the way; biases of those are no part of it.
pub(super) fn onward(
    run: CleanRun<'_>,
    layer: usize,
    position: usize,
    x: &mut [f64],
) -> Result<(), CircuitError> {
    let (trace, on) = (run.trace(layer)?, run.model.layer(layer)?.on_attention.as_ref());
    through(run, on, &trace.attn_out_scale, position, false, x)?;
    for layer in layer..run.n_layers() {
        let (trace, description) = (run.trace(layer)?, run.model.layer(layer)?);
        let (attention, mlp) =
            (description.after_attention.as_ref(), description.after_mlp.as_ref());
        through(run, attention, &trace.after_attn_scale, position, false, x)?;
        through(run, mlp, &trace.after_mlp_scale, position, false, x)?;
    }
    Ok(())
}

fn copy(vector: &mut [f64], rows: &[f32], position: usize) {
    let row = rows.get(position * vector.len()..(position + 1) * vector.len());
    vector.iter_mut().zip(row.unwrap_or_default()).for_each(|(v, x)| *v = f64::from(*x));
}

/// What heads and biases of one attention write, before any norm.
fn attention(
    run: CleanRun<'_>,
    layer: usize,
    nodes: &[Node],
    wanted: &[usize],
    found: &mut [Vec<f64>],
) -> Result<(), CircuitError> {
    let attention = AttentionLayer::read(run.model, layer, Part::Ov)?;
    let mut constant = attention.b_o(Weights::Raw)?;
    let biased = wanted.iter().any(|&i| nodes[i].kind == Kind::Bias);
    for head in 0..run.n_heads(layer) {
        let own: Vec<usize> =
            wanted.iter().copied().filter(|&i| nodes[i].head == Some(head)).collect();
        if own.is_empty() && !biased {
            continue;
        }
        let values = own_values(run, &attention, layer, head, &mut constant)?;
        if own.is_empty() {
            continue;
        }
        let w_o: Mat = attention.head(head, Weights::Raw)?.w_o;
        for i in own {
            let Node { dest, src, .. } = nodes[i];
            let attends = run.attends(layer, head, dest, src);
            let written = w_o.tr_mul(&values.column(src)) * attends;
            found[i].copy_from_slice(written.as_slice());
        }
    }
    for &i in wanted.iter().filter(|&&i| nodes[i].kind == Kind::Bias) {
        found[i].copy_from_slice(&constant);
    }
    Ok(())
}

/// Carries a summand through a norm whose scale is held; with `biased` the norm's bias is added.
fn through(
    run: CleanRun<'_>,
    norm: Option<&Norm>,
    scale: &[f32],
    position: usize,
    biased: bool,
    x: &mut [f64],
) -> Result<(), CircuitError> {
    let Some(norm) = norm else { return Ok(()) };
    let (gains, bias) = run.model.read_norm(norm, x.len())?;
    if norm.kind.centres() {
        let mean = x.iter().sum::<f64>() / x.len().max(1) as f64;
        x.iter_mut().for_each(|x| *x -= mean);
    }
    let scale = scale.get(position).copied().map_or(1.0, f64::from);
    x.iter_mut().zip(&gains).for_each(|(x, g)| *x *= g / scale);
    for (x, b) in x.iter_mut().zip(bias.filter(|_| biased).unwrap_or_default()) {
        *x += b;
    }
    Ok(())
}
