//! What every fuzz target does with bytes: nothing may panic, run on, or take memory that the bytes do not justify.
//!
//! `fuzz_targets` hands libFuzzer's bytes to these, `tests/fuzzing.rs` those of a plain seeded generator.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use omega_lens::checkpoint::{ByteSource, Checkpoint, MemorySource};
use omega_lens::circuits::dictionary::{Dictionary, FileChoice};
use omega_lens::engine::Engine;
use omega_lens::model::tokenizer::Tokenizer;
use omega_lens::model::{AttentionLayer, Hints, Model, Part, Weights};
use omega_lens::protocol::model::{Hints as Said, Open};
use omega_lens::protocol::{Ask, Asked, Tell};
use omega_lens::ui::address::keys;
use omega_lens::ui::address::route::Route;
use omega_lens::ui::address::{bench, sweep, toy, trace};
use omega_lens::ui::memory::Memory;
use omega_lens::ui::memory::state::{Action, AppState};
use safetensors::SafeTensors;
use serde_json::Value;

/// A target: what it is called, what it does, and bytes of the heap that it may take: at all, and for each byte of its input.
pub(crate) type Target = (&'static str, fn(&[u8]), [usize; 2]);

/// All of them.
pub(crate) const TARGETS: [Target; 9] = [
    ("header", header, [1 << 16, 16]),
    ("index", index, [1 << 16, 64]),
    ("config", config, [64 << 20, 64]),
    ("tokenizer", tokenizer, [16 << 20, 256]),
    ("npy", npy, [1 << 20, 64]),
    ("csv", csv, [1 << 20, 64]),
    ("sae", sae, [1 << 20, 64]),
    ("address", address, [1 << 20, 64]),
    ("protocol", protocol, [64 << 20, 64]),
];

/// A file of the repository, whose root is that of the crate or two folders above it.
fn kept(path: &str) -> Vec<u8> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = [here.join(path), here.join("../..").join(path)].into_iter().map(std::fs::read);
    found.find_map(Result::ok).unwrap_or_else(|| panic!("{path} is not there"))
}

fn memory(name: &str, bytes: Vec<u8>) -> Box<dyn ByteSource> {
    Box::new(MemorySource::new(name, bytes))
}

/// A small Llama, as it should be.
fn small() -> Vec<Box<dyn ByteSource>> {
    static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let folder = "tests/golden/families/llama";
    let [config, weights] = FILES.get_or_init(|| {
        ["config.json", "model.safetensors"].map(|name| kept(&format!("{folder}/{name}")))
    });
    vec![memory("config.json", config.clone()), memory("model.safetensors", weights.clone())]
}

fn small_model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let checkpoint = Checkpoint::open(small()).expect("the golden Llama opens");
        Model::open(checkpoint, &Hints::default()).expect("the golden Llama is a model")
    })
}

/// A file of weights: nothing is read outside it, and nothing accepted that the safetensors crate refuses.
pub(crate) fn header(bytes: &[u8]) {
    let Ok(checkpoint) = Checkpoint::open(vec![memory("model.safetensors", bytes.to_vec())]) else {
        return;
    };
    for entry in checkpoint.entries() {
        // Weights that need decoding may lack what they are decoded with.
        let Ok(tensor) = checkpoint.read(&entry.name) else { continue };
        assert_eq!(tensor.bytes.len() as u64, entry.bytes());
        let values = tensor.f64s().ok().map(|values| values.len());
        assert_eq!(values, entry.dtype.is_weights().then(|| entry.elements()));
    }
    // Metadata is the one thing that we skip and the crate checks.
    let plain =
        !bytes.windows(12).any(|window| window == b"__metadata__") && !bytes.contains(&b'\\');
    if plain && checkpoint.marks().is_empty() {
        SafeTensors::deserialize(bytes).expect("what we accept the safetensors crate accepts");
    }
}

