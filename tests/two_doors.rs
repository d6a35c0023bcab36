//! The page's engine and the command line, asked the same questions: every number that both say is the same.
//!
//! MiniLM (90 MB) is asked too. Longer than most files: one comparison a study.
#![cfg(all(feature = "gpu", feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;
use crate::support::minilm;

use std::path::{Path, PathBuf};
use std::process::Command;

use built_in::{answers, ask, told};
use omega_lens::checkpoint::{ByteSource, FileSource};
use omega_lens::circuits::alignment::RotationCount;
use omega_lens::circuits::convention::PairsConvention;
use omega_lens::circuits::dictionary::Builtin;
use omega_lens::circuits::omega::Circuit;
use omega_lens::circuits::prompts::Task;
use omega_lens::circuits::sad::run::Look;
use omega_lens::circuits::sad::set::SetOptions;
use omega_lens::circuits::sad::sparsity::EventRule;
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::protocol::Asked;
use omega_lens::protocol::attention::{
    Asking, Attribute, CellAt, Explain, Looks, Prompt, Ran, Run, RunPart, SetPart, SetSpec,
    SetTask, Share, WritesOf,
};
use omega_lens::protocol::compare::{Beside, Compare, ScoreAt, Together, Words};
use omega_lens::protocol::features::{Align, AlignPart, Comparing, Source};
use omega_lens::protocol::heads::Spectra;
use omega_lens::protocol::model::{ModelSummary, Open};
use omega_lens::protocol::trace::{Answer, MeetingOptions, Question, SplitScore, Trace};
use omega_lens::study::compare::{CompareDocument, PromptDocument};
use omega_lens::study::trace::{Report, SeedRule};
use omega_lens::study::{attribution, pairs};
use omega_lens::ui::memory::Memory as _;
use omega_lens::ui::memory::compare::{Compared, News};
use serde::Serialize;
use serde_json::{Value, to_value};

const SENTENCE: &str = "When Mary and John went to the store, John gave a drink to";

/// A model behind both doors.
struct Doors {
    files: Vec<PathBuf>,
    engine: Engine,
    summary: ModelSummary,
}

impl Doors {
    fn of(files: Vec<PathBuf>) -> Self {
        let mut engine = Engine::with_clock(|| 0.0);
        let sources = files.iter().map(source).collect();
        let opened = answers::<Open>(told(&mut engine, Open::default(), sources));
        Self { files, engine, summary: *opened.into_iter().next().unwrap() }
    }

    fn folder(folder: &Path) -> Self {
        let inside = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let wanted =
            ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"];
        let named = |path: &PathBuf| wanted.iter().any(|name| path.ends_with(name));
        Self::of(inside.filter(named).collect())
    }

    fn omega(&self, subcommand: &str, arguments: &[&str]) -> Value {
        let files: Vec<&str> = self.files.iter().map(|file| file.to_str().unwrap()).collect();
        said(subcommand, &[&files, arguments].concat())
    }

    fn spectra_agree(&mut self) {
        for weights in [Weights::Folded, Weights::Raw] {
            let printed = self.omega("spectra", &["--weights", weights.slug()]);
            let mut rows = printed["heads"].as_array().unwrap().iter();
            for layer in 0..self.summary.n_layers {
                let question = Spectra { layers: vec![layer], weights };
                for found in ask(&mut self.engine, question).into_iter().flatten() {
                    let row = rows.next().unwrap();
                    assert_eq!((&row["layer"], &row["head"]), (&layer.into(), &found.head.into()));
                    assert_eq!(row["biases"], to_value(found.biases.as_deref()).unwrap());
                    for (circuit, found) in [("qk", &found.qk), ("ov", &found.ov)] {
                        assert_eq!(row[circuit], to_value(&found.sigma).unwrap());
                        let of = |what: &str| row[format!("{what}_{circuit}")].as_f64().unwrap();
                        assert_eq!(of("residual"), found.residual);
                        assert_eq!(of("orthogonality"), found.orthogonality);
                        assert_eq!(
                            row[format!("statistics_{circuit}")],
                            to_value(&found.statistics).unwrap()
                        );
                    }
                }
            }
            assert!(rows.next().is_none(), "the command line has no head that the page has not");
            let convention = self.summary.convention(weights);
            for field in ["program", "family", "weights", "folding", "qk", "ov", "heads_assumed"] {
                assert_eq!(printed["convention"][field], to_value(convention).unwrap()[field]);
            }
        }
    }

