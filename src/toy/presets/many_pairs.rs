//! Several pairs at once: figure 2b, the pair that is lost, and a head with too little rank.

use super::{Preset, condition, eight_pairs, paper, preset, twenty_pairs};
use crate::claims::Quantity;
use crate::config::Config;
use crate::template::Template;

pub(super) fn presets() -> Vec<Preset> {
    use Quantity::{Effective, InOrder, LeastCos, MeanCos, PairsLost, SameRankCos, SurplusSigma};
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
                condition("even the weakest pair is aligned", LeastCos, 0.9, 1.0),
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
                paper("each pair has its own singular vectors", MeanCos, 0.97, 1.0),
                paper("singular values come in the order of T", InOrder, 1.0, 1.0),
                condition(
                    "the pair of each rank has the singular vectors of that rank",
                    SameRankCos,
                    0.97,
                    1.0,
                ),
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
            Config { template: lost, seed: 2, ..twenty_pairs() },
            vec![
                paper("each pair has its own singular vectors", LeastCos, 0.9, 1.0),
                condition("at least one pair is lost", PairsLost, 1.0, 20.0),
                condition("the mean cosine hides what is lost", MeanCos, 0.9, 0.98),
            ],
        ),
        preset(
            "more-than-rank",
            "E",
            "Eight pairs, a head of rank five",
            Config { d_head: 5, ..eight_pairs() },
            vec![
                condition("three pairs go unserved", PairsLost, 3.0, 4.0),
                condition(
                    "the strongest pair gets the logit it was asked for",
                    Effective,
                    0.9,
                    1.1,
                ),
            ],
        ),
    ]
}
