//! How a tokenizer.json spells its tokens: all that a label needs, without what cuts a prompt into them.

use std::collections::HashMap;
use std::fmt;

use crate::math::order::sort;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// How token strings are spelt in the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// GPT-2's printable stand-ins for bytes: `Ġthe` is " the".
    Bytes,
    /// SentencePiece: `▁the` is " the", `<0x0A>` is a byte.
    Pieces,
    /// As they are: words, WordPiece.
    Plain,
}

/// The tokens of a tokenizer, by id.
pub(super) struct Vocabulary {
    /// Id, where its text begins, whether it was added to the vocabulary; in order of ids.
    tokens: Vec<(u32, usize, bool)>,
    /// The texts, one after another.
    texts: String,
    spelling: Spelling,
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens, {:?}", self.len(), self.spelling)
    }
}

/// The parts of a tokenizer.json that spell.
#[derive(Deserialize)]
struct Json {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    decoder: Option<Value>,
    model: ModelJson,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct ModelJson {
    vocab: Entries,
}

/// `{token: id}`, or SentencePiece's `[[token, score]…]`, whose ids are places.
struct Entries(HashMap<String, u32>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = HashMap::new();
                while let Some((token, id)) = map.next_entry()? {
                    entries.insert(token, id);
                }
                Ok(Entries(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Entries, A::Error> {
                let mut entries = HashMap::new();
                let mut place = 0;
                while let Some((token, IgnoredAny)) = seq.next_element::<(String, IgnoredAny)>()? {
                    entries.insert(token, place);
                    place += 1;
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Vocabulary {
    /// Reads the text of a tokenizer.json.
    ///
    /// # Errors
    /// In words, for text that is none.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let json: Json = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let parts = [json.normalizer, json.pre_tokenizer, json.decoder];
        let spelling = spelling(&parts.map(|part| part.unwrap_or_default().to_string()).concat());
        let Entries(vocab) = json.model.vocab;
        // A token that the vocabulary has already keeps its id there; of two tokens of one id the added one is meant.
        let added = json.added_tokens.into_iter().map(|Added { id, content }| {
            let id = vocab.get(&content).copied().unwrap_or(id);
            (id, false, content)
        });
        let mut all: Vec<(u32, bool, String)> = added.collect();
        all.extend(vocab.into_iter().map(|(token, id)| (id, true, token)));
        sort(&mut all);
        all.dedup_by_key(|(id, ..)| *id);
        let mut texts = String::with_capacity(all.iter().map(|(.., text)| text.len()).sum());
        let mut tokens = Vec::with_capacity(all.len());
        for (id, of_vocabulary, text) in all {
            tokens.push((id, texts.len(), !of_vocabulary));
            texts.push_str(&text);
        }
        Ok(Self { tokens, texts, spelling })
    }

    /// Number of tokens, added ones included.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token of an id as the file spells it, and whether it was added to the vocabulary, which makes its spelling literal.
    fn entry(&self, id: u32) -> Option<(&str, bool)> {
        let at = self.tokens.binary_search_by_key(&id, |(id, ..)| *id).ok()?;
        let (_, start, added) = *self.tokens.get(at)?;
        let end = self.tokens.get(at + 1).map_or(self.texts.len(), |(_, start, _)| *start);
        Some((self.texts.get(start..end)?, added))
    }

    /// The token of an id, as the file spells it.
    pub(super) fn token(&self, id: u32) -> Option<&str> {
        self.entry(id).map(|(token, _)| token)
    }

    /// The id of a token, as the file spells it.
    pub(super) fn id(&self, token: &str) -> Option<u32> {
        self.tokens.iter().map(|(id, ..)| *id).find(|id| self.token(*id) == Some(token))
    }

    /// What a reader sees of a token; `None` of an id without one.
    pub(super) fn label(&self, id: u32) -> Option<String> {
        let (token, added) = self.entry(id)?;
        Some(match self.spelling {
            _ if added => token.to_owned(),
            Spelling::Bytes => match token.chars().map(byte_of).collect::<Option<Vec<u8>>>() {
                Some(bytes) => readable(&bytes),
                None => token.to_owned(),
            },
            Spelling::Pieces => match piece_byte(token) {
                Some(byte) => readable(&[byte]),
                None => token.replace('\u{2581}', " "),
            },
            Spelling::Plain => token.to_owned(),
        })
    }
}

/// How the vocabulary is spelt, judged by the tokenizer's own decoder and pre-tokenizer.
fn spelling(pipeline: &str) -> Spelling {
    if pipeline.contains("ByteLevel") {
        Spelling::Bytes
    } else if pipeline.contains("Metaspace") || pipeline.contains('\u{2581}') {
        Spelling::Pieces
    } else {
        Spelling::Plain
    }
}

/// The byte that GPT-2's vocabulary writes as `c`: printable ones stand for themselves, the other 68 for U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ (0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF) => u8::try_from(code).ok(),
        code @ 0x100..=0x120 => u8::try_from(code - 0x100).ok(),
        code @ 0x121..=0x142 => u8::try_from(code - 0x121 + 0x7F).ok(),
        0x143 => Some(0xAD),
        _ => None,
    }
}

/// The byte of SentencePiece's `<0x0A>`.
fn piece_byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}

/// Text where the bytes are text, `\xe2` where they are not.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_exactly_one_stand_in() {
        let mut seen = [false; 256];
        for byte in ('\u{21}'..='\u{143}').filter_map(byte_of) {
            assert!(!std::mem::replace(&mut seen[usize::from(byte)], true), "{byte}");
        }
        assert!(seen.iter().all(|&seen| seen));
        assert_eq!((byte_of('Ġ'), byte_of('Ċ')), (Some(b' '), Some(b'\n')));
    }

    #[test]
    fn half_a_character_is_shown_as_its_bytes() {
        assert_eq!(readable("é".as_bytes()), "é");
        assert_eq!(readable(&[b' ', 0xE2, 0x80]), " \\xe2\\x80");
    }

    #[test]
    fn added_tokens_lead_and_keep_the_ids_that_the_vocabulary_gives_them() {
        let json = br#"{"added_tokens": [{"id": 9, "content": "a"}, {"id": 1, "content": "<s>"}, {"id": 4000000000, "content": "far"}],
            "model": {"vocab": {"a": 0, "b": 1, "c": 2}}}"#;
        let read = Vocabulary::parse(json).unwrap();
        let tokens = [0, 1, 2, 9, 4_000_000_000].map(|id| read.token(id));
        assert_eq!(tokens, [Some("a"), Some("<s>"), Some("c"), None, Some("far")]);
        assert_eq!((read.id("<s>"), read.id("b"), read.len()), (Some(1), None, 4));
    }

    #[test]
    fn pieces_are_numbered_by_place_and_spelt_with_spaces() {
        let json = "{\"decoder\": {\"type\": \"Metaspace\"}, \"model\": {\"vocab\": [[\"<unk>\", 0.0], [\"▁the\", -1.5], [\"<0x0A>\", -2]]}}";
        let read = Vocabulary::parse(json.as_bytes()).unwrap();
        assert_eq!([1, 2].map(|id| read.label(id)), [Some(" the".into()), Some("\n".into())]);
    }
}
