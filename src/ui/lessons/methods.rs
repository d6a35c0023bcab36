//! How every number that makes a claim is measured: question, formula, chance, limits, source, tests.
//!
//! An entry of `www/lessons/en/methods.md` begins with `## ` and its title, then the names of numbers that it answers for; under it
//! stand six headings, the same everywhere. The page carries the titles, and fetches what stands under them (`beside.rs`).

use std::sync::OnceLock;

use super::glossary::{Entry, parse};

/// The titles of every entry, in the order of the file; what stands under them is fetched.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| parse(super::shelf::METHODS))
}

/// The entry that answers for a number called `term`, or for what `term` begins with: "stable rank of QK" is a stable rank.
pub fn of(term: &str) -> Option<&'static Entry> {
    let term = term.trim().to_lowercase();
    let begins = |name: &String| {
        let rest = term.strip_prefix(&name.to_lowercase())?;
        rest.chars().next().is_none_or(|next| !next.is_alphanumeric()).then_some(name.len())
    };
    let by_name = |entry: &'static Entry| entry.names.iter().filter_map(begins).max();
    entries().iter().max_by_key(|entry| by_name(entry)).filter(|entry| by_name(entry).is_some())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Every entry with what stands under its title.
    fn whole() -> Vec<Entry> {
        parse(crate::ui::lessons::shelf::fetched::METHODS)
    }

    const PARTS: [&str; 6] =
        ["Question", "Formula", "Chance", "What it cannot tell", "Source", "Tests"];

    #[test]
    fn every_method_says_all_six_things_on_one_screen() {
        assert!(entries().len() > 10);
        assert!(entries().iter().map(|e| &e.names).eq(whole().iter().map(|e| &e.names)));
        for entry in whole() {
            let parts: Vec<&str> = entry
                .meaning
                .split("<h3>")
                .skip(1)
                .filter_map(|part| part.split("</h3>").next())
                .collect();
            assert_eq!(parts, PARTS, "{}", entry.name());
            let tags = |text: &str| {
                text.split('<').map(|p| p.split_once('>').map_or("", |p| p.1).len()).sum::<usize>()
            };
            assert!(tags(&entry.meaning) < 2200, "{} is longer than a screen", entry.name());
        }
    }

    #[test]
    fn a_number_has_one_method() {
        let mut seen = std::collections::HashSet::new();
        for name in entries().iter().flat_map(|entry| &entry.names) {
            assert!(seen.insert(name.to_lowercase()), "{name} has two methods");
        }
        for (term, title) in [
            ("stable rank of QK", "Shape of a spectrum"),
            ("S against chance", "Sparseness of a score"),
            ("N_recon, τ = 0.9", "How many terms?"),
            ("‖E_X‖ 3.4 · average alignment 0.6", "How uneven a dictionary is"),
            ("q", "One correction"),
        ] {
            assert_eq!(of(term).unwrap().name(), title, "{term}");
        }
        assert!(of("token").is_none() && of("skew").is_none());
    }

    /// A method that names a test which is not there claims what nobody checks.
    #[test]
    fn every_test_that_a_method_names_is_there() {
        fn texts(folder: &Path, all: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if path.is_dir() && !["node_modules", "golden", "output"].contains(&name.as_str()) {
                    texts(&path, all);
                } else if [".rs", ".mjs"].iter().any(|ending| name.ends_with(ending)) {
                    *all += &std::fs::read_to_string(&path).unwrap();
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = String::new();
        ["src", "tests"].iter().for_each(|folder| texts(&root.join(folder), &mut all));
        for entry in whole() {
            let tests = entry.meaning.split("<h3>Tests</h3>").nth(1).unwrap();
            let named: Vec<&str> =
                tests.split("<code>").skip(1).filter_map(|t| t.split("</code>").next()).collect();
            assert!(!named.is_empty(), "{} names no test", entry.name());
            for test in named {
                let there = root.join(test).is_file()
                    || all.contains(&format!("fn {test}("))
                    || all.contains(&format!("it(\"{test}\""));
                assert!(there, "{}: no test {test}", entry.name());
            }
        }
    }
}
