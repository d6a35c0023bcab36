//! The numbers that the grid of heads on a prompt can show: what each is called, what it means, where it comes from.

use crate::circuits::sad::run::HeadSad;
use crate::ui::palette::Scale;

/// What a cell of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How hard a head looks at what it looks at most.
    Attention,
    /// How hard it looks at the source in view.
    ToSource,
    /// Sparseness of the score's terms.
    Sparseness,
    /// The same, of what random bases give.
    AgainstBasis,
    /// Terms that make nine tenths of the score.
    NRecon90,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Attention, Self::ToSource, Self::Sparseness, Self::AgainstBasis, Self::NRecon90];

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "to-source",
            Self::Sparseness => "s",
            Self::AgainstBasis => "s-ratio",
            Self::NRecon90 => "n90",
        }
    }

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "attention to the source in view",
            Self::Sparseness => "sparseness S",
            Self::AgainstBasis => "S against chance",
            Self::NRecon90 => "N_recon, τ = 0.9",
        }
    }

    /// What it means, for the "?" beside it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Attention => {
                "The attention probability that the chosen token gives to the source which each head attends to most."
            }
            Self::ToSource => {
                "The attention probability that the chosen token gives to one and the same source in every head: the one picked in the pattern, or the one that the head in view attends to most."
            }
            Self::Sparseness => {
                "S = (mean |term|)² / mean term² over the singular vectors. Lower is sparser: 1/d_head is one single term, about 0.405 is what a random basis with a flat spectrum gives."
            }
            Self::AgainstBasis => {
                "S divided by the S of random bases that keep every score. Below 1: the singular vectors explain this score with fewer terms than chance would. This is the fair comparison."
            }
            Self::NRecon90 => {
                "How many of the largest terms add up to nine tenths of the relative attention. A small number is no evidence by itself: small scores are reached at once in any basis."
            }
        }
    }

    /// Its value for one look of a head; NaN where it is not defined. `to_source` is the attention to the source in view.
    pub fn of(self, look: &HeadSad, to_source: f64) -> f64 {
        let basis = look.controls.as_ref().and_then(|c| c.basis.sparseness);
        match self {
            Self::Attention => look.attention,
            Self::ToSource => to_source,
            Self::Sparseness => look.sparseness.unwrap_or(f64::NAN),
            Self::AgainstBasis => look.sparseness.zip(basis).map_or(f64::NAN, |(s, b)| s / b),
            Self::NRecon90 => look.n_recon_90.map_or(f64::NAN, |n| n as f64),
        }
    }

    /// The colours for values like these.
    pub fn scale(self, values: &[f64]) -> Scale {
        match self {
            Self::Attention | Self::ToSource => Scale::Sequential { max: 1.0 },
            Self::AgainstBasis => Scale::Range { min: 1.2, max: 0.0 },
            Self::Sparseness => Scale::Range { min: 0.6, max: 0.0 },
            Self::NRecon90 => {
                let finite = values.iter().copied().filter(|v| v.is_finite());
                Scale::Range { min: finite.fold(0.0, f64::max), max: 0.0 }
            }
        }
    }
}