/// An index beside two shards.
pub(crate) fn index(bytes: &[u8]) {
    let shard = |name: &str| {
        let json = format!(r#"{{"{name}":{{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}}}"#);
        [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &[0]].concat()
    };
    let files = vec![
        memory("m/model-00001-of-00002.safetensors", shard("a")),
        memory("m/model-00002-of-00002.safetensors", shard("b")),
        memory("m/model.safetensors.index.json", bytes.to_vec()),
    ];
    if let Ok(checkpoint) = Checkpoint::open(files) {
        for entry in checkpoint.entries() {
            checkpoint.read(&entry.name).expect("a listed tensor can be read");
        }
    }
    // The same index at an address.
    let _ = omega_lens::checkpoint::remote::folder::shards(bytes);
}

/// The golden models that a config.json is put beside.
fn goldens() -> &'static [Vec<u8>] {
    static WEIGHTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    WEIGHTS.get_or_init(|| {
        let small = [
            "families/bert",
            "families/gemma2",
            "families/llama",
            "families/gpt2",
            "families/falcon",
        ];
        let more = [
            "t5",
            "whisper",
            "deepseek_v3",
            "qwen3_next",
            "gemma4_text",
            "gpt_oss",
            "falcon_h1",
            "clip",
            "albert",
            "llama4_text",
        ];
        let more = more.map(|name| format!("families2/{name}"));
        let all = small.into_iter().map(str::to_owned).chain(more);
        all.map(|name| kept(&format!("tests/golden/{name}/model.safetensors"))).collect()
    })
}

/// A config.json beside one of several models, which its first byte chooses: read, resolved, and a layer planned and made.
pub(crate) fn config(bytes: &[u8]) {
    let Some((&choice, json)) = bytes.split_first() else { return };
    let all = goldens();
    let weights = all[usize::from(choice) % all.len()].clone();
    let files = vec![memory("config.json", json.to_vec()), memory("model.safetensors", weights)];
    let Ok(checkpoint) = Checkpoint::open(files) else { return };
    let Ok(model) = Model::open(checkpoint, &Hints::default()) else { return };
    for layer in model.readable_layers().into_iter().take(2) {
        if let Ok(attention) = AttentionLayer::read(&model, layer, Part::Both) {
            let _ = attention.head(0, Weights::Folded);
        }
    }
}

/// Panics of other people's tokenizers are contained; a fuzzer's own hook would take them for ours.
fn hear_only_our_own_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |report| {
            let place = report.location().map_or("", |place| place.file());
            let theirs = ["/tokenizers-", "/spm_precompiled-", "/fancy-regex-"];
            if !theirs.iter().any(|name| place.contains(name)) {
                before(report);
            }
        }));
    });
}

/// Files of a vocabulary beside weights; the first byte says which.
pub(crate) fn tokenizer(bytes: &[u8]) {
    hear_only_our_own_panics();
    let Some((&choice, text)) = bytes.split_first() else { return };
    let json = r#"{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#;
    let weights = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &[0]].concat();
    let mut files = vec![memory("model.safetensors", weights)];
    match choice % 4 {
        0 => files.push(memory("tokenizer.json", text.to_vec())),
        1 => {
            let middle = text.windows(5).position(|window| window == b"\n---\n");
            let (vocab, rest) = text.split_at(middle.unwrap_or(text.len()));
            files.push(memory("vocab.json", vocab.to_vec()));
            files.push(memory("merges.txt", rest.get(5..).unwrap_or_default().to_vec()));
        }
        2 => files.push(memory("vocab.txt", text.to_vec())),
        _ => {
            files.push(memory("tokenizer.json", kept("tests/golden/tokenizer/tokenizer.json")));
            files.push(memory("tokenizer_config.json", text.to_vec()));
        }
    }
    let Ok(checkpoint) = Checkpoint::open(files) else { return };
    let Ok(Some(tokenizer)) = Tokenizer::from_side_files(&checkpoint) else { return };
    let ids =
        tokenizer.encode("When Mary and John\u{a0}went, 12ß\u{1f600} ", true).unwrap_or_default();
    for id in ids.into_iter().chain([0, 1, u32::MAX]) {
        let _ = tokenizer.label(id);
    }
    let _ = tokenizer.single("Mary");
}

/// A dictionary in one file, and a block of its features.
fn dictionary(files: Vec<Box<dyn ByteSource>>) {
    let model = small_model();
    let choice = FileChoice::default();
    let Ok(found) = Dictionary::of_files(model, files, &choice, Weights::Folded) else { return };
    for rows in found.blocks(64).take(3) {
        let _ = found.rows(Some(&model.checkpoint), rows);
    }
    let _ = (found.label(0), found.label(usize::MAX));
    let _ = found.encoder(model).map(|encoder| encoder.encode(&[&vec![0.5; model.arch.d_model]]));
}

