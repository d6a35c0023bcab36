//! "The same in Python": every snippet is run by a Python with numpy, and prints the numbers of the study it stands beside.
//!
//! Longer than most files: one test a snippet.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;
use crate::support::python;

use std::path::{Path, PathBuf};

use built_in::{answers, ask, told};
use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::circuits::alignment::RotationCount;
use omega_lens::circuits::dictionary::Builtin;
use omega_lens::circuits::omega::Circuit;
use omega_lens::circuits::pairs::Pair;
use omega_lens::circuits::trace::{Rule, Side, TraceOptions};
use omega_lens::engine::Engine;
use omega_lens::math::statistics::FalseDiscovery;
use omega_lens::model::Weights;
use omega_lens::protocol::Question as _;
use omega_lens::protocol::attention::{CellAt, Explain, Prompt, SetPart};
use omega_lens::protocol::features::{Align, AlignPart, Comparing, Source};
use omega_lens::protocol::heads::{HeadAt, Spectra, Vectors, VectorsPart};
use omega_lens::protocol::model::{Hints, ModelSummary, Open};
use omega_lens::protocol::toy::{Bench, Files, Start, Train, Whole};
use omega_lens::protocol::trace::{Answer, MeetingOptions, Question, SplitScore, Trace};
use omega_lens::study::python::{
    built, circuit as code_of_circuit, cloud, plane, prompt_set, samples, series, theorem,
    theorem_3, toy,
};
use omega_lens::study::stamp::Stamp;
use omega_lens::study::trace::Report;
use omega_lens::toy::{Config, FeatureKind, Quantity, Setting, Sweep, cloud_point, presets};
use omega_lens::ui::memory::measured::{MeasuredHead, looks};
use omega_lens::ui::small_matrix::{Pairs, SmallMatrix, unit};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn open(files: &[PathBuf]) -> (Engine, ModelSummary) {
    let source = |path: &PathBuf| Box::new(FileSource::open(path).unwrap()) as Box<dyn ByteSource>;
    let mut engine = Engine::with_clock(|| 0.0);
    let hints = Hints { name: Some("a\nmodel".into()), ..Hints::default() };
    let told = told(&mut engine, Open { hints }, files.iter().map(source).collect());
    let summary = *answers::<Open>(told).remove(0);
    (engine, summary)
}

fn built_in() -> (Engine, PathBuf) {
    let folder = root().join("www/models/names");
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    let files = files.map(|file| folder.join(file));
    (open(&files).0, files[0].clone())
}

fn argument(path: &Path) -> Vec<String> {
    vec![path.display().to_string()]
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
}

/// The number after `name` in a line of names and numbers.
fn after(line: &str, name: &str) -> f64 {
    let mut words = line.split(' ').skip_while(|word| *word != name);
    number(words.nth(1).unwrap_or_else(|| panic!("no {name} in {line}")))
}

/// Compares the spectra that the snippet of one head prints with the engine's, QK and OV, folded and raw.
fn spectra_agree(python: &PathBuf, engine: &mut Engine, layer: usize, head: usize, file: &Path) {
    for (circuit, weights) in [
        (Circuit::Qk, Weights::Folded),
        (Circuit::Ov, Weights::Folded),
        (Circuit::Qk, Weights::Raw),
    ] {
        let at = HeadAt { layer, head, circuit, weights };
        let parts = ask(engine, Vectors { at, top: 1, remove_mean: true });
        let vectors = parts.into_iter().find_map(|part| match part {
            VectorsPart::Vectors { sigma, python, .. } => Some((sigma, python)),
            VectorsPart::Nearest { .. } | VectorsPart::Positions { .. } => None,
        });
        let (sigma, code) = vectors.unwrap();
        let printed = python::lines(python, &code, &argument(file));
        assert_eq!(printed.len(), sigma.len(), "{}", file.display());
        for (k, (line, sigma_k)) in printed.iter().zip(&sigma).enumerate() {
            let (index, value) = line.split_once(' ').unwrap();
            let off = (number(value) - sigma_k).abs();
            assert!(
                index == k.to_string() && off < 1e-9 * sigma[0],
                "{}: {line}, {sigma_k}",
                file.display()
            );
        }
        assert!(code.contains("omega-lens") && code.contains(weights.slug()));
    }
}

