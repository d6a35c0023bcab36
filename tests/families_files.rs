//! Files as they lie on hubs: other prefixes, old names, mask buffers, half precision, no config, missing layers.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use std::ops::Range;

use golden::{Fixture, fixtures, memory, open};
use omega_lens::checkpoint::{ByteSource, Checkpoint, CheckpointError, Named, to_safetensors};
use omega_lens::circuits::convention::Convention;
use omega_lens::model::{AttentionLayer, Hints, Model, ModelError, Part, Weights};

/// A golden checkpoint's tensors, renamed or left out.
fn renamed(
    fixture: &Fixture,
    rename: impl Fn(&str) -> Option<String>,
    extra: &[(&str, Vec<usize>)],
) -> Vec<u8> {
    let file =
        Checkpoint::open(vec![memory("model.safetensors", fixture.bytes("model.safetensors"))])
            .unwrap();
    let kept = file.entries().filter_map(|e| {
        let values = file.read(&e.name).unwrap().f32s().unwrap();
        rename(&e.name).map(|name| Named::f32(name, &e.shape, values))
    });
    let zeros = |(name, shape): &(&str, Vec<usize>)| {
        Named::f32(*name, shape, vec![0.0; shape.iter().product()])
    };
    to_safetensors(&kept.chain(extra.iter().map(zeros)).collect::<Vec<_>>(), &[]).unwrap()
}

fn open_with_config(fixture: &Fixture, weights: Vec<u8>) -> Result<Model, ModelError> {
    let config = memory("config.json", fixture.bytes("config.json"));
    open(vec![config, memory("model.safetensors", weights)], &Hints::default())
}

/// All heads of a model, to compare.
fn heads(model: &Model) -> Vec<omega_lens::model::HeadWeights> {
    let layers = model
        .readable_layers()
        .into_iter()
        .map(|l| AttentionLayer::read(model, l, Part::Both).unwrap());
    layers
        .flat_map(|l| (0..model.arch.n_heads).map(move |h| l.head(h, Weights::Folded).unwrap()))
        .collect()
}

#[test]
fn a_base_model_saved_alone_has_no_prefix() {
    let front = ["transformer.", "model.decoder.", "model.", "gpt_neox.", "bert."];
    for fixture in fixtures() {
        let strip = |name: &str| {
            let bare = front.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
            // DistilBERT's layers are themselves called `transformer.layer`.
            Some(if name.starts_with("transformer.layer") {
                name.to_owned()
            } else {
                bare.to_owned()
            })
        };
        let model = open_with_config(&fixture, renamed(&fixture, strip, &[])).unwrap();
        assert_eq!(heads(&model), heads(&fixture.model()), "{}", fixture.name);
        assert!(model.arch.cannot_run.is_none(), "{}", fixture.name);
    }
}

#[test]
fn a_longer_prefix_and_buffers_change_nothing() {
    for (name, buffers) in [
        ("gpt2", ["transformer.h.0.attn.bias", "transformer.h.0.attn.masked_bias"]),
        (
            "gpt_neox",
            ["gpt_neox.layers.0.attention.bias", "gpt_neox.layers.0.attention.rotary_emb.inv_freq"],
        ),
        ("bert", ["embeddings.position_ids", "encoder.layer.0.attention.bias"]),
    ] {
        let fixture = Fixture::named(name);
        let extra = buffers.map(|buffer| (buffer, vec![1, 1, 4, 4]));
        let deeper = |name: &str| Some(format!("whole.{name}"));
        for bytes in
            [renamed(&fixture, |n| Some(n.to_owned()), &extra), renamed(&fixture, deeper, &extra)]
        {
            let model = open_with_config(&fixture, bytes).unwrap();
            assert_eq!(heads(&model), heads(&fixture.model()), "{name}");
        }
    }
}

#[test]
fn gamma_and_beta_are_weight_and_bias() {
    let fixture = Fixture::named("bert");
    let old = |name: &str| {
        Some(
            name.replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta"),
        )
    };
    let model = open_with_config(&fixture, renamed(&fixture, old, &[])).unwrap();
    let gains = model.arch.embedding().unwrap().norm.as_ref().unwrap().weight.as_deref();
    assert!(gains.unwrap().ends_with("gamma"));
    assert!(
        model.arch.layers[1].after_mlp.as_ref().unwrap().bias.as_deref().unwrap().ends_with("beta")
    );
}

