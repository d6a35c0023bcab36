//! What files leave open is asked, and the answer opens them; a tokenizer that cannot be read stops nothing.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::golden;

use golden::{Fixture, memory};
use omega_lens::checkpoint::ByteSource;
use omega_lens::circuits::omega::Circuit;
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::protocol::heads::{Vectors, VectorsPart};
use omega_lens::protocol::model::{Hints, ModelSummary, Open};
use omega_lens::protocol::{Asked, Failure, Question, Tell, Unclear};
use omega_lens::study::vectors::HeadAt;
use pollster::block_on;

type Files = Vec<Box<dyn ByteSource>>;

fn ask<Q: Question>(
    engine: &mut Engine,
    question: Q,
    files: Files,
) -> Result<Vec<Q::Answer>, Failure> {
    let mut told = Vec::new();
    let mut out = |tell: Tell, _| told.extend(Q::answer(tell));
    block_on(engine.answer(Asked::from(question), files, &mut out))?;
    Ok(told)
}

fn open(engine: &mut Engine, files: Files, hints: Hints) -> Result<ModelSummary, Failure> {
    let told = ask(engine, Open { hints }, files)?;
    Ok(*told.into_iter().next().unwrap())
}

#[test]
fn which_of_several_models_is_asked_and_the_answer_opens_it() {
    let llama = Fixture::named("llama");
    let files = || -> Files {
        let steps = ["run/checkpoint-500", "run/checkpoint-1000"].into_iter();
        let parts = steps.flat_map(|step| {
            ["model.safetensors", "config.json"].map(|file| (format!("{step}/{file}"), file))
        });
        parts.map(|(name, file)| memory(&name, llama.bytes(file))).collect()
    };
    let mut engine = Engine::default();
    let failure = open(&mut engine, files(), Hints::default()).unwrap_err();
    let Some(Unclear::Model(offered)) = failure.unclear else { panic!("{failure:?}") };
    assert_eq!(offered, ["checkpoint-1000", "checkpoint-500"]);
    let wrong = Hints { model: Some("checkpoint-1".into()), ..Hints::default() };
    assert!(open(&mut engine, files(), wrong).is_err());
    let hints = Hints { model: offered.into_iter().next(), ..Hints::default() };
    let summary = open(&mut engine, files(), hints).unwrap();
    assert_eq!(summary.files, ["run/checkpoint-1000/model.safetensors"]);
}

#[test]
fn an_unknown_family_is_asked_and_the_answer_reads_the_tensors() {
    let llama = Fixture::named("llama");
    let config = String::from_utf8(llama.bytes("config.json")).unwrap();
    let config = config.replace("\"model_type\": \"llama\"", "\"model_type\": \"my_own_llama\"");
    let files = || {
        vec![
            memory("config.json", config.clone().into_bytes()),
            memory("model.safetensors", llama.bytes("model.safetensors")),
        ]
    };
    let mut engine = Engine::default();
    let failure = open(&mut engine, files(), Hints::default()).unwrap_err();
    assert!(failure.what.contains("my_own_llama"), "{failure:?}");
    let Some(Unclear::Family(families)) = failure.unclear else { panic!("{failure:?}") };
    assert!(families.contains(&("llama".to_owned(), "Llama".to_owned())), "{families:?}");
    let said = Hints { family: Some("llama".into()), ..Hints::default() };
    let before = Hints { n_heads: Some(4), family: Some("gpt2".into()), ..Hints::default() };
    let hints = said.or(before);
    assert_eq!((hints.n_heads, hints.family.as_deref()), (Some(4), Some("llama")));
    let summary = open(&mut engine, files(), hints).unwrap();
    let assumed = summary.notes.iter().find(|note| note.contains("my_own_llama")).unwrap();
    assert!(assumed.contains("Llama"), "{assumed}");
}

#[test]
fn a_tokenizer_that_cannot_be_read_is_said_beside_the_ids() {
    let llama = Fixture::named("llama");
    let said = |tokenizer: &str| {
        let files = vec![
            memory("config.json", llama.bytes("config.json")),
            memory("model.safetensors", llama.bytes("model.safetensors")),
            memory("tokenizer.json", tokenizer.as_bytes().to_vec()),
        ];
        let mut engine = Engine::default();
        open(&mut engine, files, Hints::default()).unwrap();
        let at = HeadAt { layer: 0, head: 0, circuit: Circuit::Qk, weights: Weights::Folded };
        let told = ask(&mut engine, Vectors { at, top: 3, remove_mean: true }, vec![]).unwrap();
        told.into_iter().find_map(|part| match part {
            VectorsPart::Nearest { wordless, .. } => Some(wordless),
            VectorsPart::Vectors { .. } => None,
        })
    };
    let good = r#"{"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#;
    assert_eq!(said(good), Some(None));
    for bad in [r#"{"model": {"type": "Strange"}}"#, "not json", ""] {
        let why = said(bad).flatten().unwrap();
        assert!(why.contains("tokenizer.json"), "{bad:?}: {why}");
    }
}