#[test]
fn the_spectrum_is_that_of_numpy_in_every_family() {
    let Some(python) = python::python() else { return };
    let mut n = 0;
    let golden = root().join("tests/golden");
    let first = std::fs::read_dir(golden.join("families")).unwrap();
    // Queries, keys and values out of latents, with one for queries and without.
    let latent = ["families2/deepseek_v2", "families2/deepseek_v3"].map(|name| golden.join(name));
    for folder in first.map(|family| family.unwrap().path()).chain(latent) {
        let file = folder.join("model.safetensors");
        let (mut engine, summary) = open(&[file.clone(), folder.join("config.json")]);
        spectra_agree(&python, &mut engine, summary.n_layers - 1, summary.n_heads - 1, &file);
        n += 1;
    }
    assert!(n >= 26, "only {n} families");
}

#[test]
fn both_eight_bit_floats_and_bf16_are_read_as_they_are_here() {
    let Some(python) = python::python() else { return };
    let golden = root().join("tests/golden/families/llama");
    let bytes = std::fs::read(golden.join("model.safetensors")).unwrap();
    let size = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + size]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (dtype, width) in [("F8_E4M3", 1), ("F8_E5M2", 1), ("BF16", 2)] {
        let (mut changed, mut data) = (serde_json::Map::new(), Vec::new());
        for (name, about) in header.as_object().unwrap() {
            let Some(shape) = about["shape"].as_array() else { continue };
            let n: usize = shape.iter().map(|x| x.as_u64().unwrap() as usize).product();
            let start = data.len();
            // Any bytes but those of infinities and of what is not a number: exponents stay small.
            data.extend((0..n * width).map(|i| (i * 37 % 251) as u8 & 0xBB));
            let about = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]});
            changed.insert(name.clone(), about);
        }
        let json = serde_json::Value::Object(changed).to_string();
        let file = folder.path().join(format!("{dtype}.safetensors"));
        let written = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &data].concat();
        std::fs::write(&file, written).unwrap();
        let (mut engine, _) = open(&[file.clone(), golden.join("config.json")]);
        spectra_agree(&python, &mut engine, 0, 1, &file);
    }
}

#[test]
fn the_nearest_features_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let (mut engine, file) = built_in();
    for remove_mean in [true, false] {
        let how = Comparing {
            remove_mean,
            rotations: RotationCount::None,
            ..Comparing::with(Source::Model(Builtin::Embed), Weights::Folded)
        };
        let (mut code, mut sides) = (String::new(), Vec::new());
        for part in ask(&mut engine, Align { how, heads: vec![(1, 2)] }) {
            match part {
                AlignPart::About(about) => code = about.python,
                AlignPart::Report(report) => sides = report.sides,
                AlignPart::Broken(failure) => panic!("{failure:?}"),
            }
        }
        let printed = python::lines(&python, &code, &argument(&file));
        let mut n = 0;
        for side in &sides {
            for direction in &side.directions {
                let start = format!("{} {} ", side.side.name(), direction.k);
                let line = printed.iter().find_map(|line| line.strip_prefix(&start)).unwrap();
                let (row, cos) = line.split_once(' ').unwrap();
                let best = &direction.best[0];
                // The page's features are in f32.
                assert!((number(cos) - best.cos.abs()).abs() < 1e-5, "{start}{line}");
                assert!(
                    row == best.index.to_string() || direction.block.is_some(),
                    "{start}{line}"
                );
                n += 1;
            }
        }
        assert_eq!((sides.len(), n), (4, 4 * 16));
    }
}

