//! From what was kept to what is said: statistics of every direction, block and side.

use super::bound::Bound;
use super::evidence::Pool;
use super::observe::Observed;
use super::{
    Alignment, AlignmentReport, BlockAlignment, Comparison, DirectionAlignment, Disagreement,
    Isotropic, IsotropicLevel, Match, RotatedDirection, RotatedMean, RotationNull, SideAlignment,
};
use crate::circuits::null::{IsotropicNull, ln_p_of_best, ln_p_subspace};
use crate::math::special::normal_tail;
use crate::math::top_k::Ranked;

/// The level at which the two nulls are said to disagree, and at which a critical value is given.
const LEVEL: f64 = 0.05;

/// The isotropic null and its moments, computed once; a whitened direction has none.
struct Chance {
    null: IsotropicNull,
    level: IsotropicLevel,
}

impl Alignment {
    /// What has been found so far. Complete once [`Alignment::progress`] says that every row has come.
    pub fn report(&self) -> AlignmentReport {
        let null = IsotropicNull { d: self.frame.dimensions(), n: self.features_done };
        let chance = (!self.whitened).then(|| {
            let (mean, sd) = null.moments();
            Chance { null, level: IsotropicLevel { mean, sd, critical: null.critical(LEVEL) } }
        });
        let sides: Vec<SideAlignment> =
            self.sides.iter().map(|side| self.side(side, chance.as_ref())).collect();
        let comparison = Comparison {
            rows_done: self.rows_done,
            n_rows: self.n_rows,
            n_features: self.features_done,
            d_null: null.d,
            centred: self.frame.centre,
            mean_removed: self.frame.removes_mean(),
            whitened: self.whitened,
            isotropic: chance.map(|chance| chance.level),
        };
        let mut report = AlignmentReport { comparison, sides };
        report.adjust();
        report
    }

    fn side(&self, side: &Observed, chance: Option<&Chance>) -> SideAlignment {
        let best: Vec<f64> = (0..side.rank()).map(|k| largest(side, k)).collect();
        let sigma = &side.head.sigma;
        let total: f64 = sigma.iter().sum();
        let plain = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let weighted = |values: &[f64]| {
            values.iter().zip(sigma).map(|(value, s)| value * s).sum::<f64>() / total
        };
        let pool = Pool::new(side.rank(), self.rotated_maxima(side));
        let against = |pool: &Pool, observed: f64, statistic: &dyn Fn(&[f64]) -> f64| {
            let (mean, sd) = pool.of_rotations(statistic);
            let (sd, z) = (finite_or_zero(sd), finite_or_zero((observed - mean) / sd));
            RotatedMean { mean, sd, z }
        };
        let (mmcs, mmcs_weighted) = (finite_or_zero(plain(&best)), finite_or_zero(weighted(&best)));
        let z_isotropic = chance.map(|Chance { level, .. }| {
            finite_or_zero((mmcs - level.mean) / level.sd * (best.len() as f64).sqrt())
        });
        let bound = side.span.as_ref().map(|span| {
            let longest = side.longest.positive(0).iter().map(|found| f64::from(found.score));
            Bound::new(span, longest.collect(), self.features_done)
        });
        let rotated =
            pool.as_ref().map(|pool| (pool, pool.moments(), pool.evidence(&best, bound.as_ref())));
        let rotation_null = rotated.as_ref().map(|(pool, _, found)| {
            let RotatedMean { mean, sd, z } = against(pool, mmcs, &plain);
            RotationNull {
                mean,
                sd,
                z,
                p: found.p,
                rotations: pool.rotations(),
                seed: self.options.seed,
                resolution: found.resolution,
                method: found.method,
                form: found.form,
                carried_by: found.carried_by.clone(),
            }
        });
        let direction = |k: usize| {
            let against = rotated.as_ref().map(|(_, (mean, sd), found)| {
                (finite_or_zero((best[k] - mean) / sd), found.each[k])
            });
            direction(side, k, best[k], against, chance)
        };
        SideAlignment {
            layer: side.head.layer,
            head: side.head.head,
            side: side.head.side,
            mmcs,
            mmcs_weighted,
            z_isotropic,
            disagreement: z_isotropic.zip(rotation_null.as_ref()).and_then(disagreement),
            rotation_null,
            rotation_null_weighted: pool
                .as_ref()
                .map(|pool| against(pool, mmcs_weighted, &weighted)),
            rotated_direction: rotated.as_ref().map(|(pool, (mean, sd), _)| RotatedDirection {
                mean: *mean,
                sd: finite_or_zero(*sd),
                critical: pool.critical(LEVEL),
            }),
            q_rotation: None,
            n_null: side.head.n_null,
            directions: (0..side.rank()).map(direction).collect(),
            blocks: (0..side.blocks.len()).map(|b| block(side, b, chance)).collect(),
        }
    }

