//! The engine on attention: a run is told as it goes and again from memory; a checkpoint of another model brings its spectra along.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;

use std::path::Path;

use built_in::{answers, ask, files, indirect_objects, open, told};
use omega_lens::checkpoint::{ByteSource, Checkpoint, FileSource};
use omega_lens::circuits::sad::run::Look;
use omega_lens::circuits::sad::set::HeadEvents;
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::model::architecture::StackKind;
use omega_lens::protocol::attention::{Looks, Prompt, Run, RunPart, SetPart, SetSpec, Share};
use omega_lens::protocol::heads::{HeadSpectra, Spectra};
use omega_lens::protocol::model::Open;
use omega_lens::protocol::{Asked, Question, Tell};

const N_LAYERS: usize = 3;
const N_HEADS: usize = 4;

#[test]
fn a_run_is_told_as_it_goes_and_the_same_again_from_memory() {
    let mut engine = open(4000, || 0.0);
    let text = "When Mary and John went to the store , John gave a drink to".into();
    let run = Run { prompt: Prompt { text, bos: None, ids: false, ..Prompt::default() } };
    let first: Vec<_> = told(&mut engine, run.clone(), vec![])
        .into_iter()
        .filter(|(tell, _)| !matches!(tell, Tell::Progress { .. }))
        .collect();
    let part = |tell: &Tell| Run::answer(tell.clone()).unwrap();
    let RunPart::Ran(ran) = part(&first[0].0) else { panic!("tokens come first") };
    let n = ran.tokens.len();
    for (layer, (tell, arrays)) in first[1..=N_LAYERS].iter().enumerate() {
        assert_eq!(part(tell), RunPart::Pattern { layer, n });
        assert_eq!(arrays[0].len(), N_HEADS * n * n);
    }
    let RunPart::Next(next) = part(&first[N_LAYERS + 1].0) else { panic!("predictions come last") };
    assert_eq!((next[0].text.trim(), first.len()), ("Mary", N_LAYERS + 2));
    assert!(first == told(&mut engine, run, vec![]));
}

#[test]
fn a_prompt_of_an_encoder_shows_its_patterns_and_lets_no_decoder_guess() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families2/bart");
    let file = |name: &str| -> Box<dyn ByteSource> {
        Box::new(FileSource::open(&folder.join(name)).unwrap())
    };
    let mut engine = Engine::with_clock(|| 0.0);
    told(&mut engine, Open::default(), vec![file("model.safetensors"), file("config.json")]);
    let prompt = Prompt { text: "3 4 5 6".into(), bos: None, ids: true, ..Prompt::default() };
    let parts = ask(&mut engine, Run { prompt: prompt.clone() });
    assert!(matches!(parts.last(), Some(RunPart::Next(next)) if next.is_empty()), "{parts:?}");
    let looks = Looks { prompt, look: Look { dest: Some(3), ..Look::default() } };
    let seen: Vec<_> = ask(&mut engine, looks).into_iter().flatten().map(|l| l.layer).collect();
    assert_eq!(seen, [0, 0, 0, 0, 1, 1, 1, 1], "the encoder's layers, four heads each");
}

#[test]
fn a_decoder_reads_its_own_prompt_beside_the_encoders() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families2/t5");
    let file = |name: &str| -> Box<dyn ByteSource> {
        Box::new(FileSource::open(&folder.join(name)).unwrap())
    };
    let expected = Checkpoint::open(vec![file("expected.safetensors")]).unwrap();
    let ids = |name: &str| -> String {
        let bytes = expected.read(name).unwrap().bytes;
        let ids = bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()));
        ids.map(|id| id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let mut engine = Engine::with_clock(|| 0.0);
    let opened =
        told(&mut engine, Open::default(), vec![file("model.safetensors"), file("config.json")]);
    let layers = answers::<Open>(opened).remove(0).layers;
    let (text, decoder) = (ids("input_ids"), ids("decoder_input_ids"));
    let prompt = Prompt { text, decoder, bos: Some(false), ids: true, ..Prompt::default() };
    let parts = told(&mut engine, Run { prompt: prompt.clone() }, vec![]);
    let (mut compared, mut sides) = (0, [0, 0]);
    for (tell, arrays) in parts {
        match Run::answer(tell) {
            Some(RunPart::Ran(ran)) => {
                sides = ran.sides(StackKind::Cross).map(<[_]>::len);
                assert_eq!(ran.own_ids(StackKind::Cross), None);
                assert_eq!(ran.own_ids(StackKind::Decoder).map(<[_]>::len), Some(sides[0]));
            }
            Some(RunPart::Pattern { layer, n }) => {
                let stack = layers.stack(layer);
                let name = format!("{}.attention.{}", stack.name().unwrap(), layers.number(layer));
                let right = expected.read(&name).unwrap().f32s().unwrap();
                assert_eq!(arrays[0].len(), right.len(), "{name}");
                let off = arrays[0].iter().zip(&right).map(|(a, b)| (a - b).abs());
                // The library computes in f32 too.
                assert!(off.fold(0.0, f32::max) < 1e-4, "{name}");
                assert_eq!(n, if stack == StackKind::Encoder { sides[1] } else { sides[0] });
                compared += 1;
            }
            Some(RunPart::Next(next)) => assert!(!next.is_empty(), "the decoder answers"),
            None => {}
        }
    }
    assert_eq!((compared, sides), (layers.0.len(), [9, 12]));
    // Where the decoder's prompt is shorter than the position that looks, its last token does.
    let looks = Looks { prompt, look: Look { dest: Some(11), ..Look::default() } };
    let seen: Vec<_> = ask(&mut engine, looks).into_iter().flatten().map(|l| l.layer).collect();
    assert!((0..layers.0.len()).all(|layer| seen.contains(&layer)), "{seen:?}");
}