#[test]
fn the_terms_of_a_score_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let llama = root().join("tests/golden/families/llama");
    let llama_file = llama.join("model.safetensors");
    let cases = [
        (built_in(), "When Mary and John went to the store, John gave a drink to", (14, 2), false),
        (
            (open(&[llama_file.clone(), llama.join("config.json")]).0, llama_file),
            "1 5 9 12 3",
            (4, 1),
            true,
        ),
    ];
    for ((mut engine, file), text, (dest, src), ids) in cases {
        let prompt = Prompt { text: text.into(), bos: None, ids, ..Prompt::default() };
        let at = CellAt { layer: 0, head: 1, dest, src };
        let cell = ask(&mut engine, Explain { prompt, at }).remove(0);
        let event = cell.event.unwrap();
        let printed = python::lines(&python, &cell.python, &argument(&file));
        let (last, terms) = printed.split_last().unwrap();
        assert_eq!(terms.len(), event.relative.terms.len());
        let largest = event.relative.terms.iter().fold(0.0_f64, |most, t| most.max(t.abs()));
        for (line, (sigma, term)) in terms.iter().zip(cell.sigma.iter().zip(&event.relative.terms))
        {
            let parts: Vec<f64> = line.split(' ').skip(1).map(number).collect();
            assert!((parts[0] - sigma).abs() < 1e-8 * cell.sigma[0], "{line}");
            assert!((parts[1] - term).abs() < 1e-7 * largest, "{line} against {term}");
        }
        assert!((after(last, "relative") - event.relative.score).abs() < 1e-7 * largest);
        assert!((after(last, "S") - event.sparsity.sparseness.unwrap()).abs() < 1e-7);
        assert_eq!(after(last, "N_recon"), event.sparsity.n_recon.unwrap() as f64);
        assert_eq!(after(last, "N_recon_90"), event.sparsity.n_recon_90.unwrap() as f64);
    }
}

