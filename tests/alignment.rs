//! Alignment on planted dictionaries: what is there is found, and what is not there is not.
//!
//! Longer than most files: nulls and plants are made of the same few dictionaries, which are made here.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::circuits::alignment::{
    AlignOptions, Alignment, AlignmentReport, DirectionAlignment, Disagreement, Family, HeadSide,
    RotationCount, Side,
};
use omega_lens::circuits::dictionary::{Frame, Survey};
use omega_lens::circuits::null::IsotropicNull;
use omega_lens::circuits::whitening::Gram;
use omega_lens::math::Mat;
use omega_lens::math::random::Rng;
use omega_lens::math::statistics::kolmogorov_smirnov_uniform;
use omega_lens::study::stamp::Stamp;

/// The first `h` columns of a Haar rotation.
fn random_basis(rng: &mut Rng, d: usize, h: usize) -> Mat {
    rng.normal_matrix(d, h).qr().q()
}

fn decaying(h: usize) -> Vec<f64> {
    (0..h).map(|k| 0.9f64.powi(k as i32)).collect()
}

fn side_of(basis: &Mat) -> HeadSide {
    HeadSide::new(0, 0, Side::Dest, basis, &decaying(basis.ncols()))
}

/// Row-major `f32` rows from the columns of a matrix.
fn rows_of(columns: &Mat) -> Vec<f32> {
    columns.iter().map(|&x| x as f32).collect()
}

fn align(
    sides: Vec<HeadSide>,
    rows: &[f32],
    remove_mean: bool,
    options: AlignOptions,
) -> AlignmentReport {
    let d = sides[0].basis.nrows();
    let mut survey = Survey::default();
    let blocks = || rows.chunks(300 * d).enumerate().map(|(i, part)| (i * 300, part.to_vec()));
    blocks().for_each(|(first, part)| survey.step(&Frame::plain(d, false).unit_block(first, part)));
    let frame = Frame::after(&survey.finish(), d, false, remove_mean);
    let mut alignment =
        Alignment::new(sides, frame.clone(), rows.len() / d, None, options).unwrap();
    blocks().for_each(|(first, part)| alignment.step(&frame.unit_block(first, part)).unwrap());
    alignment.report()
}

const NO_ROTATIONS: AlignOptions = AlignOptions { top: 5, rotations: RotationCount::None, seed: 0 };

#[test]
fn planted_features_are_found_with_their_cosine_rank_and_p() {
    let (d, h, n) = (64, 8, 2000);
    let mut rng = Rng::new(11);
    let basis = random_basis(&mut rng, d, h);
    let mut features = rng.normal_matrix(d, n);
    // Feature 100 + 10 k + j leans on direction k with cosine cosines[j], alternating in sign.
    let cosines = [1.0, 0.9, 0.8];
    for k in 0..h {
        for (j, cosine) in cosines.iter().enumerate() {
            let noise = rng.normal_matrix(d, 1);
            let noise = &noise - &basis * (basis.transpose() * &noise);
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            let planted = basis.column(k) * (sign * cosine)
                + noise.normalize() * (1.0 - cosine * cosine).sqrt();
            features.set_column(100 + 10 * k + j, &(planted.column(0) * 7.0));
        }
    }
    let report = align(vec![side_of(&basis)], &rows_of(&features), false, NO_ROTATIONS);
    let null = IsotropicNull { d, n };
    for (k, direction) in report.sides[0].directions.iter().enumerate() {
        for (j, cosine) in cosines.iter().enumerate() {
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            assert_eq!(direction.best[j].index, 100 + 10 * k + j);
            // f32 sums of 64 terms.
            assert!(
                (direction.best[j].cos - sign * cosine).abs() < 1e-6,
                "{:?}",
                direction.best[j]
            );
        }
        assert_eq!(direction.negative[0].index, 100 + 10 * k + 1);
        assert_eq!(direction.positive[1].index, 100 + 10 * k + 2);
        let isotropic = direction.isotropic.unwrap();
        assert!(isotropic.ln_p < null.ln_p(0.9999) && isotropic.p <= 1e-100);
        assert_eq!((direction.p, direction.q), (None, None));
    }
    assert!((report.sides[0].mmcs - 1.0).abs() < 1e-6);
}

