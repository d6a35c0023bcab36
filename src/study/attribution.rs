//! What every component adds to the answer of a prompt, and what one head writes there by reading one token, in words.

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::cell::CellAt;
use super::prompt::{Ran, label};
use super::python;
use super::stamp::Stamp;
use super::trace::{CleanPrompt, Question, SeedRule};
use crate::circuits::CircuitError;
use crate::circuits::convention::{Convention, LogitConvention};
use crate::circuits::trace::attribution::{Reading, Shares};
use crate::circuits::trace::written::Written;
use crate::circuits::trace::{Firing, writers};
use crate::math::statistics::largest_first;
use crate::model::Model;
use crate::model::forward::{LogitMap, Products};
use crate::model::tokenizer::Tokenizer;

/// Tokens that are told of what is written, at either end.
const TOKENS: usize = 6;

/// Pairs whose tokens are told.
const PAIRS: usize = 3;

/// Which answer, held against what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asking {
    /// The answer: a token's id, or itself in words; `None`: the one that the model expects most.
    pub answer: Option<String>,
    /// The token that it is held against; `None`: of all others the one that the model expects most.
    pub wrong: Option<String>,
    /// It is held against the mean of all tokens instead.
    pub mean: bool,
    /// The position that it follows; the last one if `None`.
    pub at: Option<usize>,
}

/// An answer, with what every component adds to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attributed {
    /// The position that the answer follows.
    pub at: usize,
    /// The answer's id.
    pub answer: u32,
    /// The answer in words.
    pub answer_text: String,
    /// Its probability.
    pub probability: f64,
    /// The token that it is held against; `None`: the mean of all.
    pub wrong: Option<u32>,
    /// The same in words.
    pub wrong_text: Option<String>,
    /// The shares.
    #[serde(flatten)]
    pub shares: Shares,
    /// What the reader must know beside it.
    pub notes: Vec<String>,
}

/// Takes the answer of a prompt apart.
///
/// # Errors
/// [`StudyError::NotOneToken`], [`StudyError::NotAnId`], [`StudyError::NoOther`]; a position or token that does not exist; a model whose
/// logits are no sum of what its stream holds; what reading says.
pub async fn attribute(
    products: &mut impl Products,
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    prompt: CleanPrompt<'_>,
    asking: &Asking,
) -> Result<Attributed, StudyError> {
    let run = prompt.run(model);
    // What needs no pass over the unembedding is refused first.
    let map = LogitMap::read(model)?;
    let (at, count) = (asking.at.unwrap_or(run.n().saturating_sub(1)), run.n());
    if at >= count {
        return Err(CircuitError::OutOfRange { what: "position", index: at, count }.into());
    }
    let log_p = prompt.log_probabilities(products, model, at).await?;
    let (answer, wrong) = (asking.answer.clone(), asking.wrong.clone().filter(|_| !asking.mean));
    let rule = if asking.mean { SeedRule::Probability } else { SeedRule::Contrast };
    let question = Question { answer, wrong, seeding: Some(rule), ..Question::default() };
    let tokens = question.tokens(tokenizer, &log_p)?;
    let reading = Reading::new(&map, tokens.answer, tokens.wrong)?;
    let mut notes = tokens.notes;
    if let Some(cap) = map.cap() {
        notes.push(format!("the logits are soft-capped at {cap} after the sum: what is taken apart is what they are before"));
    }
    Ok(Attributed {
        at,
        answer: tokens.answer,
        answer_text: label(tokenizer, tokens.answer),
        probability: log_p.get(tokens.answer as usize).copied().map_or(0.0, libm::exp),
        wrong: tokens.wrong,
        wrong_text: tokens.wrong.map(|id| label(tokenizer, id)),
        shares: Shares::of(run, at, &reading)?,
        notes,
    })
}

/// A token, and by how much its logit rises over the mean of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    /// The token.
    pub text: String,
    /// By how much, in logits.
    pub by: f64,
}

/// One pair of a head's OV on a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairWrites {
    /// Its number.
    pub k: usize,
    /// Its singular value.
    pub sigma: f64,
    /// How much the token holds of what the pair reads, `x·u_k`.
    pub reads: f64,
    /// How much is written along `v_k`: `attention · σ_k (x·u_k)`.
    pub writes: f64,
    /// What that adds to the answer, in logits.
    pub share: f64,
    /// The tokens that it raises most, of the pairs that write most to the answer; empty for the others.
    pub raises: Vec<Raised>,
}

/// What a head writes by reading one token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Writes {
    /// Which head, from where to where.
    pub at: CellAt,
    /// The attention.
    pub attention: f64,
    /// What all of it adds to the answer, in logits.
    pub share: f64,
    /// The tokens that all of it raises most.
    pub raises: Vec<Raised>,
    /// Those that it lowers most.
    pub lowers: Vec<Raised>,
    /// Pair by pair, strongest σ first.
    pub pairs: Vec<PairWrites>,
    /// `share` minus the pairs': rounding.
    pub remainder: f64,
    /// Python that finds the same; empty where norms stand on the way.
    pub python: String,
}

