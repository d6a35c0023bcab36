//! The paper's figures as runs to start from, each with what it should show, conditions included.
//!
//! Ranges are those of several seeds of our own reference (see the README's table), not numbers of the paper, whose settings
//! are not known. `docs` of each claim say whose statement it is.

use super::claims::{Claim, Origin, Quantity};
use super::config::{Config, FeatureInit, HeadInit, Schedule, Trained};
use super::sweep::{Setting, Sweep};
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

fn one_pair(lambda: f64, strength: f64, steps: usize) -> Config {
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
    let mut all = one_pair_presets();
    all.extend(many_pair_presets());
    all.extend(variation_presets());
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

fn one_pair_presets() -> Vec<Preset> {
    use Quantity::{
        AlignedAfter, Anisotropy, Crowding, Effective, Interference, Kl, LargestSigma, Lead,
        LeastCos, SurplusSigma,
    };
    vec![
        preset(
            "no-head",
            "1a",
            "No head: features share directions in antipodal pairs",
            one_pair(0.0, 10.0, 2000),
            vec![
                paper("every feature has an antipode", Interference, 0.97, 1.05),
                condition("the frame is isotropic within a few per cent", Anisotropy, 0.0, 0.05),
            ],
        ),
        preset(
            "one-pair",
            "1b, 2a",
            "One pair: both features become the first singular vectors",
            one_pair(10.0, 10.0, 800),
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.99, 1.0),
                paper("they become orthogonal to all others", Interference, 0.0, 0.1),
                condition("no unattended feature comes near them", Crowding, 0.0, 0.1),
                condition("the head gives the logit that was asked for", Effective, 0.97, 1.03),
                condition("Ω is rank one", SurplusSigma, 0.0, 0.02),
            ],
        ),
        preset(
            "threshold-below",
            "1b",
            "Weak attention: aligned, but the antipodes stay",
            one_pair(1.0, 1.0, 2000),
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                paper("they become orthogonal to all others", Interference, 0.0, 0.1),
                condition("below λT² ≈ 55 they do not", Interference, 0.9, 1.1),
                condition("and the logit stays near a quarter of T", Effective, 0.2, 0.45),
            ],
        ),
        preset(
            "threshold-at",
            "1b",
            "At the threshold, often only one of the two features leaves its antipode",
            one_pair(50.0, 1.0, 3000),
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                condition("interference is anything between 0 and 1", Interference, 0.0, 1.05),
            ],
        ),
        preset(
            "threshold-above",
            "1b",
            "Above the threshold both leave",
            Config { batch: 128, ..one_pair(100.0, 1.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.99, 1.0),
                paper("they become orthogonal to all others", Interference, 0.0, 0.1),
            ],
        ),
        preset(
            "hysteresis",
            "1b",
            "Hysteresis: features learned first keep their antipodes where a joint run loses them",
            Config { head_from: 2000, batch: 128, ..one_pair(100.0, 1.0, 5000) },
            vec![
                paper("they become orthogonal to all others", Interference, 0.0, 0.1),
                condition("they do not, though λT² is above the threshold", Interference, 0.9, 1.1),
                condition("alignment does not need it", LeastCos, 0.97, 1.0),
            ],
        ),
        preset(
            "hysteresis-broken",
            "1b",
            "Three times stronger, and they do leave",
            Config { head_from: 2000, batch: 128, ..one_pair(300.0, 1.0, 5000) },
            vec![condition("interference goes to zero", Interference, 0.0, 0.1)],
        ),
        preset(
            "too-strong",
            "1b",
            "Too strong: attention is perfect and alignment is lost",
            Config { batch: 128, ..one_pair(1000.0, 1.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                condition("they are not", LeastCos, 0.0, 0.95),
                condition("though the attention is right", Kl, 0.0, 1e-4),
                condition("and the logit is exactly T", Effective, 0.98, 1.02),
            ],
        ),
        preset(
            "weight-decay",
            "1b",
            "Weight decay on the head clears what nothing trained",
            Config { weight_decay: 0.1, batch: 128, ..one_pair(300.0, 1.0, 2000) },
            vec![paper(
                "the attended features are the first singular vectors",
                LeastCos,
                0.99,
                1.0,
            )],
        ),
        preset(
            "large-start",
            "1b",
            "A large singular value that nothing ever trained",
            Config { head: HeadInit::Normal { std: 1.0 }, batch: 128, ..one_pair(30.0, 3.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                condition("they are not", LeastCos, 0.0, 0.8),
                condition(
                    "the largest singular value is left over from the start",
                    LargestSigma,
                    6.0,
                    ANY,
                ),
            ],
        ),
        preset(
            "order-joint",
            "3",
            "Who moves first? Trained together",
            Config { lr: 1e-3, batch: 128, ..one_pair(30.0, 3.0, 2000) },
            vec![
                paper("singular vectors align before features become orthogonal", Lead, 1.0, ANY),
                condition("aligned for good within 500 steps", AlignedAfter, 1.0, 500.0),
            ],
        ),
        preset(
            "order-two-phase",
            "3",
            "Who moves first? Features first, then the head",
            Config { lr: 1e-3, batch: 128, head_from: 2000, ..one_pair(10.0, 10.0, 3500) },
            vec![
                paper("singular vectors align before features become orthogonal", Lead, 100.0, ANY),
                condition("aligned for good within 300 steps", AlignedAfter, 1.0, 300.0),
            ],
        ),
    ]
}

