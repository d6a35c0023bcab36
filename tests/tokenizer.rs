//! Prompts become the ids that Hugging Face's own tokenizers give; ids become what a reader can read.
#![cfg(feature = "tokenizer")]
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::support::files as support;
use crate::support::minilm;

use omega_lens::checkpoint::Checkpoint;
use omega_lens::model::tokenizer::{Start, Tokenizer, TokenizerError};
use serde::Deserialize;

const TOKENIZER: &[u8] = include_bytes!("golden/tokenizer/tokenizer.json");
const VOCAB: &[u8] = include_bytes!("golden/tokenizer/vocab.json");
const MERGES: &[u8] = include_bytes!("golden/tokenizer/merges.txt");
const WORDS: &[u8] = include_bytes!("golden/tokenizer/vocab.txt");

#[derive(Deserialize)]
struct Expected {
    bpe: Vec<Case>,
    word_piece: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    prompt: String,
    ids: Vec<u32>,
    #[serde(default)]
    bytes: Vec<String>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("golden/tokenizer/expected.json")).unwrap()
}

/// The tokenizer of a checkpoint with these files beside it.
fn with(files: &[(&str, &[u8])]) -> Result<Option<Tokenizer>, TokenizerError> {
    let weights = support::good();
    let all = [files, &[("model.safetensors", weights.as_slice())]].concat();
    Tokenizer::from_side_files(&support::open(&all).unwrap())
}

#[test]
fn without_files_there_is_no_tokenizer() {
    assert!(with(&[]).unwrap().is_none());
}

#[test]
fn byte_level_bpe_agrees_with_hugging_face_from_either_kind_of_file() {
    for files in
        [&[("tokenizer.json", TOKENIZER)][..], &[("vocab.json", VOCAB), ("merges.txt", MERGES)]]
    {
        let tokenizer = with(files).unwrap().unwrap();
        assert_eq!(tokenizer.start(), &Start::Bos { id: 0, token: "<|endoftext|>".into() });
        for Case { prompt, ids, bytes } in expected().bpe {
            assert_eq!(tokenizer.encode(&prompt, false).unwrap(), ids, "{prompt:?}");
            assert_eq!(tokenizer.encode(&prompt, true).unwrap(), [&[0], &ids[..]].concat());
            for (id, text) in ids.iter().zip(bytes).filter(|(_, text)| !text.contains('\u{FFFD}')) {
                assert_eq!(
                    tokenizer.label(*id),
                    if *id == 0 { "<|endoftext|>" } else { text.as_str() }
                );
            }
        }
        let label = |text: &str| tokenizer.label(tokenizer.single(text).unwrap());
        assert_eq!(
            (label(" the"), label("\n"), label("<|endoftext|>")),
            (" the".into(), "\n".into(), "<|endoftext|>".into())
        );
        assert_eq!(tokenizer.label(1_000_000), "[1000000]");
        assert_eq!(tokenizer.label(tokenizer.encode("日", false).unwrap()[0]), "\\xe6");
    }
}

#[test]
fn word_piece_agrees_with_hugging_face_and_is_framed() {
    let tokenizer = with(&[("vocab.txt", WORDS)]).unwrap().unwrap();
    assert_eq!(tokenizer.start(), &Start::Frame { before: vec![2], after: vec![3] });
    for Case { prompt, ids, .. } in expected().word_piece {
        assert_eq!(tokenizer.encode(&prompt, true).unwrap(), ids, "{prompt:?}");
        assert_eq!(tokenizer.encode(&prompt, false).unwrap(), ids[1..ids.len() - 1]);
    }
    assert_eq!(tokenizer.label(10), "##ore");
}

#[test]
fn roberta_and_opt_share_a_format_but_not_what_stands_around_a_prompt() {
    let vocab = br#"{"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "<mask>": 4}"#;
    let merges = b"#version: 0.2\n";
    let roberta = br#"{"model_type": "roberta"}"#;
    let opt = br#"{"model_type": "opt", "bos_token_id": 2}"#;
    let start = |config: &[u8]| {
        with(&[("config.json", config), ("vocab.json", vocab), ("merges.txt", merges)])
            .unwrap()
            .unwrap()
            .start()
            .clone()
    };
    assert_eq!(start(roberta), Start::Frame { before: vec![0], after: vec![2] });
    assert_eq!(start(opt), Start::Bos { id: 2, token: "</s>".into() });
}

#[test]
fn half_a_vocabulary_and_damaged_files_are_named() {
    assert_eq!(
        with(&[("vocab.json", VOCAB)]).unwrap_err(),
        TokenizerError::Half { found: "vocab.json", missing: "merges.txt" }
    );
    let damaged: [(&'static str, &[u8]); 5] = [
        ("tokenizer.json", b"{"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"\xFF"),
        ("vocab.txt", b"just\nwords\n"),
        ("vocab.txt", b"\xFF"),
    ];
    for (name, bytes) in damaged {
        assert!(
            matches!(with(&[(name, bytes)]), Err(TokenizerError::File { file, .. }) if file == name),
            "{name}"
        );
    }
    for (vocab, merges) in [
        (&b"[]"[..], MERGES),
        (VOCAB, b"no such tokens\n"),
        (VOCAB, b"\xFF"),
        (b"{\"a\": -1}", MERGES),
    ] {
        assert!(with(&[("vocab.json", vocab), ("merges.txt", merges)]).is_err());
    }
}

/// A pattern that tries every way of cutting a word costs the words of that prompt, not the model and not the afternoon.
#[test]
fn a_pattern_that_never_ends_is_given_up() {
    let mut json: serde_json::Value = serde_json::from_slice(TOKENIZER).unwrap();
    json["pre_tokenizer"] = serde_json::json!({
        "type": "Split", "pattern": { "Regex": r"^(a|aa|aaa)+(?=b)" }, "behavior": "Isolated", "invert": false
    });
    let text = json.to_string();
    let tokenizer = with(&[("tokenizer.json", text.as_bytes())]).unwrap().unwrap();
    let begun = std::time::Instant::now();
    let _ = tokenizer.encode(&"a".repeat(200), false);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(tokenizer.encode("b", false).is_ok());
}

#[test]
fn a_tokenizer_cut_anywhere_is_refused() {
    for end in (0..TOKENIZER.len() - 2).step_by(97) {
        assert!(with(&[("tokenizer.json", &TOKENIZER[..end])]).is_err(), "cut at {end}");
    }
}

#[test]
fn minilm_gives_the_ids_that_transformers_gives() {
    let Some(folder) = minilm::folder() else { return };
    // transformers 5.23, AutoTokenizer; the file itself asks for padding to 128 tokens.
    let ids = [101, 2054, 2515, 2296, 3086, 2132, 2298, 2005, 1029, 15743, 13048, 19019, 1012, 102];
    let prompt = "What does every attention head look for? Naïve singular vectors.";
    let checkpoint = Checkpoint::open_paths(&[folder]).unwrap();
    let tokenizer = Tokenizer::from_side_files(&checkpoint).unwrap().unwrap();
    assert_eq!(tokenizer.encode(prompt, true).unwrap(), ids);
    assert_eq!(tokenizer.n_tokens(), 30522);
}
