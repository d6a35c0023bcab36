//! Direct logit attribution against numpy, and `omega logits` as a program.
//!
//! `tests/golden/make_logits.py` writes both forward passes out and folds nothing.
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::golden::{memory, open};
use omega_lens::circuits::trace::attribution::{Reading, Shares};
use omega_lens::circuits::trace::written::Written;
use omega_lens::circuits::trace::{CleanRun, Firing};
use omega_lens::model::forward::LogitMap;
use omega_lens::model::{ForwardPass, Hints, LayerTrace, Model};
use serde_json::Value;

/// Both programs decode f16; ours runs the pass in f32, the script in f64, and logits reach some tens.
const CLOSE: f64 = 2e-4;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> Vec<Value> {
    let bytes = std::fs::read(root().join("tests/golden/logits.json")).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn files(name: &str) -> [PathBuf; 2] {
    match name {
        "names" => ["config.json", "step-04000.safetensors"]
            .map(|file| root().join("www/models/names").join(file)),
        name => ["config.json", "model.safetensors"]
            .map(|file| root().join("tests/golden/circuits").join(name).join(file)),
    }
}

fn model(name: &str) -> Model {
    let files = files(name).map(|path| {
        memory(path.file_name().unwrap().to_str().unwrap(), std::fs::read(&path).unwrap())
    });
    open(files.into(), &Hints::default()).unwrap()
}

fn run(model: &Model, ids: &[u32]) -> (Vec<LayerTrace>, Vec<f32>) {
    let mut pass = ForwardPass::of_tokens(model, &[ids.to_vec()]).unwrap();
    let traces =
        (0..model.arch.n_layers).flat_map(|_| pass.step(model, true, None).unwrap()).collect();
    (traces, pass.resid(0).to_vec())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < CLOSE, "{what}: {found}, numpy {expected}");
}

/// What a case reads off the logits.
fn reading<'a>(map: &'a LogitMap<'a>, case: &Value) -> Reading<'a> {
    let id = |key: &str| case[key].as_u64().map(|id| id as u32);
    Reading::new(map, id("answer").unwrap(), id("wrong")).unwrap()
}

#[test]
fn every_share_is_that_of_numpy_and_they_add_up_to_the_logit_difference() {
    let mut n = 0;
    for case in cases() {
        let name = case["model"].as_str().unwrap();
        let model = model(name);
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let (traces, last) = run(&model, &ids);
        let clean = CleanRun { model: &model, traces: &traces, last: &last };
        let map = LogitMap::read(&model).unwrap();
        let id = |key: &str| case[key].as_u64().map(|id| id as u32);
        let reading = reading(&map, &case);
        let at = case["at"].as_u64().unwrap() as usize;
        let found = Shares::of(clean, at, &reading).unwrap();
        near(found.logit_difference, number(&case["logit_difference"]), "logit difference");
        near(found.bias, number(&case["bias"]), "bias");
        #[cfg(feature = "page")]
        if name == "names" && id("wrong").is_some() {
            // The page opens with the head that adds most by reading the answer's own token.
            let mary = ids.iter().position(|token| Some(*token) == id("answer")).unwrap();
            let by = |&(l, h): &(usize, usize)| found.layers[l].heads[h][mary];
            let heads = (0..3).flat_map(|l| (0..4).map(move |h| (l, h)));
            let most = heads.max_by(|a, b| by(a).total_cmp(&by(b))).unwrap();
            let story = omega_lens::ui::memory::state::STORY;
            assert_eq!(most, (story.0, story.1));
            // And Attention with the one that adds most in all.
            assert_eq!(found.strongest_head(), Some((1, 3)));
        }
        assert!(found.remainder.abs() < 1e-4, "{}", found.remainder);
        let sum: f64 = found.writers().iter().map(|(_, share)| share).sum();
        assert!((sum + found.bias + found.remainder - found.logit_difference).abs() < 1e-12);
        let (sources, writers) = (found.by_source(), found.writers());
        assert_eq!(writers.len(), case["shares"].as_object().unwrap().len());
        let mut by_source = vec![0.0; at + 1];
        for (writer, share) in writers {
            let expected = &case["shares"][writer.to_string()];
            if let Some(by) = expected.as_array() {
                let omega_lens::circuits::trace::attribution::Writer::Head(l, h) = writer else {
                    panic!("{writer} has sources");
                };
                let own = &found.layers[l].heads[h];
                assert_eq!(own.len(), by.len());
                for (src, (a, b)) in own.iter().zip(by).enumerate() {
                    near(*a, number(b), &format!("{writer} from {src}"));
                    by_source[src] += number(b);
                }
                near(share, by.iter().map(number).sum(), &writer.to_string());
            } else {
                near(share, number(expected), &writer.to_string());
            }
            n += 1;
        }
        sources.iter().zip(&by_source).for_each(|(a, b)| near(*a, *b, "by source"));
    }
    assert_eq!(n, 2 * 19 + 2 * 25);
}

