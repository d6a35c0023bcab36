//! Which answer is traced, against which other, under which rules.

use serde::{Deserialize, Serialize};

use crate::circuits::trace::{Firing, TraceOptions};
use crate::math::statistics::largest_first;
use crate::model::tokenizer::Tokenizer;
use crate::study::StudyError;

/// How the components that carry the answer are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SeedRule {
    /// By integrated gradients of ln p.
    #[serde(rename = "prob")]
    Probability,
    /// By their shares of the logit difference between the answer and another token.
    #[serde(rename = "linear")]
    Contrast,
    /// There is one: the reading of a head that was asked about.
    #[serde(rename = "reading")]
    Reading,
}

/// What is asked about a prompt.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Question {
    /// The token that is traced: its id, or itself in words; `None`: the one that the model expects most.
    pub answer: Option<String>,
    /// The token that it is held against; `None`, where one is needed: of all others the one that the model expects most.
    pub wrong: Option<String>,
    /// How the seeds are found; `None`: by contrast where there is another token, by probability where not.
    pub seeding: Option<SeedRule>,
    /// The rules.
    pub options: TraceOptions,
    /// Not the answer is traced but this reading of a head: what made it look there.
    #[serde(default)]
    pub reading: Option<Firing>,
}

/// The tokens of a question, and what the reader must know of how they were found.
pub(in crate::study) struct Tokens {
    pub(in crate::study) answer: u32,
    pub(in crate::study) wrong: Option<u32>,
    pub(in crate::study) notes: Vec<String>,
}

impl Question {
    /// Which tokens are meant, given ln p of every token.
    pub(in crate::study) fn tokens(
        &self,
        tokenizer: Option<&Tokenizer>,
        log_probabilities: &[f64],
    ) -> Result<Tokens, StudyError> {
        let mut notes = Vec::new();
        let mut named = |word: &String| {
            let (id, note) = token(word, tokenizer, log_probabilities)?;
            notes.extend(note);
            Ok::<u32, StudyError>(id)
        };
        let mut expected = largest_first(log_probabilities).into_iter().map(|id| id as u32);
        let answer = match &self.answer {
            Some(word) => named(word)?,
            None => expected.next().ok_or(StudyError::NoOther)?,
        };
        let wrong = match &self.wrong {
            Some(word) if self.reading.is_none() => Some(named(word)?),
            _ if self.seed_rule() == SeedRule::Contrast => {
                Some(expected.find(|id| *id != answer).ok_or(StudyError::NoOther)?)
            }
            _ => None,
        };
        if self.answer.is_none() && self.reading.is_none() {
            notes
                .push("no answer was named: taken is the token that the model expects most".into());
        }
        if self.wrong.is_none() && wrong.is_some() {
            notes.push(
                "no other token was named: the answer is held against the one that the model expects most of all others".into(),
            );
        }
        Ok(Tokens { answer, wrong, notes })
    }

    pub(super) fn seed_rule(&self) -> SeedRule {
        if self.reading.is_some() {
            return SeedRule::Reading;
        }
        let usual = match &self.wrong {
            Some(_) => SeedRule::Contrast,
            None => SeedRule::Probability,
        };
        self.seeding.unwrap_or(usual)
    }
}

/// The id of a token given as a number (`12`, `#12`) or in words; of a word with and without a space in front the one that the
/// model expects more, with a note where both are tokens.
fn token(
    word: &str,
    tokenizer: Option<&Tokenizer>,
    log_probabilities: &[f64],
) -> Result<(u32, Option<String>), StudyError> {
    if let Ok(id) = word.strip_prefix('#').unwrap_or(word).trim().parse() {
        return Ok((id, None));
    }
    let Some(tokenizer) = tokenizer.filter(|words| words.reads()) else {
        return Err(StudyError::NotAnId { word: word.to_owned() });
    };
    let spaced = format!(" {word}");
    let expected = |id: &u32| log_probabilities.get(*id as usize).copied();
    match (tokenizer.single(word), tokenizer.single(&spaced)) {
        (Some(bare), Some(other)) if bare != other && !word.starts_with(' ') => {
            let (id, taken) = if expected(&other) > expected(&bare) {
                (other, &spaced)
            } else {
                (bare, &word.to_owned())
            };
            let note = format!(
                "{word:?} is a token with and without a space in front: taken as {taken:?}, which the model expects more"
            );
            Ok((id, Some(note)))
        }
        (Some(id), _) | (None, Some(id)) => Ok((id, None)),
        (None, None) => Err(StudyError::NotOneToken { word: word.to_owned() }),
    }
}