#[test]
fn families_are_recognised_without_a_config() {
    for fixture in fixtures() {
        let expected = match fixture.name.as_str() {
            // What tensor names cannot tell apart.
            "llama3_rope_scaling" | "mistral" => "llama",
            "gpt_neox_serial" => "gpt_neox",
            "gemma3_text" => "gemma3",
            "roberta" => "bert",
            other => other,
        };
        let mut hint = Hints { n_heads: Some(4), ..Hints::default() };
        // Llama's names, tied, and nothing in the numbers that tells 1 + w from w: it is asked which family it is.
        if let Err(ModelError::FamilyNeeded { among, .. }) = fixture.model_without_config(&hint) {
            assert!(["gemma", "llama3_rope_scaling"].contains(&fixture.name.as_str()));
            assert!(["gemma", "llama"].iter().all(|id| among.iter().any(|(a, _)| a == id)));
            hint.family = Some(expected.to_owned());
        }
        let model = fixture.model_without_config(&hint).unwrap();
        if expected == "gemma" {
            assert_eq!(heads(&model), heads(&fixture.model()));
        }
        assert_eq!(model.arch.family, expected);
        assert_eq!(
            (model.arch.n_heads, model.arch.n_kv_heads),
            (4, fixture.model().arch.n_kv_heads),
            "{}",
            fixture.name
        );
        let by_norm = ["qwen3", "gemma3"].contains(&expected);
        assert_eq!(model.arch.heads_assumed, !by_norm, "{}", fixture.name);
        assert_eq!(
            model.notes.iter().any(|n| n == "Head count assumed: 4."),
            !by_norm,
            "{}",
            fixture.name
        );
        match fixture.model_without_config(&Hints { n_heads: None, ..hint }) {
            Ok(model) => assert!(by_norm && model.arch.n_heads == 4, "{}", fixture.name),
            Err(ModelError::HeadCountNeeded { d_model: 32, suggestions, .. }) => {
                assert!(!suggestions.is_empty())
            }
            Err(other) => panic!("{}: {other}", fixture.name),
        }
    }
}

#[test]
fn layers_that_are_missing_are_listed_and_the_others_work() {
    for fixture in fixtures() {
        let gap = |name: &str| (!name.contains(".0.")).then(|| name.to_owned());
        let model = open_with_config(&fixture, renamed(&fixture, gap, &[])).unwrap();
        assert_eq!(model.readable_layers(), [1], "{}", fixture.name);
        assert_eq!(heads(&model), heads(&fixture.model())[4..], "{}", fixture.name);
        assert!(matches!(
            AttentionLayer::read(&model, 0, Part::Ov),
            Err(ModelError::MissingTensor { .. })
        ));
        assert!(model.notes.iter().any(|n| n.contains("layers [0]")), "{:?}", model.notes);
    }
}

/// A file of GPT-2's size that is all header: nothing may read its weights to understand it.
struct Hollow {
    header: Vec<u8>,
    size: u64,
}

impl ByteSource for Hollow {
    fn name(&self) -> &str {
        "model.safetensors"
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        assert!(range.end <= self.header.len() as u64, "weights were read");
        Ok(self.header[range.start as usize..range.end as usize].to_vec())
    }
}

fn hollow(tensors: &[(String, Vec<u64>)]) -> Box<dyn ByteSource> {
    let mut end = 0;
    let mut entries = serde_json::Map::new();
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<u64>();
        let entry =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        entries.insert(name.clone(), entry);
    }
    let json = serde_json::to_vec(&entries).unwrap();
    let header = [&(json.len() as u64).to_le_bytes()[..], &json].concat();
    Box::new(Hollow { size: header.len() as u64 + end, header })
}

