//! The toy lab's questions: one run lives in the worker, whole runs and theorems come and go.

mod bench;
mod run;

pub(super) use run::Run;

use super::Engine;
use crate::circuits::sad::controls::ControlOptions;
use crate::protocol::heads::File;
use crate::protocol::toy::{
    Ask, Bench, Cloud, CloudPiece, Files, Frame, KnownEnd, LookBack, Start, TakeApart, Train, Whole,
};
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::stamp::Stamp;
use crate::study::toy::{feature_words, to_config_json, to_safetensors, toy_sad};
use crate::toy::UNSEEN;

/// Steps of a whole run between two reports of progress.
const REPORT: usize = 100;

/// Answers one question.
pub(super) fn answer(engine: &mut Engine, ask: Ask, out: Out<'_>) -> Result<(), Failure> {
    match ask {
        Ask::Start(Start { config, turns }) => {
            engine.toy = None;
            let run = engine.toy.insert(Run::new(*config, turns)?);
            tell_frame::<Start>(run.frame()?, out);
        }
        Ask::KnownEnd(KnownEnd { config, params }) => {
            tell_frame::<KnownEnd>(Run::known(*config, &params)?, out);
        }
        Ask::Train(Train { steps, milliseconds, turned }) => {
            let clock = engine.clock.unwrap_or(|| 0.0);
            let until = clock() + milliseconds;
            let run = started(engine)?;
            for dial in turned {
                run.turn(dial)?;
            }
            for _ in 0..steps {
                if run.is_done() || clock() > until {
                    break;
                }
                run.step()?;
            }
            tell_frame::<Train>(run.frame()?, out);
        }
        Ask::LookBack(LookBack { step }) => {
            tell_frame::<LookBack>(started(engine)?.look(step)?, out);
        }
        Ask::TakeApart(TakeApart { step, draws, most }) => {
            let (config, _, params) = started(engine)?.nearest(step);
            let controls = ControlOptions { draws, seed: config.seed };
            let sad = toy_sad(&config, params, UNSEEN, controls, most)?;
            out(TakeApart::tell(Box::new(sad)), Vec::new());
        }
        Ask::Files(Files { step }) => {
            out(Files::tell(files(started(engine)?, step)?), Vec::new());
        }
        Ask::Whole(Whole { config }) => {
            let total = config.steps;
            let mut run = Run::new(*config, Vec::new())?;
            for done in 1..=total {
                run.step()?;
                if done % REPORT == 0 {
                    out(Tell::Progress { done, total }, Vec::new());
                }
            }
            out(Whole::tell(Box::new(run.outcome()?)), Vec::new());
        }
        Ask::Bench(bench) => {
            out(Bench::tell(Box::new(bench::work_out(bench)?)), Vec::new());
        }
        Ask::Cloud(Cloud { seed, from, to }) => {
            out(Cloud::tell(CloudPiece), vec![bench::cloud(seed, from..to)]);
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

fn tell_frame<Q: Question<Answer = Box<Frame>>>(mut frame: Frame, out: Out<'_>) {
    let arrays = frame.snapshot.take_arrays();
    out(Q::tell(Box::new(frame)), arrays);
}

/// A checkpoint that the rest of the product opens, and the run's measures.
fn files(run: &Run, step: usize) -> Result<Vec<File>, Failure> {
    let (config, step, params) = run.nearest(step);
    let words = feature_words(&config);
    // Collected, it would be sorted: see `math::order`.
    let mut vocab = serde_json::Map::new();
    vocab.extend(words.iter().enumerate().map(|(i, word)| (word.clone(), i.into())));
    let tokenizer = serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": { "type": "WhitespaceSplit" },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": words.last() },
    });
    let measures = serde_json::json!({
        "convention": Stamp::of_toy(&config).turned(run.turns()).line(),
        "config": run.first(),
        "turns": run.turns(),
        "step": step,
        "history": run.history(),
    });
    let file = |name: &str, bytes: Vec<u8>| File { name: name.into(), bytes };
    Ok(vec![
        file("model.safetensors", to_safetensors(&config, params)?),
        file("config.json", to_config_json(&config)?.into_bytes()),
        file("tokenizer.json", tokenizer.to_string().into_bytes()),
        file("run.json", measures.to_string().into_bytes()),
    ])
}
