//! The engine on circuits: a score traced in place of an answer, and an edge or a reading changed, against numpy.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;

use built_in::{ask, open};
use omega_lens::circuits::prompts::Task;
use omega_lens::circuits::trace::graph::Kind;
use omega_lens::circuits::trace::{Firing, Node, TraceOptions};
use omega_lens::engine::Engine;
use omega_lens::protocol::attention::{Attribute, Prompt, SetSpec, SetTask};
use omega_lens::protocol::trace::{
    Answer, ChanceOptions, Changing, DirectionOptions, Effect, Question, RunChanged, RunDirections,
    Trace, TraceSet,
};
use omega_lens::study::attribution::Asking;

const LOOK: Firing = Firing { layer: 1, head: 3, dest: 14, src: 10 };

fn prompt() -> Prompt {
    let text = "When Mary and John went to the store , John gave a drink to".into();
    Prompt { text, bos: None, ids: false, ..Prompt::default() }
}

fn trace(engine: &mut Engine, question: Question) -> Answer {
    *ask(engine, Trace { prompt: prompt(), question }).remove(0)
}

fn contrast(engine: &mut Engine) -> Answer {
    let [answer, wrong] = ["Mary", "John"].map(|word| Some(word.to_owned()));
    trace(engine, Question { answer, wrong, ..Question::default() })
}

#[test]
fn an_answer_is_read_in_words_where_the_prompt_is_numbers() {
    let ids = contrast(&mut open(4000, || 0.0)).ran.ids;
    let [answer, wrong] = ["Mary", "John"].map(|word| Some(word.to_owned()));
    let question = Question { answer: answer.clone(), wrong: wrong.clone(), ..Question::default() };
    let traced = Trace { prompt: Prompt::of_ids(&ids), question };
    let found: Answer = *ask(&mut open(4000, || 0.0), traced).remove(0);
    assert_eq!(found.ran.ids, ids);
    let asking = Asking { answer, wrong, ..Asking::default() };
    let taken = Attribute { prompt: Prompt::of_ids(&ids), asking };
    let found = ask(&mut open(4000, || 0.0), taken).remove(0);
    assert_eq!(found.answer_text, "Mary");
}

fn changed(engine: &mut Engine, answer: &Answer, part: &Changing, factor: f64) -> Effect {
    let (asked, rules) = (Box::new(answer.traced.objective.clone()), TraceOptions::default());
    let question = RunChanged { prompt: prompt(), asked, part: part.clone(), factor, rules };
    ask(engine, question).remove(0)
}

/// GPT-2's equations in numpy and f64: the logit difference and the attention of the look after each change.
#[test]
fn a_changed_edge_or_reading_does_what_numpy_says() {
    let engine = &mut open(4000, || 0.0);
    let answer = contrast(engine);
    let edges = &answer.traced.circuit.edges;
    let [query, keys] = [0, 1].map(|i| Changing::Edge(edges[i].clone()));
    assert_eq!(edges.iter().map(|e| e.k.as_slice()).collect::<Vec<_>>(), [[1], [1]]);
    let first = Firing { layer: 0, head: 1, dest: 14, src: 2 };
    for (part, factor, after, attention) in [
        (Changing::Reading(LOOK), 0.0, 6.043_595, 0.0),
        (Changing::Reading(LOOK), 2.0, 8.314_849, 0.959_236),
        (Changing::Reading(first), 0.0, -2.577_987, 0.0),
        (Changing::Reading(first), 2.0, 8.761_520, 0.914_302),
        (query.clone(), 0.0, 6.238_639, 0.164_964),
        (query.clone(), 0.5, 7.627_299, 0.630_184),
        (keys.clone(), 0.0, 5.520_516, 0.080_693),
        (keys, 0.5, 7.331_419, 0.544_998),
        (query, 1.0, 8.254_075, 0.921_666),
    ] {
        let effect = changed(engine, &answer, &part, factor);
        let off = [(effect.before, 8.254_075), (effect.after, after)];
        assert!(off.iter().all(|(a, b)| (a - b).abs() < 2e-4), "{part:?} {factor}: {effect:?}");
        let after = effect.attention_after.unwrap();
        assert!((after - attention).abs() < 1e-5, "{part:?} {effect:?}");
    }
}

