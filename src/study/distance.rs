//! The QK spectrum of a rotary head as a query sees keys that stand some tokens back.

use super::StudyError;
use crate::circuits::omega::RotarySpectrum;
use crate::model::rope::Rope;
use crate::model::{AttentionLayer, Weights};

/// How many tokens back, at most.
pub const FARTHEST: usize = 64;

/// The singular values of `Ω_Δ = W_Q R_Δ W_Kᵀ` for every distance Δ from 0 to [`FARTHEST`], each `[d_head]`, descending; nothing for a
/// head that `rope` does not turn whole.
///
/// `Ω_0` is Ω, times the square of the rotary attention factor where the model has one.
///
/// # Errors
/// What reading the head or decomposing it says.
pub fn at_distances(
    attention: &AttentionLayer,
    head: usize,
    weights: Weights,
    rope: Option<&Rope>,
) -> Result<Vec<Vec<f64>>, StudyError> {
    let matrices = attention.head(head, weights)?;
    // Latent attention turns a part of its own, which has a spectrum of its own.
    let Some(rope) = rope.filter(|_| matrices.rotary.is_none()) else { return Ok(Vec::new()) };
    let spectrum = RotarySpectrum::new(&matrices)?;
    let at = |delta| Ok(spectrum.at(rope, delta as f64, FARTHEST + 1)?);
    (0..=FARTHEST).map(at).collect()
}