/// Random features and random directions: p-values of single directions over many seeds are uniform.
#[test]
fn p_values_of_random_features_are_uniform() {
    let (d, n) = (48, 400);
    let mut p = Vec::new();
    for seed in 0..300 {
        let mut rng = Rng::of_stream(5, seed);
        let basis = random_basis(&mut rng, d, 1);
        let report =
            align(vec![side_of(&basis)], &rows_of(&rng.normal_matrix(d, n)), false, NO_ROTATIONS);
        p.push(report.sides[0].directions[0].isotropic.unwrap().p);
    }
    let (distance, ks) = kolmogorov_smirnov_uniform(&p);
    println!("300 p-values: KS distance {distance:.3}, p {ks:.2}");
    assert!(ks > 0.01, "{distance} {ks}");
}

/// The components of every planted feature are permuted, so the alignment is gone and the norms are not.
#[test]
fn permuted_dictionaries_give_uniform_rotation_p() {
    let (d, h, n) = (32, 6, 150);
    let mut p = Vec::new();
    for seed in 0..200 {
        let mut rng = Rng::of_stream(6, seed);
        let basis = random_basis(&mut rng, d, h);
        let planted = &basis * 3.0;
        let mut features = rng.normal_matrix(d, n);
        for k in 0..h {
            let order = rng.permutation(d);
            features.set_column(k, &Mat::from_fn(d, 1, |i, _| planted[(order[i], k)]).column(0));
        }
        let options = AlignOptions { top: 1, rotations: RotationCount::Exactly(39), seed };
        let report = align(vec![side_of(&basis)], &rows_of(&features), false, options);
        p.push(report.sides[0].rotation_null.as_ref().unwrap().p - rng.uniform() / 40.0);
    }
    let (distance, ks) = kolmogorov_smirnov_uniform(&p);
    println!("200 rotation p-values: KS distance {distance:.3}, p {ks:.2}");
    assert!(ks > 0.01, "{distance} {ks}");
}

/// Simulation of the best cosine; the mean must lie within four standard errors, and 5 % of the draws past the 5 % point.
#[test]
fn the_closed_form_matches_simulation() {
    for (d, n, directions) in [(64, 5000, 400), (768, 2000, 200), (4096, 500, 24)] {
        let mut rng = Rng::new(d as u32);
        let bases: Vec<Mat> =
            (0..directions).map(|_| rng.normal_matrix(d, 1).normalize()).collect();
        let sides = bases.iter().map(side_of).collect();
        let report = align(sides, &rows_of(&rng.normal_matrix(d, n)), false, NO_ROTATIONS);
        let best: Vec<f64> = report.sides.iter().map(|side| side.mmcs).collect();
        let mean = best.iter().sum::<f64>() / best.len() as f64;
        let level = report.comparison.isotropic.as_ref().unwrap();
        let error = level.sd / (best.len() as f64).sqrt();
        assert!((mean - level.mean).abs() < 4.0 * error, "d = {d}: {mean} {:?}", report.comparison);
        let past = best.iter().filter(|&&t| t > level.critical).count() as f64 / best.len() as f64;
        assert!(past < 0.05 + 4.0 * (0.0475 / best.len() as f64).sqrt(), "d = {d}: {past}");
    }
}

