//! Both models on one prompt: `omega compare … --ids …` and the engine against numpy's own forward pass, and the Python that goes with it.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/compare/prompt.json")).unwrap()
}

fn step(step: u64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
    root.join(format!("step-{step:05}.safetensors"))
}

fn compared(steps: [u64; 2], arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omega"));
    command.arg("compare").args(steps.map(step)).args(["--n-heads", "4", "--json"]);
    let output = command.args(arguments).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(number).collect()
}

/// As far as single precision of the forward pass goes.
fn near(found: f64, expected: f64, what: &str) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() < 1e-5 * scale, "{what}: {found} for {expected}");
}

fn all_near(found: &Value, expected: &Value, what: &str) {
    let (found, expected) = (numbers(found), numbers(expected));
    assert_eq!(found.len(), expected.len(), "{what}");
    found.iter().zip(&expected).for_each(|(found, expected)| near(*found, *expected, what));
}

fn ids(golden: &Value) -> String {
    let ids = golden["ids"].as_array().unwrap().iter().map(Value::to_string);
    ids.collect::<Vec<_>>().join(",")
}

#[test]
fn scores_and_their_split_agree_with_numpy() {
    let golden = golden();
    let steps = [0, 1].map(|i| golden["steps"][i].as_u64().unwrap());
    for cell in golden["cells"].as_array().unwrap() {
        let of = |name: &str| cell[name].to_string();
        let [layer, head, dest, src] = ["layer", "head", "dest", "src"].map(of);
        let ids = ids(&golden);
        let place = ["--ids", &ids, "--layer", &layer, "--head", &head];
        let found =
            compared(steps, &[&place[..], &["--dest", &dest, "--src", &src]].concat()).unwrap();
        let found = &found["prompt"];
        let score = &found["score"];
        for (part, terms, sum) in [
            ("a", "terms_a", number(&cell["score_a"])),
            ("b", "terms_b", number(&cell["score_b"])),
            ("weights", "weights", number(&cell["across"]) - number(&cell["score_a"])),
            ("streams", "streams", number(&cell["score_b"]) - number(&cell["across"])),
        ] {
            near(number(&score[part]["sum"]), sum, part);
            all_near(&score[part]["terms"], &cell[terms], part);
            // Heads of full rank, with room for both: the pairs hold everything.
            assert!(number(&score[part]["remainder"]).abs() < 1e-9, "{part}");
        }
        let parts = ["a", "weights", "streams"].map(|part| number(&score[part]["sum"]));
        assert!((parts.iter().sum::<f64>() - number(&score["b"]["sum"])).abs() < 1e-12);
        let moved = number(&score["stream_dest"]) + number(&score["stream_src"]);
        assert!((moved - number(&score["streams"]["sum"])).abs() < 1e-12);
        for (i, name) in ["attention_a", "attention_across", "attention_b"].iter().enumerate() {
            near(number(&found[name]), number(&cell["attention"][i]), name);
        }
        let dest: usize = dest.parse().unwrap();
        all_near(&found["pattern_a"][dest], &cell["pattern_a"], "pattern before");
        all_near(&found["pattern_b"][dest], &cell["pattern_b"], "pattern now");
        for (name, model) in [("next_a", "a"), ("next_b", "b")] {
            for next in golden[name].as_array().unwrap() {
                let listed = found["next"].as_array().unwrap().iter();
                let listed = listed.filter(|row| row["id"] == next[0]).collect::<Vec<_>>();
                near(number(&listed[0][model]), number(&next[1]), name);
            }
        }
        // Where nobody says which, it is the pair whose attention changed most.
        let found = compared(steps, &place).unwrap();
        let most = [found["prompt"]["dest"].clone(), found["prompt"]["src"].clone()];
        assert_eq!(Value::from(most.to_vec()), cell["most"]);
    }
}

#[test]
fn a_model_beside_itself_has_nothing_to_split() {
    let found =
        compared([4000, 4000], &["--ids", "1,2,3,4", "--layer", "2", "--head", "0"]).unwrap();
    let score = &found["prompt"]["score"];
    for part in ["weights", "streams"] {
        assert_eq!(score[part]["sum"], 0.0);
        assert!(numbers(&score[part]["terms"]).iter().all(|term| *term == 0.0), "{part}");
    }
    assert_eq!(found["prompt"]["pattern_a"], found["prompt"]["pattern_b"]);
}