#[test]
fn what_a_head_writes_is_a_sum_over_its_pairs_as_numpy_decomposes_the_whole_matrix() {
    for case in cases() {
        let model = model(case["model"].as_str().unwrap());
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        let (traces, last) = run(&model, &ids);
        let clean = CleanRun { model: &model, traces: &traces, last: &last };
        let map = LogitMap::read(&model).unwrap();
        let reading = reading(&map, &case);
        let index = |value: &Value| value.as_u64().unwrap() as usize;
        let (cell, dest) = (&case["cell"], index(&case["at"]));
        let [layer, head, src] = ["layer", "head", "src"].map(|key| index(&cell[key]));
        let found = Written::of(clean, Firing { layer, head, dest, src }).unwrap();
        let (sigma, writes) = (numbers(&cell["sigma"]), numbers(&cell["written"]));
        assert_eq!(found.sigma.len(), sigma.len());
        let attends = clean.attends(layer, head, dest, src);
        for (k, x) in found.vectors.iter().enumerate() {
            near(found.sigma[k], sigma[k], "sigma");
            near(found.writes[k], writes[k], "written");
            near(found.reads[k] * attends * sigma[k], writes[k], "read");
            let share = reading.share(clean, dest, x).unwrap();
            near(share, number(&cell["shares"][k]), "share of a pair");
        }
    }
}

fn omega(files: &[PathBuf], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omega"));
    command.arg("logits").args(files).args(arguments).output().unwrap()
}

fn built_in() -> Vec<PathBuf> {
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    files.map(|file| root().join("www/models/names").join(file)).to_vec()
}

#[cfg(feature = "tokenizer")]
const PROMPT: &str = "When Mary and John went to the store , John gave a drink to";

