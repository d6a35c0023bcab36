//! Files as people have them: the same model under wrapped names, beside copies of itself, in folders of many kinds, gives the same numbers.
//!
//! Each kind is made here from the golden Llama, of which the plain folder is the reference.

use crate::golden;

use golden::Fixture;
use omega_lens::checkpoint::{
    ByteSource, Checkpoint, CheckpointError, MemorySource, Named, to_safetensors,
};
use omega_lens::model::tokenizer::Tokenizer;
use omega_lens::model::{AttentionLayer, Hints, Model, Part, Weights};

/// The golden Llama: its tensors, and its configuration.
fn llama() -> (Vec<Named>, String) {
    let fixture = Fixture::named("llama");
    let weights = MemorySource::new("model.safetensors", fixture.bytes("model.safetensors"));
    let checkpoint = Checkpoint::open(vec![Box::new(weights)]).unwrap();
    let tensors = checkpoint.entries().map(|entry| {
        let values = checkpoint.read(&entry.name).unwrap().f32s().unwrap();
        Named::f32(&entry.name, &entry.shape, values)
    });
    (tensors.collect(), String::from_utf8(fixture.bytes("config.json")).unwrap())
}

fn renamed(tensors: &[Named], name: impl Fn(&str) -> String) -> Vec<Named> {
    tensors.iter().map(|tensor| Named { name: name(&tensor.name), ..tensor.clone() }).collect()
}

fn scaled(tensors: &[Named], by: f32) -> Vec<Named> {
    let scale = |tensor: &Named| {
        let values = values(tensor).iter().map(|x| x * by).collect();
        Named::f32(&tensor.name, &tensor.shape, values)
    };
    tensors.iter().map(scale).collect()
}

fn values(tensor: &Named) -> Vec<f32> {
    match &tensor.numbers {
        omega_lens::checkpoint::Numbers::F32(values) => values.clone(),
        _ => panic!("{} is not f32", tensor.name),
    }
}

fn file(name: &str, tensors: &[Named]) -> (String, Vec<u8>) {
    (name.to_owned(), to_safetensors(tensors, &[]).unwrap())
}

fn text(name: &str, text: &str) -> (String, Vec<u8>) {
    (name.to_owned(), text.as_bytes().to_vec())
}

fn sources(files: &[(String, Vec<u8>)]) -> Vec<Box<dyn ByteSource>> {
    let source = |(name, bytes): &(String, Vec<u8>)| -> Box<dyn ByteSource> {
        Box::new(MemorySource::new(name, bytes.clone()))
    };
    files.iter().map(source).collect()
}

