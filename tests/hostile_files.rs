//! Hostile and merely unlucky sets of files: foreign formats, shards, indices, folders.

use crate::support::files as support;

use omega_lens::checkpoint::foreign::Foreign;
use omega_lens::checkpoint::{Checkpoint, CheckpointError};
use support::{good, open, tensors};

const INDEX: &str = r#"{"metadata": {"total_size": 48}, "weight_map": {
    "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;

fn foreign(name: &str, bytes: &[u8]) -> Foreign {
    match open(&[(name, bytes)]) {
        Err(error @ CheckpointError::Foreign { foreign, .. }) => {
            assert!(error.to_string().starts_with(name), "{error}");
            foreign
        }
        other => panic!("{name}: expected a foreign format, got {other:?}"),
    }
}

#[test]
fn foreign_formats_are_recognised_whatever_they_are_called() {
    assert_eq!(foreign("llama.gguf", b"GGUF\x03\0\0\0"), Foreign::Gguf);
    assert_eq!(foreign("model.safetensors", b"GGUF\x03\0\0\0"), Foreign::Gguf);
    assert_eq!(
        foreign("pytorch_model.bin", b"PK\x03\x04\0\0\0\0archive/data.pkl"),
        Foreign::Pickle
    );
    assert_eq!(foreign("old.pt", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), Foreign::Pickle);
    assert_eq!(foreign("params.npz", b"PK\x03\x04"), Foreign::Npz);
    assert_eq!(foreign("model.zip", b"PK\x03\x04"), Foreign::Zip);
    assert_eq!(foreign("tf_model.h5", b"\x89HDF\r\n\x1a\n"), Foreign::Hdf5);
    assert_eq!(foreign("model.onnx", b"\x08\x07"), Foreign::Onnx);
    assert_eq!(foreign("flax_model.msgpack", b"\x81"), Foreign::Msgpack);
    assert_eq!(foreign("model.safetensors", b"<!DOCTYPE html><html>"), Foreign::Html);
    assert_eq!(
        foreign("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
        Foreign::LfsPointer
    );
}

#[test]
fn a_pickle_is_answered_with_a_script_to_copy() {
    let error = open(&[("pytorch_model.bin", b"PK\x03\x04")]).unwrap_err();
    assert!(error.to_string().contains("Convert it once in Python"), "{error}");
    let script = error.script().unwrap();
    assert!(
        script.contains("torch.load") && script.contains("save_file(state, \"model.safetensors\")"),
        "{script}"
    );
}

#[test]
fn a_config_of_more_than_a_mebibyte_is_refused_by_its_size() {
    let config = format!(r#"{{"model_type": "gpt2", "filler": "{}"}}"#, "x".repeat(1 << 20));
    let files: [(&str, &[u8]); 2] =
        [("config.json", config.as_bytes()), ("model.safetensors", &good())];
    match open(&files) {
        Err(error @ CheckpointError::SideFileTooLarge { size, cap, .. }) => {
            assert!(size > cap && cap == 1 << 20, "{error}");
            assert!(error.to_string().contains("config.json"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pickles_beside_safetensors_do_not_matter() {
    let checkpoint =
        open(&[("pytorch_model.bin", b"PK\x03\x04"), ("model.safetensors", &good())]).unwrap();
    assert_eq!(checkpoint.entries().len(), 2);
}

#[test]
fn quantised_checkpoints_that_are_not_decoded_are_named() {
    let open_with = |config: &str, names: &[&str]| {
        open(&[("config.json", config.as_bytes()), ("model.safetensors", &tensors(names))])
    };
    let error = open_with(r#"{"quantization_config": {"quant_method": "hqq"}}"#, &["a.weight"])
        .unwrap_err();
    assert!(
        matches!(&error, CheckpointError::Quantised { sign } if sign.contains("hqq")),
        "{error}"
    );
    for name in ["h.0.q_proj.qweight", "h.0.q_proj.weight_scale_inv", "h.0.SCB"] {
        let error = open(&[("model.safetensors", &tensors(&[name]))]).unwrap_err();
        assert!(matches!(error, CheckpointError::Quantised { .. }), "{name}: {error}");
    }
    // A method is named and the tensors are plain numbers: they are read, and that is said.
    let plain =
        open_with(r#"{"quantization_config": {"quant_method": "gptq"}}"#, &["a.weight"]).unwrap();
    assert!(plain.notes().iter().any(|note| note.contains("gptq")), "{:?}", plain.notes());
    assert!(open_with(r#"{"quantization_config": null}"#, &["a"]).unwrap().notes().is_empty());
}

#[test]
fn an_adapter_alone_is_named_with_its_base() {
    let names = ["base.q_proj.lora_A.weight", "base.q_proj.lora_B.weight"];
    let weights = tensors(&names);
    let alone = |config: &str| {
        let files = [
            ("adapter_model.safetensors", &weights[..]),
            ("adapter_config.json", config.as_bytes()),
        ];
        open(&files[..if config.is_empty() { 1 } else { 2 }]).unwrap_err()
    };
    let error = alone("");
    assert!(matches!(error, CheckpointError::Adapter { .. }), "{error}");
    let error =
        alone(r#"{"peft_type": "LORA", "use_dora": true, "base_model_name_or_path": "org/base"}"#)
            .to_string();
    assert!(error.contains("a DoRA adapter") && error.contains("(\"org/base\")"), "{error}");
    for (kind, word) in
        [("IA3", "an IA3 adapter"), ("PROMPT_TUNING", "learned prompts"), ("OFT", "OFT")]
    {
        let error = alone(&format!(r#"{{"peft_type": "{kind}"}}"#));
        assert!(matches!(error, CheckpointError::OtherAdapter { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn shards_come_together_with_or_without_their_index() {
    let (first, second) = (tensors(&["a"]), tensors(&["b"]));
    let shards: [(&str, &[u8]); 2] = [
        ("m/model-00002-of-00002.safetensors", &second),
        ("m/model-00001-of-00002.safetensors", &first),
    ];
    let with_index =
        [&shards[..], &[("m/model.safetensors.index.json", INDEX.as_bytes())]].concat();
    for files in [&shards[..], &with_index] {
        let checkpoint = open(files).unwrap();
        assert!(checkpoint.missing_shards().is_empty());
        assert_eq!(
            checkpoint.read("a").unwrap().elements() + checkpoint.read("b").unwrap().elements(),
            12
        );
        assert_eq!(checkpoint.size(), (first.len() + second.len()) as u64);
    }
}

#[test]
fn missing_shards_are_listed_and_the_rest_works() {
    let first = tensors(&["a"]);
    let shard: (&str, &[u8]) = ("model-00001-of-00002.safetensors", &first);
    let without_index = open(&[shard]).unwrap();
    assert_eq!(without_index.missing_shards(), ["model-00002-of-00002.safetensors"]);

    let checkpoint = open(&[shard, ("model.safetensors.index.json", INDEX.as_bytes())]).unwrap();
    assert_eq!(checkpoint.missing_shards(), ["model-00002-of-00002.safetensors"]);
    assert!(checkpoint.read("a").is_ok());
    assert!(matches!(checkpoint.read("b"), Err(CheckpointError::MissingShard { .. })));
    assert_eq!(checkpoint.missing_shard_of("b"), Some("model-00002-of-00002.safetensors"));
}

#[test]
fn an_index_alone_asks_for_its_shards() {
    let error = open(&[("model.safetensors.index.json", INDEX.as_bytes())]).unwrap_err();
    assert!(matches!(error, CheckpointError::NoShards { count: 2, .. }), "{error}");
}

#[test]
fn a_bad_index_is_named() {
    let first = tensors(&["a"]);
    for index in ["", "[]", "{}", "{\"weight_map\": 3}", "{\"weight_map\": {\"a\": 3}}"] {
        let files: [(&str, &[u8]); 2] = [
            ("model-00001-of-00002.safetensors", &first),
            ("model.safetensors.index.json", index.as_bytes()),
        ];
        assert!(matches!(open(&files), Err(CheckpointError::BadIndex { .. })), "{index}");
    }
}

#[test]
fn one_name_in_two_shards_is_refused() {
    let both = tensors(&["a"]);
    let files: [(&str, &[u8]); 2] =
        [("model-00001-of-00002.safetensors", &both), ("model-00002-of-00002.safetensors", &both)];
    assert!(matches!(open(&files), Err(CheckpointError::DuplicateAcrossFiles { .. })));
}

#[test]
fn several_models_are_not_guessed_between() {
    let file = good();
    let error = open(&[("a.safetensors", &file), ("b.safetensors", &file)]).unwrap_err();
    assert!(matches!(error, CheckpointError::Several { count: 2, .. }), "{error}");
    let error = open(&[("step0/model.safetensors", &file), ("step8/model.safetensors", &file)])
        .unwrap_err();
    assert!(matches!(error, CheckpointError::Several { count: 2, .. }), "{error}");
}

#[test]
fn a_whole_folder_is_sorted_out() {
    let file = good();
    let files: [(&str, &[u8]); 6] = [
        ("minilm/1_Pooling/config.json", b"{}"),
        ("minilm/2_Dense/model.safetensors", &file),
        ("minilm/README.md", b"# hello"),
        ("minilm/config.json", b"{\"model_type\": \"bert\"}"),
        ("minilm/model.safetensors", &file),
        ("minilm/vocab.txt", b"[PAD]\n"),
    ];
    let checkpoint = open(&files).unwrap();
    assert_eq!(checkpoint.side_file("config.json"), Some(&b"{\"model_type\": \"bert\"}"[..]));
    assert_eq!(checkpoint.side_file("vocab.txt"), Some(&b"[PAD]\n"[..]));
    assert_eq!(checkpoint.side_file("tokenizer.json"), None);
    assert_eq!(
        checkpoint.files().map(|(name, _)| name).collect::<Vec<_>>(),
        ["minilm/model.safetensors"]
    );
    assert!(
        checkpoint.notes().iter().any(|note| note.contains("2_Dense")),
        "{:?}",
        checkpoint.notes()
    );
}

#[test]
fn a_tokenizer_that_is_a_pointer_is_noted_and_left_out() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n";
    let checkpoint = open(&[("tokenizer.json", pointer), ("model.safetensors", &good())]).unwrap();
    assert_eq!(checkpoint.side_file("tokenizer.json"), None);
    assert!(checkpoint.notes()[0].contains("git lfs pull"), "{:?}", checkpoint.notes());
}

#[test]
fn folders_on_disk_are_walked() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("model");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("model.safetensors"), good()).unwrap();
    std::fs::write(inner.join("config.json"), "{}").unwrap();
    let checkpoint = Checkpoint::open_paths(&[folder.path()]).unwrap();
    assert_eq!(checkpoint.entries().len(), 2);
    assert!(checkpoint.side_file("config.json").is_some());
    assert!(Checkpoint::open_paths(&[folder.path().join("absent")]).is_err());
}
