//! The dictionaries that a worker remembers: surveyed once, however many questions are asked about them.

use std::collections::HashMap;

use super::Engine;
use crate::checkpoint::ByteSource;
use crate::circuits::dictionary::{Builtin, FileChoice};
use crate::model::Weights;
use crate::protocol::{Failure, Out, Tell};
use crate::study::dictionary::{Comparing, Source, Surveyed, Surveying, Whitening};

/// Places of a file that tell whether it is the one that is known, and bytes at each.
const SAMPLES: u64 = 32;
const SAMPLE: u64 = 64;

/// Dictionaries that were surveyed.
#[derive(Default)]
pub(super) struct Shelf {
    builtin: HashMap<(Builtin, Weights), Surveyed>,
    /// The reader's own, and what makes it another one.
    own: Option<(Own, Surveyed)>,
}

/// Which of the reader's dictionaries: its files, what was said of them, and the convention.
#[derive(PartialEq)]
struct Own {
    /// Name, size and samples of each file.
    files: Vec<(String, u64, Vec<u8>)>,
    choice: FileChoice,
    weights: Weights,
}

impl Own {
    /// A file that was saved again under its name and with its size is another one: samples of its bytes tell.
    fn new(
        files: &[Box<dyn ByteSource>],
        choice: &FileChoice,
        weights: Weights,
    ) -> Result<Self, Failure> {
        let sampled = |file: &dyn ByteSource| {
            let (size, stride) = (file.size(), (file.size() / SAMPLES).max(SAMPLE));
            let starts = (0..SAMPLES).map(|i| i * stride).filter(|&start| start < size);
            let ranges: Vec<_> = starts.map(|start| start..(start + SAMPLE).min(size)).collect();
            Ok::<_, Failure>((file.name().to_owned(), size, file.read_all(&ranges)?.concat()))
        };
        let files = files.iter().map(|file| sampled(&**file)).collect::<Result<_, _>>()?;
        Ok(Self { files, choice: choice.clone(), weights })
    }
}

impl Engine {
    /// Makes a dictionary ready: one of the model's, or the reader's own from the files that came with the question.
    pub(super) fn survey(
        &mut self,
        source: &Source,
        files: Vec<Box<dyn ByteSource>>,
        weights: Weights,
    ) -> Result<(), Failure> {
        let own = match source {
            Source::Model(which) if self.shelf.builtin.contains_key(&(*which, weights)) => {
                return Ok(());
            }
            Source::Model(_) => None,
            // Without files, the one that came last is meant.
            Source::Own(_) if files.is_empty() => {
                return self.surveyed(source, weights).map(|_| ());
            }
            Source::Own(choice) => {
                let own = Own::new(&files, choice, weights)?;
                if self.shelf.own.as_ref().is_some_and(|(known, _)| *known == own) {
                    return Ok(());
                }
                Some(own)
            }
        };
        let model = self.model()?;
        let mut surveying = Surveying::new(model, source, files, weights)?;
        while surveying.step(model)? {}
        let surveyed = surveying.finish();
        match (source, own) {
            (Source::Own(_), Some(own)) => self.shelf.own = Some((own, surveyed)),
            (Source::Model(which), _) => {
                self.shelf.builtin.insert((*which, weights), surveyed);
            }
            (Source::Own(_), None) => {}
        }
        Ok(())
    }

    /// A dictionary that [`Engine::survey`] made ready.
    pub(super) fn surveyed(&self, source: &Source, weights: Weights) -> Result<&Surveyed, Failure> {
        let found = match source {
            Source::Model(which) => self.shelf.builtin.get(&(*which, weights)),
            Source::Own(_) => self.shelf.own.as_ref().map(|(_, surveyed)| surveyed),
        };
        found.ok_or_else(|| Failure::new("no dictionary file was given"))
    }

    /// Makes a dictionary ready for a comparison: surveyed, and with its `Σ_X` where that is wanted.
    pub(super) fn ready(
        &mut self,
        how: &Comparing,
        files: Vec<Box<dyn ByteSource>>,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        self.survey(&how.source, files, how.weights)?;
        if !how.whiten {
            return Ok(());
        }
        let surveyed = self.surveyed(&how.source, how.weights)?;
        let Some(mut whitening) = Whitening::new(surveyed, how.remove_mean) else { return Ok(()) };
        while let Some((done, total)) = whitening.step(surveyed, self.model()?)? {
            out(Tell::Progress { done, total }, Vec::new());
        }
        let shelf = &mut self.shelf;
        let surveyed = match &how.source {
            Source::Model(which) => shelf.builtin.get_mut(&(*which, how.weights)),
            Source::Own(_) => shelf.own.as_mut().map(|(_, surveyed)| surveyed),
        };
        if let Some(surveyed) = surveyed {
            whitening.finish(surveyed);
        }
        Ok(())
    }
}
