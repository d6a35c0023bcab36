//! The model that comes with the page: every file that its index names is there, small, and opens as what it is.

use std::fs;
use std::path::{Path, PathBuf};

use omega_lens::checkpoint::Checkpoint;
use omega_lens::model::{Hints, Model};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/names")
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(name)).unwrap()).unwrap()
}

fn steps() -> Vec<Value> {
    json("series.json")["steps"].as_array().unwrap().clone()
}

#[test]
fn every_checkpoint_of_the_series_opens_as_a_small_gpt_2() {
    for step in steps() {
        let paths = [folder().join(step["file"].as_str().unwrap()), folder().join("config.json")];
        let model =
            Model::open(Checkpoint::open_paths(&paths).unwrap(), &Hints::default()).unwrap();
        let arch = &model.arch;
        let shape = (arch.family, arch.n_layers, arch.n_heads, arch.d_model, arch.d_head);
        assert_eq!(shape, ("gpt2", 3, 4, 64, 16));
        assert_eq!(arch.d_vocab, Some(65));
        assert!(!arch.heads_assumed && model.notes.is_empty(), "{:?}", model.notes);
    }
}

#[test]
fn the_series_begins_untrained_ends_trained_and_is_small() {
    let steps = steps();
    let numbers: Vec<u64> = steps.iter().map(|s| s["step"].as_u64().unwrap()).collect();
    assert_eq!((numbers[0], numbers[numbers.len() - 1]), (0, 4000));
    assert!(numbers.is_sorted());
    let accuracy = |i: usize| steps[i]["accuracy"]["indirect_object"].as_f64().unwrap();
    assert_eq!((accuracy(0), accuracy(steps.len() - 1)), (0.0, 1.0));
    let sizes = fs::read_dir(folder()).unwrap().map(|f| f.unwrap().metadata().unwrap().len());
    assert!(sizes.sum::<u64>() <= 5_000_000);
    for step in &steps {
        let path = folder().join(step["file"].as_str().unwrap());
        assert_eq!(fs::metadata(path).unwrap().len(), step["bytes"].as_u64().unwrap());
    }
}

#[test]
fn its_tokenizer_names_every_row_of_its_embedding_once() {
    let vocabulary = json("tokenizer.json")["model"]["vocab"].as_object().unwrap().clone();
    let mut ids: Vec<u64> = vocabulary.values().map(|id| id.as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..65).collect::<Vec<_>>());
    for word in ["Mary", "John", "gave", "to", "store", ",", "<|endoftext|>"] {
        assert!(vocabulary.contains_key(word), "{word}");
    }
}