#[test]
fn a_trained_toy_is_the_same_in_numpy() {
    let Some(python) = python::python() else { return };
    let mut engine = Engine::with_clock(|| 0.0);
    let config = Config { steps: 60, ..Config::default() };
    ask(&mut engine, Start { config: Box::new(config.clone()), turns: Vec::new() });
    let frame = ask(&mut engine, Train { steps: 60, milliseconds: 1e9, turned: vec![] }).remove(0);
    let files = ask(&mut engine, Files { step: 60 }).remove(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toy.safetensors");
    let weights = files.iter().find(|file| file.name == "model.safetensors").unwrap();
    std::fs::write(&path, &weights.bytes).unwrap();
    let printed = python::lines(&python, &toy(&Stamp::of_toy(&config)), &argument(&path));
    let metrics = &frame.snapshot.metrics;
    let sigma = printed[0].split(' ').skip(1).map(number);
    assert_eq!(sigma.clone().count(), metrics.sigma.len());
    sigma.zip(&metrics.sigma).for_each(|(a, b)| assert!((a - b).abs() < 1e-9 * metrics.sigma[0]));
    let pair = &metrics.pairs[0];
    let line = &printed[1];
    assert!(
        line.starts_with(&format!("pair {} {} k {} ", pair.query, pair.key, pair.k.unwrap())),
        "{line}"
    );
    for (name, expected) in [
        ("cos_u", pair.cos_u),
        ("cos_v", pair.cos_v),
        ("logit", pair.effective),
        ("of", pair.target),
    ] {
        assert!((after(line, name) - expected).abs() < 1e-8, "{name} {expected} in {line}");
    }
    let both: Vec<f64> = line.rsplit(' ').take(2).map(number).collect();
    assert!(((both[0] + both[1]) / 2.0 - metrics.interference).abs() < 1e-8, "{line}");
}

#[test]
fn theorem_1_is_the_same_in_numpy() {
    let Some(python) = python::python() else { return };
    let bench = Bench {
        kind: FeatureKind::Cone,
        n_features: 9,
        d_model: 4,
        strength: 0.5,
        seed: 3,
        moved: vec![(0, vec![1.0, 0.2, 0.0, -0.3])],
    };
    let mut engine = Engine::with_clock(|| 0.0);
    let worked = ask(&mut engine, bench.clone()).remove(0);
    let [x, y] = &worked.features;
    let code = theorem([x, y], bench.d_model, &Stamp::new("a bench", &bench));
    let printed = python::lines(&python, &code, &[]);
    assert!((number(printed[0].split(' ').nth(1).unwrap()) - worked.sigma[0]).abs() < 1e-9);
    for (side, line) in printed[1..].iter().enumerate() {
        let isotropy = &worked.isotropy[side];
        for (name, expected) in [
            ("cos", worked.cos[side]),
            ("unwhitened", worked.cos_unwhitened[side]),
            ("norm_E", isotropy.norm_e),
            ("A", isotropy.average.unwrap()),
        ] {
            assert!(
                (after(line, name) - expected.abs()).abs() < 1e-8,
                "{name} {expected} in {line}"
            );
        }
    }
}

#[test]
fn theorem_2_draws_the_same_sets_in_numpy() {
    let Some(python) = python::python() else { return };
    let (seed, draws) = (5, 300);
    let printed = python::lines(&python, &cloud(seed, draws, &Stamp::new("a cloud", &seed)), &[]);
    assert_eq!(printed.len(), draws as usize);
    for (index, line) in (0..).zip(&printed) {
        let point = cloud_point(seed, index);
        let kind = FeatureKind::ALL.iter().position(|kind| *kind == point.kind).unwrap();
        assert!(line.starts_with(&format!("{kind} ")), "draw {index}: {line} against {point:?}");
        let sine = (1.0 - point.cos * point.cos).max(0.0).sqrt();
        for (name, expected) in
            [("norm_E", point.norm_e), ("sine", sine), ("A", point.average.unwrap_or(f64::NAN))]
        {
            let found = after(line, name);
            let off = (found - expected).abs();
            // The sine of a small angle has half the digits of its cosine.
            assert!(
                off < 1e-6 || found.is_nan() && expected.is_nan(),
                "draw {index}: {line} against {expected}"
            );
        }
    }
}

#[test]
fn theorem_3_is_the_same_in_numpy() {
    let Some(python) = python::python() else { return };
    let preset = presets().into_iter().find(|preset| preset.id == "theorem-3").unwrap();
    let mut engine = Engine::with_clock(|| 0.0);
    let config = Config { n_features: 14, ..preset.config };
    ask(&mut engine, Start { config: Box::new(config.clone()), turns: Vec::new() });
    let train = Train { steps: 80, milliseconds: 1e9, turned: vec![] };
    let told = told(&mut engine, train, vec![]).into_iter();
    let mut frames = told.filter_map(|(tell, arrays)| {
        let mut frame = Train::answer(tell)?;
        frame.snapshot.put_arrays(arrays);
        Some(frame)
    });
    let snapshot = frames.next().unwrap().snapshot;
    let pair = config.template.entries()[0];
    let code = theorem_3(&snapshot, &pair, &Stamp::of_toy(&config));
    let printed = python::lines(&python, &code, &[]);
    let metrics = &snapshot.metrics;
    for (name, expected) in [
        ("cos", metrics.least_cos),
        ("attended", metrics.interference),
        ("others", metrics.interference_others),
    ] {
        // What is drawn is in f32.
        let off = (after(&printed[0], name) - expected).abs();
        assert!(off < 1e-5, "{name} {expected} in {}", printed[0]);
    }
}

#[test]
fn a_score_in_the_plane_and_a_head_built_pair_by_pair_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let omega = SmallMatrix { sigma: [2.0, 0.5], u_at: 30.0, v_at: 200.0 };
    let (x, y) = (unit(75.0), unit(110.0));
    let code = plane(omega.entries(), x, y, &Stamp::new("the plane", &omega));
    let printed = python::lines(&python, &code, &[]);
    let image: Vec<f64> = printed[0].split(' ').skip(1).map(number).collect();
    assert!(image.iter().zip(omega.apply(y)).all(|(a, b)| (a - b).abs() < 1e-9));
    for k in 0..2 {
        let line = &printed[1 + k];
        assert!(line.starts_with(&format!("pair {k} ")));
        assert!((after(line, "sigma") - omega.sigma[k]).abs() < 1e-9, "{line}");
        assert!((after(line, "term") - omega.term(k, x, y)).abs() < 1e-9, "{line}");
    }
    let score = omega.term(0, x, y) + omega.term(1, x, y);
    assert!((after(&printed[3], "score") - score).abs() < 1e-9);
    let (mut engine, file) = built_in();
    let at = HeadAt { layer: 1, head: 2, circuit: Circuit::Qk, weights: Weights::Folded };
    let parts = ask(&mut engine, Vectors { at, top: 1, remove_mean: true });
    let found = parts.into_iter().find_map(|part| match part {
        VectorsPart::Vectors { sigma, python, .. } => Some((sigma, python)),
        VectorsPart::Nearest { .. } | VectorsPart::Positions { .. } => None,
    });
    let (sigma, spectrum) = found.unwrap();
    let kept = Pairs { sigma: &sigma, u: &[], v: &[] }.kept(3);
    let printed = python::lines(&python, &built(&spectrum, 3), &argument(&file));
    let share = after(printed.last().unwrap(), "share");
    assert!(printed.len() == sigma.len() + 1 && (share - kept).abs() < 1e-8, "{share}, {kept}");
}

