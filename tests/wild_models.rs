//! Models as people have them: layers without attention, settings that a file takes for granted, what is left out, what only looks alike.
//!
//! Each kind is made here from a golden checkpoint, of which the plain files are the reference.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;
use crate::support::in_memory::{self, heads, notes, open, plain};

use golden::Fixture;
use omega_lens::checkpoint::Named;
use omega_lens::model::{ForwardPass, Hints, Model, Weights};
use serde_json::{Value, json};

/// A golden checkpoint's tensors and configuration.
fn parts(name: &str) -> (Vec<Named>, Value) {
    in_memory::parts(&Fixture::named(name))
}

fn values(tensor: &Named) -> Vec<f32> {
    match &tensor.numbers {
        omega_lens::checkpoint::Numbers::F32(values) => values.clone(),
        _ => panic!("{} is not f32", tensor.name),
    }
}

/// Logits after each of a few tokens.
fn logits(model: &Model) -> Vec<f32> {
    let prompt = [vec![3, 1, 4, 1, 5]];
    let mut pass = ForwardPass::of_tokens(model, &prompt).unwrap();
    for _ in 0..model.arch.n_layers {
        pass.step(model, false, None).unwrap();
    }
    pass.logits(model, &[(0, 0), (0, 2), (0, 4)]).unwrap()
}

fn close(a: &[f32], b: &[f32]) -> bool {
    // The same sums in another order, in f32.
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5 * (1.0 + b.abs()))
}

#[test]
fn a_layer_that_lost_its_attention_leaves_the_others_as_they_are() {
    let (tensors, config) = parts("llama");
    for bare in [0, 1] {
        let own = format!("layers.{bare}.");
        let of_attention = |tensor: &Named| {
            tensor.name.contains(&format!("{own}self_attn"))
                || tensor.name.contains(&format!("{own}input_layernorm"))
        };
        let rest: Vec<Named> = tensors.iter().filter(|t| !of_attention(t)).cloned().collect();
        let model = plain(&rest, &config);
        assert_eq!(model.arch.n_layers, 2);
        assert_eq!(model.readable_layers(), [1 - bare]);
        let said = notes(&model);
        assert!(said.contains(&format!("Layers [{bare}] have no attention")), "{said}");
        // A head that writes nothing is a head that is not there.
        let silent = tensors.iter().map(|tensor| {
            if tensor.name.contains(&format!("{own}self_attn.o_proj")) {
                Named::f32(&tensor.name, &tensor.shape, vec![0.0; values(tensor).len()])
            } else {
                tensor.clone()
            }
        });
        let silent: Vec<Named> = silent.collect();
        assert!(close(&logits(&model), &logits(&plain(&silent, &config))));
    }
}

#[test]
fn a_part_for_words_takes_the_head_count_of_its_class_and_says_so() {
    let (tensors, config) = parts("llama");
    let mut inner = config.clone();
    for key in ["num_attention_heads", "num_key_value_heads", "head_dim", "hidden_size"] {
        inner.as_object_mut().unwrap().remove(key);
    }
    let whole = json!({"model_type": "llava", "text_config": inner, "vision_config": {"num_attention_heads": 16}});
    let model = plain(&tensors, &whole);
    assert_eq!((model.arch.n_heads, model.arch.heads_assumed), (32, true));
    assert!(
        notes(&model).contains("text_config does not say the head count; 32"),
        "{}",
        notes(&model)
    );
    let hints = Hints { n_heads: Some(4), ..Hints::default() };
    assert_eq!(open(&tensors, Some(&whole), &hints).unwrap().arch.n_heads, 4);
}

#[test]
fn qwen_1_is_llama_under_the_names_of_gpt2() {
    let (tensors, config) = parts("llama");
    let find = |name: &str| tensors.iter().find(|t| t.name.ends_with(name)).unwrap();
    let size = |key: &str| usize::try_from(config[key].as_u64().unwrap()).unwrap();
    let (d, n, n_kv) =
        (size("hidden_size"), size("num_attention_heads"), size("num_key_value_heads"));
    let width = d / n;
    // Qwen 1 has as many keys as queries: every key/value head is written once per query head.
    let repeated = |name: &str| -> Vec<f32> {
        let rows = values(find(name));
        (0..n).flat_map(|h| rows[h * n_kv / n * width * d..][..width * d].to_vec()).collect()
    };
    let mut made = Vec::new();
    let mut copy = |from: &str, to: String| {
        let tensor = find(from);
        made.push(Named { name: to, ..tensor.clone() });
    };
    copy("embed_tokens.weight", "transformer.wte.weight".into());
    copy("model.norm.weight", "transformer.ln_f.weight".into());
    copy("lm_head.weight", "lm_head.weight".into());
    for l in 0..2 {
        for (from, to) in [
            ("input_layernorm", "ln_1"),
            ("post_attention_layernorm", "ln_2"),
            ("self_attn.o_proj", "attn.c_proj"),
            ("mlp.gate_proj", "mlp.w2"),
            ("mlp.up_proj", "mlp.w1"),
            ("mlp.down_proj", "mlp.c_proj"),
        ] {
            copy(&format!("layers.{l}.{from}.weight"), format!("transformer.h.{l}.{to}.weight"));
        }
    }
    for l in 0..2 {
        let mut rows = values(find(&format!("layers.{l}.self_attn.q_proj.weight")));
        rows.extend(repeated(&format!("layers.{l}.self_attn.k_proj.weight")));
        rows.extend(repeated(&format!("layers.{l}.self_attn.v_proj.weight")));
        let name = format!("transformer.h.{l}.attn.c_attn");
        made.push(Named::f32(format!("{name}.weight"), &[3 * d, d], rows));
        made.push(Named::f32(format!("{name}.bias"), &[3 * d], vec![0.0; 3 * d]));
    }
    let said = json!({
        "model_type": "qwen", "hidden_size": d, "num_attention_heads": n, "num_hidden_layers": 2,
        "layer_norm_epsilon": config["rms_norm_eps"], "rotary_emb_base": 10000,
    });
    let (llama, qwen) = (plain(&tensors, &config), plain(&made, &said));
    assert_eq!(heads(&qwen, Weights::Folded), heads(&llama, Weights::Folded));
    assert!(close(&logits(&qwen), &logits(&llama)));
    let hints = Hints { n_heads: Some(n), ..Hints::default() };
    assert_eq!(open(&made, None, &hints).unwrap().arch.family, "qwen", "by its names alone");
}

