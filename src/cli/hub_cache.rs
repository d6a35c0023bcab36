//! Names of the Hugging Face hub, found in this machine's own cache of it. Nothing is fetched.
//!
//! `gpt2`, `org/name`, `org/name@revision`, each with `/subfolder` behind it. huggingface_hub keeps
//! `models--org--name/refs/REVISION` (a commit) and `models--org--name/snapshots/COMMIT/…` under `HF_HUB_CACHE`, `HF_HOME/hub` or
//! `~/.cache/huggingface/hub`.

use std::path::{Path, PathBuf};

use super::CliError;

/// Old names without an owner, and the owner they have now.
const MOVED: [(&str, &str); 7] = [
    ("gpt2", "openai-community"),
    ("gpt2-medium", "openai-community"),
    ("gpt2-large", "openai-community"),
    ("gpt2-xl", "openai-community"),
    ("distilgpt2", "distilbert"),
    ("bert-base-uncased", "google-bert"),
    ("bert-base-cased", "google-bert"),
];

/// Where the cache is, by what the environment says.
pub(super) fn folder() -> Option<PathBuf> {
    let said =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    said("HF_HUB_CACHE").or_else(|| Some(said("HF_HOME")?.join("hub"))).or_else(|| {
        Some(said("HOME").or_else(|| said("USERPROFILE"))?.join(".cache/huggingface/hub"))
    })
}

/// The folder that `given` means: itself if it is there or is no name of the hub, else a snapshot in `cache`.
///
/// # Errors
/// [`CliError::Usage`] if the cache has no such model, revision or subfolder.
pub(super) fn resolve(given: &Path, cache: &Path) -> Result<PathBuf, CliError> {
    let text = given.to_string_lossy();
    let Some(name) = Name::parse(&text).filter(|_| !given.exists()) else {
        return Ok(given.to_owned());
    };
    let owners = MOVED
        .iter()
        .filter(|(old, _)| *old == name.model)
        .map(|(old, owner)| format!("{owner}/{old}"));
    let models = std::iter::once(name.model.clone()).chain(owners);
    let folders = models.map(|model| cache.join(format!("models--{}", model.replace('/', "--"))));
    let Some(folder) = folders.into_iter().find(|folder| folder.is_dir()) else {
        return Err(CliError::Usage(format!(
            "{text} is no file or folder here, and the hub's cache on this machine ({}) has no such model; `hf download {}` puts it there",
            cache.display(),
            name.model
        )));
    };
    let snapshots = folder.join("snapshots");
    let wanted = name.revision.as_deref().unwrap_or("main");
    let commit = std::fs::read_to_string(folder.join("refs").join(wanted))
        .map_or_else(|_| wanted.to_owned(), |commit| commit.trim().to_owned());
    let mut there: Vec<String> = std::fs::read_dir(&snapshots)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    there.sort_unstable();
    let commit = match (there.contains(&commit), there.as_slice()) {
        (true, _) => commit,
        // Without a word on the revision the only one is meant.
        (false, [only]) if name.revision.is_none() => only.clone(),
        (false, _) => {
            return Err(CliError::Usage(format!(
                "the hub's cache on this machine has {}, but not its revision {wanted}; it has {}",
                name.model,
                if there.is_empty() { "none".to_owned() } else { there.join(", ") }
            )));
        }
    };
    let found = snapshots.join(commit).join(&name.subfolder);
    if !found.is_dir() {
        return Err(CliError::Usage(format!(
            "{} has no folder {} in it",
            name.model, name.subfolder
        )));
    }
    Ok(found)
}

/// A name of the hub, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    model: String,
    revision: Option<String>,
    subfolder: String,
}

impl Name {
    /// `None` for what cannot be one: a file's name, an absolute or relative path.
    fn parse(text: &str) -> Option<Self> {
        let part = |part: &&str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        if text.ends_with(".safetensors") || text.ends_with(".json") {
            return None;
        }
        let (model, revision, inside) = match text.split_once('@') {
            Some((model, rest)) => {
                let (revision, inside) = rest.split_once('/').unwrap_or((rest, ""));
                (model.to_owned(), Some(revision), inside.to_owned())
            }
            None => {
                let parts: Vec<&str> = text.split('/').collect();
                let (model, inside) = parts.split_at(parts.len().min(2));
                (model.join("/"), None, inside.join("/"))
            }
        };
        let good = model.split('/').count() <= 2
            && model.split('/').all(|p| part(&p))
            && revision.as_ref().is_none_or(part)
            && (inside.is_empty() || inside.split('/').all(|p| part(&p)));
        good.then(|| Self { model, revision: revision.map(str::to_owned), subfolder: inside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        let name = |text: &str| {
            Name::parse(text)
                .map(|name| (name.model, name.revision.unwrap_or_default(), name.subfolder))
        };
        let is = |model: &str, revision: &str, inside: &str| {
            Some((model.to_owned(), revision.to_owned(), inside.to_owned()))
        };
        assert_eq!(name("gpt2"), is("gpt2", "", ""));
        assert_eq!(name("org/name"), is("org/name", "", ""));
        assert_eq!(name("org/name/deep/in"), is("org/name", "", "deep/in"));
        assert_eq!(name("org/name@v1.0/in"), is("org/name", "v1.0", "in"));
        for path in [
            "/abs/path",
            "./here",
            "../up/there",
            "m.safetensors",
            "a b",
            "",
            "org/",
            "C:\\m",
            "~/m",
        ] {
            assert_eq!(name(path), None, "{path}");
        }
    }

    #[test]
    fn snapshots_are_found_by_revision() {
        let cache = tempfile::tempdir().unwrap();
        let model = cache.path().join("models--org--m");
        for commit in ["aaa", "bbb"] {
            std::fs::create_dir_all(model.join("snapshots").join(commit).join("sub")).unwrap();
        }
        std::fs::create_dir_all(model.join("refs")).unwrap();
        std::fs::create_dir_all(cache.path().join("models--openai-community--gpt2/snapshots/ccc"))
            .unwrap();
        let find = |name: &str| resolve(Path::new(name), cache.path());
        let refused = |name: &str| find(name).unwrap_err().to_string();
        assert!(refused("org/m").contains("it has aaa, bbb"));
        std::fs::write(model.join("refs/main"), "bbb\n").unwrap();
        assert_eq!(find("org/m").unwrap(), model.join("snapshots/bbb/"));
        assert_eq!(find("org/m@aaa/sub").unwrap(), model.join("snapshots/aaa/sub"));
        assert!(find("gpt2").unwrap().ends_with("ccc"));
        assert!(refused("org/m@zzz").contains("not its revision zzz"));
        assert!(refused("org/m/other").contains("no folder other"));
        assert!(refused("org/absent").contains("hf download org/absent"));
        assert_eq!(find("./absent").unwrap(), Path::new("./absent"));
    }
}
