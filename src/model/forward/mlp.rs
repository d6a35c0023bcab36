//! The MLP of a layer.

use super::linear;
use super::weights::Weights;
use crate::model::ModelError;
use crate::model::architecture::{Activation, Mlp};

/// What the MLP writes, `[n, d_model]`, from what it reads, `x: [n, d_model]`.
pub(super) fn run(weights: &Weights<'_>, layer: usize, x: &[f32]) -> Result<Vec<f32>, ModelError> {
    let model = weights.model;
    let layer = model.layer(layer)?;
    let d = model.arch.d_model;
    let f = &layer.activation;
    if let Activation::Unknown(name) = f {
        return Err(ModelError::CannotRun {
            reason: format!("its activation {name:?} is not known here"),
        });
    }
    match &layer.mlp {
        Mlp::Plain { up, down } => {
            let d_mlp = linear::d_out(weights, up, d)?;
            let mut hidden = linear::apply(weights, up, x, d, d_mlp)?;
            f.apply(&mut hidden);
            linear::apply(weights, down, &hidden, d_mlp, d)
        }
        Mlp::Gated { gate, up, down } => {
            let d_mlp = linear::d_out(weights, gate, d)?;
            let mut hidden = linear::apply(weights, gate, x, d, d_mlp)?;
            f.apply(&mut hidden);
            let up = linear::apply(weights, up, x, d, d_mlp)?;
            hidden.iter_mut().zip(&up).for_each(|(g, u)| *g *= u);
            drop(up);
            linear::apply(weights, down, &hidden, d_mlp, d)
        }
        Mlp::GatedFused { gate_up, down } => {
            let both = linear::d_out(weights, gate_up, d)?;
            let d_mlp = both / 2;
            let stacked = linear::apply(weights, gate_up, x, d, both)?;
            let mut hidden = Vec::with_capacity(stacked.len() / 2);
            for row in stacked.chunks_exact(both.max(1)) {
                let start = hidden.len();
                hidden.extend_from_slice(&row[..d_mlp]);
                f.apply(&mut hidden[start..]);
                hidden[start..].iter_mut().zip(&row[d_mlp..]).for_each(|(g, u)| *g *= u);
            }
            linear::apply(weights, down, &hidden, d_mlp, d)
        }
        Mlp::Unsupported => {
            Err(ModelError::CannotRun { reason: "its MLP is not known here".into() })
        }
    }
}
