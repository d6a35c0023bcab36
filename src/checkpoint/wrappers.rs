//! Names as trainers leave them: the words of wrappers taken out, tensors under two names, two models in one file.

use std::collections::BTreeMap;

use super::TensorEntry;
use super::error::{listed, quoted};
use crate::math::order::distinct;
use crate::math::order::sort_by_key;

/// Takes the words out that wrappers put into names (`torch.compile`, data parallel, FSDP, activation checkpointing), wherever
/// they stand. A name that would then be another tensor's stays as it is.
pub(super) fn unwrap(entries: &mut [TensorEntry], notes: &mut Vec<String>) {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries.iter() {
        *taken.entry(plain(&entry.name)).or_default() += 1;
    }
    let (mut changed, mut words) = (0, Vec::new());
    for entry in entries.iter_mut() {
        let plain = plain(&entry.name);
        if plain != entry.name && taken.get(&plain) == Some(&1) {
            words.extend(entry.name.split('.').filter(|word| is_wrapper(word)).map(str::to_owned));
            words = distinct(words);
            changed += 1;
            entry.name = plain;
        }
    }
    if changed > 0 {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        notes.push(format!(
            "A wrapper's words ({}) were taken out of {changed} tensor names.",
            listed(words.iter().map(String::as_str))
        ));
    }
}

/// A name without the words of wrappers.
fn plain(name: &str) -> String {
    let words: Vec<&str> =
        name.split('.').filter(|word| !word.starts_with('_') || !is_wrapper(word)).collect();
    let leading = words.iter().take_while(|word| **word == "module").count();
    if leading < words.len() { words[leading..].join(".") } else { name.to_owned() }
}

/// `_orig_mod`, `_fsdp_wrapped_module`, `_checkpoint_wrapped_module`, `_forward_module`, `module`.
fn is_wrapper(word: &str) -> bool {
    word == "module"
        || word.starts_with('_') && (word.ends_with("_mod") || word.ends_with("_module"))
}

/// Adds the names under which `__metadata__` knows a tensor that was saved once: `save_model` of a tied pair writes
/// `{left out: kept}`.
pub(super) fn add_aliases(
    entries: &mut Vec<TensorEntry>,
    metadata: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) {
    let find = |entries: &[TensorEntry], name: &str| {
        entries.iter().find(|entry| entry.name == name).cloned()
    };
    for (left_out, kept) in metadata {
        if find(entries, left_out).is_some() {
            continue;
        }
        let Some(entry) = find(entries, kept) else { continue };
        notes.push(format!(
            "{} is the tensor that was saved as {}: the file's metadata says so.",
            quoted(left_out),
            quoted(kept)
        ));
        entries.push(TensorEntry { name: left_out.clone(), ..entry });
    }
}

/// Words in front of names that tell parts of one model, not copies of it.
const PARTS: [&str; 8] = [
    "encoder",
    "decoder",
    "text_model",
    "vision_model",
    "language_model",
    "vision_tower",
    "audio_tower",
    "visual",
];

/// The first words under which a file holds the same model several times, all names and shapes alike: `model.` and `ema.`.
/// The one that is meant by default comes first.
pub(super) fn copies(entries: &[TensorEntry]) -> Vec<String> {
    let mut parts: BTreeMap<&str, BTreeMap<&str, &[usize]>> = BTreeMap::new();
    for entry in entries {
        let Some((first, rest)) = entry.name.split_once('.') else { continue };
        parts.entry(first).or_default().insert(rest, &entry.shape);
    }
    let layered = |names: &BTreeMap<&str, &[usize]>| {
        names
            .keys()
            .any(|name| name.split('.').any(|word| word.bytes().all(|byte| byte.is_ascii_digit())))
    };
    let counts =
        |word: &&str| !PARTS.contains(word) && !word.bytes().all(|byte| byte.is_ascii_digit());
    let Some(largest) = parts.values().map(BTreeMap::len).max() else { return Vec::new() };
    let mut alike: Vec<&str> = parts
        .iter()
        .filter(|(word, names)| counts(word) && names.len() == largest && layered(names))
        .map(|(word, _)| *word)
        .collect();
    alike.retain(|word| alike_to(&parts, word, largest, &counts));
    if alike.len() < 2 {
        return Vec::new();
    }
    // An average of the weights over training is somebody's choice, the weights themselves are the default.
    sort_by_key(&mut alike, |word| (word.contains("ema"), *word != "model"));
    alike.into_iter().map(str::to_owned).collect()
}

/// True if some other first word has exactly the same names and shapes behind it.
fn alike_to(
    parts: &BTreeMap<&str, BTreeMap<&str, &[usize]>>,
    word: &str,
    largest: usize,
    counts: &impl Fn(&&str) -> bool,
) -> bool {
    let own = parts.get(word);
    parts.iter().any(|(other, names)| {
        *other != word && counts(other) && names.len() == largest && Some(names) == own
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Dtype;

    fn entries(names: &[&str]) -> Vec<TensorEntry> {
        let entry = |name: &&str| TensorEntry {
            name: (*name).to_owned(),
            dtype: Dtype::F32,
            shape: vec![2],
            file: 0,
            start: 0,
            end: 8,
            from: None,
        };
        names.iter().map(entry).collect()
    }

    fn unwrapped(names: &[&str]) -> Vec<String> {
        let mut entries = entries(names);
        unwrap(&mut entries, &mut Vec::new());
        entries.into_iter().map(|entry| entry.name).collect()
    }

    #[test]
    fn wrappers_are_taken_out_wherever_they_stand() {
        assert_eq!(
            unwrapped(&[
                "module._orig_mod.model.layers.0._checkpoint_wrapped_module.mlp.up.weight",
                "_fsdp_wrapped_module.model.norm.weight",
                "module.module.x",
                "model.module_list.0.w",
            ]),
            ["model.layers.0.mlp.up.weight", "model.norm.weight", "x", "model.module_list.0.w"]
        );
        assert_eq!(unwrapped(&["module", "_orig_mod"]), ["module", "_orig_mod"]);
    }

    #[test]
    fn two_tensors_never_become_one() {
        assert_eq!(unwrapped(&["_orig_mod.a.w", "a.w"]), ["_orig_mod.a.w", "a.w"]);
    }

    #[test]
    fn a_tied_tensor_is_found_under_both_names() {
        let mut list = entries(&["lm_head.weight"]);
        let metadata = [("wte.weight", "lm_head.weight"), ("format", "pt")];
        let metadata = metadata.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        add_aliases(&mut list, &metadata, &mut Vec::new());
        assert_eq!(
            list.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
            ["lm_head.weight", "wte.weight"]
        );
    }

    #[test]
    fn copies_of_a_model_are_found_and_towers_are_none() {
        let two = ["ema.layers.0.w", "ema.norm", "model.layers.0.w", "model.norm", "step.x"];
        assert_eq!(copies(&entries(&two)), ["model", "ema"]);
        assert!(copies(&entries(&["encoder.layers.0.w", "decoder.layers.0.w"])).is_empty());
        assert!(copies(&entries(&["a.layers.0.w", "b.layers.1.w"])).is_empty());
        assert!(copies(&entries(&["h.0.w", "lm_head.weight"])).is_empty());
    }
}
