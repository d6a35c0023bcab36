//! The numbers that the heads grid can show: what each is called, what it means, where it comes from.

use super::format::three;
use super::pictures::OnStage;
use crate::circuits::head_statistics::HeadStatistics;
use crate::circuits::omega::Circuit;
use crate::circuits::positional::{Positional, PositionalShare};
use crate::protocol::heads::HeadSpectra;
use crate::ui::lessons::speech::Speech;
use crate::ui::palette::Scale;

/// One statistic of one circuit of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Largest singular value.
    SigmaMax,
    /// Frobenius norm.
    Frobenius,
    /// `‖·‖_F² / σ₀²`.
    StableRank,
    /// Exponential of the entropy of the shares of energy, `σ² / Σσ²`.
    EffectiveRank,
    /// `σ₀` over the smallest value that is not null.
    Condition,
    /// Largest ratio between neighbours.
    Gap,
    /// `Σλ / Σ|λ|` of OV.
    Copying,
    /// `Σλ / Σ|λ|` of QK.
    Matching,
    /// `Σλ` in standard deviations of what it is by chance.
    TraceZ,
    /// What of the left side lies where position embeddings differ.
    PositionsLeft,
    /// The same of the right side.
    PositionsRight,
}

impl Statistic {
    /// All of them, what says most of a head's role first: the grid opens with that.
    pub const ALL: [Self; 11] = [
        Self::Copying,
        Self::Matching,
        Self::TraceZ,
        Self::PositionsLeft,
        Self::PositionsRight,
        Self::StableRank,
        Self::EffectiveRank,
        Self::SigmaMax,
        Self::Frobenius,
        Self::Condition,
        Self::Gap,
    ];

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::SigmaMax => "sigma-max",
            Self::Frobenius => "frobenius",
            Self::StableRank => "stable-rank",
            Self::EffectiveRank => "effective-rank",
            Self::Condition => "condition",
            Self::Gap => "gap",
            Self::Copying => "copying",
            Self::Matching => "matching",
            Self::TraceZ => "trace-z",
            Self::PositionsLeft => "positions-u",
            Self::PositionsRight => "positions-v",
        }
    }

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::SigmaMax => "largest σ",
            Self::Frobenius => "norm ‖·‖_F",
            Self::StableRank => "stable rank",
            Self::EffectiveRank => "effective rank",
            Self::Condition => "condition κ",
            Self::Gap => "largest gap",
            Self::Copying => "OV copying",
            Self::Matching => "QK matching",
            Self::TraceZ => "like for like, z",
            Self::PositionsLeft => "positional share, u",
            Self::PositionsRight => "positional share, v",
        }
    }

    /// What it means, for the "?" beside it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::SigmaMax => {
                "The largest singular value: how strongly the head's favourite pair of directions is weighed."
            }
            Self::Frobenius => {
                "The root of the sum of squares of all singular values: how large the matrix is as a whole."
            }
            Self::StableRank => {
                "‖·‖_F² / σ₀²: how many directions as strong as the first would carry the same weight. 1 means a single \
                 direction does everything."
            }
            Self::EffectiveRank => {
                "The exponential of the entropy of the shares of energy σ²/Σσ²: how many directions share the squared norm, \
                 counted softly. Roy and Vetterli's, of the same name, is of σ/Σσ and larger."
            }
            Self::Condition => {
                "σ₀ divided by the smallest singular value that is not null: how far apart the strongest and the weakest \
                 direction are. The weakest ones are not noise: terms of a score often sit there."
            }
            Self::Gap => {
                "The largest ratio σ_k / σ_(k+1) between neighbours: where the spectrum breaks, if it does."
            }
            Self::Copying => {
                "Σλ / Σ|λ| over the eigenvalues of OV: near 1 the head writes what it reads (copying), near −1 it writes \
                 the opposite, near 0 neither. Of W_V W_O alone: embeddings and unembeddings are left out."
            }
            Self::Matching => {
                "Σλ / Σ|λ| over the eigenvalues of QK: near 1 the head looks for what is like the looking token, near −1 for what \
                 is unlike it, near 0 for something else. Of W_Q W_Kᵀ alone: rotations by position are left out, and it means \
                 something only where both sides read one stream."
            }
            Self::TraceZ => {
                "Is the copying of OV, or the matching of QK, more than chance? Σλ in standard deviations of what it is where the two \
                 sides lie at random to each other: one head in twenty passes 2 then, the farthest of a hundred 2.6, of a thousand 3.3."
            }
            Self::PositionsLeft => {
                "How much of the left side (what a destination looks for, or what OV reads) lies in the few directions in which the \
                 model's position embeddings differ, each direction counted by its σ². Near 1 the head goes by place, not by word. \
                 Chance is a side at random: its share and the distance from it, z, stand beside the number."
            }
            Self::PositionsRight => {
                "How much of the right side (what a source offers, or what OV writes) lies in the few directions in which the \
                 model's position embeddings differ, each direction counted by its σ². Chance is a side at random: its share and \
                 the distance from it, z, stand beside the number."
            }
        }
    }

    /// The circuit that it is a number of, where there is one alone.
    pub fn circuit(self) -> Option<Circuit> {
        match self {
            Self::Copying => Some(Circuit::Ov),
            Self::Matching => Some(Circuit::Qk),
            _ => None,
        }
    }

    /// Those that a model has: without position embeddings in its residual stream nothing has a share of them.
    pub fn all(positions: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |statistic| positions || statistic.side().is_none())
    }

    /// The side that it is a number of, where it is of one.
    fn side(self) -> Option<fn(&Positional) -> Option<PositionalShare>> {
        match self {
            Self::PositionsLeft => Some(|found| found.left),
            Self::PositionsRight => Some(|found| found.right),
            _ => None,
        }
    }

    /// What chance gives, for a number that stands beside its own.
    pub fn by_chance(
        self,
        speech: &Speech,
        head: &HeadSpectra,
        circuit: Circuit,
    ) -> Option<String> {
        let share = self.side()?(self.statistics(head, circuit).positional.as_deref()?)?;
        Some(speech.fill(OnStage::ChanceZ, &[&three(share.chance), &three(share.z)]))
    }

    fn statistics(self, head: &HeadSpectra, circuit: Circuit) -> &HeadStatistics {
        match self.circuit().unwrap_or(circuit) {
            Circuit::Ov => &head.ov.statistics,
            Circuit::Qk => &head.qk.statistics,
        }
    }

    /// Its value for one circuit of a head; NaN where it is not defined.
    pub fn of(self, head: &HeadSpectra, circuit: Circuit) -> f64 {
        let s = self.statistics(head, circuit);
        let share = || Some(self.side()?(s.positional.as_deref()?)?.share);
        match self {
            Self::SigmaMax => s.sigma_max,
            Self::Frobenius => s.frobenius,
            Self::StableRank => s.stable_rank,
            Self::EffectiveRank => s.effective_rank,
            Self::Condition => s.condition,
            Self::Gap => s.largest_gap,
            Self::Copying => s.copying.unwrap_or(f64::NAN),
            Self::Matching => s.matching.unwrap_or(f64::NAN),
            Self::TraceZ => s.trace_z.unwrap_or(f64::NAN),
            Self::PositionsLeft | Self::PositionsRight => share().unwrap_or(f64::NAN),
        }
    }

    /// The colours for values like these.
    pub fn scale(self, values: &[f64]) -> Scale {
        if self.circuit().is_some() {
            return Scale::Diverging { max: 1.0 };
        }
        if self.side().is_some() {
            return Scale::Sequential { max: 1.0 };
        }
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        if self == Self::TraceZ {
            // What chance brings stays pale.
            return Scale::Diverging { max: finite().fold(8.0, |max, z| z.abs().max(max)) };
        }
        Scale::Range {
            min: finite().fold(f64::INFINITY, f64::min),
            max: finite().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}
