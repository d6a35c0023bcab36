//! Numbers that the lessons, the teachers' page and the answers say, drawn again from the built-in model: the texts must say what comes out.
//!
//! Longer than most files: every lesson is held to numbers that are read in the same few ways.
#![cfg(feature = "tokenizer")]
#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use std::path::{Path, PathBuf};
use std::process::Command;

use omega_lens::checkpoint::Checkpoint;
use omega_lens::circuits::null::IsotropicNull;
use omega_lens::math::random::Rng;
use omega_lens::toy::{
    FeatureKind, History, Metrics, Outcome, Params, Quantity, Snapshot, Trainer, presets,
};
use serde_json::Value;

const SENTENCE: &str = "When Mary and John went to the store , John gave a drink to";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("www")
}

/// What `omega` prints for one step of the built-in model.
fn omega(command: &str, step: u32, arguments: &[&str]) -> Value {
    let names = folder().join("models/names");
    let files =
        [format!("step-{step:05}.safetensors"), "config.json".into(), "tokenizer.json".into()];
    let output = Command::new(env!("CARGO_BIN_EXE_omega"))
        .arg(command)
        .args(files.map(|file| names.join(file)))
        .args(arguments)
        .arg("--json")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Holds the text that begins with `name` to saying `words`, wherever its lines break.
fn says(name: &str, words: &str) {
    let texts = std::fs::read_dir(folder().join("lessons/en")).unwrap();
    let mut paths = texts.map(|entry| entry.unwrap().path());
    let path = paths.find(|p| p.file_name().unwrap().to_str().unwrap().starts_with(name)).unwrap();
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(words), "{name} does not say “{words}”");
}

/// The attention of every head at one token of a prompt, and the next token's logits.
struct Run {
    out: Checkpoint,
    n: usize,
}

impl Run {
    fn of(prompt: &str) -> Self {
        let out =
            std::env::temp_dir().join(format!("omega-{}-{}", std::process::id(), prompt.len()));
        let ran = omega("attention", 4000, &["--prompt", prompt, "--out", out.to_str().unwrap()]);
        let n = ran["n"].as_u64().unwrap() as usize;
        let read = std::fs::read(&out).unwrap();
        std::fs::remove_file(&out).unwrap();
        let source = omega_lens::checkpoint::MemorySource::new("run.safetensors", read);
        Self { out: Checkpoint::open(vec![Box::new(source)]).unwrap(), n }
    }

    /// Per cent of its attention that the last token gives to `src` in a head.
    fn percent(&self, layer: usize, head: usize, src: usize) -> f64 {
        self.percent_from(self.n - 1, layer, head, src)
    }

    /// Per cent of its attention that `dest` gives to `src` in a head.
    fn percent_from(&self, dest: usize, layer: usize, head: usize, src: usize) -> f64 {
        let all = self.out.read(&format!("attention.{layer}")).unwrap().f64s().unwrap();
        100.0 * all[(head * self.n + dest) * self.n + src]
    }

    /// The token at `src` that a head looks at hardest from the last one.
    fn hardest(&self, layer: usize, head: usize) -> usize {
        let by = |a: &usize, b: &usize| {
            self.percent(layer, head, *a).total_cmp(&self.percent(layer, head, *b))
        };
        (0..self.n).max_by(by).unwrap()
    }
}

/// One look's numbers.
fn look(step: u32, layer: &str, head: &str, src: &str) -> Value {
    let place = ["--prompt", SENTENCE, "--layer", layer, "--head", head, "--src", src];
    omega("sad", step, &place)["heads"][0].take()
}

fn number(value: &Value, path: &str) -> f64 {
    value.pointer(path).unwrap().as_f64().unwrap()
}

#[test]
fn the_model_is_as_large_as_said() {
    let file = omega_lens::checkpoint::FileSource::open(
        &folder().join("models/names/step-04000.safetensors"),
    )
    .unwrap();
    let file = Checkpoint::open(vec![Box::new(file)]).unwrap();
    let parameters: usize = file.entries().map(|entry| entry.elements()).sum();
    let words = format!("{} {:03} parameters", parameters / 1000, parameters % 1000);
    for name in ["7-", "8-", "teachers"] {
        says(name, &words);
    }
}

