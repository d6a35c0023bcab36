//! What a head writes by reading one token, as a sum over the singular pairs of its OV matrix.
//!
//! With `OV = W_V W_O = U S Vᵀ` the token's stream x becomes `attention · Σ_k (x·u_k) σ_k v_k`. What the values hold wherever they are
//! read (biases) belongs to the layer and is in no pair.

use super::images::own_values;
use super::run::CleanRun;
use super::writers::onward;
use crate::circuits::error::CircuitError;
use crate::circuits::omega::{Circuit, decompose};
use crate::model::{AttentionLayer, Part, Weights};

use super::graph::Firing;

/// A head's reading of one token, pair by pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// `[rank]`: singular values of OV, null ones left out.
    pub sigma: Vec<f64>,
    /// `[rank]`: how much the token holds of what each pair reads, `x·u_k`, the norm in front applied.
    pub reads: Vec<f64>,
    /// `[rank]`: how much is written along each `v_k`: `attention · σ_k (x·u_k)`.
    pub writes: Vec<f64>,
    /// `[rank][d_model]`: the same as summands of the last stream, norms on the way applied, the final one not.
    pub vectors: Vec<Vec<f64>>,
}

impl Written {
    /// Takes one reading apart; of folded weights.
    ///
    /// # Errors
    /// What reading the head or decomposing it says.
    pub fn of(run: CleanRun<'_>, firing: Firing) -> Result<Self, CircuitError> {
        let Firing { layer, head, dest, src } = firing;
        let attention = AttentionLayer::read(run.model, layer, Part::Ov)?;
        let weights = attention.head(head, Weights::Folded)?;
        let svd = decompose(&weights, Circuit::Ov)?;
        let mut constant = attention.b_o(Weights::Raw)?;
        let values = own_values(run, &attention, layer, head, &mut constant)?;
        let (index, count) = (src, values.ncols());
        if src >= count {
            return Err(CircuitError::OutOfRange { what: "position", index, count });
        }
        // It lies in the span of the v_k: no pseudo-inverse is needed.
        let written = weights.w_o.tr_mul(&values.column(src)) * run.attends(layer, head, dest, src);
        let writes: Vec<f64> =
            (0..svd.rank).map(|k| svd.v.column(k).dot(&written.column(0))).collect();
        let attends = run.attends(layer, head, dest, src);
        let sigma = svd.s[..svd.rank].to_vec();
        let per = |(w, s): (&f64, &f64)| if attends > 0.0 { w / (s * attends) } else { 0.0 };
        let reads = writes.iter().zip(&sigma).map(per).collect();
        let vector = |(k, w): (usize, &f64)| {
            let mut x: Vec<f64> = svd.v.column(k).iter().map(|v| w * v).collect();
            onward(run, layer, dest, &mut x)?;
            Ok(x)
        };
        let vectors = writes.iter().enumerate().map(vector).collect::<Result<_, CircuitError>>()?;
        Ok(Self { sigma, reads, writes, vectors })
    }
}
