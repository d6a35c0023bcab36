//! From what was kept to what is said: statistics of every direction, block and side.

use super::observe::Observed;
use super::{
    Alignment, AlignmentReport, BlockAlignment, Comparison, DirectionAlignment, Disagreement,
    Match, RotationNull, SideAlignment,
};
use crate::circuits::null::{IsotropicNull, ln_p_of_best, ln_p_subspace};
use crate::math::special::normal_tail;
use crate::math::statistics::{empirical_p, mean_sd};
use crate::math::top_k::Ranked;

/// The level at which the two nulls are said to disagree.
const LEVEL: f64 = 0.05;

/// The isotropic null and its moments, computed once.
struct Chance {
    null: IsotropicNull,
    mean: f64,
    sd: f64,
    whitened: bool,
}

impl Alignment {
    /// What has been found so far. Complete once [`Alignment::progress`] says that every row has come.
    pub fn report(&self) -> AlignmentReport {
        let null = IsotropicNull { d: self.frame.dimensions(), n: self.features_done };
        let (mean, sd) = null.moments();
        let chance = Chance { null, mean, sd, whitened: self.whitened };
        let sides: Vec<SideAlignment> =
            self.sides.iter().map(|side| self.side(side, &chance)).collect();
        let comparison = Comparison {
            rows_done: self.rows_done,
            n_rows: self.n_rows,
            n_features: self.features_done,
            d_null: null.d,
            centred: self.frame.centre,
            mean_removed: self.frame.removes_mean(),
            whitened: self.whitened,
            chance: mean,
            chance_sd: sd,
            critical: null.critical(LEVEL),
        };
        let mut report = AlignmentReport { comparison, sides };
        report.adjust();
        report
    }

    fn side(&self, side: &Observed, chance: &Chance) -> SideAlignment {
        let best: Vec<f64> = (0..side.rank()).map(|k| largest(side, k)).collect();
        let sigma = &side.head.sigma;
        let total: f64 = sigma.iter().sum();
        let plain = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let weighted = |values: &[f64]| {
            values.iter().zip(sigma).map(|(value, s)| value * s).sum::<f64>() / total
        };
        let rotated = self.rotated_maxima(side);
        let per_rotation: Vec<&[f64]> = rotated.chunks_exact(side.rank().max(1)).collect();
        let against = |observed: f64, statistic: &dyn Fn(&[f64]) -> f64| {
            let null: Vec<f64> = per_rotation.iter().map(|maxima| statistic(maxima)).collect();
            (!null.is_empty()).then(|| rotation_null(observed, &null, self.options.seed))
        };
        let (mmcs, mmcs_weighted) = (finite_or_zero(plain(&best)), finite_or_zero(weighted(&best)));
        let rotation_null = against(mmcs, &plain);
        let z_isotropic =
            finite_or_zero((mmcs - chance.mean) / chance.sd * (best.len() as f64).sqrt());
        let mut pool = rotated.clone();
        pool.sort_by(f64::total_cmp);
        SideAlignment {
            layer: side.head.layer,
            head: side.head.head,
            side: side.head.side,
            mmcs,
            mmcs_weighted,
            z_isotropic,
            disagreement: rotation_null
                .as_ref()
                .and_then(|null| disagreement(z_isotropic, null, chance.whitened)),
            rotation_null,
            rotation_null_weighted: against(mmcs_weighted, &weighted),
            q_rotation: None,
            n_null: side.head.n_null,
            directions: (0..side.rank())
                .map(|k| direction(side, k, best[k], &pool, chance))
                .collect(),
            blocks: side
                .blocks
                .iter()
                .enumerate()
                .map(|(b, _)| block(side, b, &chance.null))
                .collect(),
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

fn direction(
    side: &Observed,
    k: usize,
    best: f64,
    pool: &[f64],
    chance: &Chance,
) -> DirectionAlignment {
    let p_rotation = (!pool.is_empty()).then(|| {
        let as_large = pool.len() - pool.partition_point(|&x| x < best);
        (1 + as_large) as f64 / (pool.len() + 1) as f64
    });
    let ln_p = match p_rotation {
        Some(p) if chance.whitened => p.ln(),
        // Nothing found is certain to be reached.
        _ if best == 0.0 => 0.0,
        _ => chance.null.ln_p(best),
    };
    DirectionAlignment {
        k,
        sigma: side.head.sigma[k],
        block: side.blocks.iter().position(|block| block.contains(&k)),
        z: finite_or_zero((best - chance.mean) / chance.sd),
        p: ln_p.exp(),
        ln_p,
        q: 1.0,
        p_rotation,
        best: matches(&side.top.by_magnitude(k)),
        positive: matches(side.top.positive(k)),
        negative: matches(side.top.negative(k)),
    }
}

fn block(side: &Observed, b: usize, null: &IsotropicNull) -> BlockAlignment {
    let (range, best) = (&side.blocks[b], matches(side.block_top.positive(b)));
    let p = best.first().map_or(1.0, |found| {
        ln_p_of_best(ln_p_subspace(null.d, range.len(), found.cos), null.n).exp()
    });
    BlockAlignment { start: range.start, end: range.end, p, best }
}

fn matches(ranked: &[Ranked]) -> Vec<Match> {
    let found = |r: &Ranked| Match {
        index: r.index,
        label: String::new(),
        cos: f64::from(r.score).clamp(-1.0, 1.0),
    };
    ranked.iter().map(found).collect()
}

fn rotation_null(observed: f64, null: &[f64], seed: u32) -> RotationNull {
    let (mean, sd) = mean_sd(null);
    let (sd, z) = (finite_or_zero(sd), finite_or_zero((observed - mean) / sd));
    let p = empirical_p(observed, null);
    RotationNull { mean, sd, z, p, p_normal: normal_tail(z), rotations: null.len(), seed }
}

/// Compared at the 5 % level, except where whitening leaves the closed form nothing to say.
fn disagreement(z_isotropic: f64, null: &RotationNull, whitened: bool) -> Option<Disagreement> {
    if whitened {
        return None;
    }
    match (normal_tail(z_isotropic) < LEVEL, null.p_normal < LEVEL) {
        (true, false) => Some(Disagreement::SubspaceNotBasis),
        (false, true) => Some(Disagreement::BasisNotSubspace),
        _ => None,
    }
}

/// Zero for what has no value: a head without directions, a dictionary without features, a spread of nothing.
fn finite_or_zero(x: f64) -> f64 {
    if x.is_finite() { x } else { 0.0 }
}
