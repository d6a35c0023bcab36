//! One setting varied over values and seeds: a list of runs to hand out, and their mean and spread to draw.

use super::claims::{Outcome, Quantity};
use super::config::{Config, FeatureInit, HeadInit};
use serde::{Deserialize, Serialize};

/// A setting that a sweep can vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// λ.
    Lambda,
    /// The strength of the strongest pair; all others keep their ratio to it.
    Strength,
    /// N.
    NFeatures,
    /// D.
    DModel,
    /// H.
    DHead,
    /// m.
    NKeys,
    /// B.
    Batch,
    /// p.
    P,
    /// Learning rate.
    Lr,
    /// Standard deviation of the head's start.
    HeadStd,
    /// Strength of a cone among the features at the start.
    Cone,
    /// Exponent of a power law among the features at the start.
    PowerLaw,
    /// Length of the common direction in every token.
    Common,
}

impl Setting {
    /// `config` with this setting at `value`; counts are rounded, and at least 1.
    pub fn apply(self, config: &Config, value: f64) -> Config {
        let mut config = config.clone();
        let count = value.round().max(1.0) as usize;
        match self {
            Self::Lambda => config.lambda = value,
            Self::Strength => {
                let strongest =
                    config.template.entries().iter().map(|e| e.strength.abs()).fold(0.0, f64::max);
                config.template =
                    config.template.scaled(if strongest > 0.0 { value / strongest } else { 1.0 });
            }
            Self::NFeatures => config.n_features = count,
            Self::DModel => config.d_model = count,
            Self::DHead => config.d_head = count,
            Self::NKeys => config.n_keys = count,
            Self::Batch => config.batch = count,
            Self::P => config.p = value,
            Self::Lr => config.lr = value,
            Self::HeadStd => config.head = HeadInit::Normal { std: value },
            Self::Cone => config.features = FeatureInit::Cone { strength: value },
            Self::PowerLaw => config.features = FeatureInit::PowerLaw { exponent: value },
            Self::Common => config.common = value,
        }
        config
    }
}

/// A sweep: every value with every seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// All that is not varied.
    pub base: Config,
    /// What is.
    pub setting: Setting,
    /// Its values.
    pub values: Vec<f64>,
    /// Seeds 0 .. n_seeds are added to the base's seed.
    pub n_seeds: u32,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRun {
    /// Index into the sweep's values.
    pub value: usize,
    /// What to run.
    pub config: Config,
}

/// One quantity at one value, over seeds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The value of the setting.
    pub value: f64,
    /// How many runs have the quantity.
    pub n: usize,
    /// Mean over them; 0 when there are none.
    pub mean: f64,
    /// Standard deviation (n − 1); 0 for fewer than two.
    pub sd: f64,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

impl Sweep {
    /// All runs: seed by seed, so that the first results already span the axis.
    pub fn runs(&self) -> Vec<SweepRun> {
        let seeds = (0..self.n_seeds).map(|seed| self.base.seed.wrapping_add(seed));
        let run = |seed, value: usize| {
            let config = Config { seed, ..self.setting.apply(&self.base, self.values[value]) };
            SweepRun { value, config }
        };
        seeds.flat_map(|seed| (0..self.values.len()).map(move |value| run(seed, value))).collect()
    }

    /// Mean and spread of `quantity` at every value, from outcomes with the value index of their run, in any order.
    pub fn summary(&self, outcomes: &[(usize, Outcome)], quantity: Quantity) -> Vec<Spread> {
        let all = self.by_value(outcomes, quantity);
        all.iter().map(|(value, found)| spread(*value, found)).collect()
    }

    /// What every run of a value gave, value by value.
    pub fn by_value(
        &self,
        outcomes: &[(usize, Outcome)],
        quantity: Quantity,
    ) -> Vec<(f64, Vec<f64>)> {
        let at = |index: usize| {
            let here = outcomes.iter().filter(move |(value, _)| *value == index);
            here.filter_map(|(_, outcome)| quantity.of(outcome)).collect()
        };
        self.values.iter().enumerate().map(|(index, value)| (*value, at(index))).collect()
    }
}

fn spread(value: f64, found: &[f64]) -> Spread {
    let n = found.len();
    if n == 0 {
        return Spread { value, n, mean: 0.0, sd: 0.0, low: 0.0, high: 0.0 };
    }
    let mean = found.iter().sum::<f64>() / n as f64;
    let squares: f64 = found.iter().map(|x| (x - mean) * (x - mean)).sum();
    Spread {
        value,
        n,
        mean,
        sd: if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 },
        low: found.iter().copied().fold(f64::INFINITY, f64::min),
        high: found.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{History, Template, Trainer};

    #[test]
    fn a_sweep_runs_every_value_with_every_seed_and_summarises_by_value() {
        let base = Config { steps: 3, seed: 4, ..Config::default() };
        let sweep = Sweep { base, setting: Setting::Strength, values: vec![1.0, 5.0], n_seeds: 3 };
        let runs = sweep.runs();
        assert_eq!(
            runs.iter().map(|r| (r.value, r.config.seed)).collect::<Vec<_>>(),
            [(0, 4), (1, 4), (0, 5), (1, 5), (0, 6), (1, 6)]
        );
        assert_eq!(runs[1].config.template, Template::OnePair { strength: 5.0 });
        let outcomes: Vec<(usize, Outcome)> = runs
            .iter()
            .map(|run| {
                let mut trainer = Trainer::new(run.config.clone()).unwrap();
                (run.value, Outcome::of(&mut trainer, &History::default()).unwrap())
            })
            .collect();
        let summary = sweep.summary(&outcomes, Quantity::LargestSigma);
        assert_eq!((summary[1].value, summary[1].n), (5.0, 3));
        assert!(
            summary[1].low < summary[1].mean
                && summary[1].mean < summary[1].high
                && summary[1].sd > 0.0
        );
        assert_eq!(sweep.summary(&outcomes, Quantity::Lead)[0].n, 0);
    }
}
