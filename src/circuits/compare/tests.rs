//! The whole of a comparison: invariances, planted changes at their place, nulls that are quiet and calibrated.

use super::chance::{Evidence, correct};
use super::*;
use crate::math::random::Rng;
use crate::math::statistics::kolmogorov_smirnov_uniform;

/// Factors of one circuit whose columns decay like a head's.
struct Head {
    a: Mat,
    b: Mat,
}

impl Head {
    fn draw(d: usize, h: usize, rng: &mut Rng) -> Self {
        let decay = Mat::from_fn(h, h, |i, j| if i == j { 0.8f64.powi(i as i32) } else { 0.0 });
        Self { a: rng.normal_matrix(d, h) * &decay, b: rng.normal_matrix(d, h) }
    }

    fn moved(&self, a: f64, b: f64, rng: &mut Rng) -> Self {
        let step =
            |m: &Mat, size: f64, rng: &mut Rng| m + rng.normal_matrix(m.nrows(), m.ncols()) * size;
        Self { a: step(&self.a, a, rng), b: step(&self.b, b, rng) }
    }

    fn against(&self, new: &Self) -> CircuitChange {
        CircuitChange::new((&self.a, &self.b), (&new.a, &new.b)).unwrap()
    }
}

#[test]
fn a_head_against_itself_is_exactly_nothing() {
    let head = Head::draw(30, 6, &mut Rng::new(1));
    let found = head.against(&head);
    assert_eq!((found.change, found.inside_left, found.inside_right), (Some(0.0), None, None));
    assert!(
        found.delta.iter().chain(&found.angles_left).chain(&found.angles_right).all(|x| *x == 0.0)
    );
    assert_eq!((found.delta.len(), found.angles_left.len()), (12, 6));
    assert!(
        found.matched.iter().all(|m| m.k == m.k_other && m.cos_left == 1.0 && m.cos_right == 1.0)
    );
    assert_eq!((found.chance.change, found.chance.inside_left), (None, None));
}

#[test]
fn another_basis_inside_the_head_is_nothing() {
    let mut rng = Rng::new(2);
    let head = Head::draw(30, 6, &mut rng);
    let basis = rng.normal_matrix(6, 6);
    let inverse = basis.clone().try_inverse().unwrap().transpose();
    let found = head.against(&Head { a: &head.a * basis, b: &head.b * inverse });
    assert_eq!((found.change, found.inside_left), (Some(0.0), None));
    assert!(found.angles_left.iter().chain(&found.angles_right).all(|angle| *angle < 1e-12));
    assert!(found.matched.iter().all(|m| m.k == m.k_other && m.cos_left > 1.0 - 1e-12));
}

#[test]
fn a_planted_change_shows_at_its_place() {
    let mut rng = Rng::new(3);
    let head = Head::draw(60, 6, &mut rng);
    // One new destination direction for one old source direction.
    let mut a = head.a.clone();
    let inside = head.a.clone().qr().q();
    let fresh = rng.normal_matrix(60, 1);
    let fresh = (&fresh - &inside * inside.tr_mul(&fresh)).normalize();
    let key = rng.normal_matrix(6, 1).normalize();
    a += &fresh * key.transpose();
    let found = head.against(&Head { a: a.clone(), b: head.b.clone() });
    assert!(
        found.inside_left.unwrap() < 1e-20 && (found.inside_right.unwrap() - 1.0).abs() < 1e-12
    );
    assert!(found.delta[0] > 1.0 && found.delta[1] == 0.0);
    // One left angle opens; on the right nothing moves.
    assert!(found.angles_left[4] < 1e-9 && found.angles_left[5] > 0.1);
    assert!(found.angles_right.iter().all(|angle| *angle < 1e-12));
    let pairs = leading((&head.a, &head.b), (&a, &head.b)).unwrap();
    assert!((pairs.u.column(0).dot(&fresh.column(0)).abs() - 1.0).abs() < 1e-12);
    assert!((pairs.s[0] / found.delta[0] - 1.0).abs() < 1e-12 && pairs.residual < 1e-13);
    let source = (&head.b * key).normalize();
    assert!((pairs.v.column(0).dot(&source.column(0)).abs() - 1.0).abs() < 1e-12);
    assert!(found.chance.inside_left.unwrap().p < 1e-6, "{:?}", found.chance);
    assert_eq!(found.chance.inside_right, None);
}

