//! A trained toy, opened again as a checkpoint: the same Ω, and its true features as the vocabulary.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use omega_lens::checkpoint::{ByteSource, Checkpoint, MemorySource};
use omega_lens::model::{AttentionLayer, Hints, Model, Part, Weights};
use omega_lens::study::toy::{to_config_json, to_safetensors};
use omega_lens::toy::{Config, Trainer};

#[test]
fn a_toy_opens_as_a_checkpoint_with_its_own_omega_folded_and_raw() {
    for d_head in [10, 5] {
        let mut trainer = Trainer::new(Config { d_head, steps: 50, ..Config::default() }).unwrap();
        while !trainer.is_done() {
            trainer.step();
        }
        let (config, params) = (trainer.config(), trainer.params());
        let weights = to_safetensors(config, params).unwrap();
        let about = to_config_json(config).unwrap().into_bytes();
        let sources: Vec<Box<dyn ByteSource>> = vec![
            Box::new(MemorySource::new("toy/model.safetensors", weights)),
            Box::new(MemorySource::new("toy/config.json", about)),
        ];
        let model = Model::open(Checkpoint::open(sources).unwrap(), &Hints::default()).unwrap();
        let layer = AttentionLayer::read(&model, 0, Part::Both).unwrap();
        let (features, w_q, w_k) = params.matrices();
        let omega = &w_q * w_k.transpose();
        for weights in [Weights::Folded, Weights::Raw] {
            let head = layer.head(0, weights).unwrap();
            let found = &head.w_q * head.w_k.transpose();
            assert!((found - &omega).abs().max() < 1e-12, "d_head {d_head}, {weights:?}");
        }
        let embeddings = model.checkpoint.read("model.embed_tokens.weight").unwrap();
        assert_eq!(embeddings.shape, [config.n_features, config.d_model]);
        assert_eq!(embeddings.f64s().unwrap(), features.transpose().as_slice());
    }
}
