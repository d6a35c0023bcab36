//! The dictionaries that a worker remembers: surveyed once, however many questions are asked about them.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Engine, Files};
use crate::circuits::dictionary::{Builtin, FileChoice};
use crate::circuits::omega::Circuit;
use crate::model::Weights;
use crate::protocol::{Failure, FilesId};
use crate::study::dictionary::{Comparing, Source, Surveyed, Surveying, Whitening};
use crate::study::positions::PositionTable;

/// Bytes of each file that stay at hand until a question is answered: what is surveyed is read again to be compared. GPT-2's embeddings have 154 MB.
const AT_HAND: u64 = 192 << 20;

/// Dictionaries that were surveyed.
#[derive(Default)]
pub(super) struct Shelf {
    builtin: HashMap<(Builtin, Weights), Surveyed>,
    /// The reader's own, and what makes it another one.
    own: Option<(Option<Own>, Surveyed)>,
    /// The singular vectors of the layer that was asked for last.
    heads: Option<(OfHeads, Surveyed)>,
    positions: HashMap<Weights, Option<Arc<PositionTable>>>,
}

/// Which of the reader's dictionaries: the number of its files, what was said of them, and the convention.
#[derive(PartialEq)]
struct Own {
    files: FilesId,
    choice: FileChoice,
    weights: Weights,
}

/// Which vectors of heads: the layer, the circuit, and the convention.
type OfHeads = (usize, Circuit, Weights);

impl Engine {
    /// The model's position embeddings, read once; `None` where it has none in its residual stream.
    pub(super) fn positions(
        &mut self,
        weights: Weights,
    ) -> Result<Option<Arc<PositionTable>>, Failure> {
        if let Some(known) = self.shelf.positions.get(&weights) {
            return Ok(known.clone());
        }
        let found = PositionTable::read(self.model()?, weights)?.map(Arc::new);
        self.shelf.positions.insert(weights, found.clone());
        Ok(found)
    }

    /// Makes a dictionary ready: one of the model's, or the reader's own from the files that came with the question.
    pub(super) fn survey(
        &mut self,
        source: &Source,
        files: Files,
        weights: Weights,
    ) -> Result<(), Failure> {
        let own = match source {
            Source::Model(which) if self.shelf.builtin.contains_key(&(*which, weights)) => {
                return Ok(());
            }
            Source::Heads { layer, circuit } => {
                let of = (*layer, *circuit, weights);
                if self.shelf.heads.as_ref().is_some_and(|(known, _)| *known == of) {
                    return Ok(());
                }
                // Two layers of a large model need not be in memory.
                self.shelf.heads = None;
                None
            }
            Source::Model(_) => None,
            // Without files, the one that came last is meant.
            Source::Own(_) if files.sources.is_empty() => {
                return self.surveyed(source, weights).map(|_| ());
            }
            // Files without a number are read whenever they come.
            Source::Own(choice) => {
                let own = files.id.map(|files| Own { files, choice: choice.clone(), weights });
                if own.is_some() && self.shelf.own.as_ref().is_some_and(|(known, _)| *known == own)
                {
                    return Ok(());
                }
                own
            }
        };
        let model = self.model()?;
        model.checkpoint.keep(AT_HAND);
        let mut surveying = Surveying::new(model, source, files.sources, weights)?;
        while surveying.step(model)? {}
        let surveyed = surveying.finish();
        match (source, own) {
            (Source::Own(_), own) => self.shelf.own = Some((own, surveyed)),
            (Source::Model(which), _) => {
                self.shelf.builtin.insert((*which, weights), surveyed);
            }
            (Source::Heads { layer, circuit }, _) => {
                self.shelf.heads = Some(((*layer, *circuit, weights), surveyed));
            }
        }
        Ok(())
    }

    /// A dictionary that [`Engine::survey`] made ready.
    pub(super) fn surveyed(&self, source: &Source, weights: Weights) -> Result<&Surveyed, Failure> {
        let found = match source {
            Source::Model(which) => self.shelf.builtin.get(&(*which, weights)),
            Source::Own(_) => self.shelf.own.as_ref().map(|(_, surveyed)| surveyed),
            Source::Heads { .. } => self.shelf.heads.as_ref().map(|(_, surveyed)| surveyed),
        };
        found.ok_or_else(|| Failure::new("no dictionary file was given"))
    }

    /// Makes a dictionary ready for what is asked of one head, whose own vectors are no part of it.
    pub(super) fn survey_beside(
        &mut self,
        source: &Source,
        files: Files,
        weights: Weights,
        head: Option<(usize, usize)>,
    ) -> Result<(), Failure> {
        self.survey(source, files, weights)?;
        if let (Some((_, surveyed)), Some(model)) = (&mut self.shelf.heads, &self.model) {
            surveyed.leave_out(model, head);
        }
        Ok(())
    }

    /// Makes a dictionary ready for a comparison with `head`, or with heads that have no part in it: surveyed, and with its `Σ_X` where
    /// that is wanted.
    pub(super) fn ready(
        &mut self,
        how: &Comparing,
        files: Files,
        head: Option<(usize, usize)>,
    ) -> Result<(), Failure> {
        self.survey_beside(&how.source, files, how.weights, head)?;
        if !how.whiten {
            return Ok(());
        }
        let surveyed = self.surveyed(&how.source, how.weights)?;
        let Some(mut whitening) = Whitening::new(surveyed, how.remove_mean) else { return Ok(()) };
        while whitening.step(surveyed, self.model()?)?.is_some() {}
        let shelf = &mut self.shelf;
        let surveyed = match &how.source {
            Source::Model(which) => shelf.builtin.get_mut(&(*which, how.weights)),
            Source::Own(_) => shelf.own.as_mut().map(|(_, surveyed)| surveyed),
            Source::Heads { .. } => shelf.heads.as_mut().map(|(_, surveyed)| surveyed),
        };
        if let Some(surveyed) = surveyed {
            whitening.finish(surveyed);
        }
        Ok(())
    }
}
