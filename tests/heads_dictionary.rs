//! Singular vectors of other heads as a dictionary: whose they are, that no head meets its own, and that only what is planted is found.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::checkpoint::{Named, Numbers};
use omega_lens::circuits::alignment::{AlignmentReport, RotationCount, Side, SideAlignment};
use omega_lens::circuits::dictionary::Dictionary;
use omega_lens::circuits::omega::{Circuit, decompose};
use omega_lens::math::Mat;
use omega_lens::math::random::Rng;
use omega_lens::model::{AttentionLayer, Model, Part, Weights};
use omega_lens::study::alignment::{Comparison, head_sides};
use omega_lens::study::dictionary::{Comparing, Source, Surveyed, Surveying};
use serde_json::Value;

use crate::golden::Fixture;
use crate::support::in_memory::{parts, plain};

const D: usize = 32;
/// Width of each of the four heads of both layers.
const H: usize = 8;

/// GPT-2's small fixture with matrices drawn anew.
struct Drawn {
    tensors: Vec<Named>,
    config: Value,
}

impl Drawn {
    fn new(seed: u32) -> Self {
        let (mut tensors, config) = parts(&Fixture::named("gpt2"));
        let mut rng = Rng::new(seed);
        for tensor in &mut tensors {
            let attends = tensor.name.contains("attn") && tensor.name.ends_with("weight");
            if let (Numbers::F32(values), true) = (&mut tensor.numbers, attends) {
                values.iter_mut().for_each(|x| *x = 0.1 * rng.normal() as f32);
            }
        }
        Self { tensors, config }
    }

    fn model(&self) -> Model {
        plain(&self.tensors, &self.config)
    }

    /// Adds `query · key`ᵀ, `[d_model]` each, to the QK of one head of layer 1.
    fn plant(&mut self, head: usize, query: &[f64], key: &[f64]) {
        let found = self.tensors.iter_mut().find(|t| t.name.ends_with("h.1.attn.c_attn.weight"));
        let Numbers::F32(values) = &mut found.unwrap().numbers else { panic!("f32") };
        for i in 0..D {
            values[i * 3 * D + head * H] = 5.0 * query[i] as f32;
            values[i * 3 * D + D + head * H] = 5.0 * key[i] as f32;
        }
    }
}

fn surveyed(model: &Model, layer: usize, circuit: Circuit) -> (Surveyed, Source) {
    let source = Source::Heads { layer, circuit };
    let mut surveying = Surveying::new(model, &source, Vec::new(), Weights::Raw).unwrap();
    while surveying.step(model).unwrap() {}
    (surveying.finish(), source)
}

/// One head beside the vectors of the heads of a layer.
fn compare(
    model: &Model,
    (layer, circuit): (usize, Circuit),
    head: (usize, usize),
    rotations: usize,
) -> AlignmentReport {
    let (mut surveyed, source) = surveyed(model, layer, circuit);
    surveyed.leave_out(model, Some(head));
    let how = Comparing {
        rotations: RotationCount::Exactly(rotations),
        ..Comparing::with(source, Weights::Raw)
    };
    let attention = AttentionLayer::read(model, head.0, Part::Both).unwrap();
    let sides = head_sides(&attention, head.1, Weights::Raw, |_| true).unwrap();
    let mut comparison = Comparison::new(&surveyed, sides, &how).unwrap();
    while comparison.step(model).unwrap().is_some() {}
    let mut report = comparison.finish();
    report.label_with(|row| surveyed.dictionary.label(row));
    report
}

fn side(report: &AlignmentReport, side: Side) -> &SideAlignment {
    report.sides.iter().find(|found| found.side == side).unwrap()
}

