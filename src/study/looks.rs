//! Every head's look from one position of a prompt, a head at a time.

use super::StudyError;
use crate::circuits::CircuitError;
use crate::circuits::omega::{Circuit, decompose};
use crate::circuits::sad::run::{HeadSad, LayerRun, Look};
use crate::circuits::sad::terms::TermBasis;
use crate::model::{AttentionLayer, LayerTrace, Model, Weights};

/// The basis of singular vectors in which one head's scores are taken apart.
///
/// # Errors
/// What reading its matrices or decomposing them says.
pub fn head_basis(
    attention: &AttentionLayer,
    head: usize,
    weights: Weights,
) -> Result<TermBasis, StudyError> {
    Ok(TermBasis::of(&decompose(&attention.head(head, weights)?.whole(), Circuit::Qk)?))
}

/// One head's look, taken apart.
///
/// # Errors
/// [`CircuitError::OutOfRange`] for a layer, head or position that does not exist.
pub fn head_look(
    model: &Model,
    trace: &LayerTrace,
    head: usize,
    basis: &TermBasis,
    look: Look,
) -> Result<HeadSad, StudyError> {
    let (layer, count) = (trace.layer, model.arch.n_layers);
    let absent = CircuitError::OutOfRange { what: "layer", index: layer, count };
    let run = LayerRun::of(&model.arch, trace).ok_or(absent)?;
    Ok(HeadSad::of(&run, (layer, head), basis, look)?)
}
