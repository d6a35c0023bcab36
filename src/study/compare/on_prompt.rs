//! Both models on one prompt: what the head in view looked at and looks at, where the difference of a score comes from, and what
//! either model expects next.
//!
//! A third run stands between the two: one layer of B at A's residuals ([`across`]). The forward pass makes it, so norms, biases,
//! rotation and whatever else a family does to queries and keys are B's own.

use serde::{Deserialize, Serialize};

use super::LayerPair;
use crate::circuits::compare::scores::{Meeting, ScoreChange};
use crate::circuits::omega::Circuit;
use crate::circuits::sad::run::LayerRun;
use crate::math::statistics::ranked;
use crate::model::architecture::Architecture;
use crate::model::forward::{ForwardPass, LayerTrace, Products};
use crate::model::tokenizer::Tokenizer;
use crate::model::{HeadWeights, Model};
use crate::study::prompt::{Guess, Prompt, PromptRun, Ran};
use crate::study::stamp::Stamp;
use crate::study::vectors::HeadAt;
use crate::study::{StudyError, python};

/// Which residuals each part reads.
const READS: &str = "a: A's weights at A's residuals, over the pairs of A; b: B's weights at B's residuals, over the pairs of B; across: B's \
    weights at A's residuals; weights = across - a, over the pairs of the change, at A's residuals; streams = b - across, over the pairs of B, \
    the residuals of both as B's weights read them; scores are scale * q.k, before soft-cap, ALiBi and mask";

/// Both models on a prompt, whichever head is in view.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OnPrompt {
    /// The ids that both read.
    pub ids: Vec<u32>,
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// What changes a score after the bilinear part in either model, named.
    pub named: Vec<String>,
    /// What either expects after the last token; empty where neither says.
    pub next: Vec<NextToken>,
}

impl OnPrompt {
    /// A prompt as both models ran it, the tokens in the words of the second.
    pub fn new([a, b]: [&Ran; 2], next: Vec<NextToken>) -> Self {
        let mut named = b.named.clone();
        named.extend(a.named.iter().filter(|said| !b.named.contains(said)).cloned());
        Self { ids: b.ids.clone(), tokens: b.tokens.clone(), named, next }
    }
}

/// A token that may come next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NextToken {
    /// The id.
    pub id: u32,
    /// The token as text.
    pub text: String,
    /// Its probability in the first model; `None` where that has no next token.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
}

/// The head in view on the prompt, and one of its scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadOnPrompt {
    /// The layer.
    pub layer: usize,
    /// The head of the first model.
    pub head: usize,
    /// The head of the second.
    pub head_b: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
    /// Attention probability in the first model.
    pub attention_a: f64,
    /// With the second model's weights at the first one's residuals.
    pub attention_across: f64,
    /// In the second model.
    pub attention_b: f64,
    /// The score in both, and what lies between.
    pub score: ScoreChange,
}

/// All of it as it leaves the program.
#[derive(Debug, Serialize)]
pub struct PromptDocument<'a> {
    reads: &'static str,
    #[serde(flatten)]
    on: &'a OnPrompt,
    #[serde(flatten)]
    head: &'a HeadOnPrompt,
    /// `[n][n]` (dest, src).
    pattern_a: Vec<&'a [f32]>,
    pattern_b: Vec<&'a [f32]>,
}

