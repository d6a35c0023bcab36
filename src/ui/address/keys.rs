//! The parameters of an address, in one table: what each is called, what it may be, and what stands where it is missing.
//!
//! The toy's settings have a table of their own, [`super::toy::FIELDS`], from which their controls are made too.

use super::key::{Choice, Real, Switch, Whole, Words};
use crate::circuits::alignment::Side;
use crate::circuits::omega::Circuit;
use crate::circuits::trace::Rule;
use crate::model::Weights;
use crate::study::distance::FARTHEST;
use crate::study::trace::SeedRule;
use crate::toy::{FeatureKind, Setting};
use crate::ui::layered::Grouping;
use crate::ui::words::change;
use crate::ui::words::colour::Colour;
use crate::ui::words::language::Language;
use crate::ui::words::measure::Measure;
use crate::ui::words::role::Shown;
use crate::worker::offer::Compute;

/// Layers, heads, pairs and tokens of the largest model that anybody can open here; the open model's own sizes clamp again.
const MANY: usize = 1 << 20;

const fn index(name: &'static str) -> Whole<usize> {
    Whole { name, default: 0, least: 0, most: MANY }
}

const fn seed(name: &'static str) -> Whole<u32> {
    Whole { name, default: 0, least: 0, most: u32::MAX }
}

const fn between(name: &'static str, default: usize, [least, most]: [usize; 2]) -> Whole<usize> {
    Whole { name, default, least, most }
}

