//! Dictionaries in the layouts that their makers write: transcoders, Gemma Scope 2, dictionary_learning, sparsify, crosscoders.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::Fixture;
use omega_lens::checkpoint::{ByteSource, MemorySource, Named, to_safetensors};
use omega_lens::circuits::alignment::Side;
use omega_lens::circuits::dictionary::{
    Dictionary, DictionaryError, FileChoice, Frame, Space, Survey,
};
use omega_lens::model::{Model, Weights};

fn file(name: &str, tensors: &[(&str, &[usize])]) -> Box<dyn ByteSource> {
    let named: Vec<Named> = tensors
        .iter()
        .map(|&(name, shape)| Named::f32(name, shape, counted(shape.iter().product())))
        .collect();
    Box::new(MemorySource::new(name, to_safetensors(&named, &[]).unwrap()))
}

/// 0, 1, 2, … : every element says where it was.
fn counted(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32).collect()
}

fn text(name: &str, text: &str) -> Box<dyn ByteSource> {
    Box::new(MemorySource::new(name, text.as_bytes().to_vec()))
}

fn open(
    model: &Model,
    files: Vec<Box<dyn ByteSource>>,
    tensor: Option<&str>,
) -> Result<Dictionary, DictionaryError> {
    let choice = FileChoice { tensor: tensor.map(str::to_owned), ..FileChoice::default() };
    Dictionary::of_files(model, files, &choice, Weights::Raw)
}

fn llama() -> (Model, usize) {
    let model = Fixture::named("llama").model();
    let d = model.arch.d_model;
    (model, d)
}

#[test]
fn a_transcoders_decoder_lives_where_it_writes() {
    let (model, d) = llama();
    let cfg = r#"{"architecture": "jumprelu_transcoder", "metadata": {"hook_name": "blocks.0.ln2.hook_normalized",
        "hook_name_out": "blocks.0.hook_mlp_out"}}"#;
    let files = || {
        let tensors = [("W_dec", &[9, d][..]), ("W_enc", &[d, 9])];
        vec![file("t/sae_weights.safetensors", &tensors), text("t/cfg.json", cfg)]
    };
    let decoder = open(&model, files(), None).unwrap().about;
    assert_eq!(decoder.hook.as_ref().unwrap().name, "blocks.0.hook_mlp_out");
    assert_eq!((decoder.hook.as_ref().unwrap().read_from, decoder.space), (Some(1), Space::Raw));
    assert!(
        decoder.warnings_for(1, Side::Src).is_empty(),
        "{:?}",
        decoder.warnings_for(1, Side::Src)
    );
    assert!(
        decoder.notes.iter().any(|note| note.starts_with("A transcoder")),
        "{:?}",
        decoder.notes
    );
    let encoder = open(&model, files(), Some("W_enc")).unwrap().about;
    assert_eq!(encoder.space, Space::Normed);
    assert_eq!(encoder.hook.unwrap().name, "blocks.0.ln2.hook_normalized");
}

