//! The paper's figures as runs to start from, each with what it should show, conditions included.
//!
//! Ranges are those of several seeds of our own reference (see the README's table), not numbers of the paper, whose settings
//! are not known; every claim says whose statement it is.

mod many_pairs;
mod one_pair;
mod variations;

use super::claims::{Claim, Origin, Quantity};
use super::config::{Config, FeatureInit, HeadInit, Schedule, Trained};
use super::sweep::Sweep;
use super::template::Template;
use serde::Serialize;

/// One run, or one sweep, with its expectations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preset {
    /// Short name for links.
    pub id: &'static str,
    /// Which figure or section of the paper it belongs to.
    pub figure: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// The run.
    pub config: Config,
    /// What should come out.
    pub claims: Vec<Claim>,
    /// The sweep that belongs to it.
    pub sweep: Option<Sweep>,
}

const ANY: f64 = f64::MAX;

fn paper(says: &'static str, quantity: Quantity, low: f64, high: f64) -> Claim {
    Claim { origin: Origin::Paper, says, quantity, low, high }
}

fn condition(says: &'static str, quantity: Quantity, low: f64, high: f64) -> Claim {
    Claim { origin: Origin::Condition, says, quantity, low, high }
}

fn pair_of(lambda: f64, strength: f64, steps: usize) -> Config {
    Config { lambda, template: Template::OnePair { strength }, steps, ..Config::default() }
}

fn eight_pairs() -> Config {
    Config {
        n_features: 40,
        d_model: 20,
        d_head: 20,
        lambda: 50.0,
        template: Template::Pairs { n_pairs: 8, strongest: 10.0, weakest: 2.5 },
        lr: 5e-3,
        schedule: Schedule::Cosine,
        steps: 3000,
        ..Config::default()
    }
}

fn twenty_pairs() -> Config {
    Config {
        n_features: 100,
        d_model: 50,
        d_head: 50,
        batch: 128,
        lambda: 1000.0,
        template: Template::Pairs { n_pairs: 20, strongest: 2.0, weakest: 0.5 },
        lr: 5e-3,
        schedule: Schedule::Cosine,
        steps: 5000,
        ..Config::default()
    }
}

fn frozen(features: FeatureInit) -> Config {
    Config {
        n_features: 100,
        d_model: 50,
        d_head: 50,
        batch: 128,
        lambda: 1.0,
        template: Template::OnePair { strength: 1.0 },
        schedule: Schedule::Cosine,
        steps: 3000,
        features,
        head: HeadInit::Normal { std: 0.01 },
        train: Trained::Head,
        ..Config::default()
    }
}

/// All presets, in the order of the paper.
pub fn presets() -> Vec<Preset> {
    let mut all = one_pair::presets();
    all.extend(many_pairs::presets());
    all.extend(variations::presets());
    all
}

fn preset(
    id: &'static str,
    figure: &'static str,
    title: &'static str,
    config: Config,
    claims: Vec<Claim>,
) -> Preset {
    Preset { id, figure, title, config, claims, sweep: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_and_every_run_of_its_sweep_can_be_trained_and_has_a_name_of_its_own() {
        let mut ids = std::collections::HashSet::new();
        for preset in presets() {
            assert!(ids.insert(preset.id) && !preset.claims.is_empty(), "{}", preset.id);
            preset.config.check().unwrap();
            for run in preset.sweep.iter().flat_map(Sweep::runs) {
                run.config.check().unwrap();
            }
        }
    }
}
