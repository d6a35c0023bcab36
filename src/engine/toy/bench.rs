//! Theorems 1 and 2 as numbers: one head found in three ways, and draws of a cloud.

use std::ops::Range;

use crate::math::random::Rng;
use crate::math::{Mat, layout, product_svd};
use crate::protocol::Failure;
use crate::protocol::toy::{Bench, Worked};
use crate::toy::{FeatureKind, Regression, alignment_with_inverse, cloud_point, isotropy};

/// Largest sizes of a bench: it is for looking, and answers at once.
const MOST_DIMENSIONS: usize = 64;
const MOST_FEATURES: usize = 400;

/// Operations that gradient descent may take, and when it has arrived.
const EFFORT: usize = 1_000_000_000;
const ARRIVED: f64 = 1e-12;

/// Works out Theorem 1 for two sets of features.
pub(super) fn work_out(bench: Bench) -> Result<Worked, Failure> {
    let Bench { kind, n_features: n, d_model: d, strength, seed, .. } = bench;
    if !(1..=MOST_DIMENSIONS).contains(&d)
        || !(1..=MOST_FEATURES).contains(&n)
        || !strength.is_finite()
    {
        return Err(Failure::new(format!(
            "The bench takes 1 to {MOST_FEATURES} features in 1 to {MOST_DIMENSIONS} dimensions, not {n} in {d}."
        )));
    }
    let mut x = kind.draw(n, d, strength, &mut Rng::of_stream(seed, 0));
    let y = kind.draw(n, d, strength, &mut Rng::of_stream(seed, 1));
    for (row, to) in bench.moved.iter().filter(|(row, to)| *row < n && to.len() == d) {
        (0..d).for_each(|axis| x[(*row, axis)] = to[axis]);
    }
    let regression = Regression::one_pair(x.clone(), y.clone())?;
    let omega = regression.closed_form();
    let mut descent = regression.descent();
    let (mut steps, mut gradient) = (0, 1.0);
    while steps < EFFORT / (4 * d * d * d) && gradient > ARRIVED {
        gradient = descent.step();
        steps += 1;
    }
    let apart = |other: &Mat| (other - &omega).norm() / omega.norm().max(f64::MIN_POSITIVE);
    let svd = product_svd(&omega, &Mat::identity(d, d))?;
    let (scatter_x, scatter_y) = regression.scatters();
    let sides = [(&x, svd.u.column(0), scatter_x), (&y, svd.v.column(0), scatter_y)];
    let turned = sides.map(|(features, vector, scatter)| {
        let first = features.row(0).transpose();
        let vector = vector * first.dot(&vector).signum();
        let unwhitened = (&scatter * &vector).normalize();
        let cos = |v: &nalgebra::DVector<f64>| first.normalize().dot(v);
        (
            [cos(&vector), cos(&unwhitened)],
            vector.as_slice().to_vec(),
            unwhitened.as_slice().to_vec(),
        )
    });
    let aligned = alignment_with_inverse(&x);
    Ok(Worked {
        features: [layout::to_row_major(&x), layout::to_row_major(&y)],
        sigma: svd.s.clone(),
        cos: [turned[0].0[0], turned[1].0[0]],
        cos_unwhitened: [turned[0].0[1], turned[1].0[1]],
        vectors: [turned[0].1.clone(), turned[1].1.clone()],
        unwhitened: [turned[0].2.clone(), turned[1].2.clone()],
        apart: [apart(&regression.least_squares()), apart(descent.omega())],
        descent: (steps, gradient),
        isotropy: [isotropy(&x), isotropy(&y)],
        all: [
            aligned.iter().copied().fold(1.0, f64::min),
            aligned.iter().sum::<f64>() / aligned.len().max(1) as f64,
        ],
        bench,
    })
}

/// Draws of the cloud, four numbers each: ‖E‖₂, sin∠(u₁, x₁), A, index of the kind.
pub(super) fn cloud(seed: u32, draws: Range<u32>) -> Vec<f32> {
    draws
        .flat_map(|index| {
            let point = cloud_point(seed, index);
            let kind = FeatureKind::ALL.iter().position(|k| *k == point.kind).unwrap_or(0);
            let sine = (1.0 - point.cos * point.cos).max(0.0).sqrt();
            [
                point.norm_e as f32,
                sine as f32,
                point.average.unwrap_or(f64::NAN) as f32,
                kind as f32,
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_find_one_head_and_unwhitening_restores_the_feature() {
        let bench = Bench {
            kind: FeatureKind::Cone,
            n_features: 6,
            d_model: 3,
            strength: 0.5,
            seed: 1,
            moved: vec![(0, vec![1.0, 0.2, 0.0])],
        };
        let worked = work_out(bench.clone()).unwrap();
        assert!(worked.apart.iter().all(|apart| *apart < 1e-8), "{:?}", worked.apart);
        assert!(worked.cos_unwhitened.iter().all(|cos| *cos > 1.0 - 1e-9));
        assert!(worked.cos[0] < 0.999 && worked.sigma[1] < 1e-9 * worked.sigma[0]);
        assert_eq!(worked.features[0][..3], [1.0, 0.2, 0.0]);
        assert!(work_out(Bench { d_model: 65, ..bench }).is_err());
        assert_eq!(cloud(0, 2..5).len(), 12);
    }
}