    /// Heads of `layer` against the token embeddings; one head, or all.
    fn alignments_agree(&mut self, layer: usize, head: Option<usize>, rotations: usize) {
        let embed = (Source::Model(Builtin::Embed), "embed");
        self.alignments_agree_with(embed, layer, head, rotations);
    }

    /// The same against a dictionary by both its names.
    fn alignments_agree_with(
        &mut self,
        (source, name): (Source, &str),
        layer: usize,
        head: Option<usize>,
        rotations: usize,
    ) {
        for (remove_mean, switch, seed) in [(true, "on", 0), (false, "off", 5)] {
            let how = Comparing {
                remove_mean,
                rotations: RotationCount::Exactly(rotations),
                seed,
                top: 3,
                ..Comparing::with(source.clone(), Weights::Folded)
            };
            let heads = head.map_or(0..self.summary.n_heads, |head| head..head + 1);
            let heads = heads.map(|head| (layer, head)).collect();
            let parts = ask(&mut self.engine, Align { how, heads });
            let found = parts.into_iter().find_map(|part| match part {
                AlignPart::Report(report) => Some(report),
                _ => None,
            });
            let found = found.unwrap();
            let (layer, rotations, seed) =
                (layer.to_string(), rotations.to_string(), seed.to_string());
            let mut arguments = vec!["--layer", &layer, "--rotations", &rotations, "--seed", &seed];
            arguments.extend(["--top", "3", "--remove-mean", switch, "--dictionary", name]);
            let head = head.map(|head| head.to_string());
            head.iter().for_each(|head| arguments.extend(["--head", head]));
            let printed = self.omega("align", &arguments);
            assert_eq!(printed["comparison"], to_value(&found.comparison).unwrap());
            assert_eq!(printed["heads"], to_value(&found.sides).unwrap());
        }
    }

    /// Every head's look on a prompt, and the cell that the page takes apart.
    fn looks_agree(&mut self, prompt: Prompt, arguments: &[&str]) {
        let printed = self.omega("sad", arguments);
        let question = Looks { prompt: prompt.clone(), look: Look::default() };
        let looks: Vec<_> = ask(&mut self.engine, question).into_iter().flatten().collect();
        assert_eq!(looks.len(), self.summary.n_layers * self.summary.n_heads);
        assert_eq!(printed["heads"], to_value(&looks).unwrap());
        let look = looks.iter().rev().find(|look| look.relative.is_some()).unwrap();
        let at = CellAt { layer: look.layer, head: look.head, dest: look.dest, src: look.src };
        let cell = ask(&mut self.engine, Explain { prompt, at }).into_iter().next();
        let event = cell.unwrap().event.unwrap();
        assert_eq!(Some(&event.relative.terms), look.relative_terms.as_ref());
        assert_eq!(event.sparsity.sparseness, look.sparseness);
        let (of_event, of_look) =
            (to_value(&event.controls).unwrap(), to_value(&look.controls).unwrap());
        for control in ["basis", "subspace", "matched"] {
            assert_eq!(of_event[control], of_look[control]);
        }
        assert_eq!(to_value(event.controls.p()).unwrap(), of_look["p"]);
    }

    /// The circuit behind the likeliest answer, in the file that either door writes.
    fn circuits_agree(&mut self, prompt: Prompt, arguments: &[&str]) {
        let printed = self.omega("trace", &[arguments, &["--seeding", "contrast"]].concat());
        let question = Question { seeding: Some(SeedRule::Contrast), ..Question::default() };
        let answer = ask(&mut self.engine, Trace { prompt, question }).into_iter().next();
        let Answer { ran, words, traced } = *answer.unwrap();
        assert!(!traced.circuit.seeds.is_empty());
        let convention = self.summary.convention(Weights::Folded).clone();
        assert_eq!(as_named(&Report::new(convention, &ran, words, traced), &printed), printed);
    }