#[test]
fn the_effective_ranks_of_a_series_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let (mut engine, _) = built_in();
    let question = Spectra { layers: vec![1], weights: Weights::Folded };
    let heads: Vec<_> = ask(&mut engine, question).into_iter().map(Result::unwrap).collect();
    let steps: Vec<_> =
        (0..).zip(&heads).map(|(i, h)| (i, [h.qk.sigma.as_slice(), &h.ov.sigma])).collect();
    let printed = python::lines(&python, &series(&steps, &Stamp::new("a model", &0)), &[]);
    assert!(printed.len() == heads.len() && !heads.is_empty());
    for (i, (line, head)) in printed.iter().zip(&heads).enumerate() {
        assert!(line.starts_with(&format!("{i} ")), "{line}");
        for (name, expected) in [
            ("QK", head.qk.sigma[0]),
            ("QK_rank", head.qk.statistics.effective_rank),
            ("OV", head.ov.sigma[0]),
            ("OV_rank", head.ov.statistics.effective_rank),
        ] {
            assert!((after(line, name) - expected).abs() < 1e-8, "{name} {expected} in {line}");
        }
    }
}

#[test]
fn the_table_of_a_prompt_set_is_that_of_numpy() {
    let Some(python) = python::python() else { return };
    let (mut engine, _) = built_in();
    let parts = ask(&mut engine, built_in::indirect_objects(24)).into_iter();
    let heads: Vec<MeasuredHead> = parts
        .filter_map(|part| match part {
            SetPart::Head { layer, head, seen } => Some(MeasuredHead::of((layer, head), &seen)),
            _ => None,
        })
        .collect();
    let seen: Vec<&MeasuredHead> = heads.iter().filter(|h| h.n_events > 0).collect();
    let name = |h: &MeasuredHead| format!("L{}H{}", h.layer, h.head);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("looks.csv");
    let stamp = Stamp::new("a model", &0);
    let all: Vec<&MeasuredHead> = heads.iter().collect();
    std::fs::write(&path, looks(&all, name).csv(&stamp)).unwrap();
    let printed = python::lines(&python, &prompt_set(&stamp), &argument(&path));
    assert!(printed.len() == seen.len() && seen.len() > 3);
    let family = FalseDiscovery::over(seen.iter().filter_map(|h| h.p));
    for (line, head) in printed.iter().zip(seen) {
        assert!(line.starts_with(&format!("{} looks {} ", name(head), head.n_events)), "{line}");
        let ([s, s_basis, s_subspace, s_matched], [n, n_basis, ..]) =
            (head.sparseness, head.n_recon_90);
        for (of, expected) in [
            ("attention", Some(head.attention)),
            ("S", s),
            ("S_basis", s_basis),
            ("S_subspace", s_subspace),
            ("S_matched", s_matched),
            ("N.9", n),
            ("N.9_basis", n_basis),
            ("q", head.p.map(|p| family.q(p))),
        ] {
            let expected = expected.unwrap();
            assert!((after(line, of) - expected).abs() < 1e-8, "{of} {expected} in {line}");
        }
    }
}

#[test]
fn means_and_spreads_of_a_sweep_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let base = Config { steps: 20, ..Config::default() };
    let values = vec![1.0, 30.0];
    let sweep = Sweep { base, setting: Setting::Lambda, values, n_seeds: 3 };
    let mut engine = Engine::with_clock(|| 0.0);
    let outcomes: Vec<_> = sweep
        .runs()
        .into_iter()
        .map(|run| {
            let whole = Whole { config: Box::new(run.config) };
            (run.value, *ask(&mut engine, whole).remove(0))
        })
        .collect();
    let quantity = Quantity::Interference;
    let runs = sweep.by_value(&outcomes, quantity).into_iter();
    let groups: Vec<_> = runs.map(|(value, found)| (format!("λ = {value}"), found)).collect();
    let printed = python::lines(&python, &samples(&groups, &Stamp::of_toy(&sweep.base)), &[]);
    let summary = sweep.summary(&outcomes, quantity);
    assert_eq!(printed.len(), summary.len());
    for (line, spread) in printed.iter().zip(summary) {
        assert!(line.starts_with(&format!("λ = {}: ", spread.value)), "{line}");
        for (name, expected) in [
            ("n", spread.n as f64),
            ("mean", spread.mean),
            ("sd", spread.sd),
            ("lowest", spread.low),
            ("highest", spread.high),
        ] {
            assert!((after(line, name) - expected).abs() < 1e-9, "{name} {expected} in {line}");
        }
    }
}