fn gpt2(d: u64, layers: usize, vocab: u64) -> Vec<(String, Vec<u64>)> {
    let mut tensors =
        vec![("wte.weight".to_owned(), vec![vocab, d]), ("wpe.weight".to_owned(), vec![1024, d])];
    for norm in ["ln_f".to_owned()]
        .into_iter()
        .chain((0..layers).flat_map(|l| ["ln_1", "ln_2"].map(|n| format!("h.{l}.{n}"))))
    {
        tensors.extend(["weight", "bias"].map(|end| (format!("{norm}.{end}"), vec![d])));
    }
    for l in 0..layers {
        for (name, shape) in [
            ("attn.c_attn", [d, 3 * d]),
            ("attn.c_proj", [d, d]),
            ("mlp.c_fc", [d, 4 * d]),
            ("mlp.c_proj", [4 * d, d]),
        ] {
            tensors.push((format!("h.{l}.{name}.weight"), shape.to_vec()));
            tensors.push((format!("h.{l}.{name}.bias"), vec![shape[1]]));
        }
    }
    tensors
}

#[test]
fn a_well_known_checkpoint_needs_no_config_and_no_weights_are_read() {
    let model = open(vec![hollow(&gpt2(768, 12, 50257))], &Hints::default()).unwrap();
    assert_eq!((model.arch.n_heads, model.arch.d_head, model.arch.heads_assumed), (12, 64, true));
    // What was assumed stands under every figure and in every file.
    let line = Convention::of(&model, Weights::Folded).line();
    assert!(line.contains("folded weights · head count assumed"), "{line}");
    assert!(model.notes[0].contains("GPT-2 small"), "{:?}", model.notes);
    let unknown = open(vec![hollow(&gpt2(768, 11, 50257))], &Hints::default());
    let Err(ModelError::HeadCountNeeded { suggestions, .. }) = unknown else {
        panic!("guessed a head count")
    };
    assert_eq!(suggestions[0], 12);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let weights = || memory("model.safetensors", Fixture::named("gpt2").bytes("model.safetensors"));
    let refusal = |config: &str| {
        let sources = vec![memory("config.json", config.as_bytes().to_vec()), weights()];
        open(sources, &Hints::default()).err().unwrap().to_string()
    };
    assert!(refusal(r#"{"model_type": "mamba"}"#).contains("\"mamba\""));
    assert!(refusal(r#"{"model_type": "llama"}"#).contains("o_proj.weight is not in the files"));
    assert!(refusal(r#"{"model_type": "gpt2", "n_head": 5, "n_embd": 32}"#).contains("5 heads"));
    assert!(
        refusal(r#"{"model_type": "gpt2", "n_head": 4, "n_embd": 64}"#)
            .contains("64 in config.json")
    );
    assert!(refusal("[").contains("not JSON"));
    let other = Hints { family: Some("gpt9".into()), ..Hints::default() };
    assert!(open(vec![weights()], &other).err().unwrap().to_string().contains("gpt9"));
}

#[test]
fn a_layer_number_in_a_name_does_not_decide_how_much_memory_is_taken() {
    let fixture = Fixture::named("gpt2");
    let far = |name: &str| Some(name.replace(".1.", ".4000000000."));
    let result = open_with_config(&fixture, renamed(&fixture, far, &[]));
    assert!(matches!(result, Err(ModelError::OutOfRange { what: "layer", .. })));
}

#[test]
fn one_bad_weight_spoils_one_head_only() {
    let fixture = Fixture::named("llama");
    let file =
        Checkpoint::open(vec![memory("model.safetensors", fixture.bytes("model.safetensors"))])
            .unwrap();
    let poison = |e: &omega_lens::checkpoint::TensorEntry| {
        let mut values = file.read(&e.name).unwrap().f32s().unwrap();
        if e.name.ends_with("layers.0.self_attn.q_proj.weight") {
            values[0] = f32::NAN;
        }
        Named::f32(e.name.clone(), &e.shape, values)
    };
    let bytes = to_safetensors(&file.entries().map(poison).collect::<Vec<_>>(), &[]).unwrap();
    let model = open_with_config(&fixture, bytes).unwrap();
    let layer = AttentionLayer::read(&model, 0, Part::Both).unwrap();
    let Err(ModelError::NotFinite { name, count: 1 }) = layer.head(0, Weights::Folded) else {
        panic!("NaN went through")
    };
    assert!(name.contains("q_proj"));
    assert!(layer.head(1, Weights::Folded).is_ok());
}
