//! What files leave open is asked, and the answer opens them; a tokenizer that cannot be read stops nothing.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::golden;

use std::path::Path;

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
fn an_adapter_alone_asks_for_its_head_count_and_shows_what_it_adds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/adapters/lora");
    let files = |base: bool| -> Files {
        let own = ["adapter/adapter_model.safetensors", "adapter/adapter_config.json"];
        let others = ["base/model.safetensors", "base/config.json"];
        let named = own.into_iter().chain(others.into_iter().filter(|_| base));
        named.map(|name| memory(name, std::fs::read(folder.join(name)).unwrap())).collect()
    };
    let mut engine = Engine::default();
    let failure = open(&mut engine, files(false), Hints::default()).unwrap_err();
    assert!(failure.what.contains("a LoRA adapter without its base (org/base)"), "{failure:?}");
    assert!(matches!(failure.unclear, Some(Unclear::HeadCount(_))), "{failure:?}");
    let hints = Hints { n_heads: Some(2), ..Hints::default() };
    let failure = open(&mut engine, files(false), hints).unwrap_err();
    let Some(Unclear::Base(rows)) = failure.unclear else { panic!("{failure:?}") };
    let expected = std::fs::read(folder.join("alone.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    assert_eq!(rows.len(), expected.as_object().unwrap().len());
    let of = |name: &str, matrix: &str| {
        let row = rows.iter().find(|row| row[0] == name && row[1] == matrix).unwrap();
        row[2].split(' ').map(|s| s.parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    for (row, key) in [
        (of("L0H1", "o"), "model.layers.0.self_attn.o_proj o1"),
        (of("L1 key/value head 0", "k"), "model.layers.1.self_attn.k_proj k0"),
    ] {
        let right: Vec<f64> = serde_json::from_value(expected[key].clone()).unwrap();
        // Four digits are shown.
        assert!(row.iter().zip(&right).all(|(a, b)| (a - b).abs() < 6e-5), "{row:?} {right:?}");
    }
    assert!(open(&mut engine, files(true), Hints::default()).is_ok(), "with its base it is merged");
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
            VectorsPart::Vectors { .. } | VectorsPart::Positions { .. } => None,
        })
    };
    let good = r#"{"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#;
    assert_eq!(said(good), Some(None));
    for bad in [r#"{"model": {"type": "Strange"}}"#, "not json", ""] {
        let why = said(bad).flatten().unwrap();
        assert!(why.contains("tokenizer.json"), "{bad:?}: {why}");
    }
}