#[test]
fn exercises_have_the_answers_that_are_given() {
    let [first, second] = [
        "Alice is at the park . Bob is at the store",
        "Bob is at the store . Alice is at the park",
    ]
    .map(|front| Run::of(&format!("{front} . Where is Alice ? The")));
    // With the start token before it, "park" is the fifth word of the first prompt, and "store" of the second.
    assert_eq!([first.hardest(0, 1), second.hardest(0, 1)], [5, 5]);
    let others = (0..4).filter(|head| *head != 1);
    assert!(others.clone().all(|head| first.percent(0, head, 5) < first.percent(0, 1, 5)));
    says("answers", &format!("**L0H1, {:.0} per cent.**", first.percent(0, 1, 5)));
    says("answers", &format!("it gives {:.0} per cent to *store*", second.percent(0, 1, 5)));
    let spectra = omega("spectra", 4000, &[]);
    let mut ranks: Vec<(f64, String)> = Vec::new();
    for head in spectra["heads"].as_array().unwrap() {
        let sigma: Vec<f64> =
            head["qk"].as_array().unwrap().iter().map(|s| s.as_f64().unwrap()).collect();
        let squares: f64 = sigma.iter().map(|s| s * s).sum();
        ranks.push((
            squares / (sigma[0] * sigma[0]),
            format!("L{}H{}", head["layer"], head["head"]),
        ));
    }
    ranks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (steep, flat) = (&ranks[0], &ranks[ranks.len() - 1]);
    says(
        "answers",
        &format!("**{} with {:.2}; {} with {:.2}.**", flat.1, flat.0, steep.1, steep.0),
    );
    let found = look(4000, "2", "1", "10");
    assert_eq!(number(&found, "/n_recon_90"), 2.0);
    says(
        "answers",
        &format!("**Two, against {:.1} on average", number(&found, "/controls/basis/n_recon_90")),
    );
    let s = [number(&found, "/sparseness"), number(&found, "/controls/basis/sparseness")];
    says("answers", &format!("S is {:.2} against {:.2}", s[0], s[1]));
    let (mean, _) = IsotropicNull { d: 768, n: 50_000 }.moments();
    says("answers", &format!("({mean:.2} is what the best of 50 000"));
}

#[test]
fn the_toy_that_is_too_strong_is_as_said() {
    let preset = presets().into_iter().find(|preset| preset.id == "too-strong").unwrap();
    let mut trainer = Trainer::new(preset.config).unwrap();
    let mut history = History::default();
    while !trainer.is_done() {
        trainer.step();
    }
    history.record(&mut trainer).unwrap();
    let outcome = Outcome::of(&mut trainer, &history).unwrap();
    let least = Quantity::LeastCos.of(&outcome).unwrap();
    says("answers", &format!("the smallest cosine is {least:.2}"));
    assert!(Quantity::Kl.of(&outcome).unwrap() < 1e-4);
}

/// Whoever reads "who is opposite feature 0" off a run of one of these seeds finds the seed in this table.
#[test]
fn the_hidden_seed_can_be_found() {
    let preset = presets().into_iter().find(|preset| preset.id == "no-head").unwrap();
    let opposite = |seed: u32| {
        let mut config = preset.config.clone();
        config.seed = seed;
        let mut trainer = Trainer::new(config).unwrap();
        while !trainer.is_done() {
            trainer.step();
        }
        let cosines = Snapshot::of(&mut trainer).unwrap().cosines;
        let first = &cosines[..preset.config.n_features];
        let least = first.iter().copied().fold(f32::INFINITY, f32::min);
        assert!(least < -0.999, "seed {seed}: {least}");
        first.iter().position(|&cosine| cosine == least).unwrap().to_string()
    };
    let found: Vec<String> = (1..=9).map(opposite).collect();
    let different: std::collections::HashSet<&String> = found.iter().collect();
    assert_eq!(different.len(), 9, "{found:?}");
    says("answers", &format!("the one opposite feature 0 is feature {}", found.join(", ")));
}

/// The end of a run as the lessons open it.
fn end_of(id: &str) -> Metrics {
    let config = presets().into_iter().find(|preset| preset.id == id).unwrap().config;
    let stored = std::fs::read(folder().join(format!("models/toys/{id}.f32"))).unwrap();
    Metrics::of(&config, &Params::from_f32(&config, &stored).unwrap()).unwrap()
}