#[test]
fn what_is_left_out_is_said_before_a_prompt_is_run_and_heads_stay_as_they_are() {
    let (mut tensors, config) = parts("gpt2");
    let before = heads(&plain(&tensors, &config), Weights::Folded);
    let front = tensors.iter().find_map(|t| t.name.strip_suffix("h.0.attn.c_attn.weight"));
    let name = format!("{}h.0.crossattention.c_attn.weight", front.unwrap());
    tensors.push(Named::f32(&name, &[32, 64], vec![0.5; 32 * 64]));
    let model = plain(&tensors, &config);
    assert_eq!(heads(&model, Weights::Folded), before);
    assert!(
        notes(&model).contains("Prompts cannot be run: its layers attend"),
        "{}",
        notes(&model)
    );

    let (tensors, mut config) = parts("bert");
    let before = heads(&plain(&tensors, &config), Weights::Raw);
    config["position_embedding_type"] = json!("relative_key_query");
    let model = plain(&tensors, &config);
    assert_eq!(heads(&model, Weights::Raw), before);
    assert!(model.arch.cannot_run.as_ref().unwrap().contains("relative_key_query"));
}

#[test]
fn factors_of_another_family_are_not_dropped_in_silence() {
    let (tensors, mut config) = parts("llama");
    let hints = Hints { family: Some("llama".into()), ..Hints::default() };
    assert_eq!(open(&tensors, Some(&config), &hints).unwrap().arch.cannot_run, None);
    config["model_type"] = json!("granite");
    config["residual_multiplier"] = json!(0.22);
    let model = open(&tensors, Some(&config), &hints).unwrap();
    assert!(model.arch.cannot_run.as_ref().unwrap().contains("residual_multiplier"));
    assert!(notes(&model).contains("as was asked; config.json says model_type \"granite\""));
}

#[test]
fn norms_speak_for_themselves_where_no_config_does() {
    let (tensors, _) = parts("llama");
    let hints = Hints { n_heads: Some(4), ..Hints::default() };
    let of_norm = |tensor: &Named| tensor.name.contains("norm");
    let model = open(&tensors, None, &hints).unwrap();
    assert!(
        !notes(&model).contains("1 + w") && !notes(&model).contains("LayerNorm"),
        "{}",
        notes(&model)
    );
    let around_zero = |tensor: &Named| {
        let gains = values(tensor)
            .into_iter()
            .enumerate()
            .map(|(i, _)| if i % 2 == 0 { 0.1 } else { -0.1 });
        Named::f32(&tensor.name, &tensor.shape, gains.collect())
    };
    let gemma = |t: &Named| if of_norm(t) { around_zero(t) } else { t.clone() };
    let gemma: Vec<Named> = tensors.iter().map(gemma).collect();
    assert!(
        notes(&open(&gemma, None, &hints).unwrap())
            .contains("are negative, as in families whose gain is 1 + w")
    );
    let mut biased = tensors.clone();
    biased.extend(tensors.iter().filter(|t| of_norm(t)).map(|t| {
        let name = t.name.replace("weight", "bias");
        Named::f32(&name, &t.shape, vec![0.0; values(t).len()])
    }));
    // By their names they are StableLM's, whose norms are LayerNorms; whoever says Llama is told what they are.
    let by_names = open(&biased, None, &hints).unwrap();
    let as_llama = Hints { family: Some("llama".into()), ..hints.clone() };
    let asked = open(&biased, None, &as_llama).unwrap();
    assert!(notes(&asked).contains("taken for LayerNorms"), "{}", notes(&asked));
    let folded = |model: &Model| heads(model, Weights::Folded);
    assert_eq!(folded(&asked), folded(&by_names));
    assert_ne!(folded(&asked), folded(&open(&tensors, None, &hints).unwrap()));
}

#[test]
fn what_is_not_read_is_known_by_sight() {
    for (name, says) in [
        ("model.layers.0.self_attn.kv_a_proj_with_mqa.weight", "latent attention"),
        ("blocks.0.attn.qkv.weight", "timm"),
        ("visual.transformer.resblocks.0.attn.in_proj_weight", "OpenCLIP"),
        ("backbone.layers.0.mixer.in_proj.weight", "no attention heads"),
        ("W_dec", "dictionary"),
        ("nothing.like.it", "fit no family."),
    ] {
        let tensors = [Named::f32(name, &[8, 8], vec![0.5; 64])];
        let error = open(&tensors, None, &Hints::default()).err().unwrap().to_string();
        assert!(error.contains(says) && !error.contains("{l}"), "{name}: {error}");
    }
}
