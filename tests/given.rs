//! Images and sound as the page runs them: a file beside the prompt, and the attention that the library computed.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::sync::Arc;

use crate::golden;

use golden::more_families;
use omega_lens::checkpoint::{Named, to_safetensors};
use omega_lens::model::architecture::StackKind;
use omega_lens::model::forward::{Cpu, ready};
use omega_lens::study::input::Given;
use omega_lens::study::prompt::{Prompt, PromptRun};

/// The library computes in f32, so do we, in another order of summation.
const TOLERANCE: f64 = 1e-4;

/// The file `given`, and no words beside it.
fn alone(name: &str, bytes: Vec<u8>) -> Prompt {
    let given = Some(Arc::new(Given { name: name.into(), bytes }));
    Prompt { ids: true, bos: Some(false), given, ..Prompt::default() }
}

/// A file of one tensor of zeros.
fn image(name: &str, shape: &[usize]) -> Vec<u8> {
    let zeros = vec![0.0; shape.iter().product()];
    to_safetensors(&[Named::f32(name, shape, zeros)], &[]).unwrap()
}

#[test]
fn what_a_file_gives_is_looked_at_as_the_library_does() {
    for name in ["dinov2", "deit", "beit", "siglip", "clip", "whisper", "wav2vec2", "hubert"] {
        let fixture = more_families().into_iter().find(|fixture| fixture.name == name).unwrap();
        let model = fixture.model();
        let bytes = std::fs::read(fixture.folder().join("expected.safetensors")).unwrap();
        let prompt = alone("expected.safetensors", bytes);
        let mut run = PromptRun::new(&model, None, &prompt).unwrap();
        let mut compared = 0;
        while let Some(trace) = ready(run.step(&mut Cpu, &model)).unwrap() {
            let stack =
                model.arch.stack_of(trace.layer).map_or(StackKind::Only, |stack| stack.kind);
            let front = stack.name().map_or_else(String::new, |name| format!("{name}."));
            let number = model.layer(trace.layer).unwrap().number;
            let expected = fixture.values(&format!("{front}attention.{number}"));
            assert_eq!(trace.pattern.len(), expected.len(), "{name} {}", trace.layer);
            for (ours, theirs) in trace.pattern.iter().zip(&expected) {
                assert!((f64::from(*ours) - theirs).abs() < TOLERANCE, "{name} {}", trace.layer);
            }
            // Everything that looks, and everything that is looked at, has a name.
            let sides = run.ran.sides(stack).map(<[_]>::len);
            assert_eq!(sides, [trace.n, trace.n_src], "{name} {stack:?}");
            compared += 1;
        }
        assert_eq!(compared, model.arch.n_layers, "{name}");
        assert_eq!(run.ran.given, "expected.safetensors");
        ready(run.finish(&mut Cpu, &model, None)).unwrap();
    }
}

#[test]
fn words_and_a_file_are_read_together_where_a_model_reads_both() {
    let fixture = more_families().into_iter().find(|fixture| fixture.name == "siglip").unwrap();
    let model = fixture.model();
    let bytes = image("pixel_values", &[1, 3, 16, 16]);
    let prompt = Prompt { text: "1 2 3".into(), ..alone("image.safetensors", bytes) };
    let run = PromptRun::new(&model, None, &prompt).unwrap();
    assert_eq!(run.ran.sides(StackKind::Text)[0].len(), 3);
    assert_eq!(run.ran.sides(StackKind::Vision)[0].len(), 16);
    assert_eq!(run.ran.own_ids(StackKind::Text), Some([1, 2, 3].as_slice()));
    assert_eq!(run.ran.own_ids(StackKind::Vision), None);
}

#[test]
fn a_file_of_another_size_or_kind_is_refused_in_words() {
    let fixture = more_families().into_iter().find(|fixture| fixture.name == "dinov2").unwrap();
    let model = fixture.model();
    let refused = |name: &str, shape: &[usize]| match PromptRun::new(
        &model,
        None,
        &alone("x.safetensors", image(name, shape)),
    ) {
        Err(why) => why.to_string(),
        Ok(_) => panic!("{name} {shape:?} is no image of dinov2's"),
    };
    let why = refused("pixel_values", &[16, 16]);
    assert!(why.contains("not [channels, height, width]"), "{why}");
    let why = refused("input_values", &[80]);
    assert!(why.contains("it reads an image (pixel_values), and was given nothing of it"), "{why}");
}
