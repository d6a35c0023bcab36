//! What the toy lab says: what the step in view shows, in a sentence with its numbers, what was turned, and
//! what became of what was typed.

use super::format::three;
use crate::toy::{ALIGNED, Config, Dial, Entry, Metrics, ORTHOGONAL, ToyError, Turn};
use crate::ui::address::toy::Kind;
use crate::ui::address::turns::{Knob, MOST};

sentences! {
    const BACK_PRESET = "Back to the preset";
    const BROWSER_REFUSED_FILES = "The browser refused the files.";
    const CHANCE_FEATURE = "chance of a feature p";
    const CONE_START = "cone at the start";
    const KEY_READ_SAME_RIGHT = "v, what the key is read for: the same with the right singular vectors, the template’s keys first.";
    const LOOK_STEP = "look at step";
    const LOSSES_EACH_BATCH_ATTENTION = "Losses of each batch; attention as KL from the template’s, so that zero is perfect.";
    const MORE_EVERY_SETTING_CHART = "more: every setting, every chart, the template, sweeps, files";
    const N_NO_EVIDENCE = "N of 1 to 4 is no evidence by itself: a small score is reached at once, whatever the basis. Compare with the control.";
    const ONE_ROTATION_SAME_SCORES = "one rotation, same scores";
    const OPEN_FEATURES = "open in Features";
    const OPEN_HEADS = "open in Heads";
    const OVER_VALUES_SEEDS = "Over values and seeds";
    const PAIRS_NUMBERS = "The pairs in numbers";
    const PAIRS_TEMPLATE = "Pairs of the template";
    const POWER_LAW_START = "power law at the start";
    const QUERY_READ_COSINE_EACH = "u, what the query is read for: cosine of each feature with each left singular vector. The template’s queries come first, each on the row of its matched direction.";
    const RUNS_SWEEP = "runs of the sweep";
    const RUN_ELSEWHERE = "This run elsewhere";
    const RUN_JSON = "the run as JSON";
    const SETTINGS_ACT_WHILE_TRAINS = "Settings that act while it trains";
    const SETTINGS_DIFFER_PRESETS = "Settings differ from the preset’s. ";
    const SINGULAR_VALUES_LINES_VALUE = "Singular values of Ω. Lines: the value that gives the matched pair its target logit, T / (|w| |w′|).";
    const SINGULAR_VALUES_OVER_STEPS = "Singular values of Ω over steps: which grow, and which nothing ever trains.";
    const SINGULAR_VALUES_TOYS_WHAT = "Singular values of the toy’s Ω and what the template asks for";
    const SIZE_HEADS_START = "size of the head’s start";
    const SPARSE_ATTENTION_DECOMPOSITION = "Sparse attention decomposition";
    const TAKEN_APART_TOKENS = "Taken apart on tokens";
    const TERMS_RELATIVE_ATTENTION_OVER = "Terms of relative attention over singular vectors";
    const THESE_EXPECTATIONS_WERE_MADE = " These expectations were made for the preset’s settings, not for yours.";
    const TOKENS_TRAINING_NEVER_SAW = "Tokens that training never saw, at each query the key that the template wants most. Relative attention is a sum of one term per singular vector; the control spreads the same score over a randomly rotated basis.";
    const TRAINING_TOY = "training of the toy";
    const TWO_ROTATIONS_SCORES_CHANGE = "two rotations, scores change";
    const WHAT_HEAD_ASKED_TEMPLATE = "What the head is asked for: the template T. Click a cell, or press Enter on it, to switch it on or off; the run goes on from its weights.";
    const WHAT_HEAD_LEARNED_LOGIT = "What the head learned: logit that a query with one feature gives a key with another, X Ω Xᵀ. The template asks for the diagonal of its pairs, and for zero elsewhere.";
    const WHAT_PAPER_FOUND_GOT = "What the paper found, what you got";
    const WHOLE_RUNS_THESE_SETTINGS = "Whole runs with these settings, in the background: the mean over seeds, and a band of one standard deviation. A claim that holds for one seed is an anecdote.";
    const WHO_MOVES_FIRST_SMALLEST = "Who moves first? Smallest cosine of an attended feature with its singular vector, and interference of attended features. Click a step to look at it.";
    fn against_over_mean(setting, seeds, quantity) = "Against {setting}, over {seeds}: {quantity}. Mean, one standard deviation, lowest and highest.";
    fn every_cosine_over_interference(aligned, over, orthogonal, under) = "{aligned} (every cosine over {over}), {orthogonal} (interference under {under})";
    fn for_good_from_step(name, step) = "{name} for good from step {step}";
    fn none_queries_key_template(n_queries) = "None of {n_queries} queries has a key that the template wants enough.";
    fn query_features_wanted_key(query, key, attention, wanted) = "The query has features {query}; the wanted key has {key}. The head gives it {attention} of its attention, the template {wanted}.";
    fn relative_attention_sum_over(total, sparseness, n_recon) = "Relative attention {total} as a sum over singular vectors: S = {sparseness}, {n_recon} term(s) for all of it.";
    fn step_checkpoint_features_vocabulary(step) = "Step {step} as a checkpoint, its features as the vocabulary:";
    fn step_events_among_queries(at, events, n_queries, d_head, least) = "Step {at}: {events} events among {n_queries} queries. S is lower when sparser; one single term of {d_head} would give {least}.";
    fn take_step_apart(step) = "take step {step} apart";
    fn them_failed(failed) = ", {failed} of them failed";
    fn varied_unseen_batches(setting, seeds) = "{setting} varied, {seeds} from this one on, unseen batches at the end";
}