    /// The answer split over its writers, and what one head writes by reading the first token, in the file that either door writes.
    fn logits_agree(&mut self, prompt: Prompt, arguments: &[&str]) {
        let question = Attribute { prompt: prompt.clone(), asking: Asking::default() };
        let found = *ask(&mut self.engine, question).remove(0);
        assert!(!found.shares.layers.is_empty());
        let (answer, wrong) = (found.answer, found.wrong);
        let at = CellAt { layer: self.summary.n_layers - 1, head: 1, dest: found.at, src: 0 };
        let question = WritesOf { prompt: prompt.clone(), at, answer, wrong };
        let mut read = *ask(&mut self.engine, question).remove(0);
        let reading = format!("L{}H1:{}-0", at.layer, at.dest);
        let printed = self.omega("logits", &[arguments, &["--reading", &reading]].concat());
        // Python says whose it is, and the doors know the model by different names.
        let python = printed["writes"]["python"].as_str().unwrap();
        assert_eq!(python.is_empty(), read.python.is_empty());
        python.clone_into(&mut read.python);
        let ran = self.ran(prompt.clone());
        let convention = self.summary.convention(Weights::Folded).clone();
        let report = attribution::Report::new(convention, &ran, !prompt.ids, &found, Some(&read));
        assert_eq!(as_named(&report, &printed), printed);
    }

    /// One score split over the features of a dictionary, in the file that either door writes.
    fn pairs_agree(&mut self, prompt: Prompt, at: CellAt, sae: &Path, arguments: &[&str]) {
        let files = ["sae_weights.safetensors", "cfg.json", "labels.json"].map(|f| sae.join(f));
        let options = MeetingOptions { rotations: 9, ..MeetingOptions::default() };
        let question = SplitScore { prompt: prompt.clone(), at, options };
        let found = told(&mut self.engine, question, files.iter().map(source).collect());
        let found = *answers::<SplitScore>(found).remove(0);
        assert!(found.split.pairs().len() > 50);
        let CellAt { layer, head, dest, src } = at;
        let [layer, head, dest, src] = [layer, head, dest, src].map(|i| i.to_string());
        let cell = ["--layer", &layer, "--head", &head, "--dest", &dest, "--src", &src];
        let how = ["--sae", sae.to_str().unwrap(), "--rotations", "9"];
        let printed = self.omega("pairs", &[arguments, &cell, &how].concat());
        let ran = self.ran(prompt);
        let convention = self.summary.convention(Weights::Folded).clone();
        let convention = PairsConvention::of(convention);
        let report = pairs::Report::new(convention, &ran.tokens, &ran.ids, found);
        assert_eq!(as_named(&report, &printed), printed);
    }

    /// What became of the heads of `before`, and one of them on a prompt, in the file that either door writes.
    fn comparisons_agree(&mut self, before: &Path, prompt: &Prompt, arguments: &[&str]) {
        let files = [before.to_owned(), before.with_file_name("config.json")];
        let files = [&files[..], &self.files[2..]].concat();
        // The command line takes each model as a folder.
        let folders = [&files, &self.files].map(|files| in_a_folder(files));
        let models = folders.each_ref().map(|folder| folder.path().to_str().unwrap());
        let beside = |engine: &mut Engine, asked: Asked| {
            let asked = Asked { files: Some(1), ..asked };
            told(engine, asked, files.iter().map(source).collect())
        };
        for weights in [Weights::Folded, Weights::Raw] {
            let name = before.to_str().unwrap().to_owned();
            let both = Beside { name: name.clone(), weights }.into();
            let both = answers::<Beside>(beside(&mut self.engine, both)).remove(0);
            let layers = both.common.layers.clone();
            let all = Compare { layers, weights, match_heads: true }.into();
            let all = answers::<Compare>(beside(&mut self.engine, all));
            let news = [News::BothModels(both.clone()), News::Parts(all), News::Complete];
            let found = |news: &[News]| {
                news.iter().fold(Compared::default(), |c, n| c.after(n.clone())).found()
            };
            let conventions = both.conventions.each_ref();
            let whole = found(&news);
            assert_eq!(whole.heads.len(), self.summary.n_layers * self.summary.n_heads);
            let of_weights = ["--weights", weights.slug(), "--match-heads"];
            let printed = said("compare", &[&models[..], &of_weights].concat());
            let document = CompareDocument::new(conventions, &whole);
            assert_eq!(as_named(&document, &printed), printed);

            let (layer, head) = (self.summary.n_layers - 1, 2);
            let mut words = Vec::new();
            for circuit in [Circuit::Qk, Circuit::Ov] {
                let name = name.clone();
                let asked =
                    Words { name, layer, head, circuit, weights, match_heads: true, top: 3 };
                let about = beside(&mut self.engine, asked.into());
                words.extend(answers::<Words>(about).remove(0).sides);
            }
            let on = beside(&mut self.engine, Together { prompt: prompt.clone() }.into());
            let on = *answers::<Together>(on).remove(0);
            let prompt = prompt.clone();
            let (dest, src) = (None, None);
            let match_heads = true;
            let asked = ScoreAt { name, prompt, layer, head, weights, match_heads, dest, src };
            let scored = beside(&mut self.engine, asked.into());
            let patterns: Vec<Vec<f32>> =
                scored.iter().flat_map(|(_, arrays)| arrays.clone()).collect();
            let scored = *answers::<ScoreAt>(scored).remove(0);
            let at = [layer.to_string(), head.to_string()];
            let of_head = ["--layer", &at[0], "--head", &at[1], "--words", "3"];
            let printed =
                said("compare", &[&models[..], &of_weights, &of_head, arguments].concat());
            assert_eq!(printed["words"], to_value(&words).unwrap());
            let document = PromptDocument::new(&on, &scored.found, [&patterns[0], &patterns[1]]);
            assert_eq!(as_named(&document, &printed), printed["prompt"]);
        }
    }