#[test]
fn a_set_has_only_words_that_the_model_knows_and_the_trained_model_answers_it() {
    let spec = indirect_objects(32);
    let parts = ask(&mut open(4000, || 0.0), spec);
    let done = parts.into_iter().find_map(|part| match part {
        SetPart::Answered { n, correct, .. } => Some((n, correct)),
        _ => None,
    });
    let Some((32, Some(correct))) = done else { panic!("{done:?}") };
    assert!(correct >= 31, "{correct} of 32");
}

#[test]
fn a_checkpoint_of_another_model_is_measured_with_its_spectra_and_the_open_model_stays() {
    let mut engine = open(4000, || 0.0);
    let spec = SetSpec { series: true, ..indirect_objects(4) };
    let asked = Asked { other_model: true, ..Asked::from(spec) };
    let early = answers::<SetSpec>(told(&mut engine, asked, files(0)));
    let count = |of: fn(&SetPart) -> bool| early.iter().filter(|part| of(part)).count();
    assert_eq!(count(|part| matches!(part, SetPart::Head { .. })), N_LAYERS * N_HEADS);
    assert_eq!(count(|part| matches!(part, SetPart::Answered { .. })), 1);
    let own = |engine: &mut Engine| -> Vec<HeadSpectra> {
        let all = Spectra { layers: (0..N_LAYERS).collect(), weights: Weights::Folded };
        ask(engine, all).into_iter().collect::<Result<_, _>>().unwrap()
    };
    let spectra = |part| if let SetPart::Spectra(found) = part { found.ok() } else { None };
    let early: Vec<HeadSpectra> = early.into_iter().filter_map(spectra).collect();
    assert_eq!(early, own(&mut open(0, || 0.0)));
    let late = own(&mut engine);
    for (early, late) in early.iter().zip(&late) {
        assert!(late.qk.sigma[0] > early.qk.sigma[0], "training makes the largest σ grow");
    }
}

#[test]
fn shares_of_a_set_join_to_the_whole() {
    let measured = |share| {
        let spec = SetSpec { share, ..indirect_objects(9) };
        let told = told(&mut open(4000, || 0.0), spec, vec![]);
        let steps = told.iter().filter(|(tell, _)| matches!(tell, Tell::Progress { .. })).count();
        assert_eq!(steps, 2 * N_LAYERS, "as many steps whatever the share");
        let (mut heads, mut done) = (Vec::<HeadEvents>::new(), None);
        for part in answers::<SetSpec>(told) {
            match part {
                SetPart::Head { seen, .. } => heads.push(*seen),
                SetPart::Answered { n, correct, example } => {
                    done = Some((n, correct.unwrap(), example));
                }
                SetPart::Spectra(_) => {}
            }
        }
        (heads, done.unwrap())
    };
    let (whole, (n, correct, example)) = measured(Share::WHOLE);
    let [first, second] = [0, 1].map(|index| measured(Share { index, of: 2 }));
    assert_eq!((first.1.0 + second.1.0, first.1.1 + second.1.1), (n, correct));
    assert_eq!((&first.1.2, &second.1.2), (&example, &example));
    for ((whole, mut joined), second) in whole.iter().zip(first.0).zip(second.0) {
        joined.join(second);
        let (whole, joined) = (whole.report(), joined.report());
        assert_eq!((whole.n_prompts, whole.events), (joined.n_prompts, joined.events));
        assert_eq!(whole.largest, joined.largest);
    }
}

#[test]
fn a_share_without_a_prompt_is_done_at_once() {
    let spec = SetSpec { share: Share { index: 0, of: 2 }, ..indirect_objects(1) };
    let told = ask(&mut open(4000, || 0.0), spec);
    assert!(matches!(&told[..], [SetPart::Answered { n: 0, correct: None, .. }]));
}