/// Where a step asks for a guess before its picture opens, the one that is marked as right is what the picture shows, and so is the reply.
#[test]
fn what_comes_out_is_the_guess_that_is_marked() {
    let right = |name: &str, guess: &str| says(name, &format!(" | + {guess}"));
    let no_head = end_of("no-head");
    assert!((no_head.interference_others - 1.0).abs() < 1e-3);
    right("3-", "all at 1\n");
    // Before the first step no two of the twenty lie along one line, and many are far from a right angle.
    let config = presets().into_iter().find(|preset| preset.id == "no-head").unwrap().config;
    let (n, cosines) =
        (config.n_features, Snapshot::of(&mut Trainer::new(config).unwrap()).unwrap().cosines);
    let others = || (0..n * n).filter(|i| i / n != i % n).map(|i| cosines[i].abs());
    assert!(
        others().all(|cosine| cosine < 0.98) && others().filter(|cosine| *cosine > 0.3).count() > n
    );
    right("3-", "anyhow |");
    let alone = end_of("one-pair");
    assert!(alone.interference < 1e-2 && alone.interference_others > 1.0);
    right("4-", "near 0: they stand alone |");
    says("4-", &format!("found: The smaller of the two cosines is {:.2}:", alone.least_cos));
    let weak = end_of("threshold-below");
    assert!(weak.interference > 0.9);
    right("4-", "only the first: the vectors point at the features |");
    says("4-", &format!("seen: Read the sentences: the smallest cosine is {:.2}", weak.least_cos));
    let pairs = end_of("eight-pairs").sigma;
    assert_eq!(pairs.iter().filter(|sigma| **sigma > 0.05 * pairs[0]).count(), 8);
    right("4-", "eight |");
    let large = end_of("large-start").sigma;
    let seen = large.iter().filter(|sigma| **sigma > 0.05 * large[0]).count();
    right("4-", "six or seven\n");
    says("4-", &format!("Look at the bars: {seen} of the {} can be seen", large.len()));
    let tight = FeatureKind::NearlyTight.draw(6, 2, 0.0, &mut Rng::of_stream(2, 0));
    let full = tight.transpose() * &tight;
    assert!((full[(0, 0)] - full[(1, 1)]).abs() < 1e-9 && full[(0, 1)].abs() < 1e-9, "a circle");
    right("5-", "a circle |");
    let half_way = end_of("frozen-random").mean_cos;
    assert!((0.65..0.75).contains(&half_way), "{half_way}");
    right("5-", "0.7: half-way |");

    let plain = Run::of(SENTENCE);
    // With the start token before it, "gave" is the twelfth token.
    let gave = [4, 10].map(|src| plain.percent_from(11, 1, 3, src));
    assert!((0..12).all(|src| plain.percent_from(11, 1, 3, src) <= gave[0]));
    right("1-", "hardest at another word |");
    right("1-", "hardly anything\n");
    says("1-", &format!("under the first “John”: {:.0} per cent.", plain.percent(1, 3, 4)));
    says(
        "1-",
        &format!(
            "the first “John”, with {:.0} per cent, and gives the second {:.0}.",
            gave[0], gave[1]
        ),
    );
    let heads = (0..3).flat_map(|layer| (0..4).map(move |head| (layer, head)));
    let mary: Vec<_> = heads.filter(|(layer, head)| plain.hardest(*layer, *head) == 2).collect();
    assert_eq!((mary.len(), mary[0].0), (2, 0));
    says("1-", "look hardest at her? | + two |");
    says("7-", "looks hardest at “Mary”? | + in layer 0 |");
    let spread = look(4000, "1", "3", "10");
    assert!(number(&spread, "/controls/basis/n_recon_90") > 3.0, "several bars, and not all");
    assert!((0.2..0.6).contains(&number(&spread, "/controls/basis/sparseness")));
    right("6-", "several bars share it |");
    let few = number(&look(0, "1", "2", "11"), "/n_recon_90");
    says("6-", &format!("{few} together reach nine tenths."));
    let [before, now] = [0, 4000].map(|step| number(&look(step, "2", "3", "2"), "/sparseness"));
    assert!((4.5..5.5).contains(&(before / now)), "about one fifth");
    right("6-", "about 0.1\n");
    let score = number(&look(4000, "2", "1", "10"), "/score");
    says("6-", &format!("predict: The score is {score:.2}."));
    right("6-", &format!("much more than {score:.2}\n"));

    let place = ["--layer", "1", "--head", "0", "--side", "dest"];
    let words = omega("align", 4000, &place)["heads"][0].take();
    let cosines: Vec<f64> =
        (0..16).map(|k| number(&words, &format!("/directions/{k}/best/0/cos")).abs()).collect();
    let most = cosines.iter().filter(|cosine| (0.295..0.505).contains(*cosine)).count();
    assert!(most >= 11 && cosines.iter().all(|cosine| *cosine < 0.6), "{cosines:?}");
    right("8-", "mostly 0.3 to 0.5\n");
    // That the mark of lesson 8.3 lies left of the curve, and how many sides of 8.4 come near, is held below.
    right("8-", "left of it: farther\n");
    right("8-", "several |");
}