#[test]
fn a_change_along_the_heads_own_direction_is_larger_than_chance_and_a_hidden_one_smaller() {
    let mut rng = Rng::new(4);
    let head = Head::draw(60, 6, &mut rng);
    let svd = product_svd(&head.a, &head.b).unwrap();
    let mut grown = Head { a: head.a.clone(), b: head.b.clone() };
    grown.a += svd.u.column(0) * head.b.tr_mul(&svd.v.column(0)).transpose().normalize() * 0.1;
    let change = head.against(&grown).chance.change.unwrap();
    assert!(change.z > 6.0 && change.p < 1e-6 && change.observed > change.expected, "{change:?}");
    let turn = Mat::identity(6, 6) + rng.normal_matrix(6, 6) * 0.02;
    let inverse = turn.clone().try_inverse().unwrap().transpose();
    let mut turned = Head { a: &head.a * turn, b: &head.b * inverse };
    turned.a[(0, 0)] += 1e-3;
    let change = head.against(&turned).chance.change.unwrap();
    assert!(change.z < -6.0 && change.observed < change.expected, "{change:?}");
}

#[test]
fn heads_of_two_widths_and_empty_heads_can_be_compared() {
    let mut rng = Rng::new(5);
    let (narrow, wide) = (Head::draw(30, 4, &mut rng), Head::draw(30, 7, &mut rng));
    let found = narrow.against(&wide);
    assert_eq!((found.delta.len(), found.angles_left.len(), found.matched.len()), (11, 4, 4));
    let empty = Head { a: Mat::zeros(30, 4), b: Mat::zeros(30, 4) };
    let (gone, born) = (narrow.against(&empty), empty.against(&narrow));
    assert!((gone.change.unwrap() - 1.0).abs() < 1e-12 && born.change.is_none());
    assert!(gone.angles_left.is_empty() && gone.matched.is_empty() && born.chance.change.is_none());
}

/// Draws p-values of a null and checks that they are uniform, in the tail too.
fn check_uniform(name: &str, found: &[Option<Evidence>]) {
    let p: Vec<f64> = found.iter().map(|evidence| evidence.unwrap().p).collect();
    let (_, fit) = kolmogorov_smirnov_uniform(&p);
    let rare = p.iter().filter(|p| **p < 0.01).count() as f64;
    let n = p.len() as f64;
    // Four standard deviations of a binomial count.
    assert!(rare < 0.01 * n + 4.0 * (0.01 * n).sqrt(), "{name}: {rare} of {n} below 0.01");
    assert!(fit > 1e-3, "{name}: {fit}");
}

#[test]
fn p_values_of_random_perturbations_are_uniform_however_large_they_are() {
    let mut rng = Rng::new(6);
    for (a, b) in [(1e-4, 1e-4), (0.3, 0.3), (0.02, 0.5), (1.0, 1.0)] {
        let draws: Vec<CircuitChange> = (0..400)
            .map(|_| {
                let head = Head::draw(48, 6, &mut rng);
                let new = head.moved(a, b, &mut rng);
                head.against(&new)
            })
            .collect();
        let all = |pick: fn(&CircuitChange) -> Option<Evidence>| {
            draws.iter().map(pick).collect::<Vec<_>>()
        };
        check_uniform("change", &all(|found| found.chance.change));
        check_uniform("inside left", &all(|found| found.chance.inside_left));
        check_uniform("inside right", &all(|found| found.chance.inside_right));
    }
}

#[test]
fn p_values_of_unrelated_heads_are_uniform_and_none_is_flagged() {
    let mut rng = Rng::new(7);
    let mut draws: Vec<CircuitChange> = (0..400)
        .map(|_| Head::draw(40, 6, &mut rng).against(&Head::draw(40, 8, &mut rng)))
        .collect();
    check_uniform("left", &draws.iter().map(|found| found.chance.overlap_left).collect::<Vec<_>>());
    check_uniform(
        "right",
        &draws.iter().map(|found| found.chance.overlap_right).collect::<Vec<_>>(),
    );
    correct(&mut draws);
    let flagged = draws.iter().filter(|found| found.chance.overlap_left.unwrap().q.unwrap() < 0.01);
    assert_eq!(flagged.count(), 0);
}