fn many_pair_presets() -> Vec<Preset> {
    use Quantity::{InOrder, LeastCos, MeanCos, PairsLost, SameRankCos, SurplusSigma};
    let lost = Template::Pairs { n_pairs: 20, strongest: 2.0, weakest: 0.1 };
    vec![
        preset(
            "eight-pairs",
            "2b",
            "Eight pairs, small enough for any browser",
            eight_pairs(),
            vec![
                paper("each pair has its own singular vectors", MeanCos, 0.97, 1.0),
                paper("singular values come in the order of T", InOrder, 1.0, 1.0),
                condition("the weakest cosine", LeastCos, 0.9, 1.0),
                condition(
                    "nothing is left after the eighth singular value",
                    SurplusSigma,
                    0.0,
                    0.02,
                ),
            ],
        ),
        preset(
            "twenty-pairs",
            "2b",
            "Twenty pairs",
            twenty_pairs(),
            vec![
                paper("each pair has its own singular vectors", MeanCos, 0.99, 1.0),
                paper("singular values come in the order of T", InOrder, 1.0, 1.0),
                condition("singular vectors of the same rank", SameRankCos, 0.99, 1.0),
                condition(
                    "nothing is left after the twentieth singular value",
                    SurplusSigma,
                    0.0,
                    0.005,
                ),
            ],
        ),
        preset(
            "pair-lost",
            "2b",
            "Strengths down to a twentieth: the weakest pairs are not learned",
            Config { template: lost, ..twenty_pairs() },
            vec![
                paper("each pair has its own singular vectors", LeastCos, 0.9, 1.0),
                condition("at least one pair is lost", PairsLost, 1.0, 20.0),
                condition("the mean hides it", MeanCos, 0.9, 0.98),
            ],
        ),
        preset(
            "more-than-rank",
            "E",
            "Eight pairs, a head of rank five",
            Config { d_head: 5, ..eight_pairs() },
            vec![
                condition("three pairs go unserved", PairsLost, 3.0, 4.0),
                paper("the strongest five keep their singular vectors", InOrder, 1.0, 1.0),
            ],
        ),
    ]
}

fn variation_presets() -> Vec<Preset> {
    use Quantity::{Anisotropy, Interference, LeastCos, MeanCos};
    let sweep = |base: Config, setting, values: &[f64], n_seeds| {
        Some(Sweep { base, setting, values: values.to_vec(), n_seeds })
    };
    let at_t1 = Config { batch: 128, ..one_pair(100.0, 1.0, 2000) };
    let robust = Config { batch: 128, ..one_pair(30.0, 3.0, 2000) };
    let aligned =
        || vec![paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0)];
    vec![
        preset(
            "frozen-random",
            "4",
            "Features that cannot move: random directions",
            frozen(FeatureInit::Xavier),
            vec![
                condition("Theorem 1 predicts 0.78", MeanCos, 0.7, 0.86),
                condition("‖E‖ of random features is far from 0", Anisotropy, 1.2, 3.5),
            ],
        ),
        Preset {
            sweep: sweep(
                frozen(FeatureInit::Cone { strength: 0.0 }),
                Setting::Cone,
                &[0.0, 0.3, 0.6, 1.0, 1.5],
                3,
            ),
            ..preset(
                "frozen-cone",
                "4",
                "Features that cannot move: a cone",
                frozen(FeatureInit::Cone { strength: 0.58 }),
                vec![
                    condition("Theorem 1 predicts 0.6", MeanCos, 0.5, 0.72),
                    condition("‖E‖", Anisotropy, 8.0, 18.0),
                ],
            )
        },
        Preset {
            sweep: sweep(
                at_t1.clone(),
                Setting::Lambda,
                &[1.0, 3.0, 10.0, 30.0, 50.0, 100.0, 200.0, 300.0, 1000.0],
                5,
            ),
            ..preset(
                "sweep-lambda",
                "A",
                "Every λ: the window in which both claims hold",
                at_t1,
                aligned(),
            )
        },
        Preset {
            sweep: sweep(robust.clone(), Setting::NFeatures, &[10.0, 15.0, 20.0, 30.0, 40.0], 5),
            ..preset("sweep-n", "A", "Every N: how full the space is", robust.clone(), aligned())
        },
        Preset {
            sweep: sweep(robust.clone(), Setting::NKeys, &[2.0, 4.0, 8.0, 16.0, 32.0], 5),
            ..preset("sweep-m", "A", "Every m: how many keys compete", robust.clone(), aligned())
        },
        Preset {
            sweep: sweep(robust.clone(), Setting::DHead, &[1.0, 2.0, 5.0, 10.0], 5),
            ..preset("sweep-h", "A", "Every H: the rank of the head", robust, aligned())
        },
        preset(
            "cone",
            "C",
            "Every token has a common direction",
            Config { common: 1.0, ..one_pair(10.0, 10.0, 2000) },
            vec![paper(
                "the attended features are the first singular vectors",
                LeastCos,
                0.95,
                1.0,
            )],
        ),
        preset(
            "rope-independent",
            "D",
            "Rotary positions, a template that ignores them",
            Config { rope: Some(1e4), ..one_pair(10.0, 10.0, 2000) },
            vec![paper("the attended features are the first singular vectors", LeastCos, 0.9, 1.0)],
        ),
        preset(
            "rope-dependent",
            "D",
            "Rotary positions, a template for one offset",
            Config { rope: Some(1e4), at_offset: Some(2), ..one_pair(10.0, 10.0, 2000) },
            aligned(),
        ),
        preset(
            "theorem-3",
            "Theorem 3",
            "A fixed head: reconstruction makes the features orthogonal",
            Config {
                n_features: 10,
                lr: 1e-2,
                head: HeadInit::RankOne { strength: 10.0 },
                train: Trained::Features,
                ..one_pair(10.0, 10.0, 2500)
            },
            vec![
                paper(
                    "the attended features move to the fixed singular vectors",
                    LeastCos,
                    0.95,
                    1.0,
                ),
                paper("all others become orthogonal to them", Interference, 0.0, 0.1),
            ],
        ),
    ]
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