/// What the step in view shows; `headless` where no head was ever trained.
pub fn said(config: &Config, step: usize, metrics: &Metrics, headless: bool) -> String {
    if headless {
        let all = metrics.interference_others;
        let how = if (all - 1.0).abs() < 0.03 {
            "as if each had one antipode and stood at right angles to the rest"
        } else {
            "more than the 1 that a single antipode makes, or less than it"
        };
        return format!(
            "Step {step}: no head, only features that share {} dimensions. Σ cos² of one with all others is {} on average: {how}.",
            config.d_model,
            three(all)
        );
    }
    if metrics.pairs.is_empty() {
        return format!(
            "Step {step}: the head is asked for nothing. Σ cos² of a feature with all others is {} on average.",
            three(metrics.interference_others)
        );
    }
    let aligned = if metrics.least_cos > ALIGNED { "lie on" } else { "do not all lie on" };
    let alone = if metrics.interference < ORTHOGONAL {
        "have left the crowd"
    } else {
        "share their places with others"
    };
    format!(
        "Step {step}: the attended features {aligned} their singular vectors (smallest cosine {}) and {alone} (Σ cos² with all others {}, of the other features {}).",
        three(metrics.least_cos),
        three(metrics.interference),
        three(metrics.interference_others)
    )
}

/// What was turned last, and how far the run goes since; what a link does with it. Nothing where nothing was turned.
pub fn turned(turns: &[Turn], steps: usize, trained: usize) -> Option<String> {
    let Turn { step, dial } = turns.last()?;
    let what = match dial {
        Dial::Lambda(value) => format!("λ is {}", number(*value)),
        Dial::Strength(value) => format!("T is {}", number(*value)),
        Dial::P(value) => format!("a feature is present with chance {}", number(*value)),
        Dial::Entry(Entry { query, key, strength }) if *strength == 0.0 => {
            format!("nothing is asked of features {query} and {key}")
        }
        Dial::Entry(Entry { query, key, strength }) => {
            format!(
                "a query with feature {query} wants a key with feature {key}, T {}",
                number(*strength)
            )
        }
    };
    let left = steps.saturating_sub(trained);
    let on = if left > 0 {
        format!("{left} steps to go")
    } else {
        "it had all its steps again".to_owned()
    };
    let link = match turns.len() {
        MOST.. => format!(" {MOST} changes are as many as a link can tell: reset to turn more."),
        1 => " A link to this page makes the same change at the same step.".to_owned(),
        n => format!(" A link to this page makes the same {n} changes at the same steps."),
    };
    Some(format!("From step {step} on {what}: the same weights, another goal, {on}.{link}"))
}