#[test]
fn rows_are_the_vectors_of_every_head_by_name() {
    let model = Drawn::new(1).model();
    let mut dictionary = Dictionary::of_heads(&model, 1, Circuit::Qk, Weights::Raw).unwrap();
    assert_eq!(dictionary.about.n_rows, 4 * 2 * H);
    assert!(dictionary.about.name.contains("QK vectors of the heads of L1"));
    let labels = [0, H, 2 * H + 3, 7 * H + 2].map(|row| dictionary.label(row));
    assert_eq!(labels, ["L1H0.u_0", "L1H0.v_0", "L1H1.u_3", "L1H3.v_2"]);
    let attention = AttentionLayer::read(&model, 1, Part::Qk).unwrap();
    let svd = decompose(&attention.head(3, Weights::Raw).unwrap(), Circuit::Qk).unwrap();
    let row = dictionary.rows(None, 7 * H + 2..7 * H + 3).unwrap();
    let expected: Vec<f32> = svd.v.column(2).iter().map(|&x| x as f32).collect();
    assert_eq!(row, expected);
    assert_eq!(dictionary.owner(7 * H + 2), Some((1, 3)));
    assert!(dictionary.leave_out(&model, Some((1, 3))));
    assert!(!dictionary.leave_out(&model, Some((1, 3))), "already");
    assert!(dictionary.rows(None, 6 * H..8 * H).unwrap().iter().all(|x| *x == 0.0));
    assert!(dictionary.rows(None, 6 * H - 1..6 * H).unwrap().iter().any(|x| *x != 0.0));
    assert!(dictionary.leave_out(&model, Some((0, 3))), "of another layer");
    assert_eq!(dictionary.rows(None, 7 * H + 2..7 * H + 3).unwrap(), expected);
    assert!(dictionary.rows(None, 8 * H..8 * H + 1).is_err());
}

#[test]
fn a_head_does_not_meet_its_own_vectors_and_signs_make_no_common_direction() {
    let model = Drawn::new(2).model();
    let found = compare(&model, (1, Circuit::Qk), (1, 2), 0);
    assert_eq!((found.comparison.n_rows, found.comparison.n_features), (8 * H, 6 * H));
    assert!(!found.comparison.mean_removed);
    for direction in found.sides.iter().flat_map(|side| &side.directions) {
        assert!(direction.best.iter().all(|m| !m.label.starts_with("L1H2") && m.cos.abs() < 0.999));
    }
    let other = compare(&model, (1, Circuit::Qk), (0, 2), 0);
    assert_eq!(other.comparison.n_features, 8 * H);
}

#[test]
fn what_one_head_writes_and_another_reads_is_found_and_nothing_else() {
    let mut drawn = Drawn::new(3);
    let attention = AttentionLayer::read(&drawn.model(), 0, Part::Ov).unwrap();
    let written = decompose(&attention.head(1, Weights::Raw).unwrap(), Circuit::Ov).unwrap().v;
    let mut rng = Rng::new(4);
    let query = Mat::from_fn(D, 1, |_, _| rng.normal() / (D as f64).sqrt());
    drawn.plant(2, query.as_slice(), written.column(0).into_owned().as_slice());
    let model = drawn.model();
    let found = compare(&model, (0, Circuit::Ov), (1, 2), 1000);
    let src = side(&found, Side::Src);
    let best = &src.directions[0].best[0];
    assert_eq!(best.label, "L0H1.v_0");
    assert!(best.cos.abs() > 0.99, "{best:?}");
    let p = |side: &SideAlignment| side.rotation_null.as_ref().unwrap().p;
    assert!(p(src) < 1e-3, "{:?}", src.rotation_null);
    assert_eq!(src.rotation_null.as_ref().unwrap().carried_by, [0]);
    for other in [Side::Dest, Side::Read, Side::Write] {
        assert!(p(side(&found, other)) > 1e-3, "{other:?}");
    }
}

#[test]
fn heads_at_random_are_no_closer_to_each_other_than_chance() {
    let mut p = Vec::new();
    for seed in 10..18 {
        let model = Drawn::new(seed).model();
        for (of, head) in [(0, (0, 0)), (0, (1, 3)), (1, (1, 1))] {
            for circuit in [Circuit::Qk, Circuit::Ov] {
                let found = compare(&model, (of, circuit), head, 200);
                p.extend(found.sides.iter().map(|s| s.rotation_null.as_ref().unwrap().p));
            }
        }
    }
    let below = |level: f64| p.iter().filter(|p| **p < level).count();
    // 192 tests: 19 are expected below a tenth, 96 below a half. Sides of one head are not quite independent.
    assert_eq!(p.len(), 192);
    assert!((6..36).contains(&below(0.1)), "{}", below(0.1));
    assert!((68..124).contains(&below(0.5)), "{}", below(0.5));
    assert!(p.iter().all(|p| *p > 1e-4));
}
