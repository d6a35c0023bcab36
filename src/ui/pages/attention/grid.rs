//! Every head's look from one token, as coloured cells: how hard, how sparse, against which chance.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::sad::run::HeadSad;
use crate::protocol::attention::Ran;
use crate::ui::app::{use_app, use_dark};
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, head_grid};
use crate::ui::widgets::select::Select;
use crate::ui::words::format::three;

/// What a cell of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    Attention,
    ToSource,
    Sparseness,
    AgainstBasis,
    NRecon90,
}

impl Measure {
    const ALL: [Self; 5] =
        [Self::Attention, Self::ToSource, Self::Sparseness, Self::AgainstBasis, Self::NRecon90];

    fn slug(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "to-source",
            Self::Sparseness => "s",
            Self::AgainstBasis => "s-ratio",
            Self::NRecon90 => "n90",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::ToSource => "attention to the source in view",
            Self::Sparseness => "sparseness S",
            Self::AgainstBasis => "S against chance",
            Self::NRecon90 => "N_recon, τ = 0.9",
        }
    }

    fn meaning(self) -> &'static str {
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

    fn of(self, look: &HeadSad, to_source: f64) -> f64 {
        let basis = look.controls.as_ref().and_then(|c| c.basis.sparseness);
        match self {
            Self::Attention => look.attention,
            Self::ToSource => to_source,
            Self::Sparseness => look.sparseness.unwrap_or(f64::NAN),
            Self::AgainstBasis => look.sparseness.zip(basis).map_or(f64::NAN, |(s, b)| s / b),
            Self::NRecon90 => look.n_recon_90.map_or(f64::NAN, |n| n as f64),
        }
    }
}

/// Properties of [`LookGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct LookGridProps {
    /// Every head's look from the chosen destination.
    pub looks: Vec<HeadSad>,
    /// Patterns by layer.
    pub patterns: Vec<Rc<Vec<f32>>>,
    /// The head in view.
    pub head: Option<(usize, usize)>,
    /// Who looks.
    pub dest: usize,
    /// What the cell in view looks at.
    pub src: Option<usize>,
    /// The prompt.
    pub tokens: Rc<Ran>,
}

/// The grid of looks.
#[component]
pub(super) fn LookGrid(props: &LookGridProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let Some(model) = app.value().model.clone() else { return Html::default() };
    let slug = app.value().route.text("measure").unwrap_or("attention");
    let measure = Measure::ALL.into_iter().find(|m| m.slug() == slug).unwrap_or(Measure::Attention);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.set("measure", slug))
    };
    let max = props
        .looks
        .iter()
        .map(|l| measure.of(l, 0.0))
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max);
    let scale = match measure {
        Measure::Attention | Measure::ToSource => Scale::Sequential { max: 1.0 },
        Measure::AgainstBasis => Scale::Range { min: 1.2, max: 0.0 },
        Measure::Sparseness => Scale::Range { min: 0.6, max: 0.0 },
        Measure::NRecon90 => Scale::Range { min: max, max: 0.0 },
    };
    let cell = |layer: usize, head: usize| {
        let Some(look) = props.looks.iter().find(|l| (l.layer, l.head) == (layer, head)) else {
            return HeadCell::waiting(format!("{} …", measure.name()));
        };
        let n = props.tokens.tokens.len();
        let src = props.src.filter(|_| measure == Measure::ToSource).unwrap_or(look.src);
        let place = (head * n + props.dest) * n + src;
        let to_source = props.patterns.get(layer).and_then(|p| p.get(place));
        let value = measure.of(look, to_source.map_or(0.0, |&p| f64::from(p)));
        let to = props.tokens.tokens.get(src).map_or("", |t| t.trim());
        let label = format!("{} {}, looks at {to}", measure.name(), three(value));
        HeadCell::coloured(three(value), label, value, scale, dark)
    };
    let options =
        Measure::ALL.into_iter().map(|m| (m.slug().into(), m.name().into())).collect::<Vec<_>>();
    html! {
        <section class="column" aria-label="Heads on this prompt">
            <div class="controls"><Select label="colour by" {options} value={measure.slug()} on_change={choose} /></div>
            <Gloss term={measure.name()} meaning={measure.meaning()} />
            { head_grid(&app, &format!("{} of every head", measure.name()), [model.summary.n_layers, model.summary.n_heads], props.head, &["src"], cell) }
        </section>
    }
}