/// A number as short as it can be told: six digits, no zeros at the end.
pub fn number(x: f64) -> String {
    format!("{x:.5e}").parse::<f64>().unwrap_or(x).to_string()
}

/// What a slider is called, and in short.
pub fn knob(knob: Knob) -> (&'static str, &'static str) {
    match knob {
        Knob::Lambda => ("λ", "how much attention counts"),
        Knob::Strength => ("T", "how large a score is asked for"),
        Knob::P => ("p", "how often a feature is present"),
    }
}

/// What became of a number that was typed into a field: which value is used now, and that the run began anew.
pub fn taken(label: &str, kind: Kind, typed: &str, before: &str, now: &str) -> String {
    let takes = match kind {
        Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Real(least, most) => format!("a number from {} to {}", three(least), three(most)),
        Kind::Optional(least, most) => {
            format!("“off” or a number from {} to {}", three(least), three(most))
        }
        Kind::Choice(_) | Kind::Entries => "one of its values".to_owned(),
    };
    let same = |a: &str, b: &str| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let typed = typed.trim();
    let anew = "The run begins anew; “back” in the browser brings the one before.";
    if same(typed, now) {
        return format!("{label} is {now} now. {anew}");
    }
    let shown =
        if typed.is_empty() { "what was typed".to_owned() } else { format!("“{typed}”") };
    if same(before, now) {
        format!("{label} takes {takes}; {shown} is none, so it stays {now}.")
    } else {
        format!("{label} takes {takes}: {shown} became {now}. {anew}")
    }
}

/// What became of a number that was typed beside a slider, where it is not what is used.
pub fn limited(knob: Knob, typed: &str, now: Option<f64>) -> Option<String> {
    let (least, most) = knob.limits();
    let takes =
        format!("{} takes a number from {} to {}", self::knob(knob).0, number(least), number(most));
    let Some(now) = now else {
        let typed = typed.trim();
        let shown =
            if typed.is_empty() { "what was typed".to_owned() } else { format!("“{typed}”") };
        return Some(format!("{takes}; {shown} is none, so nothing changes."));
    };
    (typed.trim().parse() != Ok(now))
        .then(|| format!("{takes}: “{}” became {}.", typed.trim(), number(now)))
}

/// What refused settings are called beside their fields.
const CALLED: [(&str, &str); 10] = [
    ("n_features", "N"),
    ("d_model", "D"),
    ("d_head", "H"),
    ("n_keys", "m"),
    ("batch", "B"),
    ("lambda", "λ"),
    ("lr", "the learning rate"),
    ("weight_decay", "the weight decay"),
    ("at_offset", "how far back the key is"),
    ("rope", "the rotary base"),
];