    /// The best |cosine| of every rotated direction, rotation by rotation.
    fn rotated_maxima(&self, side: &Observed) -> Vec<f64> {
        let Some(rotations) = self.rotations.get(&side.rank()) else { return Vec::new() };
        let norms = rotations.norms(&side.gram);
        let maxima = side.rotated.iter().zip(norms);
        maxima
            .map(|(&x, norm)| if norm > 0.0 { (f64::from(x) / norm).min(1.0) } else { 0.0 })
            .collect()
    }
}

/// The best |cosine| of direction `k`.
fn largest(side: &Observed, k: usize) -> f64 {
    let ends = [side.top.positive(k).first(), side.top.negative(k).first()];
    ends.into_iter()
        .flatten()
        .map(|ranked| f64::from(ranked.score.abs()).min(1.0))
        .fold(0.0, f64::max)
}

/// Direction `k`, with its z and p against rotations.
fn direction(
    side: &Observed,
    k: usize,
    best: f64,
    against: Option<(f64, f64)>,
    chance: Option<&Chance>,
) -> DirectionAlignment {
    let isotropic = chance.map(|Chance { null, level }| {
        // Nothing found is certain to be reached.
        let ln_p = if best == 0.0 { 0.0 } else { null.ln_p(best) };
        Isotropic { z: finite_or_zero((best - level.mean) / level.sd), p: ln_p.exp(), ln_p }
    });
    DirectionAlignment {
        k,
        sigma: side.head.sigma[k],
        block: side.blocks.iter().position(|block| block.contains(&k)),
        z: against.map(|(z, _)| z),
        p: against.map(|(_, p)| p),
        q: None,
        isotropic,
        best: matches(&side.top.by_magnitude(k)),
        positive: matches(side.top.positive(k)),
        negative: matches(side.top.negative(k)),
    }
}

fn block(side: &Observed, b: usize, chance: Option<&Chance>) -> BlockAlignment {
    let (range, best) = (&side.blocks[b], matches(side.block_top.positive(b)));
    let p_isotropic = chance.map(|Chance { null, .. }| {
        best.first().map_or(1.0, |found| {
            ln_p_of_best(ln_p_subspace(null.d, range.len(), found.cos), null.n).exp()
        })
    });
    BlockAlignment { start: range.start, end: range.end, p_isotropic, best }
}

fn matches(ranked: &[Ranked]) -> Vec<Match> {
    let found = |r: &Ranked| Match {
        index: r.index,
        label: String::new(),
        cos: f64::from(r.score).clamp(-1.0, 1.0),
    };
    ranked.iter().map(found).collect()
}

/// Compared at the 5 % level.
fn disagreement((z_isotropic, null): (f64, &RotationNull)) -> Option<Disagreement> {
    match (normal_tail(z_isotropic) < LEVEL, null.p < LEVEL) {
        (true, false) => Some(Disagreement::SubspaceNotBasis),
        (false, true) => Some(Disagreement::BasisNotSubspace),
        _ => None,
    }
}

/// Zero for what has no value: a head without directions, a dictionary without features, a spread of nothing.
fn finite_or_zero(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}