/// What the bars of a spectrum, the cells of the grid and the pairs that are added up show before anything is done.
#[test]
fn lesson_two_says_what_spectra_show() {
    let spectra = omega("spectra", 4000, &[]);
    let heads = spectra["heads"].as_array().unwrap().iter().map(|head| {
        let sigma = head["qk"].as_array().unwrap().iter();
        (head, sigma.map(|s| s.as_f64().unwrap()).collect::<Vec<f64>>())
    });
    let squares = |sigma: &[f64]| sigma.iter().map(|s| s * s).sum::<f64>();
    let mut highest = 0.0_f64;
    for (head, sigma) in heads {
        highest = highest.max(squares(&sigma) / sigma[0].powi(2));
        if head["layer"] == 1 && head["head"] == 0 {
            let share = 100.0 * sigma[0].powi(2) / squares(&sigma);
            says("2-", &format!("one pair of the sixteen is {share:.0} per cent of Ω."));
            says("2-", " | + one far more than any other\n");
            assert!((2.8..3.4).contains(&(sigma[0] / sigma[1])), "three times as high");
        }
    }
    assert!((2.5..3.0).contains(&highest), "{highest}");
    says("2-", "none of the twelve reaches 3.");
    says("2-", " | + to about 3\n");
}

#[test]
fn lesson_six_says_what_one_score_is_made_of() {
    let found = look(4000, "1", "3", "10");
    let [attention, score] = ["/attention", "/score"].map(|path| number(&found, path));
    says("6-", &format!("*John* {:.0} per cent of its attention", 100.0 * attention));
    says("6-", &format!("a score of {score:.2} is"));
    let (whole, first) = (number(&found, "/relative"), number(&found, "/relative_terms/1"));
    says("6-", &format!("k = 1 adds {first:.2} of the {whole:.2}."));
    says("6-", &format!("nearly all of the sum, {:.0} per cent", 100.0 * first / whole));
    let s = |of: &str| number(&found, &format!("/controls/{of}/sparseness"));
    says(
        "6-",
        &format!(
            "S of {:.2} against {:.2}, {:.2} and {:.2}",
            number(&found, "/sparseness"),
            s("basis"),
            s("subspace"),
            s("matched")
        ),
    );
    let p = number(&found, "/controls/matched/p");
    says("6-", &format!("Of the matched draws about {:.0} in 100", 100.0 * p));
    let untrained = look(0, "1", "2", "11");
    assert_eq!(number(&untrained, "/n_recon_90"), 2.0);
    says(
        "6-",
        &format!("look at its attention: {:.0} per cent", 100.0 * number(&untrained, "/attention"))
            .replacen("look", "Look", 1),
    );
    says("6-", &format!("The relative attention is {:.2}", number(&untrained, "/relative").abs()));
    says(
        "6-",
        &format!("S is {:.2}, no lower than the control", number(&untrained, "/sparseness")),
    );
    let [before, now] = [0, 4000].map(|step| look(step, "2", "3", "2"));
    let s = [number(&before, "/sparseness"), number(&before, "/controls/basis/sparseness")];
    says("6-", &format!("L2H3 at step 0 had S = {:.2}, its control {:.2}", s[0], s[1]));
    says("6-", &format!("answer: {:.3} ", number(&now, "/sparseness")));
    says(
        "6-",
        &format!("the matched control says: {:.2}", number(&now, "/controls/matched/sparseness")),
    );
    let p = number(&now, "/controls/matched/p");
    assert!((0.15..0.25).contains(&p), "one of its draws in five: {p}");
}

