//! The glossary: every symbol and word of the pages, and what it means.
//!
//! An entry of `www/lessons/en/glossary.md` begins with `## ` and its names, the first being the one that is shown: a
//! "?" beside any of them opens it. The rest is Markdown.

use std::sync::OnceLock;

use crate::ui::address::route::Page;

/// A word and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its names.
    pub names: Vec<String>,
    /// What it means; Markdown.
    pub meaning: String,
}

impl Entry {
    /// The name it is listed under.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Whether `word` is one of its names, capitals aside.
    pub fn is(&self, word: &str) -> bool {
        let word = word.trim().to_lowercase();
        self.names.iter().any(|name| name.to_lowercase() == word)
    }
}

/// Every entry, in the order of the file.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| parse(super::shelf::GLOSSARY))
}

/// The entry for a word.
pub fn find(word: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.is(word))
}

/// The symbols and words of a page, by names of their entries.
pub fn of(page: Page) -> &'static [&'static str] {
    match page {
        Page::Heads => &[
            "Ω",
            "QK",
            "OV",
            "SVD",
            "σ",
            "u_k",
            "d_head",
            "d_model",
            "stable rank",
            "effective rank",
            "condition κ",
            "norm ‖·‖_F",
            "largest gap",
            "OV copying",
            "QK matching",
            "like for like, z",
            "block",
            "null direction",
            "residual",
            "folded",
            "cosine",
        ],
        Page::Features => &[
            "feature",
            "dictionary",
            "alignment",
            "cosine",
            "MMCS",
            "rotation null",
            "p",
            "q",
            "z",
            "common direction",
            "‖E‖",
            "A",
            "whitening",
            "σ",
            "k",
        ],
        Page::Attention => &[
            "token",
            "destination",
            "source",
            "attention",
            "score",
            "relative attention",
            "SAD",
            "S",
            "S against chance",
            "N_recon",
            "basis control",
            "subspace control",
            "matched control",
            "k",
            "σ",
        ],
        Page::Trace => &[
            "circuit",
            "firing",
            "component",
            "seed",
            "destination",
            "source",
            "attention",
            "score",
            "token",
            "k",
        ],
        Page::Compare => &["Ω", "σ", "k", "folded", "isotropic", "z", "q", "cosine"],
        Page::Toy => &[
            "feature",
            "superposition",
            "antipode",
            "interference",
            "λ",
            "T",
            "N",
            "Ω",
            "σ",
            "u_k",
            "alignment",
            "isotropic",
        ],
        Page::Svd => &["Ω", "SVD", "σ", "u_k", "block", "rank", "norm ‖·‖_F"],
        Page::Theorems => {
            &["Ω", "Σ_X", "u_k", "‖E‖", "A", "isotropic", "whitening", "interference", "dictionary"]
        }
        Page::Learn | Page::Methods | Page::Notebook | Page::SelfTest => &[],
    }
}

/// Entries of a text in which each begins with `## ` and its names.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    let entry = |section: &str| {
        let (names, meaning) = section.split_once('\n')?;
        let names = names.split(" · ").map(|name| name.trim().to_owned()).collect();
        Some(Entry { names, meaning: meaning.trim().to_owned() })
    };
    text.split("\n## ").skip(1).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_of_every_page_is_explained() {
        for word in Page::ALL.into_iter().flat_map(of) {
            assert!(find(word).is_some(), "{word} is not in the glossary");
        }
    }

    #[test]
    fn a_word_has_one_meaning() {
        let mut seen = std::collections::HashSet::new();
        for entry in entries() {
            assert!(!entry.meaning.is_empty(), "{} means nothing", entry.name());
            for name in &entry.names {
                assert!(seen.insert(name.to_lowercase()), "{name} is explained twice");
            }
        }
        assert!(find("Ω").is_some() && find("Omega").is_some() && find("flux").is_none());
    }
}
