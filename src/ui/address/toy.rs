//! The toy's settings as parameters of the URL: a preset, and whatever differs from it.
//!
//! One table says for every setting what it is called, how it is written and how it is read; the controls on the page are
//! made from the same table, so that nothing can be set that a link does not carry.
//!
//! Longer than most files: one table of settings, and what reads and writes it.

use std::str::FromStr;

use super::key::{Whole, Words, real, whole};
use super::route::Route;
use super::turns;
use crate::toy::{
    AttentionLoss, Config, Entry, FeatureInit, HeadInit, Preset, ReconOn, Schedule, Template,
    Trained, presets,
};

/// What a control for a setting looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number between two others.
    Whole(usize, usize),
    /// A number between two others.
    Real(f64, f64),
    /// One of several: value in the URL, words on the page.
    Choice(&'static [(&'static str, &'static str)]),
    /// A number between two others, or "off".
    Optional(f64, f64),
    /// Entries of a template.
    Entries,
}

/// One setting.
pub struct Field {
    /// Its name in the URL.
    pub name: &'static str,
    /// Its name on the page.
    pub label: &'static str,
    /// Which group of settings it belongs to.
    pub group: &'static str,
    /// Its control.
    pub kind: Kind,
    /// Its value as text; none where it means nothing in this configuration.
    pub write: fn(&Config) -> Option<String>,
    /// Sets it from text within its limits; none, and nothing changed, if the text cannot be read.
    read: fn(&mut Config, &str) -> Option<()>,
}

impl Field {
    /// Sets it from text that comes from anywhere: clamped to its limits; what cannot be read changes nothing.
    fn take(&self, config: &mut Config, text: &str) -> Option<()> {
        let text = match self.kind {
            Kind::Whole(least, most) => whole(text, least as u64, most as u64)?.to_string(),
            Kind::Real(least, most) => real(text, least, most)?.to_string(),
            Kind::Optional(..) if matches!(text.trim(), "off" | "") => text.to_owned(),
            Kind::Optional(least, most) => real(text, least, most)?.to_string(),
            Kind::Choice(_) | Kind::Entries => text.to_owned(),
        };
        (self.read)(config, &text)
    }
}

/// The groups, in the order of the page.
pub const GROUPS: [&str; 5] = ["model", "task", "loss", "training", "start"];

macro_rules! number {
    ($name:literal, $label:literal, $group:literal, $kind:expr, $($path:ident).+) => {
        Field {
            name: $name,
            label: $label,
            group: $group,
            kind: $kind,
            write: |c| Some(c.$($path).+.to_string()),
            read: |c, text| set(&mut c.$($path).+, text),
        }
    };
}

macro_rules! choice {
    ($name:literal, $label:literal, $group:literal, $field:ident, [$(($slug:literal, $words:literal, $value:path)),+ $(,)?]) => {
        Field {
            name: $name,
            label: $label,
            group: $group,
            kind: Kind::Choice(&[$(($slug, $words)),+]),
            write: |c| Some(match c.$field { $($value => $slug,)+ }.to_owned()),
            read: |c, text| {
                c.$field = match text { $($slug => $value,)+ _ => return None };
                Some(())
            },
        }
    };
}

