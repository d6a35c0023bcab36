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
    let d = maps.down.d_out;
    let into = maps.into.iter().map(|map| linear::apply(weights, *map, x, d));
    let mut hidden = maps.hidden(into.collect::<Result<_, _>>()?);
    if let Some(bias) = maps.bias {
        linear::add_bias(&mut hidden, &weights.vector(bias, maps.d_mlp)?);
    }
    linear::apply(weights, maps.down, &hidden, maps.d_mlp)
}