#[test]
fn configurations_of_other_makers_say_the_layer() {
    let (model, d) = llama();
    let scope = r#"{"hf_hook_point_in": "model.layers.1.output", "hf_hook_point_out": "model.layers.1.output", "type": "sae"}"#;
    let learning = r#"{"trainer": {"submodule_name": "resid_post_layer_1", "lm_name": "EleutherAI/pythia", "layer": 1}}"#;
    for (files, tensor) in [
        (
            vec![
                file("g/params.safetensors", &[("w_dec", &[9, d]), ("w_enc", &[d, 9])]),
                file("g/examples.safetensors", &[("examples", &[4, 4])]),
                text("g/config.json", scope),
            ],
            "w_dec",
        ),
        (
            vec![
                file(
                    "d/ae.safetensors",
                    &[("decoder.weight", &[d, 9]), ("encoder.weight", &[9, d])],
                ),
                text("d/config.json", learning),
            ],
            "decoder.weight",
        ),
        (
            vec![
                file(
                    "layers.1/sae.safetensors",
                    &[("W_dec", &[9, d]), ("encoder.weight", &[9, d])],
                ),
                text("layers.1/cfg.json", r#"{"d_in": 8, "k": 32, "normalize_decoder": true}"#),
            ],
            "W_dec",
        ),
    ] {
        let about = open(&model, files, None).unwrap().about;
        assert!(about.name.ends_with(tensor), "{}", about.name);
        assert_eq!(about.n_rows, 9, "{tensor}");
        let hook = about.hook.unwrap();
        assert_eq!((hook.layer, hook.read_from), (Some(1), Some(2)), "{tensor}");
    }
}

#[test]
fn one_place_of_a_crosscoder_is_a_dictionary() {
    let (model, d) = llama();
    let cross =
        || vec![file("cross.safetensors", &[("W_dec", &[70, 2, d]), ("W_enc", &[2, d, 70])])];
    let offered = match open(&model, cross(), None) {
        Err(DictionaryError::SeveralMatrices { names, .. }) => names,
        other => panic!("{:?}", other.map(|dictionary| dictionary.about)),
    };
    assert_eq!(offered, ["W_dec@0", "W_dec@1"]);
    let second = open(&model, cross(), Some("W_dec@1")).unwrap();
    assert_eq!((second.about.n_rows, &second.about.hook), (70, &None));
    let all = counted(70 * 2 * d);
    let feature = |i: usize| &all[(i * 2 + 1) * d..(i * 2 + 2) * d];
    // More rows than are read together.
    let rows = second.rows(None, 1..69).unwrap();
    assert!(rows.chunks(d).zip(1..69).all(|(row, i)| row == feature(i)) && rows.len() == 68 * d);
    assert!(open(&model, cross(), Some("W_dec@2")).is_err());

    let layers = || vec![file("clt.safetensors", &[("W_dec", &[3, 70, d])])];
    let third = open(&model, layers(), Some("W_dec@2")).unwrap();
    let all = counted(3 * 70 * d);
    assert_eq!(third.rows(None, 5..7).unwrap(), all[(140 + 5) * d..(140 + 7) * d]);

    let numbered = vec![file("W_dec_3.safetensors", &[("W_dec_3", &[70, 1, d])])];
    let only = open(&model, numbered, None).unwrap();
    assert_eq!(only.rows(None, 69..70).unwrap(), counted(70 * d)[69 * d..]);
}

#[test]
fn a_square_decoder_is_read_as_its_name_is_written_everywhere() {
    let (model, d) = llama();
    let all = counted(d * d);
    let rows = open(&model, vec![file("sae.safetensors", &[("W_dec", &[d, d])])], None).unwrap();
    assert_eq!(rows.rows(None, 1..2).unwrap(), all[d..2 * d]);
    assert!(rows.about.notes.iter().any(|note| note.contains("square; its rows")));
    let linear = vec![file("ae.safetensors", &[("decoder.weight", &[d, d])])];
    let columns = open(&model, linear, None).unwrap().rows(None, 1..2).unwrap();
    assert_eq!(columns, all.iter().skip(1).step_by(d).copied().collect::<Vec<_>>());
    let unknown = vec![file("x.safetensors", &[("mine", &[d, d])])];
    assert!(matches!(open(&model, unknown, None), Err(DictionaryError::RowsOrColumns { .. })));
}

#[test]
fn dead_and_broken_features_of_a_decoder_are_counted() {
    let (model, d) = llama();
    let mut values = counted(5 * d);
    values[d..2 * d].fill(0.0);
    values[3 * d + 2] = f32::NAN;
    let named = [Named::f32("W_dec", &[5, d], values)];
    let bytes = to_safetensors(&named, &[]).unwrap();
    let files: Vec<Box<dyn ByteSource>> =
        vec![Box::new(MemorySource::new("sae_weights.safetensors", bytes))];
    let dictionary = open(&model, files, None).unwrap();
    let mut survey = Survey::default();
    survey.step(&dictionary.block(None, 0..5, &Frame::plain(d, false)).unwrap());
    let survey = survey.finish();
    assert_eq!((survey.n_features, survey.n_zero, survey.not_finite), (3, 1, vec![(3, 2)]));
}