/// The same equations: what an MLP or the embedding writes at a token, all scores of a head, and all that it writes.
#[test]
fn a_changed_mlp_embedding_or_whole_head_does_what_numpy_says() {
    let engine = &mut open(4000, || 0.0);
    let answer = contrast(engine);
    let mlp = |layer, at| Changing::Written(Node::at(Kind::Mlp, Some(layer), at));
    let embed = |at| Changing::Written(Node::at(Kind::Embed, None, at));
    let head = |layer, head| Changing::Head { layer, head };
    let output = |layer, head| Changing::Output { layer, head };
    for (part, factor, after) in [
        (mlp(0, 14), 0.0, 1.407_587),
        (mlp(0, 10), 0.0, 3.105_980),
        (mlp(2, 14), 0.0, 3.753_257),
        (mlp(2, 14), 0.5, 6.809_205),
        (mlp(1, 14), 2.0, 6.794_630),
        (head(1, 3), 0.0, 5.359_717),
        (head(1, 3), 0.5, 7.301_101),
        (head(0, 1), 2.0, 9.383_502),
        (output(1, 3), 0.0, 7.741_007),
        (output(1, 3), 0.5, 8.261_360),
        (output(1, 3), -1.0, 4.964_727),
        (output(0, 1), 0.0, 4.737_243),
        (output(2, 0), 0.0, 6.597_491),
        (embed(2), 0.0, -3.771_105),
        (embed(14), 0.5, 7.403_750),
        (mlp(1, 3), 1.0, 8.254_075),
    ] {
        let effect = changed(engine, &answer, &part, factor);
        let off = [(effect.before, 8.254_075), (effect.after, after)];
        assert!(off.iter().all(|(a, b)| (a - b).abs() < 2e-4), "{part:?} {factor}: {effect:?}");
        assert_eq!((effect.attention_before, effect.attention_after), (None, None));
    }
}

#[test]
fn a_score_is_traced_like_an_answer_that_leads_to_it() {
    let engine = &mut open(4000, || 0.0);
    let of_answer = contrast(engine).traced.circuit;
    let question = Question { reading: Some(LOOK), ..Question::default() };
    let traced = trace(engine, question).traced;
    assert_eq!(traced.objective.reading, Some(LOOK));
    assert_eq!((traced.circuit.edges, traced.circuit.seeds.len()), (of_answer.edges, 1));
    assert_eq!(traced.circuit.seeds[0].from, Node::head(1, 3, 14, 10));
    assert!((traced.circuit.seeds[0].weight - 0.921_666).abs() < 1e-5);
    assert_eq!(traced.objective.at, 14);
}

/// What `omega trace` prints with these arguments.
fn printed(arguments: &[&str]) -> serde_json::Value {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    let files = files.map(|file| root.join("www/models/names").join(file));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_omega"));
    let output = command.arg("trace").args(files).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_controls_of_the_page_are_those_of_the_command_line() {
    let engine = &mut open(4000, || 0.0);
    let answer = contrast(engine);
    let options = DirectionOptions { draws: 19, seed: 0 };
    let circuit = Box::new(answer.traced.circuit.clone());
    let question =
        RunDirections { prompt: prompt(), circuit, rules: answer.traced.options, options };
    let found = ask(engine, question).remove(0);
    let text = prompt().text;
    let asked = ["--prompt", &text, "--answer", "Mary", "--wrong", "John"];
    let said = printed(&[&asked[..], &["--random-directions", "19"]].concat());
    assert_eq!(serde_json::to_value(&*found).unwrap(), said["directions"]);

    let (task, n) = (SetTask::Task(Task::IndirectObject), 6);
    let spec = SetSpec { task, n, ..built_in::indirect_objects(n) };
    let chance = ChanceOptions { draws: 19, seed: 0 };
    let question = TraceSet { spec, rules: Question::default(), chance };
    let found = serde_json::to_value(&*ask(engine, question).remove(0)).unwrap();
    let said = printed(&["--task", "indirect-object", "--prompts", "6", "--draws", "19"]);
    for (key, value) in found.as_object().unwrap() {
        assert_eq!(*value, said[key], "{key}");
    }
    assert!(found["edges"].as_array().is_some_and(|edges| edges.len() > 3));
}
