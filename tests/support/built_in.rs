//! The built-in model in an engine, and questions to it.

#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this file")]

use std::path::Path;

use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::circuits::prompts::Task;
use omega_lens::circuits::sad::set::SetOptions;
use omega_lens::engine::Engine;
use omega_lens::protocol::attention::{SetSpec, SetTask, Share};
use omega_lens::protocol::model::Open;
use omega_lens::protocol::{Asked, Question, Tell};
use pollster::block_on;

/// The files of one step of its training.
pub fn files(step: u32) -> Vec<Box<dyn ByteSource>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/www/models/names");
    let file = |name: &str| -> Box<dyn ByteSource> {
        Box::new(FileSource::open(Path::new(&format!("{root}/{name}"))).unwrap())
    };
    vec![file(&format!("step-{step:05}.safetensors")), file("config.json"), file("tokenizer.json")]
}

/// An engine that has it open.
pub fn open(step: u32, clock: fn() -> f64) -> Engine {
    let mut engine = Engine::with_clock(clock);
    told(&mut engine, Open::default(), files(step));
    engine
}

/// Everything that is told of one question.
pub fn told(
    engine: &mut Engine,
    asked: impl Into<Asked>,
    sources: Vec<Box<dyn ByteSource>>,
) -> Vec<(Tell, Vec<Vec<f32>>)> {
    let mut told = Vec::new();
    let mut out = |tell, arrays| told.push((tell, arrays));
    block_on(engine.answer(asked.into(), sources, &mut out)).unwrap();
    told
}

/// Every part of the answer to one question about the open model.
pub fn ask<Q: Question>(engine: &mut Engine, question: Q) -> Vec<Q::Answer> {
    answers::<Q>(told(engine, question, vec![]))
}

/// The parts of the answer to a `Q` in what was told.
pub fn answers<Q: Question>(told: Vec<(Tell, Vec<Vec<f32>>)>) -> Vec<Q::Answer> {
    told.into_iter().filter_map(|(tell, _)| Q::answer(tell)).collect()
}

/// `n` indirect-object prompts, all of them.
pub fn indirect_objects(n: usize) -> SetSpec {
    let (task, options) = (SetTask::Task(Task::IndirectObject), SetOptions::default());
    SetSpec { task, n, seed: 0, options, series: false, share: Share::WHOLE }
}
