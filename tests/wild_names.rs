//! Names that say too little, or too much: what shapes decide, what is said where nothing does, what is no model at all.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;
use crate::support::in_memory::{self, heads, notes, open, plain};

use omega_lens::checkpoint::Named;
use omega_lens::model::{Hints, ModelError, Weights};
use serde_json::{Value, json};

/// A golden checkpoint of the second set.
fn other_parts(name: &str) -> (Vec<Named>, Value) {
    in_memory::parts(&golden::more_families().into_iter().find(|f| f.name == name).unwrap())
}

#[test]
fn one_key_for_all_heads_says_how_wide_they_are() {
    let (tensors, config) = other_parts("gpt_bigcode");
    let (with, without) =
        (plain(&tensors, &config), open(&tensors, None, &Hints::default()).unwrap());
    assert_eq!((without.arch.family, without.arch.n_kv_heads), ("gpt_bigcode", 1));
    assert_eq!(heads(&without, Weights::Folded), heads(&with, Weights::Folded));
    assert!(notes(&without).contains("one key/value head"), "{}", notes(&without));
}

#[test]
fn a_config_that_leaves_out_multi_query_leaves_it_to_the_matrix() {
    for name in ["gpt_bigcode", "gpt_bigcode_mha"] {
        let (tensors, mut config) = other_parts(name);
        let said = plain(&tensors, &config);
        config.as_object_mut().unwrap().remove("multi_query").unwrap();
        let unsaid = plain(&tensors, &config);
        assert_eq!(unsaid.arch.n_kv_heads, said.arch.n_kv_heads, "{name}");
        assert_eq!(heads(&unsaid, Weights::Folded), heads(&said, Weights::Folded), "{name}");
    }
}

#[test]
fn what_names_leave_open_is_said_where_no_config_decides() {
    let hints = Hints { n_heads: Some(4), ..Hints::default() };
    let (granite, config) = other_parts("granite");
    let error = open(&granite, None, &hints).err().unwrap();
    assert!(matches!(error, ModelError::FamilyNeeded { .. }), "{error}");
    let llama = Hints { family: Some("llama".into()), ..hints.clone() };
    let said = notes(&open(&granite, None, &llama).unwrap());
    assert!(said.contains("Granite has factors on scores"), "{said}");
    assert!(!notes(&plain(&granite, &config)).contains("have the same names"));
    let (bigcode, _) = other_parts("gpt_bigcode_mha");
    let said = notes(&open(&bigcode, None, &hints).unwrap());
    assert!(said.contains("another order in c_attn"), "{said}");
    let (gemma, _) = other_parts("gemma3n_text");
    let said = notes(&open(&gemma, None, &Hints::default()).unwrap());
    assert!(said.contains("lends its keys and values"), "{said}");
}

#[test]
fn shapes_decide_between_families_of_the_same_names() {
    for name in ["exaone4", "gemma4_text", "jamba", "falcon_h1", "lfm2", "deepseek_v3"] {
        let (tensors, config) = other_parts(name);
        let model = plain(&tensors, &config);
        let hints = Hints { n_heads: Some(model.arch.n_heads), ..Hints::default() };
        let found = open(&tensors, None, &hints).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found.arch.family, model.arch.family, "{name}");
        assert_eq!(heads(&found, Weights::Folded), heads(&model, Weights::Folded), "{name}");
    }
}

#[test]
fn a_part_that_is_missing_is_named_beside_what_the_files_are_taken_for() {
    for (name, part, says) in [
        ("t5", "encoder.block.0.layer.0.layer_norm.weight", "read as T5 by config.json"),
        ("deepseek_v2", "layers.0.self_attn.kv_a_layernorm.weight", "latent attention"),
        ("dinov2", "encoder.layer.0.norm1.weight", "read as DINOv2 by config.json"),
    ] {
        let (tensors, config) = other_parts(name);
        let end = part.replacen(".0.", ".", 1);
        let is_part = |t: &Named| {
            let plain: String =
                t.name.split('.').filter(|word| word.parse::<u32>().is_err()).collect();
            let wanted: String =
                end.split('.').filter(|word| word.parse::<u32>().is_err()).collect();
            plain.ends_with(&wanted)
        };
        let rest: Vec<Named> = tensors.iter().filter(|t| !is_part(t)).cloned().collect();
        assert!(rest.len() < tensors.len(), "{name}");
        let error = open(&rest, Some(&config), &Hints::default()).err().unwrap().to_string();
        assert!(error.contains("is not in the files") && error.contains(says), "{error}");
    }
}

