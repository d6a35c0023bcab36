//! What a run is expected to show, in numbers, and a verdict that can say no.

use super::config::Config;
use super::error::ToyError;
use super::gradients::Losses;
use super::history::History;
use super::metrics::Metrics;
use super::trainer::Trainer;
use serde::{Deserialize, Serialize};

/// What a finished run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its seed.
    pub seed: u32,
    /// Mean losses over [`EVALUATION`] batches that training never saw.
    pub losses: Losses,
    /// The state at the end.
    pub metrics: Metrics,
    /// Steps after the head was switched on from which alignment stays above 0.9.
    pub aligned_after: Option<usize>,
    /// Steps after the head was switched on from which interference stays below 0.1.
    pub orthogonal_after: Option<usize>,
}

/// How many batches the losses of an outcome are averaged over.
pub const EVALUATION: usize = 50;

impl Outcome {
    /// Measures where `trainer` stands, with what was recorded on the way.
    ///
    /// # Errors
    /// [`ToyError::Math`] if the run has diverged.
    pub fn of(trainer: &mut Trainer, history: &History) -> Result<Self, ToyError> {
        let metrics = Metrics::of(trainer.config(), trainer.params())?;
        let losses = trainer.evaluate(EVALUATION);
        Ok(Self::so_far(trainer.config(), history, metrics, losses))
    }

    /// The same from measures at hand, for a run that is still going: `losses` may be those of one batch.
    pub fn so_far(config: &Config, history: &History, metrics: Metrics, losses: Losses) -> Self {
        let since = |step: usize| step.saturating_sub(config.head_from);
        Self {
            seed: config.seed,
            aligned_after: history.aligned_from().map(since),
            orthogonal_after: history.orthogonal_from().map(since),
            metrics,
            losses,
        }
    }
}

/// A number of an [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Smallest cosine of a served feature with its singular vector.
    LeastCos,
    /// Mean of those cosines.
    MeanCos,
    /// Mean cosine with the singular vectors of the same rank.
    SameRankCos,
    /// Interference of the attended features.
    Interference,
    /// Interference of all others.
    InterferenceOthers,
    /// Largest cosine of an attended with an unattended feature.
    Crowding,
    /// Effective logit of the first pair over its target.
    Effective,
    /// σ₀.
    LargestSigma,
    /// First singular value that no pair asked for, over σ₀.
    SurplusSigma,
    /// 1 if the singular values are matched in the order of the strengths.
    InOrder,
    /// Pairs with a cosine under 0.5 on either side.
    PairsLost,
    /// ‖E‖₂ of the features.
    Anisotropy,
    /// Reconstruction loss.
    Recon,
    /// KL divergence of the attention from the template's.
    Kl,
    /// Steps after the head was switched on until aligned for good.
    AlignedAfter,
    /// Steps after the head was switched on until orthogonal for good.
    OrthogonalAfter,
    /// Steps between the two; positive when the singular vectors came first.
    Lead,
}

impl Quantity {
    /// Its value; none where the run never got there.
    pub fn of(self, outcome: &Outcome) -> Option<f64> {
        let (metrics, losses) = (&outcome.metrics, &outcome.losses);
        let steps = |step: Option<usize>| step.map(|step| step as f64);
        let (aligned, orthogonal) = (steps(outcome.aligned_after), steps(outcome.orthogonal_after));
        Some(match self {
            Self::LeastCos => metrics.least_cos,
            Self::MeanCos => metrics.mean_cos,
            Self::SameRankCos => metrics.same_rank_cos,
            Self::Interference => metrics.interference,
            Self::InterferenceOthers => metrics.interference_others,
            Self::Crowding => metrics.crowding,
            Self::Effective => metrics.pairs.first().map(|pair| pair.effective / pair.target)?,
            Self::LargestSigma => metrics.sigma.first().copied()?,
            Self::SurplusSigma => metrics.surplus_sigma,
            Self::InOrder => f64::from(u8::from(metrics.in_order)),
            Self::PairsLost => {
                metrics.pairs.iter().filter(|p| p.cos_u.min(p.cos_v) < 0.5).count() as f64
            }
            Self::Anisotropy => metrics.anisotropy,
            Self::Recon => losses.recon,
            Self::Kl => losses.kl,
            Self::AlignedAfter => aligned?,
            Self::OrthogonalAfter => orthogonal?,
            Self::Lead => orthogonal? - aligned?,
        })
    }
}

/// Whose statement a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The paper says so.
    Paper,
    /// A condition that re-implementing the paper turned up.
    Condition,
}

/// One expectation: a number between two others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Claim {
    /// Whose.
    pub origin: Origin,
    /// In words.
    pub says: &'static str,
    /// What is measured.
    pub quantity: Quantity,
    /// Smallest value that confirms it.
    pub low: f64,
    /// Largest value that confirms it.
    pub high: f64,
}

/// A claim held against one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verdict {
    /// What was expected.
    pub claim: Claim,
    /// What came out; none where the run never got there.
    pub measured: Option<f64>,
    /// Whether it is within the claim.
    pub holds: bool,
}

impl Claim {
    /// Holds the claim against a finished run. What was never reached does not confirm anything.
    pub fn judge(self, outcome: &Outcome) -> Verdict {
        let measured = self.quantity.of(outcome);
        Verdict {
            claim: self,
            measured,
            holds: measured.is_some_and(|x| (self.low..=self.high).contains(&x)),
        }
    }
}