const fn slugs(name: &'static str, all: &'static [&'static str]) -> Choice<&'static str> {
    Choice { name, all, slug: |slug| slug }
}

macro_rules! table {
    ($($(#[$meta:meta])* $key:ident: $kind:ty = $value:expr;)+) => {
        $($(#[$meta])* pub const $key: $kind = $value;)+

        #[cfg(test)]
        mod tests {
            use super::*;
            use crate::ui::address::key::Key;
            use crate::ui::address::route::Route;
            use crate::ui::address::toy::{AT, FIELDS, PRESET};

            /// What an address may say that nobody should.
            const HOSTILE: [&str; 22] = [
                "", " ", "-1", "+1", "0", "1", "20000", "100000", "4294967295", "4294967296", "18446744073709551616",
                "99999999999999999999999999", "1e9", "1e309", "-1e309", "NaN", "inf", "0x10", "٣", "on", "\u{0}", "a,b:c",
            ];

            fn a_value_is_read_as_it_is_written<K: Key>(key: &K) {
                let long = "9".repeat(1 << 18);
                for text in HOSTILE.into_iter().chain([long.as_str()]) {
                    let route = Route::default().with(key.name(), text);
                    let value = route.read(key);
                    let again = Route::parse(&Route::default().put(key, value.clone()).to_hash());
                    assert_eq!(again.read(key), value, "{}={text:?}", key.name());
                    assert_eq!(route.find(key).is_some(), key.parse(text).is_some());
                }
                let default = Route::default().read(key);
                assert_eq!(default, key.default(), "{}", key.name());
                let written = Route::default().put(key, default.clone());
                assert_eq!(written.read(key), default, "the default of {} is within its limits", key.name());
            }

            #[test]
            fn every_key_reads_what_it_writes_whatever_an_address_says() {
                $(a_value_is_read_as_it_is_written(&$key);)+
            }

            #[test]
            fn no_two_keys_have_one_name() {
                let mut names = vec![$($key.name()),+];
                names.extend(FIELDS.iter().map(|field| field.name));
                names.extend([AT.name, PRESET.name]);
                names.sort_unstable();
                for pair in names.windows(2) {
                    assert_ne!(pair[0], pair[1]);
                }
            }
        }
    };
}

table! {
    /// Which checkpoint the rest is about, where it is not the built-in model.
    CHECKPOINT: Words = Words { name: "checkpoint", longest: 400 };
    /// The model by a name on the hub, an address or a path beside the page.
    NAMED: Words = Words { name: "model", longest: 2000 };
    /// The layer in view.
    LAYER: Whole<usize> = index("layer");
    /// The head in view.
    HEAD: Whole<usize> = index("head");
    /// The singular pair in view.
    K: Whole<usize> = index("k");
    /// Which circuit of the head.
    CIRCUIT: Choice<Circuit> =
        Choice { name: "circuit", all: &[Circuit::Qk, Circuit::Ov], slug: Circuit::slug };
    /// Which weights are decomposed.
    WEIGHTS: Choice<Weights> =
        Choice { name: "weights", all: &[Weights::Folded, Weights::Raw], slug: Weights::slug };
    /// Which of its steps the built-in model is opened at.
    STEP: Whole<u32> = Whole { name: "step", default: 0, least: 0, most: 100_000_000 };
    /// How many heads a layer of the reader's files has, where they do not say.
    N_HEADS: Whole<usize> = Whole { name: "heads", default: 1, least: 1, most: MANY };
    /// The family that the reader's files are read as, where they do not say.
    FAMILY: Words = Words { name: "family", longest: 60 };
    /// Which of several models in the reader's files is open.
    MODEL: Words = Words { name: "which", longest: 400 };
    /// Who computes.
    COMPUTE: Choice<Compute> = Choice { name: "compute", all: &Compute::ALL, slug: Compute::slug };

    /// Heads: what colours the grid.
    COLOUR: Choice<Colour> = Choice { name: "colour", all: &Colour::ALL, slug: Colour::slug };
    /// Heads: the grid as a table.
    VIEW: Switch = Switch { name: "view", default: false, on: "table", off: Some("grid") };
    /// Heads: the table from the smallest value up.
    ORDER: Switch = Switch { name: "order", default: false, on: "up", off: Some("down") };
    /// Heads: the spectrum's axis is logarithmic.
    AXIS: Switch = Switch { name: "axis", default: false, on: "log", off: Some("linear") };
    /// The direction that all features have in common is taken out.
    MEAN: Switch = Switch { name: "mean", default: true, on: "removed", off: Some("kept") };

    /// Features: which dictionary.
    DICTIONARY: Choice<&'static str> = slugs(
        "dictionary",
        &["embed", "unembed", "positions", "mlp-in", "mlp-out", "heads-qk", "heads-ov", "own"],
    );
    /// Features: the layer whose heads' vectors are the dictionary; without it that of the head in view.
    OF_LAYER: Whole<usize> = index("of-layer");
    /// Features: Σ_X u is compared instead of u.
    WHITEN: Switch = Switch { name: "whiten", default: false, on: "on", off: None };
    /// Features: whose heads are compared beside the one in view, see [`super::compared`].
    COMPARED: Words = Words { name: "compared", longest: 4000 };
    /// Features: every saved step of the built-in model is compared with the dictionary.
    ALIGNED_STEPS: Switch = Switch { name: "aligned", default: false, on: "steps", off: None };
    /// Features: which matrix of a file of the reader's own.
    MATRIX: Words = Words { name: "matrix", longest: 1000 };
    /// Features: which way that matrix lies.
    FEATURES_ARE: Choice<&'static str> = slugs("features-are", &["rows", "columns"]);
    /// Features: whose part of that matrix.
    PART: Whole<usize> = index("part");
    /// Which side of a circuit is in view.
    SIDE: Choice<Side> = Choice { name: "side", all: &Side::ALL, slug: Side::name };
    /// Features: what channels are ranked by.
    CHANNEL: Choice<&'static str> = slugs("channel", &["cos", "carried", "p", "classical"]);
    /// Features: how many channels are shown.
    CHANNELS: Whole<usize> = between("channels", 30, [5, 200]);

    /// Attention: the prompt.
    PROMPT: Words = Words { name: "prompt", longest: 100_000 };
    /// Attention: what a decoder reads beside the prompt.
    DECODER: Words = Words { name: "decoder", longest: 100_000 };
    /// Attention: the prompt is written as token ids, in a model that has words too.
    IDS: Switch = Switch { name: "ids", default: false, on: "on", off: None };
    /// Attention: what the map of roles shows.
    ROLE: Choice<Shown> = Choice { name: "role", all: &Shown::ALL, slug: Shown::slug };
    /// Attention: the prompt begins with the model's start token; where the address does not say, the model decides.
    BOS: Switch = Switch { name: "bos", default: false, on: "on", off: Some("off") };
    /// Attention: who looks.
    DEST: Whole<usize> = index("dest");
    /// Attention: what is looked at.
    SRC: Whole<usize> = index("src");
    /// Attention: how a score is changed, see [`super::change`].
    WHAT_IF: Words = Words { name: "what-if", longest: 2000 };
    /// Attention: which head of a measured prompt set or training series.
    MEASURED: Words = Words { name: "measured", longest: 40 };
    /// Attention: what colours the grid.
    MEASURE: Choice<Measure> = Choice { name: "measure", all: &Measure::ALL, slug: Measure::slug };

    /// Trace and Attention: the answer; where the address does not say, the likeliest.
    ANSWER: Words = Words { name: "answer", longest: 1000 };
    /// Trace and Attention: what it is held against; where the address does not say, the likeliest of all others.
    AGAINST: Words = Words { name: "against", longest: 1000 };
    /// Attention: the answer is held against the mean of all tokens.
    OF_ALL: Switch = Switch { name: "against-all", default: false, on: "on", off: None };
    /// Trace: the reading of a head that is traced in place of an answer, as in "L1H3:14-2".
    READING: Words = Words { name: "reading", longest: 100 };
    /// Trace: the position that the answer follows; where the address does not say, the last.
    AFTER: Whole<usize> = index("after");
    /// Trace: how the components that carry the answer are found.
    SEEDING: Choice<SeedRule> = Choice {
        name: "seeding",
        all: &[SeedRule::Contrast, SeedRule::Probability],
        slug: super::trace::seeding,
    };
    /// Trace: the share of the rise of ln p that they carry together.
    TAU: Real = Real { name: "tau", default: 0.8, least: 0.1, most: 1.0 };
    /// Trace: from how many times uniform attention on a head fires.
    THRESHOLD: Real = Real { name: "threshold", default: 2.5, least: 1.0, most: 5.0 };
    /// Trace: how parts of keys are removed.
    REMOVAL: Choice<Rule> =
        Choice { name: "removal", all: &[Rule::Accpp, Rule::Key], slug: super::trace::removal };
    /// Trace: what a node stands for.
    NODES: Choice<Grouping> = Choice {
        name: "nodes",
        all: &[Grouping::Positions, Grouping::Components],
        slug: super::trace::nodes,
    };
    /// Trace: the share from which edges are drawn.
    LEAST: Real = Real { name: "least", default: 0.0, least: 0.0, most: 1.0 };
    /// Trace: the node or edge that is pinned.
    PIN: Words = Words { name: "pin", longest: 200 };
    /// Trace: the model is run with what is pinned times so much.
    TIMES: Real = Real { name: "times", default: 0.0, least: 0.0, most: 2.0 };
    /// Trace: what of a pinned head that is.
    CHANGED: Choice<&'static str> = slugs("changed", &["look", "writes", "looks"]);
    /// Trace: another prompt, traced beside this one.
    BESIDE: Words = Words { name: "beside", longest: 100_000 };
    /// Trace: its answer; where the address does not say, the likeliest.
    BESIDE_ANSWER: Words = Words { name: "beside-answer", longest: 1000 };
    /// Trace: what that is held against; where the address does not say, the likeliest of all others.
    BESIDE_AGAINST: Words = Words { name: "beside-against", longest: 1000 };
    /// Trace: the set of prompts that is traced; where the address does not say, none is.
    SET: Choice<&'static str> = slugs("set", &["ioi", "pronoun", "greater", "repeated", "own"]);
    /// Trace: the prompts of a set of the reader's own, one a line.
    SET_LINES: Words = Words { name: "set-lines", longest: 100_000 };
    /// Trace: the model is run with the circuit's attention alone.
    ALONE: Switch = Switch { name: "alone", default: false, on: "on", off: None };
    /// Trace: what the reader calls nodes, as [`crate::ui::layered::groups::Groups`] reads it.
    GROUPS: Words = Words { name: "groups", longest: 4000 };
    /// Compare: which step of the built-in model the heads came from.
    WITH: Whole<u32> = Whole { name: "with", ..STEP };
    /// Compare: which step of the built-in model is the yardstick.
    YARDSTICK: Whole<u32> = Whole { name: "yardstick", ..STEP };
    /// Compare: heads belong together by likeness, not by number.
    LIKENESS: Switch = Switch { name: "match", default: false, on: "likeness", off: Some("number") };
    /// Compare: a prompt is run through both models.
    TOGETHER: Switch = Switch { name: "together", default: false, on: "prompt", off: None };
    /// Compare: every saved step of the built-in model is compared.
    SAVED_STEPS: Switch = Switch { name: "through", default: false, on: "steps", off: None };
    /// Compare: what colours the grid.
    CHANGE: Choice<change::Measure> =
        Choice { name: "change", all: &change::Measure::ALL, slug: change::Measure::slug };

    /// Toy lab: steps a frame.
    SPEED: Whole<usize> = between("speed", 10, [1, 100]);
    /// Toy lab: what was turned while it trained, see [`super::turns`].
    TURNS: Words = Words { name: "turns", longest: 8000 };
    /// Toy lab: every setting and every chart is in view.
    MORE: Switch = Switch { name: "more", default: false, on: "1", off: None };
    /// Toy lab: what a sweep varies.
    SWEEP: Choice<Setting> = Choice {
        name: "sweep",
        all: &[
            Setting::Lambda,
            Setting::Strength,
            Setting::NFeatures,
            Setting::DModel,
            Setting::DHead,
            Setting::NKeys,
            Setting::Batch,
            Setting::P,
            Setting::Lr,
            Setting::HeadStd,
            Setting::Cone,
            Setting::PowerLaw,
            Setting::Common,
        ],
        slug: super::sweep::slug,
    };
    /// Toy lab: values of a sweep.
    VALUES: Words = Words { name: "values", longest: 400 };
    /// Toy lab: seeds of a sweep.
    SEEDS: Whole<u32> = Whole { name: "seeds", default: 3, least: 1, most: 20 };

    /// Heads: how many tokens back the keys stand whose spectrum is drawn.
    DISTANCE: Whole<usize> = between("distance", 0, [0, FARTHEST]);

    /// Arrows in space: degrees by which they are turned about the upright.
    SPACE_TURN: Real = Real { name: "turned", default: 25.0, least: -180.0, most: 180.0 };
    /// Arrows in space: degrees by which they are tilted towards the reader.
    SPACE_TILT: Real = Real { name: "tilted", default: 20.0, least: -90.0, most: 90.0 };
    /// Toy lab: along which directions the features are seen.
    SEEN_ALONG: Choice<&'static str> = slugs("seen", &["pair", "principal"]);

    /// SVD: the two singular values.
    SIGMA_0: Real = Real { name: "sigma-0", default: 2.0, least: 0.0, most: 3.0 };
    /// SVD: the second.
    SIGMA_1: Real = Real { name: "sigma-1", default: 0.75, least: 0.0, most: 3.0 };
    /// SVD: where u_0 points, degrees.
    U_AT: Real = Real { name: "u-at", default: 25.0, least: 0.0, most: 360.0 };
    /// SVD: where v_0 points.
    V_AT: Real = Real { name: "v-at", default: 110.0, least: 0.0, most: 360.0 };
    /// SVD: where the destination looks.
    X_AT: Real = Real { name: "x-at", default: 60.0, least: 0.0, most: 360.0 };
    /// SVD: where the source points.
    Y_AT: Real = Real { name: "y-at", default: 40.0, least: 0.0, most: 360.0 };
    /// SVD: how far both bases are turned.
    TURN: Real = Real { name: "turn", default: 0.0, least: 0.0, most: 180.0 };
    /// SVD: how many pairs of the head in view are added up.
    PAIRS: Whole<usize> = Whole { name: "pairs-added", default: 1, least: 0, most: MANY };

    /// Theorem 1: where features are drawn from.
    BENCH_KIND: Choice<FeatureKind> = Choice {
        name: "x-kind",
        all: &[FeatureKind::Random, FeatureKind::Cone, FeatureKind::PowerLaw, FeatureKind::NearlyTight],
        slug: super::bench::slug,
    };
    /// Theorem 1: features a side.
    BENCH_FEATURES: Whole<usize> = between("x-n", 5, [1, 128]);
    /// Theorem 1: their dimensions.
    BENCH_DIMENSIONS: Whole<usize> = between("x-d", 2, [2, 64]);
    /// Theorem 1: strength of their kind.
    BENCH_STRENGTH: Real = Real { name: "x-strength", default: 0.5, least: 0.0, most: 3.0 };
    /// Theorem 1: seed of the draw.
    BENCH_SEED: Whole<u32> = Whole { default: 2, ..seed("x-seed") };
    /// Theorem 1: features that were moved by hand.
    BENCH_MOVED: Words = Words { name: "x-moved", longest: 200_000 };
    /// Theorem 2: seed of the cloud.
    CLOUD_SEED: Whole<u32> = seed("cloud-seed");
    /// Theorem 3: features.
    THIRD_FEATURES: Whole<usize> = between("t3-n", 10, [4, 20]);
    /// Theorem 3: seed of the run.
    THIRD_SEED: Whole<u32> = seed("t3-seed");

    /// Learn: which shelf.
    READ: Choice<&'static str> = slugs("read", &["lessons", "teachers", "answers", "handout", "glossary"]);
    /// Learn: a word of the glossary.
    WORD: Words = Words { name: "word", longest: 100 };
    /// Methods: a number, by any of its names.
    METHOD: Words = Words { name: "method", longest: 100 };
    /// The lesson beside the page, and its step.
    LESSON: Words = Words { name: "lesson", longest: 40 };
    /// In a lesson: the whole page, not the step's pictures alone.
    WHOLE: Switch = Switch { name: "whole", default: false, on: "1", off: None };
    /// Large type.
    PRESENT: Switch = Switch { name: "present", default: false, on: "1", off: None };
    /// The language of lessons and of what stands around them; where the address does not say, the browser's.
    LANG: Choice<Language> = Choice { name: "lang", all: &Language::ALL, slug: Language::code };
    /// Controls that are taken off the page.
    LOCK: Words = Words { name: "lock", longest: 400 };
}
