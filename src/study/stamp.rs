//! What stands under every figure, and in every file that leaves the program: what the numbers are of, how they were
//! computed, from which seed, by which version.
//!
//! The page draws [`Stamp::line`] under a figure; CSV, JSON, SVG, PNG and Python carry [`Stamp::lines`].

use serde::{Deserialize, Serialize};

use super::prompt_set::SetSpec;
use crate::circuits::alignment::Comparison;
use crate::circuits::convention::{Convention, PROGRAM};
use crate::circuits::omega::Circuit;
use crate::circuits::sad::controls::ControlOptions;
use crate::toy::{Config, Turn};

/// The origin of some numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamp {
    of: String,
    how: Vec<String>,
    seed: Option<u32>,
    settings: String,
}

impl Stamp {
    /// Numbers of a model under its convention.
    pub fn of_model(convention: &Convention) -> Self {
        Self::new(convention.line(), convention)
    }

    /// Numbers of what became of one model in another.
    pub fn between([from, to]: [&Convention; 2]) -> Self {
        let assumed = if from.heads_assumed { " (head count assumed)" } else { "" };
        Self::new(format!("from {}{assumed} to {}", from.model, to.line()), &[from, to])
    }

    /// Numbers of a toy run.
    pub fn of_toy(config: &Config) -> Self {
        let Config { n_features, d_model, d_head, n_keys, p, lambda, steps, .. } = config;
        let of = format!(
            "toy: N = {n_features}, D = {d_model}, H = {d_head}, m = {n_keys}, p = {p}, λ = {lambda}, {} pair(s), {steps} steps",
            config.template.entries().len()
        );
        Self { seed: Some(config.seed), ..Self::new(of, config) }
    }

    /// What was turned while it trained; nothing is said where nothing was.
    #[must_use]
    pub fn turned(self, turns: &[Turn]) -> Self {
        turns.iter().fold(self, |stamp, turn| stamp.how(turn.to_string()))
    }

    /// Numbers of sets of features that were drawn, of a kind that is told in words.
    pub fn of_features(
        kind: &str,
        [n_features, d_model]: [usize; 2],
        strength: f64,
        seed: u32,
        settings: &impl Serialize,
    ) -> Self {
        let of =
            format!("{n_features} features in {d_model} dimensions, {kind}, strength {strength}");
        Self::new(of, settings).seeded(seed)
    }

    /// Numbers of something else, told in words, with all that is needed to make them again.
    pub fn new(of: impl Into<String>, settings: &impl Serialize) -> Self {
        // Plain values always have a JSON form; without it the words remain.
        let settings = serde_json::to_string(settings).unwrap_or_default();
        Self { of: of.into(), how: Vec::new(), seed: None, settings }
    }

    /// One clause more.
    #[must_use]
    pub fn how(mut self, clause: impl Into<String>) -> Self {
        self.how.push(clause.into());
        self
    }

    /// What was drawn at random came from this seed.
    #[must_use]
    pub fn seeded(self, seed: u32) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The matrix that was decomposed.
    #[must_use]
    pub fn circuit(self, circuit: Circuit) -> Self {
        self.how(match circuit {
            Circuit::Qk => "Ω = W_Q W_Kᵀ, no score scale, no RoPE",
            Circuit::Ov => "OV = W_V W_O",
        })
    }

    /// What directions were compared with, and under what.
    #[must_use]
    pub fn compared(self, dictionary: &str, comparison: &Comparison) -> Self {
        let Comparison { d_null, centred, mean_removed, whitened, .. } = comparison;
        let mut how = format!("cosines with {dictionary}");
        for (said, words) in [
            (*centred, "centred"),
            (*mean_removed, "common direction removed"),
            (*whitened, "whitened: Σ_X u compared instead of u"),
        ] {
            if said {
                how = format!("{how}, {words}");
            }
        }
        self.how(how).how(if *whitened {
            "no closed-form null: chance from rotations or not at all".to_owned()
        } else {
            format!("isotropic null in {d_null} dimensions")
        })
    }

    /// What attention probabilities are.
    #[must_use]
    pub fn pattern(self) -> Self {
        self.how("attention after softmax, destinations on rows, sources on columns")
    }

    /// What the terms of a score are.
    #[must_use]
    pub fn terms(self, controls: ControlOptions) -> Self {
        self.how("relative attention: score minus the mean of the destination's other sources, scale included")
            .how(format!("controls: {} rotations of each kind", controls.draws))
            .seeded(controls.seed)
    }

    /// What the difference of a score between two models is.
    #[must_use]
    pub fn score(self, dest: usize, src: usize) -> Self {
        self.how(format!(
            "score from position {dest} to {src}, scale included, before soft-cap, ALiBi and mask"
        ))
    }

    /// How a set of `n` prompts was measured.
    #[must_use]
    pub fn set(self, spec: &SetSpec, n: usize) -> Self {
        let SetSpec { task, seed, options, .. } = spec;
        self.how(format!("{n} prompts, {}, of seed {seed}; {}", task.words(), options.rule.words()))
            .terms(options.controls)
    }

    /// In a line, for people.
    pub fn line(&self) -> String {
        let seed = self.seed.map(|seed| format!("seed {seed}"));
        let clauses = std::iter::once(&self.of).chain(&self.how).chain(&seed);
        let clauses: Vec<&str> = clauses.map(String::as_str).chain([PROGRAM]).collect();
        clauses.join(" · ")
    }

    /// The line, and all settings as JSON where there are some: what files carry.
    pub fn lines(&self) -> Vec<String> {
        let settings =
            Some(self.settings.clone()).filter(|json| !["", "null"].contains(&json.as_str()));
        std::iter::once(self.line()).chain(settings).collect()
    }
}