    /// A prompt as it ran.
    fn ran(&mut self, prompt: Prompt) -> Ran {
        let parts = ask(&mut self.engine, Run { prompt }).into_iter();
        let mut ran = parts.filter_map(|part| match part {
            RunPart::Ran(ran) => Some(ran),
            _ => None,
        });
        ran.next().unwrap()
    }

    /// A set of `n` prompts; returns what the command line printed.
    fn sets_agree(&mut self, task: SetTask, name: &str, n: usize) -> Value {
        let arguments = ["--task", name, "--prompts", &n.to_string(), "--events", "every"];
        let printed = self.omega("sad", &arguments);
        let options = SetOptions { rule: EventRule::Every, ..SetOptions::default() };
        let (seed, share) = (0, Share::WHOLE);
        let spec = SetSpec { task, n, seed, options, series: false, share };
        let mut rows = printed["heads"].as_array().unwrap().iter();
        let mut ended = false;
        for part in ask(&mut self.engine, spec) {
            match part {
                SetPart::Head { layer, head, seen } => {
                    let Value::Object(report) = to_value(seen.report()).unwrap() else { panic!() };
                    let row = rows.next().unwrap();
                    assert_eq!((&row["layer"], &row["head"]), (&layer.into(), &head.into()));
                    report.iter().for_each(|(key, value)| assert_eq!(row[key], *value, "{key}"));
                }
                SetPart::Answered { n, correct, example } => {
                    ended = true;
                    assert_eq!(printed["n_prompts"], n);
                    assert_eq!(printed["n_correct"], to_value(correct).unwrap());
                    assert_eq!(printed["example"], example);
                }
                SetPart::Spectra(_) => panic!("no series was asked for"),
            }
        }
        assert!(ended && rows.next().is_none());
        printed
    }
}

fn source(path: impl AsRef<Path>) -> Box<dyn ByteSource> {
    Box::new(FileSource::open(path.as_ref()).unwrap())
}

/// Copies of a model's files under the names that a folder has them by.
fn in_a_folder(files: &[PathBuf]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (i, file) in files.iter().enumerate() {
        let name = if i == 0 { "model.safetensors".as_ref() } else { file.file_name().unwrap() };
        std::fs::copy(file, folder.path().join(name)).unwrap();
    }
    folder
}

