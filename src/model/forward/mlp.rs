//! The MLP of a layer on the CPU.

use super::linear;
use super::products::MlpMaps;
use super::weights::LayerWeights;
use crate::model::ModelError;

/// What the MLP writes, `[n, d_model]`, from what it reads, `x: [n, d_model]`.
pub(super) fn run(
    weights: &LayerWeights<'_>,
    maps: &MlpMaps<'_>,
    x: &[f32],
) -> Result<Vec<f32>, ModelError> {
    let (d, d_mlp, f) = (weights.model.arch.d_model, maps.d_mlp, maps.activation);
    let read = |i: usize| maps.into.get(i).map(|map| linear::apply(weights, *map, x, d));
    let mut hidden = read(0).transpose()?.unwrap_or_default();
    match read(1).transpose()? {
        Some(up) => {
            f.apply(&mut hidden);
            hidden.iter_mut().zip(&up).for_each(|(g, u)| *g *= u);
        }
        None if maps.gated => {
            let mut gated = Vec::with_capacity(hidden.len() / 2);
            for row in hidden.chunks_exact((2 * d_mlp).max(1)) {
                let start = gated.len();
                gated.extend_from_slice(&row[..d_mlp]);
                f.apply(&mut gated[start..]);
                gated[start..].iter_mut().zip(&row[d_mlp..]).for_each(|(g, u)| *g *= u);
            }
            hidden = gated;
        }
        None => f.apply(&mut hidden),
    }
    linear::apply(weights, maps.down, &hidden, d_mlp)
}