#[test]
fn what_cannot_be_shown_is_one_line_that_says_why() {
    let place = ["--layer", "1", "--head", "2", "--ids", "1,2,3"];
    for (arguments, says) in [
        (vec!["--ids", "1,2,3"], "--layer and --head"),
        (
            [&place[..], &["--dest", "0", "--src", "2"]].concat(),
            "position 0 does not see position 2",
        ),
        ([&place[..], &["--dest", "7"]].concat(), "of 3 in the prompt"),
        (vec!["--layer", "1", "--head", "2", "--ids", "1,65"], "65"),
        (vec!["--layer", "1", "--head", "2", "--dest", "1"], "--prompt"),
    ] {
        let refused = compared([700, 4000], &arguments).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
}

#[cfg(all(feature = "gpu", feature = "page"))]
mod on_the_page {
    use super::*;
    use crate::support::{built_in, python};

    use built_in::{answers, files, told};
    use omega_lens::model::Weights;
    use omega_lens::protocol::attention::Prompt;
    use omega_lens::protocol::compare::{ScoreAt, Scored, Together};

    fn asked(weights: Weights, dest: usize, src: usize, prompt: Prompt) -> ScoreAt {
        let (layer, head) = (1, 2);
        let name = "step 700".to_owned();
        let (dest, src) = (Some(dest), Some(src));
        ScoreAt { name, prompt, layer, head, weights, match_heads: false, dest, src }
    }

    #[test]
    fn the_engine_says_what_the_command_line_says_and_its_python_agrees() {
        let golden = golden();
        let cell = &golden["cells"][0];
        let (dest, src) =
            (cell["dest"].as_u64().unwrap() as usize, cell["src"].as_u64().unwrap() as usize);
        let mut engine = built_in::open(4000, || 0.0);
        // In words: both tokenizers make the golden's ids of them.
        let text = "When Mary and John went to the store , John gave a drink to".to_owned();
        let prompt = Prompt { text, bos: Some(true), ids: false, ..Prompt::default() };
        let both =
            answers::<Together>(told(&mut engine, Together { prompt: prompt.clone() }, files(700)));
        assert_eq!(Value::from(both[0].ids.clone()), golden["ids"]);
        assert_eq!(both[0].next[0].id, golden["next_b"][0][0].as_u64().unwrap() as u32);
        for weights in [Weights::Folded, Weights::Raw] {
            let told = told(&mut engine, asked(weights, dest, src, prompt.clone()), files(700));
            let patterns = told[told.len() - 1].1.clone();
            let n = both[0].ids.len();
            for (pattern, name) in patterns.iter().zip(["pattern_a", "pattern_b"]) {
                let row = Value::from(pattern[dest * n..(dest + 1) * n].to_vec());
                all_near(&row, &cell[name], name);
            }
            let scored: Scored = *answers::<ScoreAt>(told).remove(0);
            let score = &scored.found.score;
            near(score.weights.sum, number(&cell["across"]) - number(&cell["score_a"]), "weights");
            assert!(score.weights.remainder.abs() < 1e-9, "{}", score.weights.remainder);
            if weights == Weights::Folded {
                all_near(&Value::from(score.weights.terms.clone()), &cell["weights"], "terms");
            }
            let Some(python) = python::python() else { continue };
            let path = |of: u64| step(of).to_str().unwrap().to_owned();
            let printed =
                python::lines(&python, &scored.python, &[path(700), "--".into(), path(4000)]);
            let of_line = |line: &str| -> Vec<f64> {
                line.split(' ').filter_map(|x| x.parse().ok()).collect()
            };
            let (scores, parts) = (of_line(&printed[0]), of_line(&printed[1]));
            for (found, said) in [score.a.sum, score.across, score.b.sum].iter().zip(&scores) {
                assert!((found - said).abs() < 1e-8, "{found} {said}");
            }
            for (found, said) in [score.weights.sum, score.streams.sum].iter().zip(&parts) {
                assert!((found - said).abs() < 1e-8, "{found} {said}");
            }
            for (k, line) in printed[2..].iter().enumerate() {
                let [sigma, term] = [of_line(line)[1], of_line(line)[2]];
                assert!((sigma - score.weights.sigma[k]).abs() < 1e-9 * score.weights.sigma[0]);
                assert!(
                    (term - score.weights.terms[k]).abs() < 1e-6,
                    "{k}: {term} {}",
                    score.weights.terms[k]
                );
            }
            assert!(scored.python.contains("from position 14 to 2"));
        }
    }
}
