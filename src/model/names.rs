//! The tensor names of a checkpoint, and how a family finds its own among them.
//!
//! A base model saved alone lacks the `transformer.` or `model.` in front, a multimodal one has more in front, so a family
//! matches suffixes: what stands before the layers is the prefix.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::math::order::set_of;

/// Names and shapes of a checkpoint's tensors.
#[derive(Debug, Clone, Default)]
pub struct Names {
    shapes: BTreeMap<String, Vec<usize>>,
    /// The first layer that has a path, by prefix and path: found once, asked for by every layer.
    first_layers: RefCell<BTreeMap<String, Option<usize>>>,
}

impl Names {
    /// From `(name, shape)` pairs.
    pub fn new<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Self {
        Self {
            shapes: tensors
                .into_iter()
                .map(|(name, shape)| (name.to_owned(), shape.to_vec()))
                .collect(),
            first_layers: RefCell::default(),
        }
    }

    /// The shape of a tensor, by its whole name.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shapes.get(name).map(Vec::as_slice)
    }

    /// The whole name of a tensor outside the layers: with the prefix, or bare, or the only one that ends in `.path`.
    pub fn find(&self, prefix: &str, path: &str) -> Option<String> {
        let with_prefix = format!("{prefix}{path}");
        if self.shapes.contains_key(&with_prefix) {
            return Some(with_prefix);
        }
        if self.shapes.contains_key(path) {
            return Some(path.to_owned());
        }
        let mut ending = self.shapes.keys().filter(|name| {
            name.strip_suffix(path).is_some_and(|front| front.ends_with('.'))
                && !name.contains("vision")
        });
        match (ending.next(), ending.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    /// True if some tensor is called `path`, or ends in `.path`.
    pub fn any(&self, path: &str) -> bool {
        self.shapes
            .keys()
            .any(|name| name.strip_suffix(path).is_some_and(|f| f.is_empty() || f.ends_with('.')))
    }

    /// All prefixes under which `template` (with `{l}` for the layer) is found, each with its layers.
    pub fn layers(&self, template: &str) -> BTreeMap<String, BTreeSet<usize>> {
        let mut found: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let Some((front, back)) = template.split_once("{l}") else { return found };
        for name in self.shapes.keys() {
            let Some(rest) = name.strip_suffix(back) else { continue };
            let digits = rest.len() - rest.bytes().rev().take_while(u8::is_ascii_digit).count();
            let (Some(prefix), Ok(layer)) =
                (rest[..digits].strip_suffix(front), rest[digits..].parse())
            else {
                continue;
            };
            if prefix.is_empty() || prefix.ends_with('.') {
                found.entry(prefix.to_owned()).or_default().insert(layer);
            }
        }
        found
    }

    /// The numbers of all layers that have any tensor under `prefix`; `layer` is a layer's path with `{l}`.
    pub fn numbers(&self, prefix: &str, layer: &str) -> BTreeSet<usize> {
        let Some((front, back)) = layer.split_once("{l}") else { return BTreeSet::new() };
        let start = format!("{prefix}{front}");
        let below = self.shapes.keys().filter_map(|name| name.strip_prefix(&start));
        set_of(below.filter_map(|rest| rest.split_once(back)?.0.parse().ok()))
    }

    /// True if `template` is found under some prefix.
    pub fn any_layer(&self, template: &str) -> bool {
        !self.layers(template).is_empty()
    }

    /// The shape of `template` in the first layer that has it under `prefix`.
    pub fn layer_shape(&self, prefix: &str, template: &str) -> Option<&[usize]> {
        let first = || self.layers(template).get(prefix)?.first().copied();
        let mut known = self.first_layers.borrow_mut();
        let layer = (*known.entry(format!("{prefix}{template}")).or_insert_with(first))?;
        self.shape(&format!("{prefix}{}", in_layer(template, layer)))
    }
}

/// `template` with `{l}` replaced by the layer.
pub(super) fn in_layer(template: &str, layer: usize) -> String {
    template.replacen("{l}", &layer.to_string(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Names {
        Names::new(list.iter().map(|&name| (name, &[2usize, 3][..])))
    }

    #[test]
    fn layers_are_found_under_every_prefix() {
        let n = names(&[
            "h.0.attn.c_attn.weight",
            "h.11.attn.c_attn.weight",
            "transformer.h.0.attn.c_attn.weight",
        ]);
        let found = n.layers("h.{l}.attn.c_attn.weight");
        assert_eq!(found[""].iter().copied().collect::<Vec<_>>(), [0, 11]);
        assert_eq!(found["transformer."].len(), 1);
        assert!(n.layers("layers.{l}.attn").is_empty());
    }

    #[test]
    fn a_longer_word_is_not_a_prefix() {
        let n = names(&["branch.0.attn.weight", "decoder_layers.3.fc1.weight"]);
        assert!(n.layers("h.{l}.attn.weight").is_empty());
        assert!(n.layers("layers.{l}.fc1.weight").is_empty());
    }

    #[test]
    fn names_outside_the_layers_are_found_with_and_without_a_prefix() {
        let n = names(&["model.language_model.embed_tokens.weight", "lm_head.weight"]);
        assert_eq!(
            n.find("model.language_model.", "lm_head.weight").as_deref(),
            Some("lm_head.weight")
        );
        assert_eq!(
            n.find("", "embed_tokens.weight").as_deref(),
            Some("model.language_model.embed_tokens.weight")
        );
        assert_eq!(n.find("", "tokens.weight"), None);
    }

    #[test]
    fn a_layer_number_too_large_for_a_machine_word_is_passed_over() {
        assert!(names(&["h.99999999999999999999999.w"]).layers("h.{l}.w").is_empty());
    }
}