#[test]
fn files_of_features_are_no_model_and_say_how_they_are_opened() {
    let config = json!({"hf_hook_point_in": "model.layers.1.output", "model_name": "org/base", "architecture": "jump_relu"});
    for (name, shape, config, says) in [
        ("w_dec", vec![12, 8], Some(&config), "a file of Gemma Scope 2 for \"org/base\""),
        ("W_dec", vec![12, 2, 8], None, "a crosscoder"),
        ("decoder.weight", vec![8, 12], None, "an autoencoder or transcoder"),
    ] {
        let tensors = [Named::f32(name, &shape, vec![0.5; shape.iter().product()])];
        let error = open(&tensors, config, &Hints::default()).err().unwrap();
        assert!(matches!(error, ModelError::Dictionary { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains("omega align"), "{text}");
    }
}

#[test]
fn heads_between_broken_state_spaces_are_shown_and_prompts_refused_with_the_reason() {
    let (tensors, config) = other_parts("mixtral");
    let right = heads(&plain(&tensors, &config), Weights::Folded);
    for (kind, home) in [("granitemoehybrid", "shared_mlp"), ("bamba", "feed_forward")] {
        let mut made: Vec<Named> = tensors
            .iter()
            .filter(|t| !t.name.contains("layers.0.self_attn") && !t.name.contains("moe"))
            .cloned()
            .collect();
        made.push(Named::f32("model.layers.0.mamba.in_proj.weight", &[4, 32], vec![0.5; 128]));
        made.push(Named::f32(format!("model.layers.0.{home}.x"), &[1], vec![0.5]));
        let mut said = config.clone();
        said["model_type"] = json!(kind);
        said["layer_types"] = json!(["mamba", "attention"]);
        if kind == "bamba" {
            for tensor in &mut made {
                tensor.name = tensor.name.replace("post_attention_layernorm", "pre_ff_layernorm");
            }
        }
        let model = plain(&made, &said);
        assert_eq!(model.readable_layers(), [1], "{kind}");
        // The second half are the heads of layer 1.
        assert_eq!(heads(&model, Weights::Folded), right[right.len() / 2..], "{kind}");
        let reason = model.arch.cannot_run.as_ref().unwrap();
        assert!(reason.contains("is not in the files"), "{reason}");
        assert!(notes(&model).contains("Layers [0] have no attention"), "{}", notes(&model));
    }
}

#[test]
fn what_config_json_should_say_and_does_not_is_said() {
    let without = |name: &str, keys: &[&str]| {
        let (tensors, mut config) = other_parts(name);
        keys.iter().for_each(|key| drop(config.as_object_mut().unwrap().remove(*key)));
        notes(&open(&tensors, Some(&config), &Hints::default()).unwrap())
    };
    let said = without("ernie4_5", &["model_type"]);
    assert!(said.contains("read as ERNIE 4.5 by the class that it names"), "{said}");
    let said = without("mixtral", &["model_type", "architectures"]);
    assert!(said.contains("read as Mixtral by its tensor names"), "{said}");
    let said = without("albert", &["num_hidden_layers"]);
    assert!(said.contains("once each is taken"), "{said}");
    let lens = golden::more_families().into_iter().find(|f| f.name == "transformer_lens_gqa");
    let lens = lens.unwrap();
    let config = String::from_utf8(lens.bytes("config.json")).unwrap().replace("act_fn", "act");
    let config = golden::memory("config.json", config.into_bytes());
    let files = vec![config, golden::memory("model.safetensors", lens.bytes("model.safetensors"))];
    let said = notes(&golden::open(files, &Hints::default()).unwrap());
    assert!(said.contains("GELU in its tanh form is taken"), "{said}");
}

#[test]
fn what_config_json_leaves_to_its_class_is_as_the_class_has_it() {
    let (tensors, mut config) = other_parts("gemma3n_text");
    config.as_object_mut().unwrap().remove("final_logit_softcapping");
    assert_eq!(plain(&tensors, &config).arch.unembedding.unwrap().cap, Some(30.0));
    config["final_logit_softcapping"] = json!(null);
    assert_eq!(plain(&tensors, &config).arch.unembedding.unwrap().cap, None);
    // The factor on T5's logits is of the width that the tensors have.
    let (tensors, mut config) = other_parts("t5");
    let scale = |config: &Value| plain(&tensors, config).arch.unembedding.unwrap().scale;
    let right = scale(&config);
    config.as_object_mut().unwrap().remove("d_model");
    assert_eq!(scale(&config), right);
}
