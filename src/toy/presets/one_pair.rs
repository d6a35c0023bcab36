//! One pair of features and one head: figures 1 and 3, and the conditions under which they hold.

use super::{ANY, Preset, condition, pair_of, paper, preset};
use crate::claims::Quantity;
use crate::config::{Config, HeadInit};

pub(super) fn presets() -> Vec<Preset> {
    use Quantity::{
        AlignedAfter, Anisotropy, Crowding, Effective, Interference, InterferenceOthers, Kl,
        LargestSigma, Lead, LeastCos, SurplusSigma,
    };
    vec![
        preset(
            "no-head",
            "1a",
            "No head: features share directions in antipodal pairs",
            pair_of(0.0, 10.0, 2000),
            vec![
                paper("every feature has an antipode", InterferenceOthers, 0.97, 1.05),
                condition("the frame is isotropic within a few per cent", Anisotropy, 0.0, 0.05),
            ],
        ),
        preset(
            "one-pair",
            "1b, 2a",
            "One pair: both features become the first singular vectors",
            pair_of(10.0, 10.0, 800),
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.99, 1.0),
                paper(
                    "the attended features become orthogonal to all others",
                    Interference,
                    0.0,
                    0.1,
                ),
                condition("no unattended feature comes near an attended one", Crowding, 0.0, 0.1),
                condition("the head gives the logit that was asked for", Effective, 0.97, 1.03),
                condition("Ω is rank one", SurplusSigma, 0.0, 0.02),
            ],
        ),
        preset(
            "threshold-below",
            "1b",
            "Weak attention: aligned, but the antipodes stay",
            pair_of(1.0, 1.0, 2000),
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                paper(
                    "the attended features become orthogonal to all others",
                    Interference,
                    0.0,
                    0.1,
                ),
                condition(
                    "below λT² ≈ 55 the attended features keep their antipodes",
                    Interference,
                    0.9,
                    1.1,
                ),
                condition("the logit stays well below T", Effective, 0.2, 0.45),
            ],
        ),
        preset(
            "threshold-at",
            "1b",
            "At the threshold, often only one of the two features leaves its antipode",
            Config { seed: 1, ..pair_of(50.0, 1.0, 3000) },
            vec![paper(
                "the attended features are the first singular vectors",
                LeastCos,
                0.95,
                1.0,
            )],
        ),
        preset(
            "threshold-above",
            "1b",
            "Above the threshold both leave",
            Config { batch: 128, ..pair_of(100.0, 1.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.99, 1.0),
                paper(
                    "the attended features become orthogonal to all others",
                    Interference,
                    0.0,
                    0.1,
                ),
            ],
        ),
        preset(
            "hysteresis",
            "1b",
            "Hysteresis: features learned first keep their antipodes where a joint run loses them",
            Config { head_from: 2000, batch: 128, ..pair_of(100.0, 1.0, 5000) },
            vec![
                paper(
                    "the attended features become orthogonal to all others",
                    Interference,
                    0.0,
                    0.1,
                ),
                condition(
                    "at least one feature keeps its antipode, though λT² is above the threshold",
                    Interference,
                    0.4,
                    1.1,
                ),
                condition(
                    "the attended features are the first singular vectors all the same",
                    LeastCos,
                    0.97,
                    1.0,
                ),
            ],
        ),
        preset(
            "hysteresis-broken",
            "1b",
            "Three times stronger, and they do leave",
            Config { head_from: 2000, batch: 128, ..pair_of(300.0, 1.0, 5000) },
            vec![condition(
                "the attended features become orthogonal to all others",
                Interference,
                0.0,
                0.1,
            )],
        ),
        preset(
            "too-strong",
            "1b",
            "Too strong: attention is perfect and alignment is lost",
            Config { batch: 128, ..pair_of(1000.0, 1.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                condition("too strong an attention costs the alignment", LeastCos, 0.0, 0.95),
                condition("the attention is right", Kl, 0.0, 1e-4),
                condition("the logit is T within two per cent", Effective, 0.98, 1.02),
            ],
        ),
        preset(
            "weight-decay",
            "1b",
            "Weight decay on the head clears what nothing trained",
            Config { weight_decay: 0.1, batch: 128, ..pair_of(300.0, 1.0, 2000) },
            vec![paper(
                "the attended features are the first singular vectors",
                LeastCos,
                0.98,
                1.0,
            )],
        ),
        preset(
            "large-start",
            "1b",
            "A large singular value that nothing ever trained",
            Config { head: HeadInit::Normal { std: 1.0 }, batch: 128, ..pair_of(30.0, 3.0, 2000) },
            vec![
                paper("the attended features are the first singular vectors", LeastCos, 0.95, 1.0),
                condition("a large start costs the alignment", LeastCos, 0.0, 0.8),
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
            Config { lr: 1e-3, batch: 128, ..pair_of(30.0, 3.0, 2000) },
            vec![
                paper("singular vectors align before features become orthogonal", Lead, 1.0, ANY),
                condition(
                    "the attended features are aligned for good within 1000 steps",
                    AlignedAfter,
                    1.0,
                    1000.0,
                ),
            ],
        ),
        preset(
            "order-two-phase",
            "3",
            "Who moves first? Features first, then the head",
            Config { lr: 1e-3, batch: 128, head_from: 2000, ..pair_of(10.0, 10.0, 3500) },
            vec![
                paper("singular vectors align before features become orthogonal", Lead, 100.0, ANY),
                condition(
                    "the attended features are aligned for good within 300 steps",
                    AlignedAfter,
                    1.0,
                    300.0,
                ),
            ],
        ),
    ]
}