fn said(subcommand: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omega"));
    let output = command.arg(subcommand).args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the page writes, under the names of the command line: that knows a model by its file, the page by what its reader calls it.
fn as_named(report: &impl Serialize, printed: &Value) -> Value {
    // As text, in which an f32 has fewer digits than the f64 of the same value.
    let text = serde_json::to_string(report).unwrap();
    let mut written: Value = serde_json::from_str(&text).unwrap();
    for of in ["convention", "a", "b"] {
        if written[of].is_object() {
            written[of]["model"] = printed[of]["model"].clone();
        }
    }
    written
}

fn golden(family: &str) -> Doors {
    Doors::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families").join(family))
}

fn ids(text: &str) -> Prompt {
    Prompt { text: text.replace(',', " "), bos: Some(false), ids: true, ..Prompt::default() }
}

#[test]
fn the_built_in_model_says_the_same_at_both_doors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/models/names");
    let files = ["step-04000.safetensors", "config.json", "tokenizer.json"];
    let mut doors = Doors::of(files.map(|file| folder.join(file)).to_vec());
    doors.spectra_agree();
    doors.alignments_agree(1, None, 16);
    // Its own layer's, which leaves it out, and an earlier one's.
    for (layer, circuit, name) in [(1, Circuit::Qk, "heads-qk:1"), (0, Circuit::Ov, "heads-ov:0")] {
        doors.alignments_agree_with((Source::Heads { layer, circuit }, name), 1, Some(2), 16);
    }
    let text = Prompt { text: SENTENCE.into(), bos: None, ids: false, ..Prompt::default() };
    doors.looks_agree(text.clone(), &["--prompt", SENTENCE]);
    doors.circuits_agree(text.clone(), &["--prompt", SENTENCE]);
    doors.logits_agree(text.clone(), &["--prompt", SENTENCE]);
    let at = CellAt { layer: 1, head: 3, dest: 14, src: 10 };
    let sae = folder.with_file_name("sae-layer-1");
    doors.pairs_agree(text.clone(), at, &sae, &["--prompt", SENTENCE]);
    let before = folder.join("step-00500.safetensors");
    doors.comparisons_agree(&before, &text, &["--prompt", SENTENCE]);
    let printed = doors.sets_agree(SetTask::Task(Task::IndirectObject), "indirect-object", 24);
    let events =
        printed["heads"].as_array().unwrap().iter().map(|h| h["n_events"].as_u64().unwrap());
    assert!(events.sum::<u64>() > 0, "no look of any head counts");
}

#[test]
fn rotated_grouped_heads_say_the_same_at_both_doors() {
    let mut doors = golden("llama");
    doors.spectra_agree();
    doors.alignments_agree(0, None, 8);
    doors.looks_agree(ids("1,5,9,12,3,7"), &["--ids", "1,5,9,12,3,7"]);
    doors.circuits_agree(ids("1,5,9,12,3,7"), &["--ids", "1,5,9,12,3,7"]);
    doors.logits_agree(ids("1,5,9,12,3,7"), &["--ids", "1,5,9,12,3,7"]);
    doors.sets_agree(SetTask::Repeated, "repeated", 12);
}

#[test]
fn heads_that_see_both_ways_say_the_same_at_both_doors() {
    let mut doors = golden("bert");
    doors.spectra_agree();
    doors.alignments_agree(1, Some(0), 8);
    doors.looks_agree(ids("2,5,9,12,3,7"), &["--ids", "2,5,9,12,3,7"]);
    doors.sets_agree(SetTask::Repeated, "repeated", 12);
}

#[test]
fn minilm_says_the_same_at_both_doors_and_looks_from_the_last_word() {
    let Some(folder) = minilm::folder() else { return };
    let mut doors = Doors::folder(&folder);
    doors.spectra_agree();
    doors.alignments_agree(2, Some(3), 4);
    let text = Prompt { text: SENTENCE.into(), bos: None, ids: false, ..Prompt::default() };
    doors.looks_agree(text, &["--prompt", SENTENCE]);
    let printed = doors.sets_agree(SetTask::Task(Task::IndirectObject), "indirect-object", 6);
    let example = printed["example"].as_str().unwrap();
    let whole = doors.omega("sad", &["--prompt", example, "--layer", "0", "--head", "0"]);
    let tokens = whole["tokens"].as_array().unwrap();
    assert_eq!(tokens.last().unwrap(), "[SEP]");
    let heads = printed["heads"].as_array().unwrap().iter();
    let events: Vec<&Value> = heads.flat_map(|head| head["events"].as_array().unwrap()).collect();
    assert!(!events.is_empty());
    for event in events.iter().filter(|event| event["prompt"] == 0) {
        assert_eq!(event["dest"], tokens.len() - 2, "the last word, not [SEP]");
    }
}