/// A NumPy array of features.
pub(crate) fn npy(bytes: &[u8]) {
    dictionary(vec![memory("features.npy", bytes.to_vec())]);
}

/// A table of features.
pub(crate) fn csv(bytes: &[u8]) {
    dictionary(vec![memory("features.csv", bytes.to_vec())]);
}

/// The cfg.json of a sparse autoencoder.
pub(crate) fn sae(bytes: &[u8]) {
    static WEIGHTS: OnceLock<Vec<u8>> = OnceLock::new();
    let d = small_model().arch.d_model;
    let weights = WEIGHTS.get_or_init(|| {
        use omega_lens::checkpoint::{Named, to_safetensors};
        let values = |n: usize| (0..n).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0).collect();
        let tensors = [
            Named::f32("W_dec", &[6, d], values(6 * d)),
            Named::f32("W_enc", &[d, 6], values(6 * d)),
            Named::f32("b_enc", &[6], values(6)),
            Named::f32("b_dec", &[d], values(d)),
        ];
        to_safetensors(&tensors, &[]).expect("four tensors are a file")
    });
    let weights = memory("sae_weights.safetensors", weights.clone());
    dictionary(vec![memory("cfg.json", bytes.to_vec()), weights]);
}

/// An address: all that the page reads in it, and what it becomes when it is written again.
pub(crate) fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let route = Route::parse(&text);
    let written = route.to_hash();
    assert_eq!(Route::parse(&written), route, "an address is read as it was written");
    let (preset, config) = toy::read(&route);
    assert!(
        config.check().is_err() || config.n_features <= 400,
        "the page draws {} features",
        config.n_features
    );
    let _ = toy::write(route.clone(), &preset, &config);
    let _ = sweep::chosen(&route, &config, &preset);
    let _ = bench::write(route.clone(), &bench::read(&route));
    let _ = trace::question(&route);
    let _ = (route.find(&keys::CHECKPOINT), route.find(&keys::NAMED), route.find(&keys::N_HEADS));
    let state = AppState::at_route(route.clone());
    let _ = (state.wish(), state.offered(), state.path(), state.k(), state.stamp(Weights::Folded));
    let _ = state.after(Action::Go(Route::parse(&written))).path();
    if let Some(named) = route.find(&keys::NAMED) {
        let _ = omega_lens::checkpoint::remote::reference::Reference::parse(&named);
    }
}

/// Waits for what never has to wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(ready) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return ready;
        }
    }
}

/// Whether every number in a message is small, so that nobody asks for a million rotations in earnest.
fn is_short(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() <= 40.0),
        Value::Array(all) => all.len() <= 40 && all.iter().all(is_short),
        Value::Object(all) => all.values().all(is_short),
        Value::String(text) => text.len() <= 400,
        Value::Null | Value::Bool(_) => true,
    }
}

/// A message between page and worker: planned, and answered on a small model where its numbers are small.
pub(crate) fn protocol(bytes: &[u8]) {
    static ENGINE: OnceLock<Mutex<Engine>> = OnceLock::new();
    if let Ok(tell) = serde_json::from_slice::<Tell>(bytes) {
        let again = serde_json::to_vec(&tell).expect("what was read can be written");
        let _ = serde_json::from_slice::<Tell>(&again).expect("and read again");
    }
    let Ok(asked) = serde_json::from_slice::<Asked>(bytes) else { return };
    let plan = asked.ask.plan();
    let _ =
        (plan.steps(), plan.shares(3), plan.shares(0), plan.rest(&[0, usize::MAX]), plan.prompt());
    let short = serde_json::from_slice::<Value>(bytes).is_ok_and(|value| is_short(&value));
    let opens = matches!(asked.ask, Ask::Model(_) | Ask::SelfTest(_) | Ask::Toy(_));
    if !short || opens || asked.other_model || asked.gpu.is_some() {
        return;
    }
    let engine = ENGINE.get_or_init(|| {
        let mut engine = Engine::default();
        let open = Asked::from(Open { hints: Said::default() });
        now(engine.answer(open, small(), &mut |_, _| ())).expect("the golden Llama opens");
        Mutex::new(engine)
    });
    let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = now(engine.answer(asked, Vec::new(), &mut |_, _| ()));
}