#[test]
fn lesson_seven_says_where_heads_look() {
    let plain = Run::of(SENTENCE);
    let mary: Vec<(usize, usize)> = (0..3)
        .flat_map(|layer| (0..4).map(move |head| (layer, head)))
        .filter(|(layer, head)| plain.hardest(*layer, *head) == 2)
        .collect();
    assert_eq!(mary, [(0, 1), (2, 3)]);
    let [first, last] = [plain.percent(0, 1, 2), plain.percent(2, 3, 2)];
    says("7-", &format!("L0H1 with {first:.0} per cent, L2H3 with {last:.0}."));
    let cake = Run::of("When cake and ball went to the store , John gave a drink to");
    says("7-", &format!("answer: {:.0} ± 1", cake.percent(0, 1, 2)));
    let key = Run::of(&["key"; 14].join(" "));
    let place = key.hardest(0, 1);
    says("7-", &format!("{:.1} per cent for one place", key.percent(0, 1, place)));
    let the = Run::of("When Mary and John went to the store , the gave a drink to");
    assert_eq!(the.hardest(1, 3), 4);
    says("7-", &format!("With {:.0} per cent, much less than before", the.percent(1, 3, 4)));
    let other = Run::of("When Mary and John went to the store , Mary gave a drink to");
    assert_eq!(other.hardest(2, 3), 1);
    let [when, mary, giver] = [1, 2, 10].map(|src| other.percent(2, 3, src));
    says("7-", &format!("“When” {when:.0} per cent, “Mary” {mary:.0}"));
    let john = other.percent(2, 3, 4);
    let ahead = (0..other.n).filter(|src| other.percent(2, 3, *src) > john).count();
    assert!(ahead >= 3, "John is not among the first three: {ahead} are before him");
    says("7-", &format!("{mary:.0} per cent in her first place, and {giver:.0} where she gives"));
}

#[test]
fn lesson_eight_says_what_chance_gives() {
    let here = IsotropicNull { d: 62, n: 65 };
    says("8-", &format!("cosine of about {:.2}", here.moments().0));
    says("8-", &format!("answer: {:.3} ", here.critical(0.05)));
    let large = IsotropicNull { d: 768, n: 50_000 }.critical(0.05);
    says("8-", &format!("the line lies near {large:.2}"));
    let side = |head: &str, dictionary: &str| {
        let place = ["--layer", "0", "--head", head, "--side", "src", "--dictionary", dictionary];
        omega("align", 4000, &place)["heads"][0].take()
    };
    let positions = side("1", "positions");
    let cosine = number(&positions, "/directions/0/best/0/cos").abs();
    says("8-", &format!("single cosines reach {cosine:.2} here"));
    let null =
        |side: &Value| ["mean", "z"].map(|key| number(side, &format!("/rotation_null/{key}")));
    let [mean, z] = null(&positions);
    assert!(number(&positions, "/mmcs") < mean && z < -4.0, "the mark lies left of the curve");
    let words = side("0", "embed");
    says("8-", &format!("with a cosine of {:.2}", number(&words, "/directions/0/best/0/cos")));
    assert!(number(&words, "/q_rotation") < 0.01);
    // Among all 48 sides the same p has grown several times.
    let all = omega("align", 4000, &[]);
    let heads = all["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 48);
    let same =
        heads.iter().find(|h| h["layer"] == 0 && h["head"] == 0 && h["side"] == "src").unwrap();
    let (alone, among) = (number(&words, "/q_rotation"), number(same, "/q_rotation"));
    assert!(among > 3.0 * alone && among < 0.05, "{alone} alone, {among} among all");
    let near = heads.iter().filter(|side| number(side, "/rotation_null/p") < 0.005).count();
    assert!((4..12).contains(&near), "several of the 48, and not nearly all: {near}");
}