impl<'a> PromptDocument<'a> {
    /// The document; patterns of the first model's head and of the second's, `[n, n]`.
    pub fn new(on: &'a OnPrompt, head: &'a HeadOnPrompt, [a, b]: [&'a [f32]; 2]) -> Self {
        let n = on.ids.len().max(1);
        let rows = |pattern: &'a [f32]| pattern.chunks_exact(n).collect();
        Self { reads: READS, on, head, pattern_a: rows(a), pattern_b: rows(b) }
    }
}

/// The ids that both models read: the second one's of the prompt, which the first one's tokenizer must make of the words too.
///
/// # Errors
/// [`StudyError::OtherTokens`], and what [`Prompt::ids`] says.
pub fn shared_ids(
    prompt: &Prompt,
    [a, b]: [(Option<&Tokenizer>, &Architecture); 2],
) -> Result<Vec<u32>, StudyError> {
    let (ids, bos) = prompt.ids(b.0, b.1)?;
    if a.0.is_some() && !prompt.ids {
        let (there, _) = Prompt { bos: Some(bos), ..prompt.clone() }.ids(a.0, a.1)?;
        if there != ids {
            let same = there.iter().zip(&ids).take_while(|(there, here)| there == here);
            return Err(StudyError::OtherTokens { at: same.count() });
        }
    }
    Ok(ids)
}

/// One layer of `b` at the residuals that `trace` recorded before the same layer of another model.
///
/// # Errors
/// A layer that reads more than the stream before it; what reading says, and what `products` says.
pub async fn across(
    products: &mut impl Products,
    b: &Model,
    trace: &LayerTrace,
) -> Result<LayerTrace, StudyError> {
    let mut pass = ForwardPass::of_hidden(b, trace.layer, vec![trace.n], trace.resid_pre.clone())?;
    let found = pass.step_by(products, b, true, None).await?.into_iter().next();
    found.ok_or(StudyError::NotDecomposed { layer: trace.layer, head: 0 })
}

/// What either model expects after the last token, by the larger of the two probabilities: the guesses of both in both. A model without
/// guesses (no unembedding, or one that sees both ways) has no probabilities.
///
/// # Errors
/// What reading says, and what `products` says.
pub async fn next_of_both(
    products: &mut impl Products,
    of_a: (&Model, &PromptRun, &[Guess]),
    of_b: (&Model, &PromptRun, &[Guess]),
) -> Result<Vec<NextToken>, StudyError> {
    let mut probabilities = [None, None];
    for (found, (model, run, guesses)) in probabilities.iter_mut().zip([of_a, of_b]) {
        if !guesses.is_empty() {
            let last = run.ran.ids.len().saturating_sub(1);
            *found = Some(run.log_probabilities(products, model, last).await?);
        }
    }
    let p = |which: usize, id: u32| -> Option<f64> {
        Some(probabilities[which].as_ref()?.get(id as usize)?.exp())
    };
    let mut next: Vec<NextToken> = Vec::new();
    // The second model's words for a token where both have some.
    for guess in of_b.2.iter().chain(of_a.2) {
        let (id, text) = (guess.id, guess.text.clone());
        if next.iter().all(|known| known.id != id) {
            next.push(NextToken { id, text, a: p(0, id), b: p(1, id) });
        }
    }
    let larger = |token: &NextToken| token.a.unwrap_or(0.0).max(token.b.unwrap_or(0.0));
    Ok(ranked(&next, larger))
}

impl LayerPair {
    /// One head of both models on a prompt, from the traces of its layer: the first model's, that of [`across`], the second's. Where
    /// no destination or no source is asked for, the pair of positions whose attention changed most.
    ///
    /// # Errors
    /// [`StudyError::NotDecomposed`] for a head without a partner or a trace of another layer, [`StudyError::NotSeen`]; what
    /// decomposing says.
    pub fn on_prompt(
        &self,
        models: [&Model; 2],
        traces: [&LayerTrace; 3],
        head: usize,
        (dest, src): (Option<usize>, Option<usize>),
    ) -> Result<HeadOnPrompt, StudyError> {
        let head_b = self.partners(head)?.head_b;
        let runs = self.runs(models, traces, [head, head_b])?;
        let n = traces[2].n;
        let patterns = runs.iter().map(|(run, head)| Ok(run.head(*head)?.2));
        let patterns = patterns.collect::<Result<Vec<_>, StudyError>>()?;
        let seen = |at: &(usize, usize)| {
            runs.iter().all(|(run, _)| run.view.visible(at.0, n).contains(&at.1))
        };
        let cells = (0..n).flat_map(|dest| (0..n).map(move |src| (dest, src)));
        let asked = cells
            .filter(seen)
            .filter(|at| dest.is_none_or(|dest| dest == at.0) && src.is_none_or(|src| src == at.1));
        let moved = |&(dest, src): &(usize, usize)| {
            let of = |which: usize| patterns[which].get(dest * n + src).copied().unwrap_or(0.0);
            (of(2) - of(0)).abs()
        };
        // The first of equals, so that the same prompt has the same pair everywhere.
        let at = asked.fold(None, |best: Option<((usize, usize), f32)>, at| {
            let moved = moved(&at);
            if best.is_none_or(|(_, most)| moved > most) { Some((at, moved)) } else { best }
        });
        let ((dest, src), _) =
            at.ok_or(StudyError::NotSeen { dest: dest.unwrap_or(0), src: src.unwrap_or(0), n })?;
        let met = runs.iter().map(|(run, head)| meeting(run, *head, (dest, src)));
        let met = met.collect::<Result<Vec<_>, StudyError>>()?;
        let factors = self.both(head)?.map(|head: HeadWeights| Circuit::Qk.factors(&head));
        let [old, new] = &factors;
        let [of_a, between, of_b] = [&met[0], &met[1], &met[2]];
        let score = ScoreChange::new((&old.0, &old.1), (&new.0, &new.1), [of_a, between, of_b])?;
        let attention = |which: usize| -> f64 {
            patterns[which].get(dest * n + src).copied().map_or(0.0, f64::from)
        };
        Ok(HeadOnPrompt {
            layer: self.layer(),
            head,
            head_b,
            dest,
            src,
            attention_a: attention(0),
            attention_across: attention(1),
            attention_b: attention(2),
            score,
        })
    }