#[test]
fn one_changed_head_is_flagged_among_many_that_only_trembled() {
    let mut rng = Rng::new(8);
    let mut all: Vec<CircuitChange> = (0..100)
        .map(|i| {
            let head = Head::draw(48, 6, &mut rng);
            let mut new = head.moved(1e-3, 1e-3, &mut rng);
            if i == 42 {
                // A direction that the head already reads, recombined: chance would take up new ones.
                let own = head.a.column(0).normalize();
                new.a += own * rng.normal_matrix(1, 6).normalize() * 0.05;
            }
            head.against(&new)
        })
        .collect();
    correct(&mut all);
    let q = |found: &CircuitChange| found.chance.inside_left.unwrap().q.unwrap();
    let flagged: Vec<usize> = (0..100).filter(|&i| q(&all[i]) < 0.01).collect();
    assert_eq!(flagged, [42]);
}

/// What became of `n` heads in B and in C; each head is easy to change or hard in its own measure, and B goes `further` than C.
/// Head 3 goes further still by `planted`.
fn beside_a_third(n: usize, further: f64, planted: f64, rng: &mut Rng) -> Vec<CircuitChange> {
    let (mut of_b, mut of_c) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (head, ease) = (Head::draw(24, 4, rng), 0.01 * (1.5 * rng.normal()).exp());
        let step = ease * further * if i == 3 { planted } else { 1.0 };
        of_b.push(head.against(&head.moved(step, step, rng)));
        of_c.push(head.against(&head.moved(ease, ease, rng)));
    }
    let mut pairs: Vec<_> = of_b.iter_mut().zip(&of_c).collect();
    yardstick::hold_against(&mut pairs);
    correct(&mut of_b);
    of_b
}

#[test]
fn beside_a_third_model_nothing_stands_out_where_no_head_is_special() {
    let mut rng = Rng::new(10);
    let mut alarms = 0;
    let (mut change, mut left) = (Vec::new(), Vec::new());
    for set in 0..60 {
        let found = beside_a_third(12, [1.0, 3.0][set % 2], 1.0, &mut rng);
        let flagged = |e: Option<Evidence>| e.unwrap().q.unwrap() < 0.01;
        alarms += usize::from(found.iter().any(|f| flagged(f.chance.third_change)));
        change.extend(found.iter().map(|f| f.chance.third_change));
        left.extend(found.iter().map(|f| f.chance.third_left));
    }
    for (name, found) in [("change", &change), ("turn", &left)] {
        let n = found.len() as f64;
        let below = |t: f64| found.iter().filter(|e| e.unwrap().p < t).count() as f64 / n / t;
        // Careful by design, but no more than a little: 720 draws have standard errors of 0.16 and 0.37.
        assert!((0.5..1.4).contains(&below(0.05)), "{name}: {}", below(0.05));
        assert!(below(0.01) < 1.6, "{name}: {}", below(0.01));
    }
    assert!(alarms <= 2, "{alarms} of 60 sets");
}

#[test]
fn beside_a_third_model_the_head_that_went_further_stands_out_alone() {
    let mut rng = Rng::new(11);
    for _ in 0..5 {
        let found = beside_a_third(24, 2.0, 3.0, &mut rng);
        let q = |i: usize| found[i].chance.third_change.unwrap().q.unwrap();
        let flagged: Vec<usize> = (0..24).filter(|&i| q(i) < 0.01).collect();
        assert_eq!(flagged, [3]);
        let turned = found[3].chance.third_left.unwrap();
        assert!(turned.z > 5.0 && turned.q.unwrap() < 0.01, "{turned:?}");
    }
}

#[test]
fn centred_factors_live_in_one_dimension_less() {
    let mut rng = Rng::new(9);
    let raw = rng.normal_matrix(20, 3);
    let mut centred = raw.clone();
    for mut column in centred.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    assert_eq!(Space::around(&centred, &centred), Space::around(&centred, &Mat::zeros(20, 3)));
    assert_ne!(Space::around(&centred, &raw), Space::around(&centred, &centred));
}