/// Takes what a head writes apart, for an answer held against another token or the mean of all.
///
/// # Errors
/// As [`attribute`].
pub fn writes(
    model: &Model,
    tokenizer: Option<&Tokenizer>,
    prompt: CleanPrompt<'_>,
    at: CellAt,
    (answer, wrong): (u32, Option<u32>),
    convention: &Convention,
) -> Result<Writes, StudyError> {
    let run = prompt.run(model);
    let map = LogitMap::read(model)?;
    let reading = Reading::new(&map, answer, wrong)?;
    let CellAt { layer, head, dest, src } = at;
    let firing = Firing { layer, head, dest, src };
    let found = Written::of(run, firing)?;
    let share = |x: &Vec<f64>| reading.share(run, dest, x);
    let shares = found.vectors.iter().map(share).collect::<Result<Vec<f64>, _>>()?;
    // By the file's own W_O, so that what is left over is a check.
    let whole = writers::vectors(run, &[firing.node()], run.n_layers())?;
    let share = whole.first().map_or(Ok(0.0), share)?;
    let strongest: Vec<usize> = {
        let by: Vec<f64> = shares.iter().map(|share| share.abs()).collect();
        largest_first(&by).into_iter().take(PAIRS).collect()
    };
    let told: Vec<&Vec<f64>> =
        whole.iter().chain(strongest.iter().map(|&k| &found.vectors[k])).collect();
    let mut raised = raised(&map, run.scale_of(&map, dest)?, tokenizer, &told)?.into_iter();
    let (raises, lowers) = raised.next().unwrap_or_default();
    let mut pairs: Vec<PairWrites> = (0..shares.len())
        .map(|k| PairWrites {
            k,
            sigma: found.sigma[k],
            reads: found.reads[k],
            writes: found.writes[k],
            share: shares[k],
            raises: Vec::new(),
        })
        .collect();
    for (k, (raises, _)) in strongest.into_iter().zip(raised) {
        pairs[k].raises = raises;
    }
    let held = python::AnswerTokens { answer, wrong, scale: run.scale_of(&map, dest)? };
    let stamp = Stamp::of_model(convention).how(convention_of_shares());
    Ok(Writes {
        at,
        attention: run.attends(layer, head, dest, src),
        share,
        raises,
        lowers,
        remainder: share - shares.iter().sum::<f64>(),
        pairs,
        python: python::writes(run, at, held, &stamp)?.unwrap_or_default(),
    })
}

/// What the shares are, for a stamp.
pub fn convention_of_shares() -> &'static str {
    "direct shares of the logit, the final norm's scale held"
}

/// The tokens whose logits each of `vectors` raises and lowers most, over the mean of all.
type Ends = (Vec<Raised>, Vec<Raised>);

fn raised(
    map: &LogitMap<'_>,
    scale: f64,
    tokenizer: Option<&Tokenizer>,
    vectors: &[&Vec<f64>],
) -> Result<Vec<Ends>, StudyError> {
    let x: Vec<f32> = vectors.iter().flat_map(|x| x.iter().map(|x| (x / scale) as f32)).collect();
    let shares = map.shares(&x)?;
    let ends = |row: &[f32]| {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        let mean = row.iter().sum::<f64>() / row.len().max(1) as f64;
        let told = |&id: &usize| Raised { text: label(tokenizer, id as u32), by: row[id] - mean };
        let order = largest_first(&row);
        let end = |ids: &mut dyn Iterator<Item = &usize>| ids.take(TOKENS).map(told).collect();
        (end(&mut order.iter()), end(&mut order.iter().rev()))
    };
    Ok(shares.chunks_exact(map.d_vocab().max(1)).map(ends).collect())
}

/// Everything as it leaves the program, the same from both doors.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    convention: LogitConvention,
    ids: &'a [u32],
    /// The tokens in words, where there is a tokenizer.
    tokens: Option<&'a [String]>,
    #[serde(flatten)]
    attributed: &'a Attributed,
    /// What one head writes by reading one token, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    writes: Option<&'a Writes>,
}

impl<'a> Report<'a> {
    /// What was found on a prompt; `words`: its tokens are words, not ids.
    pub fn new(
        convention: Convention,
        ran: &'a Ran,
        words: bool,
        attributed: &'a Attributed,
        writes: Option<&'a Writes>,
    ) -> Self {
        let convention = LogitConvention::of(convention);
        let tokens = words.then_some(ran.tokens.as_slice());
        Self { convention, ids: &ran.ids, tokens, attributed, writes }
    }
}