/// A head that reads where the dictionary's variance lies, with a random basis inside: the closed form cries wolf, the rotation
/// null keeps its 5 %, and the report says why.
#[test]
fn rotations_are_calibrated_where_the_closed_form_is_not() {
    let (d, h, n, seeds) = (48, 6, 300, 200);
    let (mut closed, mut rotated, mut explained) = (0, 0, 0);
    for seed in 0..seeds {
        let mut rng = Rng::of_stream(7, seed);
        let stretch = Mat::from_fn(d, n, |i, _| 1.0 / (1.0 + i as f64));
        let features = rng.normal_matrix(d, n).component_mul(&stretch);
        // The top-variance subspace is spanned by the first h axes.
        let mut basis = Mat::zeros(d, h);
        basis.view_mut((0, 0), (h, h)).copy_from(&rng.haar_rotation(h));
        let options = AlignOptions { top: 1, rotations: RotationCount::Exactly(39), seed };
        let report = align(vec![side_of(&basis)], &rows_of(&features), false, options);
        let side = &report.sides[0];
        closed +=
            usize::from(side.directions.iter().any(|x| x.isotropic.unwrap().p * (h as f64) < 0.05));
        rotated += usize::from(side.rotation_null.as_ref().unwrap().p <= 0.05);
        explained += usize::from(side.disagreement == Some(Disagreement::SubspaceNotBasis));
    }
    println!(
        "nominal 5 %: closed form {closed}, rotations {rotated}, explained {explained} of {seeds}"
    );
    assert!(closed > 190 && explained > 150);
    // Binomial(200, 0.05): mean 10, sd 3.1.
    assert!((1..=22).contains(&rotated), "{rotated}");
}

/// "u₁ is the mean feature" is true and tells nothing: the rotations alone flag it, once the mean is removed they do not.
#[test]
fn the_common_direction_is_no_discovery_once_it_is_removed() {
    let (d, h, n) = (64, 8, 500);
    let mut flagged = [0, 0];
    for seed in 0..40 {
        let mut rng = Rng::of_stream(8, seed);
        let cone = rng.normal_matrix(d, 1).normalize() * 12.0;
        let mut features = rng.normal_matrix(d, n);
        features.column_iter_mut().for_each(|mut column| column += &cone);
        let mut spanned = rng.normal_matrix(d, h);
        spanned.set_column(0, &cone.column(0));
        let basis = spanned.qr().q();
        for remove in [false, true] {
            let options = AlignOptions { top: 3, rotations: RotationCount::Exactly(39), seed };
            let report = align(vec![side_of(&basis)], &rows_of(&features), remove, options);
            let p = report.sides[0].directions[0].p.unwrap();
            flagged[usize::from(remove)] += usize::from(p <= 0.05);
            assert_eq!(report.comparison.d_null, d - usize::from(remove));
        }
    }
    println!(
        "u1 = mean feature, 40 seeds: flagged {} with the mean, {} without",
        flagged[0], flagged[1]
    );
    // Binomial(40, 0.05): mean 2, sd 1.4.
    assert!(flagged[0] == 40 && flagged[1] <= 8, "{flagged:?}");
}

/// A feature inside the span of two equal singular values is found by the block, whatever basis the block happens to have.
#[test]
fn a_degenerate_block_finds_what_no_single_direction_has() {
    let (d, h) = (40, 4);
    let mut rng = Rng::new(3);
    let basis = random_basis(&mut rng, d, h);
    let mut features = rng.normal_matrix(d, 300);
    features.set_column(77, &(basis.column(1) + basis.column(2)));
    let side = HeadSide::new(0, 0, Side::Src, &basis, &[4.0, 2.0, 2.0, 1.0]);
    let report = align(vec![side], &rows_of(&features), false, NO_ROTATIONS);
    let side = &report.sides[0];
    let block = &side.blocks[0];
    assert_eq!((block.start, block.end, block.best[0].index), (1, 3, 77));
    assert!((block.best[0].cos - 1.0).abs() < 1e-6 && block.p_isotropic.unwrap() < 1e-50);
    assert!((side.directions[1].best[0].cos - 0.5f64.sqrt()).abs() < 1e-6);
    assert_eq!((side.directions[1].block, side.directions[3].block), (Some(0), None));
}

