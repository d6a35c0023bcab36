//! A mixture of experts on many positions: each expert is read once and meets all positions that chose it.

use std::collections::BTreeMap;

use super::products::{Map, MlpMaps, Products};
use super::weights::LayerWeights;
use super::{linear, norm};
use crate::model::ModelError;
use crate::model::architecture::{BesideMlp, Layer, Mixture};

/// What a layer's MLP and the mixture beside it write, `[n, d_model]`: what the MLP wrote, and the stream that the mixture reads.
pub(super) async fn beside(
    weights: &LayerWeights<'_>,
    products: &mut impl Products,
    layer: &Layer,
    own: &BesideMlp,
    mlp: &[f32],
    stream: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let d = weights.model.arch.d_model;
    let normed = |norm, x: &[f32]| Ok::<_, ModelError>(norm::maybe(weights, Some(norm), x, d)?.0);
    let mut routed = normed(&own.before_router, stream)?;
    let by_width = (1.0 / (d as f64).sqrt()) as f32;
    routed.iter_mut().for_each(|x| *x *= by_width);
    let read = normed(&own.before, stream)?;
    let written = run(weights, products, layer, &own.mixture, &read, &routed).await?;
    let mut both = normed(&own.on_mlp, mlp)?;
    both.iter_mut().zip(normed(&own.on, &written)?).for_each(|(y, x)| *y += x);
    Ok(both)
}

/// What a mixture writes, `[n, d_model]`, from what its experts read, `x: [n, d_model]`, and what its router reads. Experts that no position
/// chose are not read.
pub(super) async fn run(
    weights: &LayerWeights<'_>,
    products: &mut impl Products,
    layer: &Layer,
    mixture: &Mixture,
    x: &[f32],
    routed: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let d = weights.model.arch.d_model;
    // The choice hangs on the last digits of close scores, so the router runs in one place whoever makes the products.
    let router = Map { linear: &mixture.router, d_out: mixture.experts.len() };
    let logits = linear::apply(weights, router, routed, d)?;
    let correction = match &mixture.correction {
        Some(name) => weights.correction(name, mixture.experts.len())?,
        None => Vec::new(),
    };
    let scale = match &mixture.scale {
        Some(name) => weights.vector(name, mixture.experts.len())?,
        None => Vec::new(),
    };
    let mut users: BTreeMap<usize, Vec<(usize, f32)>> = BTreeMap::new();
    for (position, logits) in logits.chunks_exact(router.d_out.max(1)).enumerate() {
        for (expert, weight) in mixture.routing.choose(logits, &correction) {
            let weight = weight as f32 * scale.get(expert).unwrap_or(&1.0);
            users.entry(expert).or_default().push((position, weight));
        }
    }
    let mut y = vec![0.0; x.len()];
    for (expert, users) in users {
        let Some(expert) = mixture.experts.get(expert) else { continue };
        let on_input = mixture.routing.on_input;
        let read = users.iter().flat_map(|&(position, weight)| {
            let factor = if on_input { weight } else { 1.0 };
            x[position * d..(position + 1) * d].iter().map(move |x| x * factor)
        });
        let read: Vec<f32> = read.collect();
        let written = products.mlp(weights, &MlpMaps::new(weights, layer, expert)?, &read).await?;
        for (row, (position, weight)) in written.chunks_exact(d).zip(users) {
            let factor = if on_input { 1.0 } else { weight };
            let y = &mut y[position * d..(position + 1) * d];
            y.iter_mut().zip(row).for_each(|(y, w)| *y += w * factor);
        }
    }
    if let Some(shared) = &mixture.shared {
        let written = products.mlp(weights, &MlpMaps::new(weights, layer, &shared.mlp)?, x).await?;
        let gates = match &shared.gate {
            Some(linear) => linear::apply(weights, Map { linear, d_out: 1 }, x, d)?,
            None => Vec::new(),
        };
        let rows = y.chunks_exact_mut(d).zip(written.chunks_exact(d));
        for (position, (y, row)) in rows.enumerate() {
            let factor = gates.get(position).map_or(1.0, |gate| 1.0 / (1.0 + (-gate).exp()));
            y.iter_mut().zip(row).for_each(|(y, w)| *y += w * factor);
        }
    }
    Ok(y)
}
