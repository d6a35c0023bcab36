//! What a reader types, or a link says: a name on the hub, an address, or a path beside the page.

use super::hosts::{host, origin};
use super::hub::{self, HUB};

/// Where a checkpoint lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A model of the hub.
    Hub {
        /// `gpt2` or `org/name`.
        id: String,
        /// A branch, tag or commit; the hub's own choice where nothing is said.
        revision: Option<String>,
        /// A folder in it; empty for all of it.
        folder: String,
    },
    /// A file, an index or a folder on the web.
    Address(String),
    /// The same beside the page.
    Beside(String),
}

impl Reference {
    /// Reads `gpt2`, `org/name`, `org/name@revision/folder`, `https://…`, `./folder/`, `/folder/file.safetensors`.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Nothing was named.".into());
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(format!("“{text}” holds characters that no name or address has."));
        }
        if let Some(path) = text.strip_prefix(HUB).and_then(|rest| rest.strip_prefix('/')) {
            return Self::of_hub_page(path)
                .ok_or_else(|| format!("“{text}” is no model of the hub."));
        }
        if text.contains("://") {
            let web = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
            return if web && origin(text).is_some() {
                Ok(Self::Address(text.to_owned()))
            } else {
                Err(format!("“{text}” is no address of the web."))
            };
        }
        if text.starts_with(['.', '/']) {
            // Two slashes would leave this host.
            return if text.starts_with("//") {
                Err(format!("“{text}” is no path beside this page: say https:// before a host."))
            } else {
                Ok(Self::Beside(text.to_owned()))
            };
        }
        Self::of_name(text).ok_or_else(|| {
            format!("“{text}” is no name of a model: names look like gpt2, org/name, org/name@revision or org/name/folder.")
        })
    }

    /// `id`, `id@revision`, `id@revision/folder`, `id/folder`.
    fn of_name(text: &str) -> Option<Self> {
        let (id, revision, folder) = match text.split_once('@') {
            Some((id, rest)) => {
                let (revision, folder) = split_revision(rest)?;
                (id, Some(revision), folder)
            }
            None => match text.match_indices('/').nth(1) {
                Some((at, _)) => (&text[..at], None, &text[at + 1..]),
                None => (text, None, ""),
            },
        };
        let folder = folder.trim_matches('/').to_owned();
        let parts = id.split('/').count();
        let good = (1..=2).contains(&parts)
            && id.split('/').all(is_segment)
            && (folder.is_empty() || folder.split('/').all(is_segment));
        good.then(|| Self::Hub { id: id.to_owned(), revision, folder })
    }

    /// A page of the hub, as copied from the address bar: a model, a folder of it, or one file.
    fn of_hub_page(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        let verb = segments.iter().position(|s| ["tree", "blob", "resolve"].contains(s));
        let Some(verb) = verb.filter(|at| (1..=2).contains(at)) else {
            return Self::of_name(path);
        };
        let id = segments[..verb].join("/");
        let after = segments[verb + 1..].join("/");
        let (revision, rest) = split_revision(&after)?;
        if segments[verb] == "tree" {
            let folder = rest.to_owned();
            return Some(Self::Hub { id, revision: Some(revision), folder });
        }
        (!rest.is_empty()).then(|| Self::Address(hub::file_url(&id, Some(&revision), rest)))
    }

    /// The host that is asked; `None` for one beside the page.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Hub { .. } => host(HUB),
            Self::Address(address) => host(address),
            Self::Beside(_) => None,
        }
    }

    /// A short name for the model: the last part that says something.
    pub fn name(&self) -> String {
        let last = |path: &str| {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            let parts: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && *s != ".").collect();
            let file = |s: &&&str| !(s.ends_with(".safetensors") || s.ends_with(".json"));
            parts.iter().rev().find(file).or(parts.last()).map_or("model", |s| *s).to_owned()
        };
        match self {
            Self::Hub { id, folder, .. } if folder.is_empty() => last(id),
            Self::Hub { folder, .. } => last(folder),
            Self::Address(address) => last(address),
            Self::Beside(path) => last(path),
        }
    }
}