/// Workers that share the rows give what one gives, and a partial report says how far it is.
#[test]
fn heads_that_come_one_after_the_other_are_corrected_as_one() {
    let (d, h) = (24, 4);
    let mut rng = Rng::new(21);
    let rows = rows_of(&rng.normal_matrix(d, 60));
    let options = AlignOptions { rotations: RotationCount::Exactly(64), ..NO_ROTATIONS };
    let mut head = |head: usize| {
        let sides = Side::ALL
            .map(|side| HeadSide::new(0, head, side, &random_basis(&mut rng, d, h), &decaying(h)));
        align(sides.to_vec(), &rows, false, options)
    };
    let heads: Vec<AlignmentReport> = (0..6).map(&mut head).collect();
    let mut whole = heads[0].clone();
    heads[1..].iter().for_each(|head| whole.append(head.clone()));
    let family = Family::of(&heads);
    assert_eq!(family.tests(), [6 * 4 * h, 6 * 4, 6]);
    let mut changed = 0;
    for (alone, expected) in heads.iter().zip(whole.sides.chunks(4)) {
        let mut joined = alone.clone();
        joined.adjust_to(&family);
        assert_eq!(joined.sides, expected);
        changed += usize::from(joined != *alone);
    }
    assert!(changed > 0, "no q of a head depends on the others");
}

#[test]
fn two_blocks_find_what_one_finds_and_half_way_there_is_a_report() {
    let (d, n) = (24, 700);
    let mut rng = Rng::new(4);
    let basis = random_basis(&mut rng, d, 5);
    let rows = rows_of(&rng.normal_matrix(d, n));
    let options = AlignOptions { top: 4, rotations: RotationCount::Exactly(8), seed: 2 };
    let frame = Frame::plain(d, false);
    let make = || Alignment::new(vec![side_of(&basis)], frame.clone(), n, None, options).unwrap();
    let (mut whole, mut parts) = (make(), make());
    whole.step(&frame.unit_block(0, rows.clone())).unwrap();
    parts.step(&frame.unit_block(0, rows[..300 * d].to_vec())).unwrap();
    assert_eq!(parts.progress(), (300, 700));
    assert_eq!(parts.report().comparison.n_features, 300);
    parts.step(&frame.unit_block(300, rows[300 * d..].to_vec())).unwrap();
    let (joined, single) = (parts.report(), whole.report());
    for (a, b) in joined.sides[0].directions.iter().zip(&single.sides[0].directions) {
        let indices = |d: &omega_lens::circuits::alignment::DirectionAlignment| {
            d.best.iter().map(|m| m.index).collect::<Vec<_>>()
        };
        assert_eq!(indices(a), indices(b));
    }
    let null = |report: &AlignmentReport| report.sides[0].rotation_null.clone().unwrap().mean;
    assert!((null(&joined) - null(&single)).abs() < 1e-6);
}

/// Theorem 1: with one anisotropic pair the singular vectors are Σ⁻¹x and Σ⁻¹y, and whitening finds the features again.
#[test]
fn whitening_undoes_the_tilt_of_theorem_one() {
    let (d, n) = (20, 200);
    let mut rng = Rng::new(12);
    let stretch = Mat::from_fn(d, n, |i, _| 1.0 / (1.0 + i as f64));
    let features = rng.normal_matrix(d, n).component_mul(&stretch);
    let rows = rows_of(&features);
    let frame = Frame::plain(d, false);
    let mut gram = Gram::new(d);
    gram.step(&frame.unit_block(0, rows.clone()));
    let target = features.column(42).normalize();
    let tilted = gram.matrix().clone().lu().solve(&target).unwrap().normalize();
    let basis = Mat::from_columns(&[tilted]);
    let best = |gram: Option<&Gram>| {
        let mut alignment =
            Alignment::new(vec![side_of(&basis)], frame.clone(), n, gram, NO_ROTATIONS).unwrap();
        alignment.step(&frame.unit_block(0, rows.clone())).unwrap();
        let best = &alignment.report().sides[0].directions[0].best;
        (best[0].index, best[0].cos)
    };
    let (index, cos) = best(Some(&gram));
    assert_eq!(index, 42);
    assert!((cos - 1.0).abs() < 1e-6);
    assert!(best(None).1 < 0.9);
}

