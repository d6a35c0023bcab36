//! A folder that cannot be listed: which names are looked for in it, and which of a list of files are wanted.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checkpoint::file_names::{self, Role};
use crate::checkpoint::foreign::Foreign;
use crate::checkpoint::json;

/// A file that lies elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path in its folder.
    pub path: String,
    /// Where it is.
    pub url: String,
    /// Its bytes.
    pub size: u64,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Whole, at once: settings and words.
    Whole,
    /// In pieces, when a question needs them: weights.
    InPieces,
    /// In pieces, to be named where no other weights are there: weights in another format.
    ToBeNamed,
}

/// Weights that are looked for in a folder, an index first.
pub const WEIGHTS: [&str; 4] = [
    "model.safetensors.index.json",
    "model.safetensors",
    "adapter_model.safetensors",
    "sae_weights.safetensors",
];

/// Bytes up to which a file is read whole.
pub const LARGEST_WHOLE: u64 = 64 << 20;

/// How a file of this path is read; `None` for one that no question is about.
pub fn reading(path: &str, size: u64) -> Option<Reading> {
    match file_names::role(path) {
        Role::Weights => Some(Reading::InPieces),
        Role::Index | Role::Side => (size <= LARGEST_WHOLE).then_some(Reading::Whole),
        Role::Other => Foreign::from_name(path).is_some().then_some(Reading::ToBeNamed),
    }
}

/// The shards that an index names, each once.
///
/// # Errors
/// That it is no index, in words.
pub fn shards(index: &[u8]) -> Result<Vec<String>, String> {
    let parsed = json::parse(index).map_err(|_| "the index is not JSON".to_owned())?;
    let map = parsed.value.get("weight_map").and_then(Value::as_object);
    let names = map.ok_or("the index has no weight_map")?.values().filter_map(Value::as_str);
    let named: BTreeSet<&str> = names.collect();
    if named.iter().any(|name| name.contains("..") || name.starts_with('/') || name.contains("://"))
    {
        return Err("the index names files outside its folder".into());
    }
    Ok(named.into_iter().map(str::to_owned).collect())
}

/// `path` beside the folder or file at `address`: what stands after its last slash is replaced.
pub fn beside(address: &str, path: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or_default();
    let folder = plain.rfind('/').map_or("", |at| &plain[..=at]);
    format!("{folder}{}", super::hub::encoded(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_in_pieces_settings_whole_and_pictures_never() {
        assert_eq!(reading("a/model-00001-of-00002.safetensors", 5 << 30), Some(Reading::InPieces));
        assert_eq!(reading("config.json", 600), Some(Reading::Whole));
        assert_eq!(reading("sub/model.safetensors.index.json", 9000), Some(Reading::Whole));
        assert_eq!(reading("tokenizer.json", 1 << 40), None);
        assert_eq!(reading("README.md", 10), None);
        assert_eq!(reading("picture.png", 10), None);
        assert_eq!(reading("flax_model.msgpack", 1 << 30), Some(Reading::ToBeNamed));
        // A copy is what it was made from.
        assert_eq!(reading("MODEL (1).SAFETENSORS", 1 << 30), Some(Reading::InPieces));
    }

    #[test]
    fn an_index_names_each_shard_once_and_nothing_outside() {
        let index = br#"{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#;
        assert_eq!(shards(index).unwrap(), ["m-1.safetensors", "m-2.safetensors"]);
        assert!(shards(br#"{"weight_map": {"a": "../x.safetensors"}}"#).is_err());
        assert!(shards(br#"{"weight_map": {"a": "https://x/y"}}"#).is_err());
        assert!(shards(b"[]").is_err() && shards(b"<html>").is_err());
    }

    #[test]
    fn a_neighbour_stands_in_the_same_folder() {
        assert_eq!(
            beside("https://h/a/b.safetensors?x=/y", "config.json"),
            "https://h/a/config.json"
        );
        assert_eq!(beside("https://h/a/", "a b.json"), "https://h/a/a%20b.json");
    }
}