/// A revision and the path after it; the hub's own kinds of revision have slashes in them.
fn split_revision(text: &str) -> Option<(String, &str)> {
    let parts =
        if ["refs/pr/", "refs/convert/"].iter().any(|kind| text.starts_with(kind)) { 3 } else { 1 };
    let end = text.match_indices('/').nth(parts - 1).map_or(text.len(), |(at, _)| at);
    let (revision, rest) = text.split_at(end);
    (!revision.is_empty() && revision.split('/').all(is_segment))
        .then(|| (revision.to_owned(), rest.trim_matches('/')))
}

/// A part of a path that stays where it is.
fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment.chars().all(|c| c.is_alphanumeric() || "._-+ ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(id: &str, revision: Option<&str>, folder: &str) -> Reference {
        let revision = revision.map(str::to_owned);
        Reference::Hub { id: id.into(), revision, folder: folder.into() }
    }

    #[test]
    fn names_addresses_and_paths_are_told_apart() {
        for (text, expected) in [
            ("gpt2", hub("gpt2", None, "")),
            (" org/name ", hub("org/name", None, "")),
            ("org/name@v1.0", hub("org/name", Some("v1.0"), "")),
            ("org/name@main/sub/folder", hub("org/name", Some("main"), "sub/folder")),
            ("org/name@refs/pr/12/sub", hub("org/name", Some("refs/pr/12"), "sub")),
            ("org/name/sub/folder/", hub("org/name", None, "sub/folder")),
            ("gpt2@607a30d", hub("gpt2", Some("607a30d"), "")),
            ("https://huggingface.co/org/name", hub("org/name", None, "")),
            ("https://huggingface.co/org/name/tree/main/sub", hub("org/name", Some("main"), "sub")),
            ("https://huggingface.co/gpt2/tree/main", hub("gpt2", Some("main"), "")),
        ] {
            assert_eq!(Reference::parse(text), Ok(expected), "{text}");
        }
        let file = Reference::parse("https://huggingface.co/gpt2/blob/main/model.safetensors?x=1");
        let resolved = format!("{HUB}/gpt2/resolve/main/model.safetensors");
        assert_eq!(file, Ok(Reference::Address(resolved)));
        assert_eq!(Reference::parse("./models/a/"), Ok(Reference::Beside("./models/a/".into())));
        let address = "https://example.org/models/a/model.safetensors";
        assert_eq!(Reference::parse(address), Ok(Reference::Address(address.into())));
    }

    #[test]
    fn what_leads_elsewhere_or_nowhere_is_refused_in_words() {
        for text in [
            "",
            " ",
            "..",
            "a b",
            "org/../x",
            "org/name/../..",
            "//evil.example/x",
            "ftp://a/b",
            "javascript:alert(1)",
            "https://",
            "https://user@host/x",
            "a@",
            "@main",
            "a//b",
            "org/name@",
            "file:///etc/passwd",
            "a\\b",
            "a\u{0}b",
            "org/name/.git",
        ] {
            match Reference::parse(text) {
                // A path beside the page stays on its host, wherever the dots lead.
                Ok(Reference::Beside(_)) if text == ".." => {}
                found => assert!(found.is_err(), "{text:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_model_is_called_by_what_says_most() {
        let name = |text: &str| Reference::parse(text).unwrap().name();
        assert_eq!(name("openai-community/gpt2"), "gpt2");
        assert_eq!(name("org/name@main/step-500"), "step-500");
        assert_eq!(name("https://example.org/models/tiny/model.safetensors"), "tiny");
        assert_eq!(name("./class/"), "class");
        assert_eq!(name("./model.safetensors"), "model.safetensors");
    }
}
