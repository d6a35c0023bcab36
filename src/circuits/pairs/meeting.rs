//! Do the features that meet in a score lie on the singular vectors that carry it? Beside inactive features, and beside rotations.
//!
//! ```text
//! use        w_k = |term k of the score| / Σ |terms|
//! reach      R = Σ_k w_k · max over the active features of |cos(feature, singular vector k)|
//! inactive   the same for sets of as many features that are not active, their mean over the sets
//! excess     reach − inactive
//! ```
//! The null rotates U and V inside their spans, each by itself, and takes everything along: whole query, whole key, all features, and
//! so the terms and their weights. If nothing ties the features to the singular vectors, the real basis is one rotation more and the
//! p is exact. It is not enough that active features beat inactive ones: the stream is made of the active ones, so a direction along
//! which it is long is nearer to them in any basis. What rotations do not give is the part that the singular vectors have.
//!
//! # Source
//! The question: Franco, Loughridge & Crovella, arXiv:2602.13524. Counting: Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010).

use serde::{Deserialize, Serialize};

use crate::math::Mat;
use crate::math::random::Rng;
use crate::math::statistics::empirical_p;

/// A rotation that differs by rounding alone reaches as far.
const ROUNDING: f64 = 1e-9;

/// How rotations are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingOptions {
    /// How many.
    pub rotations: usize,
    /// Their seed, and that of the inactive features.
    pub seed: u32,
}

impl Default for MeetingOptions {
    fn default() -> Self {
        Self { rotations: 199, seed: 0 }
    }
}

/// One side of a score in the span of its singular vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct InSpan {
    /// `[rank]`: the whole query (or key) along each vector.
    pub whole: Vec<f64>,
    /// `[rank, n]`: cosines of the active features.
    pub active: Mat,
    /// Sets of features that are not active, as many in each: `[rank, n]`.
    pub inactive: Vec<Mat>,
}

/// What one side reaches, and what rotations do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Active features, weighted by what each singular vector carries of the score.
    pub active: f64,
    /// As many inactive ones, on average; `None` where there are not as many.
    pub inactive: Option<f64>,
    /// Active features in rotations, on average.
    pub rotated: f64,
    /// The chance that a rotation brings active features as near: `(1 + #{rotated ≥ active}) / (1 + rotations)`.
    pub p: f64,
    /// The chance that a rotation brings them as much nearer than inactive ones.
    pub p_excess: Option<f64>,
}

/// Both sides, and the two together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meeting {
    /// The query's side.
    pub dest: Reach,
    /// The key's.
    pub src: Reach,
    /// Their mean.
    pub both: Reach,
    /// How the rotations were drawn.
    pub options: MeetingOptions,
}

/// Reach of the active and of the inactive features on both sides.
type Both = [(f64, Option<f64>); 2];

/// Holds both sides against rotations; `None` below two dimensions, without rotations or without an active feature on a side.
pub fn meeting(
    sigma: &[f64],
    dest: &InSpan,
    src: &InSpan,
    options: MeetingOptions,
) -> Option<Meeting> {
    let rank = sigma.len();
    let sides = [dest, src];
    let empty = |side: &InSpan| side.active.ncols() == 0 || side.whole.len() != rank;
    if rank < 2 || options.rotations == 0 || sides.into_iter().any(empty) {
        return None;
    }
    let real = reach(sigma, sides, None);
    let draw = |r: usize| {
        let mut rng = Rng::of_stream(options.seed, r as u32 + 1);
        let turned = [rng.haar_rotation(rank), rng.haar_rotation(rank)];
        reach(sigma, sides, Some(&turned))
    };
    let rotated: Vec<Both> = (0..options.rotations).map(draw).collect();
    let side = |of: &dyn Fn(&Both) -> (f64, Option<f64>)| {
        let (active, inactive) = of(&real);
        let null: Vec<f64> = rotated.iter().map(|both| of(both).0).collect();
        let excess = |(active, inactive): (f64, Option<f64>)| Some(active - inactive?);
        let excesses: Vec<f64> = rotated.iter().filter_map(|both| excess(of(both))).collect();
        Reach {
            active,
            inactive,
            rotated: null.iter().sum::<f64>() / null.len() as f64,
            p: empirical_p(active - ROUNDING, &null),
            p_excess: excess((active, inactive)).map(|x| empirical_p(x - ROUNDING, &excesses)),
        }
    };
    let mean = |[dest, src]: &Both| {
        let inactive = dest.1.zip(src.1).map(|(a, b)| 0.5 * (a + b));
        (0.5 * (dest.0 + src.0), inactive)
    };
    let [dest, src] = [side(&|both| both[0]), side(&|both| both[1])];
    Some(Meeting { dest, src, both: side(&mean), options })
}

