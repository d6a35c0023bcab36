//! Channels against chance: nothing where nothing is, and what was planted.

use super::*;
use crate::math::statistics::FalseDiscovery;
use crate::math::{ProductSvd, product_svd};

fn svd(seed: u32) -> ProductSvd {
    let mut rng = Rng::new(seed);
    product_svd(&rng.normal_matrix(24, 4), &rng.normal_matrix(24, 4)).unwrap()
}

fn square(svd: &ProductSvd) -> Mat {
    &svd.u * Mat::from_diagonal(&svd.s.clone().into()) * svd.v.transpose()
}

#[test]
fn the_classical_score_is_that_of_the_square_matrices() {
    let (early, late) = (svd(1), svd(2));
    let written = Directions::new(&early.v, &early.s);
    let mut null = PairNull::new(0);
    let score = |left: Mat, right: Mat| (&left * &right).norm() / left.norm() / right.norm();
    let q = null.strength(&written, &Directions::new(&late.u, &late.s)).unwrap();
    assert!((q.classical - score(square(&early), square(&late))).abs() < 1e-13);
    let k = null.strength(&written, &Directions::new(&late.v, &late.s)).unwrap();
    assert!((k.classical - score(square(&early), square(&late).transpose())).abs() < 1e-13);
}

#[test]
fn a_written_vector_that_is_read_is_found_and_the_strong_pair_is_another() {
    let (early, mut late) = (svd(3), svd(4));
    late.u.set_column(3, &early.v.column(3));
    let written = Directions::new(&early.v, &early.s);
    let found = PairNull::new(0).strength(&written, &Directions::new(&late.u, &late.s)).unwrap();
    let (closest, carrying) = (found.closest, found.carrying);
    assert_eq!((closest.k_written, closest.k_read), (3, 3));
    assert_eq!((closest.sigma_written, closest.sigma_read), (early.s[3], late.s[3]));
    assert!((closest.cos - 1.0).abs() < 1e-12 && closest.p < 1e-6, "{found:?}");
    assert!(carrying.carried() >= closest.carried() && carrying.p >= closest.p);
}

#[test]
fn a_zero_head_composes_with_nothing() {
    let early = svd(5);
    let written = Directions::new(&early.v, &early.s);
    let nothing = Directions::new(&Mat::zeros(24, 4), &[0.0; 4]);
    let found = PairNull::new(0).strength(&written, &nothing).unwrap();
    assert_eq!((found.classical, found.closest.cos, found.closest.p), (0.0, 0.0, 1.0));
}

#[test]
fn rounding_is_no_direction() {
    let mut early = svd(6);
    early.s[3] = early.s[0] * 1e-7;
    assert_eq!(Directions::new(&early.v, &early.s).sigma.len(), 3);
}

/// As many channels as GPT-2 small has, in random heads: nothing is claimed, and a planted channel still is found.
#[test]
fn among_28_512_channels_chance_is_no_finding_and_a_planted_one_is() {
    let (d, h, layers, heads) = (128, 8, 12, 12);
    let mut rng = Rng::new(17);
    let sigma: Vec<f64> = (0..h).map(|k| 0.8f64.powi(k)).collect();
    let mut basis = || Directions::new(&rng.normal_matrix(d, h as usize).qr().q(), &sigma);
    let all: Vec<[Directions; 4]> =
        (0..layers * heads).map(|_| [basis(), basis(), basis(), basis()]).collect();
    let mut null = PairNull::new(0);
    let mut found = Vec::new();
    for (late, [_, reads @ ..]) in all.iter().enumerate() {
        for [written, ..] in &all[..late / heads * heads] {
            found.extend(reads.iter().map(|read| null.strength(written, read).unwrap()));
        }
    }
    assert_eq!(found.len(), 28_512);
    let smallest = found.iter().map(|s| s.closest.p).fold(1.0, f64::min);
    let family = FalseDiscovery::over(found.iter().map(|s| s.closest.p));
    assert!(family.q(smallest) > 0.1, "a claim from nothing: p {smallest}");
    assert!(smallest < 1e-3, "p cannot be small: {smallest}");
    // By chance 285 are expected below 0.01, a few less with Boole's bound.
    let below = found.iter().filter(|s| s.closest.p < 0.01).count();
    assert!((140..400).contains(&below), "{below}");
    // What is expected of the strongest by chance is what the strongest is.
    let n = null.by_chance().len() as f64;
    let expected = |of: &dyn Fn(&Reach) -> f64| null.by_chance().iter().map(of).sum::<f64>() / n;
    let largest = |of: &dyn Fn(&Strength) -> f64| found.iter().map(of).fold(0.0, f64::max);
    for (expected, largest) in [
        (expected(&|r| r.cos), largest(&|s| s.closest.cos)),
        (expected(&|r| r.carried), largest(&|s| s.carrying.carried())),
        (expected(&|r| r.classical), largest(&|s| s.classical)),
    ] {
        assert!((largest / expected - 1.0).abs() < 0.2, "{expected} {largest}");
    }
    let [written, ..] = &all[3];
    let mut read = all[140][1].clone();
    let leaning = read.vectors.column(5) * 0.5 + written.vectors.column(2) * 0.8;
    read.vectors.set_column(5, &leaning);
    let read = Directions::new(&read.vectors.qr().q(), &sigma);
    let planted = null.strength(written, &read).unwrap().closest;
    let with = FalseDiscovery::over(found.iter().map(|s| s.closest.p).chain([planted.p]));
    assert_eq!((planted.k_written, planted.k_read), (2, 5));
    assert!(with.q(planted.p) < 0.01, "{planted:?} q {}", with.q(planted.p));
}

/// GPT-2 small's head shape: 64 directions of 768, spectra that decay.
#[test]
fn p_is_calibrated_at_the_shape_of_gpt2s_heads_and_finds_a_weak_channel_there() {
    let (d, h) = (768, 64);
    let mut rng = Rng::new(29);
    let sigma: Vec<f64> = (0..h).map(|k| 0.95f64.powi(k)).collect();
    let mut basis = || Directions::new(&rng.normal_matrix(d, h as usize).qr().q(), &sigma);
    let [writers, readers]: [Vec<Directions>; 2] =
        [(); 2].map(|()| (0..20).map(|_| basis()).collect());
    let mut null = PairNull::new(0);
    let mut p = Vec::new();
    for (written, read) in writers.iter().flat_map(|w| readers.iter().map(move |r| (w, r))) {
        p.push(null.strength(written, read).unwrap().closest.p);
    }
    let below = |t: f64| p.iter().filter(|p| **p < t).count();
    // Of 400: 20 and 4 by chance, a few less with Boole's bound and the two standard errors on top.
    assert!((6..33).contains(&below(0.05)) && below(0.01) < 12, "{} {}", below(0.05), below(0.01));
    assert!(
        FalseDiscovery::over(p.iter().copied()).q(p.iter().copied().fold(1.0, f64::min)) > 0.05
    );
    // A cosine of about 0.3, where the best of 4096 random pairs reaches 0.15.
    let mut read = readers[0].clone();
    let leaning = read.vectors.column(9) * 0.95 + writers[0].vectors.column(40) * 0.3;
    read.vectors.set_column(9, &leaning);
    let read = Directions::new(&read.vectors.qr().q(), &sigma);
    let planted = null.strength(&writers[0], &read).unwrap().closest;
    assert_eq!((planted.k_written, planted.k_read), (40, 9));
    let q = FalseDiscovery::over(p.into_iter().chain([planted.p])).q(planted.p);
    assert!(q < 1e-4, "{planted:?} q {q}");
}
