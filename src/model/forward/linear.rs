//! Linear maps on many positions at once, in `f32`.

use super::products::Map;
use super::weights::LayerWeights;
use crate::math::streamed::add_product;
use crate::model::ModelError;
use crate::model::architecture::{Linear, Orientation};

/// Weights that are decoded at a time: 4 MB, which a core's caches hold until they are used.
const AT_ONCE: usize = 1 << 20;

/// Applies a linear map: `x: [n, d_in]` to `[n, d_out]`, bias included.
pub(super) fn apply(
    weights: &LayerWeights<'_>,
    Map { linear, d_out }: Map<'_>,
    x: &[f32],
    d_in: usize,
) -> Result<Vec<f32>, ModelError> {
    let n = x.len() / d_in.max(1);
    let mut y = vec![0.0; n * d_out];
    weights.parts(linear, d_in, d_out, AT_ONCE, |part| {
        add_product(&mut y, x, d_in, d_out, &part);
    })?;
    if let Some(bias) = weights.bias(linear, d_out)? {
        add_bias(&mut y, &bias);
    }
    Ok(y)
}

/// The number of outputs of a linear map, by its shape in the file.
pub(super) fn d_out(
    weights: &LayerWeights<'_>,
    linear: &Linear,
    d_in: usize,
) -> Result<usize, ModelError> {
    let (shape, axis) = match linear.orientation {
        Orientation::OutIn => ([None, None, Some(d_in)], 1),
        Orientation::InOut => ([None, Some(d_in), None], 2),
    };
    Ok(match linear.member {
        Some(_) => weights.model.check(&linear.weight, &shape)?[axis],
        None => weights.model.check(&linear.weight, &shape[1..])?[axis - 1],
    })
}

pub(super) fn add_bias(y: &mut [f32], bias: &[f32]) {
    for row in y.chunks_exact_mut(bias.len().max(1)) {
        row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
    }
}
