//! The address of everything: a page and its parameters, as the part of the URL behind `#`.
//!
//! Whatever a reader can select is in here, so that a link reproduces a picture and going back loses nothing.

use std::collections::BTreeMap;

use super::keys;
use crate::checkpoint::quoting::percent_encoded;

/// The pages, in the order of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Page {
    /// Which head, which pair, what each side looks for.
    #[default]
    Heads,
    /// Alignment with a dictionary.
    Features,
    /// Sparse decomposition of attention on a prompt.
    Attention,
    /// From an answer back to its circuit.
    Trace,
    /// What became of every head from a second model to this one.
    Compare,
    /// The paper's toy model, trained live.
    Toy,
    /// What a singular value decomposition is, to touch.
    Svd,
    /// Why singular vectors find features, in numbers.
    Theorems,
    /// Lessons, the page for teachers, the glossary.
    Learn,
    /// How every number is measured.
    Methods,
    /// What the reader pinned.
    Notebook,
    /// CPU against GPU on this machine.
    SelfTest,
}

impl Page {
    /// Every page, in the order of the navigation.
    pub const ALL: [Self; 12] = [
        Self::Heads,
        Self::Features,
        Self::Attention,
        Self::Trace,
        Self::Compare,
        Self::Toy,
        Self::Svd,
        Self::Theorems,
        Self::Learn,
        Self::Methods,
        Self::Notebook,
        Self::SelfTest,
    ];

    /// The page's name in a URL.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Heads => "heads",
            Self::Features => "features",
            Self::Attention => "attention",
            Self::Trace => "trace",
            Self::Compare => "compare",
            Self::Toy => "toy",
            Self::Svd => "svd",
            Self::Theorems => "theorems",
            Self::Learn => "learn",
            Self::Methods => "methods",
            Self::Notebook => "notebook",
            Self::SelfTest => "self-test",
        }
    }

    /// The page's name in the navigation.
    pub fn title(self) -> &'static str {
        match self {
            Self::Heads => "Heads",
            Self::Features => "Features",
            Self::Attention => "Attention",
            Self::Trace => "Trace",
            Self::Compare => "Compare",
            Self::Toy => "Toy lab",
            Self::Svd => "SVD",
            Self::Theorems => "Theorems",
            Self::Learn => "Learn",
            Self::Methods => "Methods",
            Self::Notebook => "Notebook",
            Self::SelfTest => "Self-test",
        }
    }
}

/// Parameters that mean something in one model alone.
const SELECTION: [&str; 8] = [
    keys::LAYER.name,
    keys::HEAD.name,
    keys::K.name,
    keys::DEST.name,
    keys::SRC.name,
    keys::WHAT_IF.name,
    keys::COMPARED.name,
    keys::MEASURED.name,
];

/// A page and its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// Which page.
    pub page: Page,
    /// What is selected on it, by name.
    pub(super) params: BTreeMap<String, String>,
}

impl Route {
    /// Reads `#/page?name=value&…`; what it cannot read it leaves out.
    pub fn parse(hash: &str) -> Self {
        let rest = hash.trim_start_matches('#').trim_start_matches('/');
        let (slug, query) = rest.split_once('?').unwrap_or((rest, ""));
        let page = Page::ALL.into_iter().find(|p| p.slug() == slug).unwrap_or_default();
        let params = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        Self { page, params }
    }

    /// The inverse of [`Route::parse`].
    pub fn to_hash(&self) -> String {
        let query: Vec<String> = self
            .params
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("#/{}{mark}{}", self.page.slug(), query.join("&"))
    }

    /// This route with one parameter set to what may be anything.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }

    /// This route without one parameter.
    #[must_use]
    pub(super) fn without(mut self, name: &str) -> Self {
        self.params.remove(name);
        self
    }

    /// This route without what is selected in one model and means nothing in another.
    #[must_use]
    pub fn without_selection(mut self) -> Self {
        for name in SELECTION {
            self.params.remove(name);
        }
        self
    }

    /// Whether this route is on the page of `goal` and says all that `goal` says, perhaps more.
    pub fn reaches(&self, goal: &Self) -> bool {
        self.page == goal.page
            && goal.params.iter().all(|(name, value)| self.params.get(name) == Some(value))
    }

    /// The same selection on another page.
    #[must_use]
    pub fn on(mut self, page: Page) -> Self {
        self.page = page;
        self
    }
}

fn encode(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~,: ".contains(&byte);
    percent_encoded(text, keep).replace(' ', "+")
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                let value =
                    std::str::from_utf8(&hex).ok().and_then(|h| u8::from_str_radix(h, 16).ok());
                bytes.push(value.unwrap_or(b'%'));
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_survives_the_url() {
        let route = Route { page: Page::Attention, ..Route::default() }
            .with("prompt", "When Mary & John — 50 % of \"é\"")
            .with("layer", 3);
        assert_eq!(Route::parse(&route.to_hash()), route);
    }

    #[test]
    fn an_unreadable_url_opens_the_first_page() {
        for hash in ["", "#", "#/", "#/nowhere?x", "#/heads?=1&&k", "#/heads?k=%Z"] {
            assert_eq!(Route::parse(hash).page, Page::Heads);
        }
    }
}