#[test]
fn the_edges_of_a_circuit_follow_from_its_file() {
    let Some(python) = python::python() else { return };
    let golden = root().join("tests/golden/circuits/llama");
    let files = ["model.safetensors", "config.json"].map(|file| golden.join(file));
    let (mut engine, summary) = open(&files);
    let text = "42 26 39 16 8 37 7 8 40".into();
    let prompt = Prompt { text, bos: Some(false), ids: true, ..Prompt::default() };
    for rule in [Rule::Accpp, Rule::Key] {
        let options = TraceOptions { rule, threshold_scale: 1.5, ..TraceOptions::default() };
        let question = Question { options, ..Question::default() };
        let answer = ask(&mut engine, Trace { prompt: prompt.clone(), question }).remove(0);
        let Answer { ran, words, traced } = *answer;
        let circuit = traced.circuit.clone();
        let convention = summary.convention(Weights::Folded).clone();
        let report = Report::new(convention, &ran, words, traced);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("circuit.json");
        std::fs::write(&path, serde_json::to_vec(&report).unwrap()).unwrap();
        let code = code_of_circuit(&Stamp::new("a model", &0));
        let printed = python::lines(&python, &code, &argument(&path));
        let (seeds, edges) = printed.split_at(circuit.seeds.len());
        assert!(circuit.seeds.len() > 3 && circuit.edges.len() > 10);
        for (line, seed) in seeds.iter().zip(&circuit.seeds) {
            let weight = after(line, "answer");
            assert!(
                line.starts_with(&format!("{} answer ", seed.from))
                    && (weight - seed.weight).abs() < 1e-9
            );
        }
        let mut found: Vec<&str> = edges.iter().map(String::as_str).collect();
        assert_eq!(found.len(), circuit.edges.len());
        for edge in &circuit.edges {
            let side = if edge.side == Side::Dest { "dest" } else { "src" };
            let start = format!("{} {} {side} ", edge.from, edge.to.node());
            let at = found.iter().position(|line| line.starts_with(&start)).unwrap();
            let line = found.swap_remove(at);
            assert!((after(line, side) - edge.weight).abs() < 1e-9, "{line} {edge:?}");
            let k: Vec<usize> = line.split(' ').skip(4).map(|k| number(k) as usize).collect();
            assert_eq!(k, edge.k, "{line}");
        }
    }
}

#[test]
fn the_features_that_meet_are_those_of_numpy() {
    let Some(python) = python::python() else { return };
    let (mut engine, file) = built_in();
    let text = "When Mary and John went to the store , John gave a drink to".into();
    let prompt = Prompt { text, ..Prompt::default() };
    let at = CellAt { layer: 1, head: 3, dest: 14, src: 10 };
    let folder = root().join("www/models/sae-layer-1");
    let files = ["sae_weights.safetensors", "cfg.json", "labels.json"].map(|f| folder.join(f));
    let source = |path: &PathBuf| Box::new(FileSource::open(path).unwrap()) as Box<dyn ByteSource>;
    let question = SplitScore { prompt, at, options: MeetingOptions::default() };
    let told = told(&mut engine, question, files.iter().map(source).collect());
    let found = *answers::<SplitScore>(told).remove(0);
    let arguments = [argument(&file), argument(&files[0])].concat();
    let printed = python::lines(&python, found.python.as_ref().unwrap(), &arguments);
    let pairs = found.split.pairs();
    assert!(printed.len() == pairs.len() && pairs.len() > 50);
    for line in printed {
        let words: Vec<&str> = line.split(' ').collect();
        let [f, g, value, k, through] = words[..] else { panic!("{line}") };
        let is_it = |p: &&Pair| p.dest_feature.to_string() == f && p.src_feature.to_string() == g;
        let pair = pairs.iter().find(is_it).unwrap();
        let k: usize = k.parse().unwrap();
        assert!((number(value) - pair.value).abs() + (number(through) - pair.by_k[k]).abs() < 1e-7);
    }
}