/// What both sides reach in a basis: that of the singular vectors, or one turned.
fn reach(sigma: &[f64], sides: [&InSpan; 2], turned: Option<&[Mat; 2]>) -> Both {
    let turn = |side: usize, x: &Mat| match turned {
        Some(q) => &q[side] * x,
        None => x.clone(),
    };
    let [q, k] = [0, 1].map(|i| turn(i, &Mat::from_column_slice(sigma.len(), 1, &sides[i].whole)));
    let terms: Vec<f64> =
        sigma.iter().enumerate().map(|(i, s)| (s * q[(i, 0)] * k[(i, 0)]).abs()).collect();
    let total: f64 = terms.iter().sum();
    let weighted = |side: usize, features: &Mat| {
        let cosines = turn(side, features);
        let of = |(i, term): (usize, &f64)| term * cosines.row(i).amax();
        let sum: f64 = terms.iter().enumerate().map(of).sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    [0, 1].map(|i| {
        let sets = &sides[i].inactive;
        let sum: f64 = sets.iter().map(|set| weighted(i, set)).sum();
        let inactive = (!sets.is_empty()).then(|| sum / sets.len() as f64);
        (weighted(i, &sides[i].active), inactive)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::statistics::kolmogorov_smirnov_uniform;

    const RANK: usize = 8;

    /// A stream of 30 dimensions, `n` features of which make it, and a span: rows that lie in it, the first `planted` on its axes.
    fn side(rng: &mut Rng, n: usize, planted: usize) -> InSpan {
        let axes = rng.haar_rotation(30);
        let mut feature = |place: usize| {
            let row = rng.normal_matrix(30, 1).normalize();
            if place < planted {
                (axes.column(place) * 4.0 + row).normalize()
            } else {
                row.column(0).into_owned()
            }
        };
        let active = Mat::from_columns(&(0..n).map(&mut feature).collect::<Vec<_>>());
        let mut others = || Mat::from_columns(&(0..n).map(|_| feature(n)).collect::<Vec<_>>());
        let sets = [others(), others()];
        let span = axes.columns(0, RANK).transpose();
        let stream: Mat = &active * Mat::from_element(n, 1, 1.0);
        InSpan {
            whole: (&span * stream).column(0).iter().copied().collect(),
            active: &span * active,
            inactive: sets.map(|set| &span * set).into(),
        }
    }

    fn found(seed: u32, planted: usize, rotations: usize) -> Meeting {
        let mut rng = Rng::new(seed);
        let sides = [side(&mut rng, 5, planted), side(&mut rng, 5, planted)];
        let sigma: Vec<f64> = (0..RANK).map(|i| 1.0 / (i + 1) as f64).collect();
        meeting(&sigma, &sides[0], &sides[1], MeetingOptions { rotations, seed }).unwrap()
    }

    #[test]
    fn p_is_uniform_where_features_lie_anywhere() {
        let found: Vec<Meeting> = (0..200).map(|seed| found(seed, 0, 99)).collect();
        let p = |of: &dyn Fn(&Meeting) -> f64| found.iter().map(of).collect::<Vec<_>>();
        for p in [p(&|m| m.both.p), p(&|m| m.dest.p), p(&|m| m.both.p_excess.unwrap())] {
            let (distance, ks) = kolmogorov_smirnov_uniform(&p);
            assert!(ks > 0.01, "distance {distance} p {ks}");
        }
        // Active features are nearer than inactive ones all the same, in any basis: that alone is no finding.
        let nearer = found.iter().filter(|m| m.both.active > m.both.inactive.unwrap()).count();
        assert!(nearer > 125, "{nearer} of 200");
    }

    #[test]
    fn features_on_the_singular_vectors_are_found() {
        for seed in 0..20 {
            let found = found(seed, 3, 99);
            assert!(found.both.p <= 0.02, "{seed}: {:?}", found.both);
            assert!(found.both.p_excess.unwrap() <= 0.02, "{seed}: {:?}", found.both);
            assert!(found.both.active > found.both.rotated);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_not_answered() {
        let mut rng = Rng::new(1);
        let (a, b) = (side(&mut rng, 3, 0), side(&mut rng, 3, 0));
        let options = MeetingOptions { rotations: 9, seed: 0 };
        assert!(meeting(&[1.0], &a, &b, options).is_none());
        let none = InSpan { active: Mat::zeros(RANK, 0), ..a.clone() };
        assert!(meeting(&[1.0; RANK], &none, &b, options).is_none());
        let few = InSpan { inactive: Vec::new(), ..a };
        let found = meeting(&[1.0; RANK], &few, &b, options).unwrap();
        assert_eq!((found.dest.inactive, found.both.p_excess), (None, None));
    }
}