    /// The same split in Python: see [`python::score_change`].
    ///
    /// # Errors
    /// As [`LayerPair::on_prompt`].
    pub fn score_python(
        &self,
        models: [&Model; 2],
        traces: [&LayerTrace; 3],
        found: &HeadOnPrompt,
        stamp: &Stamp,
    ) -> Result<String, StudyError> {
        let &HeadOnPrompt { layer, head, head_b, dest, src, .. } = found;
        let runs = self.runs(models, traces, [head, head_b])?;
        let met = runs.iter().map(|(run, head)| meeting(run, *head, (dest, src)));
        let met = met.collect::<Result<Vec<_>, StudyError>>()?;
        let from = HeadAt { layer, head, circuit: Circuit::Qk, weights: self.weights };
        let met = [&met[0], &met[1], &met[2]];
        Ok(python::score_change(models, (from, head_b), (dest, src), met, stamp)?)
    }
}

impl LayerPair {
    /// The layer as the three traces recorded it, each with the head that is looked at in it.
    fn runs<'t>(
        &self,
        [a, b]: [&Model; 2],
        traces: [&'t LayerTrace; 3],
        [head, head_b]: [usize; 2],
    ) -> Result<Vec<(LayerRun<'t>, usize)>, StudyError> {
        let layer = self.layer();
        let of = [(a, head), (b, head_b), (b, head_b)].into_iter().zip(traces);
        of.map(|((model, at), trace)| {
            let run = LayerRun::of(&model.arch, trace).filter(|_| trace.layer == layer);
            Ok((run.ok_or(StudyError::NotDecomposed { layer, head })?, at))
        })
        .collect()
    }
}

/// The query of `dest` and the key of `src` in one head.
fn meeting(
    run: &LayerRun<'_>,
    head: usize,
    (dest, src): (usize, usize),
) -> Result<Meeting, StudyError> {
    let (q, k, _) = run.head(head)?;
    let row = |all: &[f32], n: usize, at: usize| -> Vec<f64> {
        let width = all.len() / n.max(1);
        let row = all.get(at * width..(at + 1) * width).unwrap_or_default();
        row.iter().map(|&x| f64::from(x)).collect()
    };
    let query = row(q, run.n, dest).into_iter().map(|x| x * run.scale).collect();
    Ok(Meeting { query, key: row(k, run.n_src, src) })
}
