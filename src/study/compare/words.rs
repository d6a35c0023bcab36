//! What a change is about: the tokens at both ends of the leading singular pairs of ΔΩ, beside chance.

use super::LayerPair;
use crate::circuits::alignment::{HeadSide, RotationCount, SideAlignment};
use crate::circuits::compare::leading;
use crate::circuits::dictionary::Builtin;
use crate::circuits::omega::Circuit;
use crate::circuits::spectrum::null_from;
use crate::math::ProductSvd;
use crate::model::tokenizer::Tokenizer;
use crate::model::{Model, Weights};
use crate::study::StudyError;
use crate::study::alignment::Comparison;
use crate::study::dictionary::{Comparing, Source, Surveyed};
use crate::study::python;
use crate::study::stamp::Stamp;
use crate::study::vectors::{HeadAt, Vectors};

/// Pairs of ΔΩ that are put into words: they are what the correction of their p-values counts.
const LEADING: usize = 8;

impl LayerPair {
    /// The leading singular pairs of `Ω_B − Ω_A`, at most eight, to be compared with what the first model's vectors are compared
    /// with ([`Vectors::token_sides`]); none where nothing changed.
    ///
    /// # Errors
    /// [`StudyError::NotDecomposed`] for a head without a partner; what reading and decomposing say.
    pub fn difference(&self, head: usize, circuit: Circuit) -> Result<Vectors, StudyError> {
        let [old, new] = self.both(head)?;
        let ((a, b), (new_a, new_b)) = (circuit.factors(&old), circuit.factors(&new));
        let svd = leading((&a, &b), (&new_a, &new_b))?;
        let kept = null_from(&svd.s, a.nrows()).min(LEADING);
        let svd = ProductSvd {
            u: svd.u.columns(0, kept).into_owned(),
            v: svd.v.columns(0, kept).into_owned(),
            s: svd.s.iter().copied().take(kept).collect(),
            ..svd
        };
        let at = HeadAt { layer: self.layer(), head, circuit, weights: self.weights };
        Ok(Vectors::of(at, svd))
    }

    /// The same in Python, from files of both models: see [`python::change`].
    ///
    /// # Errors
    /// [`StudyError::NotDecomposed`] for a head without a partner.
    pub fn python(
        &self,
        models: [&Model; 2],
        head: usize,
        circuit: Circuit,
        stamp: &Stamp,
    ) -> Result<String, StudyError> {
        let to = self.partners(head)?.head_b;
        let from = HeadAt { layer: self.layer(), head, circuit, weights: self.weights };
        Ok(python::change(models, from, to, stamp)?)
    }
}

/// Sides of a change that have one dictionary, in words: the `top` nearest tokens at either end of every pair. No rotations are
/// drawn: their chance level is that of isotropic words.
///
/// # Errors
/// What reading the dictionary, or comparing, says.
pub fn nearest_tokens(
    model: &Model,
    surveyed: &Surveyed,
    (which, sides): (Builtin, Vec<HeadSide>),
    (top, weights): (usize, Weights),
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<SideAlignment>, StudyError> {
    let how = Comparing {
        top,
        rotations: RotationCount::None,
        ..Comparing::with(Source::Model(which), weights)
    };
    let mut comparison = Comparison::new(surveyed, sides, &how)?;
    while comparison.step(model)?.is_some() {}
    let mut report = comparison.finish();
    report.label_with(|row| surveyed.label(&how.source, tokenizer, row));
    Ok(report.sides)
}