/// Every setting, in an order in which they can be read one after the other.
pub static FIELDS: &[Field] = &[
    number!("n", "features N", "model", Kind::Whole(2, MOST_FEATURES), n_features),
    number!("d", "dimensions D", "model", Kind::Whole(1, 200), d_model),
    number!("h", "rank of the head H", "model", Kind::Whole(1, 200), d_head),
    number!("m", "keys m", "model", Kind::Whole(2, 64), n_keys),
    number!("p", "chance of a feature p", "model", Kind::Real(0.001, 1.0), p),
    number!("common", "common direction", "model", Kind::Real(0.0, 10.0), common),
    Field {
        name: "rope",
        label: "rotary base",
        group: "model",
        kind: Kind::Optional(1.01, 1e9),
        write: |c| Some(optional(c.rope)),
        read: |c, text| set_optional(&mut c.rope, text),
    },
    Field {
        name: "template",
        label: "template",
        group: "task",
        kind: Kind::Choice(&[("one", "one pair"), ("pairs", "several pairs"), ("free", "my own")]),
        write: |c| {
            let slug = match c.template {
                Template::OnePair { .. } => "one",
                Template::Pairs { .. } => "pairs",
                Template::Free { .. } => "free",
            };
            Some(slug.to_owned())
        },
        read: |c, text| {
            let entries = c.template.entries();
            let strongest = entries.first().map_or(10.0, |e| e.strength);
            c.template = match text {
                "one" => Template::OnePair { strength: strongest },
                "pairs" => Template::Pairs {
                    n_pairs: (c.n_features / 2).clamp(1, 8),
                    strongest,
                    weakest: strongest / 4.0,
                },
                "free" => Template::Free { entries },
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        name: "t",
        label: "strength T",
        group: "task",
        kind: Kind::Real(0.0, 1000.0),
        write: |c| match c.template {
            Template::OnePair { strength } => Some(strength.to_string()),
            Template::Pairs { strongest, .. } => Some(strongest.to_string()),
            Template::Free { .. } => None,
        },
        read: |c, text| match &mut c.template {
            Template::OnePair { strength } => set(strength, text),
            Template::Pairs { strongest, .. } => set(strongest, text),
            Template::Free { .. } => None,
        },
    },
    Field {
        name: "t-last",
        label: "of the last pair",
        group: "task",
        kind: Kind::Real(0.0, 1000.0),
        write: |c| match c.template {
            Template::Pairs { weakest, .. } => Some(weakest.to_string()),
            _ => None,
        },
        read: |c, text| match &mut c.template {
            Template::Pairs { weakest, .. } => set(weakest, text),
            _ => None,
        },
    },
    Field {
        name: "pairs",
        label: "pairs",
        group: "task",
        kind: Kind::Whole(1, 100),
        write: |c| match c.template {
            Template::Pairs { n_pairs, .. } => Some(n_pairs.to_string()),
            _ => None,
        },
        read: |c, text| match &mut c.template {
            Template::Pairs { n_pairs, .. } => set(n_pairs, text),
            _ => None,
        },
    },
    Field {
        name: ENTRIES,
        label: "entries",
        group: "",
        kind: Kind::Entries,
        write: |c| match &c.template {
            Template::Free { entries } => Some(entries_text(entries)),
            _ => None,
        },
        read: |c, text| match &mut c.template {
            Template::Free { entries } => {
                *entries = read_entries(text)?;
                Some(())
            }
            _ => None,
        },
    },
    Field {
        name: "offset",
        label: "only the key this far back",
        group: "task",
        kind: Kind::Optional(0.0, 64.0),
        write: |c| Some(optional(c.at_offset)),
        read: |c, text| set_optional(&mut c.at_offset, text),
    },
    number!("lambda", "weight of attention λ", "loss", Kind::Real(0.0, 10_000.0), lambda),
    choice!(
        "loss",
        "attention loss",
        "loss",
        loss,
        [
            ("softmax", "cross-entropy of the softmax", AttentionLoss::CrossEntropy),
            ("logit", "squared logits", AttentionLoss::SquaredLogit),
        ]
    ),
    choice!(
        "recon",
        "reconstruct",
        "loss",
        recon_on,
        [("all", "queries and keys", ReconOn::All), ("queries", "queries only", ReconOn::Queries),]
    ),
    number!(
        "importance",
        "importance of feature i, to the i",
        "loss",
        Kind::Real(0.0, 2.0),
        importance
    ),
    number!("batch", "batch B", "training", Kind::Whole(1, 1024), batch),
    number!("steps", "steps", "training", Kind::Whole(1, 100_000), steps),
    number!("lr", "learning rate", "training", Kind::Real(0.0, 1.0), lr),
    choice!(
        "schedule",
        "schedule",
        "training",
        schedule,
        [
            ("constant", "constant", Schedule::Constant),
            ("cosine", "cosine, to zero", Schedule::Cosine),
        ]
    ),
    number!("decay", "weight decay of the head", "training", Kind::Real(0.0, 10.0), weight_decay),
    choice!(
        "train",
        "train",
        "training",
        train,
        [
            ("all", "features and head", Trained::All),
            ("head", "the head alone", Trained::Head),
            ("features", "the features alone", Trained::Features),
        ]
    ),
    number!("from", "head counts from step", "training", Kind::Whole(0, 100_000), head_from),
    Field {
        name: "features",
        label: "features start as",
        group: "start",
        kind: Kind::Choice(&[
            ("xavier", "independent normals"),
            ("cone", "a cone"),
            ("power", "a power law"),
        ]),
        write: |c| {
            let slug = match c.features {
                FeatureInit::Xavier => "xavier",
                FeatureInit::Cone { .. } => "cone",
                FeatureInit::PowerLaw { .. } => "power",
            };
            Some(slug.to_owned())
        },
        read: |c, text| {
            c.features = match text {
                "xavier" => FeatureInit::Xavier,
                "cone" => FeatureInit::Cone { strength: 1.0 },
                "power" => FeatureInit::PowerLaw { exponent: 1.0 },
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        name: "features-by",
        label: "by how much",
        group: "start",
        kind: Kind::Real(0.0, 10.0),
        write: |c| match c.features {
            FeatureInit::Xavier => None,
            FeatureInit::Cone { strength } => Some(strength.to_string()),
            FeatureInit::PowerLaw { exponent } => Some(exponent.to_string()),
        },
        read: |c, text| match &mut c.features {
            FeatureInit::Xavier => None,
            FeatureInit::Cone { strength } => set(strength, text),
            FeatureInit::PowerLaw { exponent } => set(exponent, text),
        },
    },
    Field {
        name: "head-start",
        label: "head starts as",
        group: "start",
        kind: Kind::Choice(&[
            ("xavier", "independent normals"),
            ("normal", "normals of this size"),
            ("rank-one", "one random pair"),
        ]),
        write: |c| {
            let slug = match c.head {
                HeadInit::Xavier => "xavier",
                HeadInit::Normal { .. } => "normal",
                HeadInit::RankOne { .. } => "rank-one",
            };
            Some(slug.to_owned())
        },
        read: |c, text| {
            c.head = match text {
                "xavier" => HeadInit::Xavier,
                "normal" => HeadInit::Normal { std: 1.0 },
                "rank-one" => HeadInit::RankOne { strength: 10.0 },
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        name: "head-size",
        label: "of size",
        group: "start",
        kind: Kind::Real(0.0, 1000.0),
        write: |c| match c.head {
            HeadInit::Xavier => None,
            HeadInit::Normal { std } => Some(std.to_string()),
            HeadInit::RankOne { strength } => Some(strength.to_string()),
        },
        read: |c, text| match &mut c.head {
            HeadInit::Xavier => None,
            HeadInit::Normal { std } => set(std, text),
            HeadInit::RankOne { strength } => set(strength, text),
        },
    },
    number!("seed", "seed", "start", Kind::Whole(0, 4_294_967_295), seed),
];

/// The parameter that lists the entries of a template of the reader's own: `0-1:10,2-3:-4`.
pub const ENTRIES: &str = "entries";

/// Up to which step a link has trained.
pub const AT: Whole<usize> = Whole { name: "at", default: 0, least: 0, most: 100_000 };

/// The preset that settings start from.
pub const PRESET: Words = Words { name: "preset", longest: 100 };

/// Features of the largest toy that the page draws: 400 × 400 cells a matrix.
const MOST_FEATURES: usize = 400;

/// Entries of a template of the reader's own, at most.
const MOST_ENTRIES: usize = 10_000;

/// How strong an entry can be.
const STRONGEST: f64 = 1e6;

/// The preset and the settings that a route names; the first preset with a head where it names none.
pub fn read(route: &Route) -> (Preset, Config) {
    let mut all = presets();
    let slug = route.find(&PRESET).unwrap_or_default();
    let place = |slug: &str| all.iter().position(|p| p.id == slug);
    let preset = all.swap_remove(place(&slug).or(place("one-pair")).unwrap_or(0));
    let mut config = preset.config.clone();
    for field in FIELDS {
        if let Some(text) = route.params.get(field.name) {
            // What cannot be read leaves the preset's value.
            let _ = field.take(&mut config, text);
        }
    }
    (preset, config)
}

/// `route` with the settings that differ from the preset's, and at the run's beginning.
pub fn write(mut route: Route, preset: &Preset, config: &Config) -> Route {
    route = turns::afresh(route).put(&PRESET, preset.id.to_owned());
    for field in FIELDS {
        let value = (field.write)(config);
        route = match value {
            Some(text) if Some(&text) != (field.write)(&preset.config).as_ref() => {
                route.with(field.name, text)
            }
            _ => route.without(field.name),
        };
    }
    route
}

/// `route` with one setting changed.
pub fn with(route: &Route, name: &str, text: &str) -> Route {
    let (preset, mut config) = read(route);
    if let Some(field) = FIELDS.iter().find(|f| f.name == name) {
        // A control cannot offer what cannot be read; if it does, nothing changes.
        let _ = field.take(&mut config, text);
    }
    write(route.clone(), &preset, &config)
}

fn set<T: FromStr>(place: &mut T, text: &str) -> Option<()> {
    *place = text.trim().parse().ok()?;
    Some(())
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "off".to_owned(), |v| v.to_string())
}

fn set_optional<T: FromStr>(place: &mut Option<T>, text: &str) -> Option<()> {
    *place = match text.trim() {
        "off" | "" => None,
        text => Some(text.parse().ok()?),
    };
    Some(())
}

fn entries_text(entries: &[Entry]) -> String {
    let one = |e: &Entry| format!("{}-{}:{}", e.query, e.key, e.strength);
    entries.iter().map(one).collect::<Vec<_>>().join(",")
}

fn read_entries(text: &str) -> Option<Vec<Entry>> {
    let one = |text: &str| {
        let (place, strength) = text.split_once(':')?;
        let (query, key) = place.split_once('-')?;
        Some(Entry {
            query: query.parse().ok().filter(|i| *i < MOST_FEATURES)?,
            key: key.parse().ok().filter(|i| *i < MOST_FEATURES)?,
            strength: real(strength, -STRONGEST, STRONGEST)?,
        })
    };
    let entries: Vec<Entry> = text
        .split(',')
        .filter(|t| !t.is_empty())
        .map(one)
        .take(MOST_ENTRIES + 1)
        .collect::<Option<_>>()?;
    (entries.len() <= MOST_ENTRIES).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_survives_the_url_whatever_preset_it_started_from() {
        let all = presets();
        for from in &all {
            for to in &all {
                let route = write(Route::default(), from, &to.config);
                let (preset, config) = read(&Route::parse(&route.to_hash()));
                assert_eq!((preset.id, config), (from.id, to.config.clone()), "{}", to.id);
            }
        }
    }

    #[test]
    fn a_template_of_the_readers_own_survives_the_url_and_nonsense_changes_nothing() {
        let entries = vec![
            Entry { query: 0, key: 5, strength: -2.5 },
            Entry { query: 7, key: 7, strength: 1e-3 },
        ];
        let (preset, config) = read(&Route::default());
        let template = Template::Free { entries: entries.clone() };
        let route = write(Route::default(), &preset, &Config { template, ..config });
        assert_eq!(read(&Route::parse(&route.to_hash())).1.template, Template::Free { entries });
        let base = read(&Route::default()).1;
        assert_eq!(read(&with(&Route::default(), "lr", "fast")).1, base);
        assert_eq!(read(&Route::parse("#/toy?preset=none&n=x&rope=-")).1, base);
        let changed = with(&Route::default().put(&AT, 800), "lambda", "30");
        assert_eq!(changed.to_hash(), "#/heads?lambda=30&preset=one-pair");
        assert_eq!(with(&changed, "lambda", "10").to_hash(), "#/heads?preset=one-pair");
    }

    #[test]
    fn no_address_and_no_typed_number_leaves_the_limits_of_its_control() {
        let texts = [
            "0",
            "-1",
            "1",
            "20000",
            "100000",
            "4000000000",
            "4294967295",
            "4294967296",
            "1e300",
            "-1e300",
            "NaN",
            "inf",
            "99999999999999999999999999",
            "1e-300",
            "off",
            "",
            "x",
        ];
        for template in ["one", "pairs", "free"] {
            for start in ["xavier", "cone", "normal"] {
                let base = format!("#/toy?template={template}&features={start}&head-start={start}");
                for field in FIELDS {
                    for text in texts {
                        let route = Route::parse(&base);
                        for route in [with(&route, field.name, text), route.with(field.name, text)]
                        {
                            within_limits(&read(&route).1, &format!("{}={text}", field.name));
                        }
                    }
                }
            }
        }
        for killer in [
            "n=20000",
            "d=4294967295",
            "h=4294967295",
            "template=pairs&pairs=4000000000",
            "n=100000",
        ] {
            within_limits(&read(&Route::parse(&format!("#/toy?{killer}"))).1, killer);
        }
        let typed = with(&Route::default(), "n", "100000");
        assert_eq!(
            read(&typed).1.n_features,
            MOST_FEATURES,
            "a number out of its limits is clamped"
        );
    }

    fn within_limits(config: &Config, what: &str) {
        for field in FIELDS {
            let Some(text) = (field.write)(config) else { continue };
            let number = || text.parse::<f64>().unwrap();
            match field.kind {
                Kind::Whole(least, most) => {
                    assert!(
                        (least as f64..=most as f64).contains(&number()),
                        "{what}: {} is {text}",
                        field.name
                    );
                }
                Kind::Real(least, most) => {
                    assert!((least..=most).contains(&number()), "{what}: {} is {text}", field.name);
                }
                Kind::Optional(least, most) => {
                    assert!(
                        text == "off" || (least..=most).contains(&number()),
                        "{what}: {} is {text}",
                        field.name
                    );
                }
                Kind::Choice(choices) => assert!(choices.iter().any(|c| c.0 == text), "{what}"),
                Kind::Entries => {}
            }
        }
        assert!(config.template.entries().len() <= MOST_ENTRIES, "{what}");
        assert!(config.template.matrix(config.n_features).iter().all(|t| t.is_finite()), "{what}");
    }

    #[test]
    fn entries_that_cannot_be_change_nothing() {
        let base = Route::parse("#/toy?template=free");
        for text in
            ["0-1:inf", "0-400:1", "4294967296-0:1", "0:1", &"0-1:1,".repeat(MOST_ENTRIES + 1)]
        {
            assert_eq!(
                read(&with(&base, ENTRIES, text)).1,
                read(&base).1,
                "{}",
                &text[..text.len().min(20)]
            );
        }
    }
}
