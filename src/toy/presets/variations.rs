//! Anisotropic features, robustness sweeps, a common direction, rotary positions, and Theorem 3.

use super::{Preset, condition, frozen, pair_of, paper, preset};
use crate::claims::Quantity;
use crate::config::{Config, FeatureInit, HeadInit, Trained};
use crate::sweep::{Setting, Sweep};

pub(super) fn presets() -> Vec<Preset> {
    use Quantity::{Anisotropy, Interference, LeastCos, MeanCos};
    let sweep = |base: Config, setting, values: &[f64], n_seeds| {
        Some(Sweep { base, setting, values: values.to_vec(), n_seeds })
    };
    let at_t1 = Config { batch: 128, ..pair_of(100.0, 1.0, 2000) };
    let robust = Config { batch: 128, ..pair_of(30.0, 3.0, 2000) };
    let aligned =
        || vec![paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0)];
    vec![
        preset(
            "frozen-random",
            "4",
            "Features that cannot move: random directions",
            frozen(FeatureInit::Xavier),
            vec![
                condition(
                    "the head aligns about as far as Theorem 1 predicts, 0.7",
                    MeanCos,
                    0.6,
                    0.82,
                ),
                condition("random features are far from isotropic", Anisotropy, 1.2, 3.5),
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
                    condition(
                        "the head aligns about as far as Theorem 1 predicts, 0.6",
                        MeanCos,
                        0.5,
                        0.72,
                    ),
                    condition("a cone is far from isotropic", Anisotropy, 8.0, 18.0),
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
            Config { common: 1.0, ..pair_of(10.0, 10.0, 2000) },
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
            Config { rope: Some(1e4), ..pair_of(10.0, 10.0, 2000) },
            vec![paper("the attended features are the first singular vectors", LeastCos, 0.9, 1.0)],
        ),
        preset(
            "rope-dependent",
            "D",
            "Rotary positions, a template for one offset",
            Config { rope: Some(1e4), at_offset: Some(2), ..pair_of(10.0, 10.0, 2000) },
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
                ..pair_of(10.0, 10.0, 2500)
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