/// The closed form is about random directions, and `Σ_X u` is none: it lies where the features lie, whatever `u` is.
#[test]
fn whitened_directions_are_compared_with_rotations_or_not_at_all() {
    let (d, n, h) = (32, 300, 8);
    let mut rng = Rng::new(31);
    let stretch = Mat::from_fn(d, n, |i, _| 1.0 / (1.0 + i as f64));
    let rows = rows_of(&rng.normal_matrix(d, n).component_mul(&stretch));
    let frame = Frame::plain(d, false);
    let mut gram = Gram::new(d);
    gram.step(&frame.unit_block(0, rows.clone()));
    let mut whitened = |h: usize, rotations: RotationCount| {
        let sides = (0..60).map(|head| {
            HeadSide::new(0, head, Side::Dest, &random_basis(&mut rng, d, h), &decaying(h))
        });
        let options = AlignOptions { rotations, ..NO_ROTATIONS };
        let mut alignment =
            Alignment::new(sides.collect(), frame.clone(), n, Some(&gram), options).unwrap();
        alignment.step(&frame.unit_block(0, rows.clone())).unwrap();
        alignment.report()
    };
    // Neither a first pass without rotations nor a side of rank one, which has no other basis, has any chance level.
    for (h, rotations) in [(h, RotationCount::None), (1, RotationCount::ByWidth)] {
        let report = whitened(h, rotations);
        assert!(report.comparison.whitened && report.comparison.isotropic.is_none());
        let stamp = Stamp::new("a dictionary", &()).compared("words", &report.comparison).line();
        assert!(stamp.contains("whitened") && !stamp.contains("isotropic"), "{stamp}");
        for side in &report.sides {
            assert!(side.rotation_null.is_none() && side.z_isotropic.is_none());
            let silent = |d: &DirectionAlignment| d.p.is_none() && d.isotropic.is_none();
            assert!(side.directions.iter().all(silent));
            assert!(side.blocks.iter().all(|block| block.p_isotropic.is_none()));
        }
    }
    // Random sides are as random as they look: 3 of 60 below 0.05 are expected, and 24 of 480 directions.
    let report = whitened(h, RotationCount::ByWidth);
    let nulls = report.sides.iter().filter_map(|side| side.rotation_null.as_ref());
    assert!(nulls.filter(|null| null.p < 0.05).count() <= 9);
    let directions = report.sides.iter().flat_map(|side| &side.directions);
    let low = directions.filter(|d| d.p.is_some_and(|p| p < 0.05)).count();
    assert!((6..=48).contains(&low), "{low}");
}

/// Skipped rows cost nothing and count for nothing; a dictionary of nothing gives an empty, finite report.
#[test]
fn empty_and_broken_rows_are_no_features() {
    let d = 8;
    let basis = random_basis(&mut Rng::new(1), d, 3);
    let mut rows = vec![0f32; 5 * d];
    rows[d] = f32::NAN;
    let report = align(
        vec![side_of(&basis)],
        &rows,
        true,
        AlignOptions { top: 2, rotations: RotationCount::Exactly(4), seed: 0 },
    );
    assert_eq!((report.comparison.n_features, report.sides[0].mmcs), (0, 0.0));
    let text = serde_json::to_string(&report).unwrap();
    let back: AlignmentReport = serde_json::from_str(&text).unwrap();
    assert_eq!(back.sides[0].directions.len(), 3);
    assert!(back.sides[0].directions.iter().all(|direction| direction.best.is_empty()));
}