#[cfg(feature = "tokenizer")]
#[test]
fn the_program_says_what_writes_the_answer_and_what_one_head_writes() {
    let arguments = ["--prompt", PROMPT, "--wrong", "John", "--reading", "L1H3:14-2"];
    let output = omega(&built_in(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let golden = &cases()[0];
    // No answer was named: the likeliest is Mary.
    assert_eq!((&found["answer_text"], &found["wrong_text"]), (&"Mary".into(), &"John".into()));
    for key in ["logit_difference", "bias", "probability"] {
        near(number(&found[key]), number(&golden[key]), key);
    }
    near(number(&found["embed"]), number(&golden["shares"]["embed"]), "embed");
    near(number(&found["layers"][2]["mlp"]), number(&golden["shares"]["mlp2"]), "mlp2");
    let writes = &found["writes"];
    near(
        number(&writes["share"]),
        number(&found["layers"][1]["heads"][3][2]),
        "one reading, by itself and among all",
    );
    assert!(number(&writes["remainder"]).abs() < 1e-5);
    assert!(
        writes["raises"].as_array().unwrap().len() > 2 && found["convention"]["shares"].is_string()
    );
    let pairs = writes["pairs"].as_array().unwrap();
    assert_eq!(pairs.iter().filter(|pair| pair["raises"][0].is_object()).count(), 3);
}

#[cfg(feature = "tokenizer")]
#[test]
fn what_cannot_be_split_is_refused_in_a_line() {
    let bert = root().join("tests/golden/families/bert");
    for (files, arguments, says) in [
        (vec![bert], vec!["--ids", "1,2,3"], "no unembedding"),
        (built_in(), vec!["--prompt", "Mary", "--answer", "Marmalade"], "not one token"),
        (built_in(), vec!["--prompt", "Mary", "--at", "7"], "position 7 does not exist"),
        (built_in(), vec!["--prompt", "Mary", "--reading", "L1H3:0-9"], "position 9"),
        (built_in(), vec!["--prompt", "Mary", "--reading", "L9H3:0-0"], "layer 9"),
        (built_in(), vec![], "give --ids or --prompt"),
    ] {
        let output = omega(&files, &arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(error.contains(says) && error.lines().count() == 1, "{arguments:?}: {error}");
    }
}

/// The engine's answers, and the Python beside them.
#[cfg(all(feature = "gpu", feature = "page"))]
mod at_the_page {
    use super::{cases, files, number as golden_number, root};
    use crate::support::{built_in, python};
    use built_in::{answers, ask, told};
    use omega_lens::checkpoint::{ByteSource, FileSource};
    use omega_lens::engine::Engine;
    use omega_lens::protocol::attention::{Asking, Attribute, CellAt, Prompt, WritesOf};
    use omega_lens::protocol::model::Open;

    fn open(name: &str) -> Engine {
        let mut files = files(name).to_vec();
        if name == "names" {
            files.push(root().join("www/models/names/tokenizer.json"));
        }
        let source = |path| Box::new(FileSource::open(path).unwrap()) as Box<dyn ByteSource>;
        let mut engine = Engine::with_clock(|| 0.0);
        let sources = files.iter().map(|path| source(path.as_path())).collect();
        answers::<Open>(told(&mut engine, Open::default(), sources)).remove(0);
        engine
    }

    fn number(text: &str) -> f64 {
        text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
    }

    #[test]
    fn what_a_head_writes_is_the_same_in_numpy() {
        let Some(python) = python::python() else { return };
        for case in cases() {
            let name = case["model"].as_str().unwrap();
            let mut engine = open(name);
            let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
            let index = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
            let (prompt, dest) = (Prompt::of_ids(&ids), index(&case["at"]));
            let word = |key: &str| case[key].as_u64().map(|id| id.to_string());
            let (answer, wrong) = (word("answer"), word("wrong"));
            let asking = Asking { answer, mean: wrong.is_none(), wrong, at: Some(dest) };
            let found = ask(&mut engine, Attribute { prompt: prompt.clone(), asking }).remove(0);
            let whole = found.shares.logit_difference;
            assert!((whole - golden_number(&case["logit_difference"])).abs() < super::CLOSE);
            let [layer, head, src] = ["layer", "head", "src"].map(|key| index(&case["cell"][key]));
            let at = CellAt { layer, head, dest, src };
            let (answer, wrong) = (found.answer, found.wrong);
            let writes = ask(&mut engine, WritesOf { prompt, at, answer, wrong }).remove(0);
            let file = files(name)[1].display().to_string();
            let printed = python::lines(&python, &writes.python, &[file]);
            let (sources, pairs) = printed.split_at(printed.len() - writes.pairs.len());
            let most = writes.pairs.iter().fold(1e-3_f64, |most, pair| most.max(pair.share.abs()));
            for (src, line) in sources.iter().enumerate().take(dest + 1) {
                let share = number(line.rsplit(' ').next().unwrap());
                assert!((share - found.shares.layers[layer].heads[head][src]).abs() < 1e-6 * most);
            }
            for (line, pair) in pairs.iter().zip(&writes.pairs) {
                let parts: Vec<f64> = line.split(' ').map(number).collect();
                let known = [pair.k as f64, pair.sigma, pair.writes, pair.share];
                for (found, known) in parts.iter().zip(known) {
                    assert!(
                        (found - known).abs() < 1e-6 * known.abs().max(most),
                        "{line}: {pair:?}"
                    );
                }
            }
        }
    }
}
