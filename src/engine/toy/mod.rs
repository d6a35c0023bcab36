//! The toy lab's questions: one run lives in the worker, whole runs and theorems come and go.

mod bench;
mod run;

pub(super) use run::Run;

use super::Engine;
use crate::circuits::sad::controls::ControlOptions;
use crate::protocol::toy::{Ask, File, Tell as ToyTell};
use crate::protocol::{Failure, Out, Tell};
use crate::study::stamp::Stamp;
use crate::toy::{UNSEEN, feature_words, to_config_json, to_safetensors, toy_sad};

/// Steps of a whole run between two reports of progress.
const REPORT: usize = 100;

/// Answers one question.
pub(super) fn answer(engine: &mut Engine, ask: Ask, out: Out<'_>) -> Result<(), Failure> {
    match ask {
        Ask::Start(config) => {
            engine.toy = None;
            let run = engine.toy.insert(Run::new(*config)?);
            tell_frame(run.frame()?, out);
        }
        Ask::Run { steps, milliseconds } => {
            let clock = engine.clock.unwrap_or(|| 0.0);
            let until = clock() + milliseconds;
            let run = started(engine)?;
            for _ in 0..steps {
                if run.is_done() || clock() > until {
                    break;
                }
                run.step()?;
            }
            tell_frame(run.frame()?, out);
        }
        Ask::Look(step) => tell_frame(started(engine)?.look(step)?, out),
        Ask::Sad { step, draws, most } => {
            let (config, _, params) = started(engine)?.nearest(step);
            let controls = ControlOptions { draws, seed: config.seed };
            let sad = toy_sad(config, params, UNSEEN, controls, most)?;
            out(Tell::Toy(ToyTell::Sad(Box::new(sad))), Vec::new());
        }
        Ask::Files(step) => {
            out(Tell::Toy(ToyTell::Files(files(started(engine)?, step)?)), Vec::new())
        }
        Ask::Whole(config) => {
            let mut run = Run::new(*config)?;
            let total = run.config().steps;
            for done in 1..=total {
                run.step()?;
                if done % REPORT == 0 {
                    out(Tell::Progress { done, total }, Vec::new());
                }
            }
            out(Tell::Toy(ToyTell::Outcome(Box::new(run.outcome()?))), Vec::new());
        }
        Ask::Theorem(bench) => {
            out(Tell::Toy(ToyTell::Theorem(Box::new(bench::work_out(*bench)?))), Vec::new());
        }
        Ask::Cloud { seed, from, to } => {
            out(Tell::Toy(ToyTell::Cloud), vec![bench::cloud(seed, from..to)]);
        }
    }
    Ok(())
}

fn started(engine: &mut Engine) -> Result<&mut Run, Failure> {
    engine
        .toy
        .as_mut()
        .ok_or_else(|| Failure::new("The run is gone: its worker was replaced. Reset it."))
}

fn tell_frame(mut frame: crate::protocol::toy::Frame, out: Out<'_>) {
    let arrays = frame.snapshot.take_arrays();
    out(Tell::Toy(ToyTell::Frame(Box::new(frame))), arrays);
}

/// A checkpoint that the rest of the product opens, and the run's measures.
fn files(run: &Run, step: usize) -> Result<Vec<File>, Failure> {
    let (config, step, params) = run.nearest(step);
    let words = feature_words(config);
    let vocab: serde_json::Map<String, serde_json::Value> =
        words.iter().enumerate().map(|(i, word)| (word.clone(), i.into())).collect();
    let tokenizer = serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": words.last() },
    });
    let measures = serde_json::json!({
        "convention": Stamp::of_toy(config).line(),
        "config": config,
        "step": step,
        "history": run.history(),
    });
    let file = |name: &str, bytes: Vec<u8>| File { name: name.into(), bytes };
    Ok(vec![
        file("model.safetensors", to_safetensors(config, params)?),
        file("config.json", to_config_json(config)?.into_bytes()),
        file("tokenizer.json", tokenizer.to_string().into_bytes()),
        file("run.json", measures.to_string().into_bytes()),
    ])
}
