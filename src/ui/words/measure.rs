//! The numbers that the grid of heads on a prompt can show: what each is called, what it means, where it comes from.

use super::chance::evidence;
use super::format::{percent, three};
use crate::circuits::sad::run::HeadSad;
use crate::ui::palette::Scale;

/// `−log₁₀` of the smallest p that a look can have.
const FINEST: f64 = 2.3;

/// What a cell of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How hard a head looks at what it looks at most.
    Attention,
    /// How hard it looks at the source in view.
    ToSource,
    /// Sparseness of the score's terms.
    Sparseness,
    /// Its rank among the draws of the weakest control.
    AgainstChance,
    /// Terms that make nine tenths of the score.
    NRecon90,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Attention, Self::ToSource, Self::Sparseness, Self::AgainstChance, Self::NRecon90];

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "to-source",
            Self::Sparseness => "s",
            Self::AgainstChance => "s-chance",
            Self::NRecon90 => "n90",
        }
    }

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "attention to the source in view",
            Self::Sparseness => "sparseness S",
            Self::AgainstChance => "S against chance",
            Self::NRecon90 => "N_recon, τ = 0.9",
        }
    }

    /// A value as it stands in a narrow cell: attention in per cent.
    pub fn short(self, value: f64) -> String {
        match self {
            Self::Attention | Self::ToSource => percent(value),
            _ => three(value),
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
            Self::AgainstChance => {
                "The share of random draws that are at least as sparse (p): of three controls the one that is beaten least. One keeps every score and loses the spectrum, one keeps the spectrum and loses the score, one keeps both. Sparser than chance is what beats all of them. It is the p of one look, not corrected over the heads in view."
            }
            Self::NRecon90 => {
                "How many of the largest terms add up to nine tenths of the relative attention. A small number is no evidence by itself: small scores are reached at once in any basis."
            }
        }
    }

    /// Its value for one look of a head; NaN where it is not defined. `to_source` is the attention to the source in view.
    pub fn of(self, look: &HeadSad, to_source: f64) -> f64 {
        match self {
            Self::Attention => look.attention,
            Self::ToSource => to_source,
            Self::Sparseness => look.sparseness.unwrap_or(f64::NAN),
            Self::AgainstChance => look.controls.as_ref().and_then(|c| c.p).unwrap_or(f64::NAN),
            Self::NRecon90 => look.n_recon_90.map_or(f64::NAN, |n| n as f64),
        }
    }

    /// What of a value is coloured: of p, how small it is.
    pub fn shade(self, value: f64) -> f64 {
        if self == Self::AgainstChance { evidence(value) } else { value }
    }

    /// The colours for shades like these.
    pub fn scale(self, values: &[f64]) -> Scale {
        match self {
            Self::Attention | Self::ToSource => Scale::Sequential { max: 1.0 },
            Self::AgainstChance => Scale::Range { min: 0.0, max: FINEST },
            Self::Sparseness => Scale::Range { min: 0.6, max: 0.0 },
            Self::NRecon90 => {
                let finite = values.iter().copied().filter(|v| v.is_finite());
                Scale::Range { min: finite.fold(0.0, f64::max), max: 0.0 }
            }
        }
    }
}