/// Why settings cannot be, by the names that stand beside their fields.
pub fn this_cannot_be(error: &ToyError) -> String {
    let ToyError::Setting { setting, found, needed } = error else {
        return format!("This cannot be: {error}.");
    };
    let called = |name: String, (code, field): &(&str, &str)| name.replace(code, field);
    let setting = CALLED.iter().fold((*setting).to_owned(), called);
    format!("This cannot be: {setting} is {found}, and must be {needed}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Params, presets};

    fn at_start(id: &str, headless: bool) -> String {
        let config = presets().into_iter().find(|preset| preset.id == id).unwrap().config;
        let metrics = Metrics::of(&config, &Params::initial(&config)).unwrap();
        said(&config, 0, &metrics, headless)
    }

    #[test]
    fn refused_settings_are_called_what_stands_beside_their_fields() {
        let config = Config::default();
        for refused in [
            Config { n_features: 0, ..config.clone() },
            Config { n_features: 2000, batch: 8192, ..config.clone() },
            Config { d_head: 0, ..config.clone() },
            Config { n_keys: 1000, ..config.clone() },
            Config { weight_decay: -1.0, ..config.clone() },
            Config { at_offset: Some(0), ..config.clone() },
            Config { d_head: 3, rope: Some(1e4), ..config.clone() },
        ] {
            let said = this_cannot_be(&refused.check().unwrap_err());
            assert!(!said.contains('_') && said.contains("must be"), "{said}");
        }
        let said =
            this_cannot_be(&Config { d_head: 3, rope: Some(1e4), ..config }.check().unwrap_err());
        assert_eq!(said, "This cannot be: H is 3, and must be even, because rotary turns planes.");
    }

    #[test]
    fn a_run_without_a_head_says_nothing_of_singular_vectors() {
        let text = at_start("no-head", true);
        assert!(text.contains("no head") && !text.contains("singular"));
        assert!(at_start("one-pair", false).contains("do not all lie on their singular vectors"));
        // A head that was switched off is there all the same.
        assert!(at_start("no-head", false).contains("singular vectors"));
    }

    #[test]
    fn what_is_aligned_and_orthogonal_is_said_to_be() {
        let config = Config::default();
        let start = Metrics::of(&config, &Params::initial(&config)).unwrap();
        let end = Metrics { least_cos: 0.999, interference: 0.0005, ..start };
        let text = said(&config, 800, &end, false);
        assert!(text.contains("lie on their singular vectors (smallest cosine 0.999)"), "{text}");
        assert!(text.contains("have left the crowd (Σ cos² with all others 5.0e-4"), "{text}");
        let asked = said(&config, 800, &Metrics { pairs: Vec::new(), ..end }, false);
        assert!(asked.contains("asked for nothing"), "{asked}");
    }

    #[test]
    fn a_turn_is_told_with_its_step_and_what_is_left() {
        assert_eq!(turned(&[], 800, 0), None);
        let entry = Entry { query: 2, key: 3, strength: 5.0 };
        let turns = [(300, Dial::Lambda(7.000000000000001)), (400, Dial::Entry(entry))]
            .map(|(step, dial)| Turn { step, dial });
        let text = turned(&turns[..1], 1100, 300).unwrap();
        assert!(
            text.starts_with("From step 300 on λ is 7: the same weights")
                && text.contains("800 steps to go"),
            "{text}"
        );
        let text = turned(&turns, 1200, 1200).unwrap();
        assert!(
            text.contains("feature 2 wants a key with feature 3, T 5")
                && text.contains("all its steps again"),
            "{text}"
        );
        assert!(text.ends_with("the same 2 changes at the same steps."), "{text}");
        assert!(turned(&[turns[0]; MOST], 1100, 300).unwrap().contains("reset to turn more"));
    }

    #[test]
    fn every_way_to_type_a_number_has_a_reply() {
        let whole = Kind::Whole(2, 100);
        let said = |typed, before, now| taken("N", whole, typed, before, now);
        assert!(said("30", "20", "30").starts_with("N is 30 now. The run begins anew"));
        assert!(said("2.5", "20", "20").contains("“2.5” is none, so it stays 20"));
        assert!(said("", "20", "20").contains("what was typed is none"));
        assert!(said("1000", "20", "100").contains("from 2 to 100: “1000” became 100"));
        let rate = taken("rate", Kind::Real(0.0, 1.0), "1000", "0.01", "1");
        assert!(rate.contains("a number from 0 to 1.00: “1000” became 1"), "{rate}");
        assert!(
            taken("rate", Kind::Real(0.0, 1.0), "0.50", "0.01", "0.5").starts_with("rate is 0.5")
        );
        assert_eq!(limited(Knob::P, " 0.20", Some(0.2)), None);
        assert!(
            limited(Knob::P, "7", Some(1.0)).unwrap().contains("from 0.001 to 1: “7” became 1")
        );
        assert!(limited(Knob::Lambda, "much", None).unwrap().contains("“much” is none"));
    }
}
