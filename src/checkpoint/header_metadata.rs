//! The `__metadata__` of a header: pairs of texts, of which only short ones are kept.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Pairs kept; tied tensors and a handful of words for people are all that real files have.
const MOST_PAIRS: usize = 4096;
/// Bytes of a key or a value that is kept: the length of the longest tensor names.
const LONGEST: usize = 512;

/// The pairs under `__metadata__`. Whatever else stands there is passed over without being held in memory.
#[derive(Debug, Default)]
pub(super) struct Metadata(pub(super) BTreeMap<String, String>);

/// A text, if it is one and short.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Metadata, D::Error> {
        deserializer.deserialize_any(MetadataVisitor)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// What both visitors do with values that they do not want.
macro_rules! passed_over {
    ($none:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok($none)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok($none)
        }
    };
}

struct MetadataVisitor;
impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;
    passed_over!(Metadata::default());
    fn visit_str<E: Error>(self, _: &str) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut pairs = BTreeMap::new();
        while let Some(key) = map.next_key::<Text>()? {
            let value = map.next_value::<Text>()?;
            if let (Some(key), Some(value), true) = (key.0, value.0, pairs.len() < MOST_PAIRS) {
                pairs.insert(key, value);
            }
        }
        Ok(Metadata(pairs))
    }
}

struct TextVisitor;
impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;
    passed_over!(Text(None));
    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text((text.len() <= LONGEST).then(|| text.to_owned())))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_texts_are_kept() {
        let long = "x".repeat(LONGEST + 1);
        let json = format!(
            r#"{{"format": "pt", "n": 1, "l": [{{"a": 1}}], "m": {{"a": null}}, "long": "{long}"}}"#
        );
        let kept: Metadata = serde_json::from_str(&json).unwrap();
        assert_eq!(kept.0, [("format".to_owned(), "pt".to_owned())].into());
        for odd in ["1", "null", "\"text\"", "[1, 2]", "true", "-1", "1.5"] {
            assert!(serde_json::from_str::<Metadata>(odd).unwrap().0.is_empty(), "{odd}");
        }
    }
}