fn open(files: &[(String, Vec<u8>)]) -> Model {
    let checkpoint = Checkpoint::open(sources(files)).unwrap_or_else(|e| panic!("{e}"));
    Model::open(checkpoint, &Hints::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// Every head's matrices, as the spectra are made of them.
fn heads(model: &Model) -> Vec<f64> {
    let mut all = Vec::new();
    for layer in 0..model.arch.n_layers {
        let attention = AttentionLayer::read(model, layer, Part::Both).unwrap();
        for head in 0..model.arch.n_heads {
            let head = attention.head(head, Weights::Folded).unwrap();
            for matrix in [head.w_q, head.w_k, head.w_v, head.w_o] {
                all.extend(matrix.iter().copied());
            }
        }
    }
    all
}

fn plain() -> Vec<f64> {
    let (tensors, config) = llama();
    heads(&open(&[file("model.safetensors", &tensors), text("config.json", &config)]))
}

fn notes(model: &Model) -> String {
    let all: Vec<&str> =
        model.checkpoint.notes().iter().chain(&model.notes).map(String::as_str).collect();
    all.join("\n")
}

#[test]
fn wrapped_names_are_the_names_inside() {
    let (tensors, config) = llama();
    let right = plain();
    type Rename = fn(&str) -> String;
    let wrappers: [(&str, Rename); 5] = [
        ("module", |name| format!("module.{name}")),
        ("_orig_mod", |name| format!("_orig_mod.module.{name}")),
        ("_fsdp_wrapped_module", |name| {
            format!(
                "_fsdp_wrapped_module.{}",
                name.replace("self_attn.", "self_attn._fsdp_wrapped_module.")
            )
        }),
        ("_checkpoint_wrapped_module", |name| {
            name.replace(".self_attn.", "._checkpoint_wrapped_module.self_attn.")
        }),
        ("_forward_module", |name| format!("_forward_module.{name}")),
    ];
    for (word, wrap) in wrappers {
        let wrapped = renamed(&tensors, wrap);
        let model = open(&[file("model.safetensors", &wrapped), text("config.json", &config)]);
        assert_eq!(heads(&model), right, "{word}");
        assert!(notes(&model).contains(word), "{word}: {}", notes(&model));
    }
}

#[test]
fn of_two_copies_in_one_file_one_is_taken_and_said_and_the_other_can_be_asked_for() {
    let (tensors, config) = llama();
    let mut both = renamed(&tensors, |name| format!("model.{name}"));
    both.extend(renamed(&scaled(&tensors, 2.0), |name| format!("ema.{name}")));
    let files = [file("model.safetensors", &both), text("config.json", &config)];
    let model = open(&files);
    assert_eq!(heads(&model), plain());
    assert!(
        notes(&model).contains("under \"model\" were taken, not those under ema"),
        "{}",
        notes(&model)
    );
    let ema = Checkpoint::open_one(sources(&files), Some("ema")).unwrap();
    let name = "ema.model.layers.0.self_attn.q_proj.weight";
    let plain = tensors.iter().find(|t| name.ends_with(&t.name)).map(values).unwrap();
    let doubled: Vec<f32> = plain.iter().map(|x| x * 2.0).collect();
    assert_eq!(ema.read(name).unwrap().f32s().unwrap(), doubled);
    let neither = Checkpoint::open_one(sources(&files), Some("sma")).unwrap_err();
    assert!(matches!(neither, CheckpointError::NoSuchModel { .. }), "{neither}");
}

#[test]
fn the_index_says_which_of_two_copies_of_a_tensor_counts() {
    let (tensors, config) = llama();
    let old = scaled(&tensors, 3.0);
    let (patched, untouched): (Vec<Named>, Vec<Named>) =
        tensors.iter().cloned().partition(|tensor| tensor.name.contains("layers.1."));
    let [first, second] = [1, 2].map(|i| format!("model-0000{i}-of-00002.safetensors"));
    let mut stale = untouched.clone();
    stale.extend(old.into_iter().filter(|tensor| tensor.name.contains("layers.1.")));
    let map: Vec<String> = untouched
        .iter()
        .map(|tensor| format!("\"{}\": \"{first}\"", tensor.name))
        .chain(patched.iter().map(|tensor| format!("\"{}\": \"{second}\"", tensor.name)))
        .collect();
    let index = format!("{{\"metadata\": {{}}, \"weight_map\": {{{}}}}}", map.join(","));
    let mut files = vec![
        file(&first, &stale),
        file(&second, &patched),
        text("config.json", &config),
        text("model.safetensors.index.json", &index),
    ];
    let model = open(&files);
    assert_eq!(heads(&model), plain());
    assert!(notes(&model).contains("the index says which copy counts"), "{}", notes(&model));
    files.pop();
    let error = Checkpoint::open(sources(&files)).unwrap_err();
    assert!(matches!(error, CheckpointError::DuplicateAcrossFiles { .. }), "{error}");
}

#[test]
fn consolidated_files_give_way_to_the_model_beside_them_in_any_order() {
    let (tensors, config) = llama();
    let consolidated = [Named::f32("layers.0.attention.wq.weight", &[2, 2], vec![1.0; 4])];
    let files = [
        file("m/consolidated-00001-of-00001.safetensors", &consolidated),
        text(
            "m/consolidated.safetensors.index.json",
            r#"{"weight_map": {"layers.0.attention.wq.weight": "consolidated-00001-of-00001.safetensors"}}"#,
        ),
        text("m/params.json", r#"{"dim": 2}"#),
        file("m/model.safetensors", &tensors),
        text("m/config.json", &config),
    ];
    let right = plain();
    for turn in 0..files.len() {
        let mut turned = files.to_vec();
        turned.rotate_left(turn);
        let model = open(&turned);
        assert_eq!(heads(&model), right, "turned by {turn}");
        assert!(notes(&model).contains("consolidated-00001"), "{}", notes(&model));
    }
}

#[test]
fn copies_and_capitals_keep_the_name_they_were_made_from() {
    let (tensors, config) = llama();
    let right = plain();
    for (weights, settings) in [
        ("model (1).safetensors", "config (2).json"),
        ("MODEL.SAFETENSORS", "CONFIG.JSON"),
        ("model.safetensors", "config - Copy.json"),
    ] {
        let model = open(&[file(weights, &tensors), text(settings, &config)]);
        assert_eq!(heads(&model), right, "{weights}");
        assert!(model.checkpoint.side_file("config.json").is_some(), "{settings}");
    }
}

#[test]
fn steps_of_a_training_run_are_offered_and_one_is_opened_by_name() {
    let (tensors, config) = llama();
    let files = [
        file("run/checkpoint-500/model.safetensors", &scaled(&tensors, 0.5)),
        text("run/checkpoint-500/config.json", &config),
        file("run/checkpoint-1000/model.safetensors", &tensors),
        text("run/checkpoint-1000/config.json", &config),
        text("run/checkpoint-1000/trainer_state.json", "{}"),
        ("run/checkpoint-1000/optimizer.pt".to_owned(), b"PK\x03\x04".to_vec()),
    ];
    let error = Checkpoint::open(sources(&files)).unwrap_err();
    let CheckpointError::Several { models, .. } = &error else { panic!("{error}") };
    assert_eq!(models, &["checkpoint-1000", "checkpoint-500"]);
    let chosen = Checkpoint::open_one(sources(&files), Some("checkpoint-1000")).unwrap();
    assert_eq!(heads(&Model::open(chosen, &Hints::default()).unwrap()), plain());
}

#[test]
fn the_configuration_of_a_pooling_layer_is_not_the_models() {
    let (tensors, _) = llama();
    let files = [
        file("m/model.safetensors", &tensors),
        text("m/1_Pooling/config.json", r#"{"word_embedding_dimension": 64}"#),
    ];
    let checkpoint = Checkpoint::open(sources(&files)).unwrap();
    assert!(checkpoint.side_file("config.json").is_none());
}

#[test]
fn configurations_with_the_marks_of_other_programs_say_the_same() {
    let (tensors, config) = llama();
    let right = plain();
    let utf16: Vec<u8> =
        "\u{feff}".encode_utf16().chain(config.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let end = config.rfind('}').unwrap();
    let with = |tail: &str| format!("{}{tail}}}", &config[..end].trim_end());
    let variants = [
        ("byte-order mark", format!("\u{feff}{config}").into_bytes()),
        ("UTF-16", utf16),
        ("a trailing comma", with(",").into_bytes()),
        ("Infinity", with(", \"router_limit\": [0.0, Infinity]").into_bytes()),
    ];
    for (what, bytes) in variants {
        let model = open(&[file("model.safetensors", &tensors), ("config.json".to_owned(), bytes)]);
        assert_eq!(heads(&model), right, "{what}");
        assert!(notes(&model).contains("config.json"), "{what}: {}", notes(&model));
    }
    let value: serde_json::Value = serde_json::from_str(&config).unwrap();
    for (key, like) in [
        ("num_attention_heads", "N.0"),
        ("hidden_size", "\"N\""),
        ("num_attention_heads", "[N, N]"),
    ] {
        let said = value[key].as_u64().unwrap().to_string();
        let old = format!("\"{key}\": {said}");
        assert!(config.contains(&old), "{config}");
        let new = format!("\"{key}\": {}", like.replace('N', &said));
        let model = open(&[
            file("model.safetensors", &tensors),
            text("config.json", &config.replace(&old, &new)),
        ]);
        assert_eq!(heads(&model), right, "{new}");
    }
}

#[test]
fn what_stands_in_for_an_output_matrix_is_said_and_never_made_up() {
    let (tensors, config) = llama();
    let said = |tensors: Vec<Named>, config: &str| {
        let model = open(&[file("model.safetensors", &tensors), text("config.json", config)]);
        (model.arch.unembedding.is_some(), notes(&model))
    };
    let without = |name: &str| -> Vec<Named> {
        tensors.iter().filter(|tensor| !tensor.name.ends_with(name)).cloned().collect()
    };
    let mut classifier = without("lm_head.weight");
    classifier.push(Named::f32("score.weight", &[2, 32], vec![0.5; 64]));
    let open_ended = config.replace("\"tie_word_embeddings\": false,", "");
    let (has_logits, notes) = said(classifier, &open_ended);
    assert!(!has_logits && notes.contains("a classifier (score.weight)"), "{notes}");
    let (has_logits, notes) = said(without("model.norm.weight"), &config);
    assert!(!has_logits && notes.contains("The final norm"), "{notes}");
    let tied = config.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
    let (has_logits, notes) = said(tensors.clone(), &tied);
    assert!(
        has_logits && notes.contains("one of its own (lm_head.weight), which is used"),
        "{notes}"
    );
    let (has_logits, notes) = said(tensors.clone(), &config);
    assert!(has_logits && !notes.contains("output matrix"), "{notes}");
}

#[test]
fn a_vocabulary_that_is_not_read_is_named_with_a_way_to_convert_it() {
    let files = [file("model.safetensors", &llama().0), text("tokenizer.model", "<unk>")];
    let said = |files| Tokenizer::unread(&Checkpoint::open(sources(files)).unwrap());
    let note = said(&files).unwrap();
    assert!(note.starts_with("tokenizer.model is") && note.contains("save_pretrained"), "{note}");
    assert_eq!(said(&files[..1]), None);
}

#[test]
fn what_is_missing_is_named_and_no_message_has_a_placeholder() {
    let (_, config) = llama();
    let consolidated = [Named::f32("layers.0.attention.wq.weight", &[2, 2], vec![1.0; 4])];
    let other = [Named::f32("model.embed_tokens.weight", &[4, 32], vec![0.0; 128])];
    for (tensors, says) in
        [(&consolidated, "layers.0.attention.wo"), (&other, "layers.0.self_attn.o_proj")]
    {
        let files = [file("consolidated.safetensors", tensors), text("config.json", &config)];
        let checkpoint = Checkpoint::open(sources(&files)).unwrap();
        let error = Model::open(checkpoint, &Hints::default()).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains("{l}"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_of_a_hubs_cache_are_one_model_and_links_to_nothing_are_said() {
    use std::os::unix::fs::symlink;
    let (tensors, config) = llama();
    let root = std::env::temp_dir().join(format!("omega-lens-wild-{}", std::process::id()));
    let (blobs, snapshots) = (root.join("models--x--y/blobs"), root.join("models--x--y/snapshots"));
    std::fs::create_dir_all(&blobs).unwrap();
    std::fs::write(blobs.join("b1"), file("", &tensors).1).unwrap();
    std::fs::write(blobs.join("c1"), &config).unwrap();
    for revision in ["aaaa", "bbbb"] {
        let folder = snapshots.join(revision);
        std::fs::create_dir_all(&folder).unwrap();
        symlink("../../blobs/b1", folder.join("model.safetensors")).unwrap();
        symlink("../../blobs/c1", folder.join("config.json")).unwrap();
        symlink("../../blobs/gone", folder.join("tokenizer.json")).unwrap();
    }
    let opened = Checkpoint::open_paths(&[&root]);
    std::fs::remove_dir_all(&root).unwrap();
    let model = Model::open(opened.unwrap(), &Hints::default()).unwrap();
    assert!(notes(&model).contains("opened once"), "{}", notes(&model));
    assert!(notes(&model).contains("tokenizer.json"), "{}", notes(&model));
}
