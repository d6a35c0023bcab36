//! Layer 0, the reader of prompts: text to token ids, through Hugging Face's `tokenizers`, which no other part knows.
//!
//! A crate of its own, and in the page a program of its own (`program.rs`): everything else needs only the spelling of tokens, which
//! `model::tokenizer` reads from the same file, and 0.6 MB are not fetched before a prompt in words comes.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test says by panicking what is wrong"
    )
)]

mod charsmap;

use serde::Deserialize;
use serde_json::Value;

/// The part of a tokenizer.json that is checked before the crate sees it; the rest is only checked to be JSON.
#[derive(Deserialize)]
struct Parts {
    #[serde(rename = "decoder")]
    _decoder: Option<Value>,
    normalizer: Option<Value>,
}

/// A tokenizer of the `tokenizers` crate, without padding and truncation.
pub struct Encoder(tokenizers::Tokenizer);

/// Checks every table of rewritten characters in a normaliser, which may be a sequence of others.
fn check_tables(normalizer: Option<&Value>) -> Result<(), String> {
    let Some(normalizer) = normalizer else { return Ok(()) };
    let table = normalizer.get("precompiled_charsmap");
    // The crate panics where there is none.
    if normalizer.get("type").is_some_and(|kind| kind == "Precompiled")
        && !table.is_some_and(Value::is_string)
    {
        return Err("its normaliser Precompiled has no table".to_owned());
    }
    if let Some(table) = table.and_then(Value::as_str) {
        charsmap::check(&base64::decode(table).map_err(|error| error.to_string())?)?;
    }
    let nested = normalizer.get("normalizers").and_then(Value::as_array);
    nested.into_iter().flatten().try_for_each(|one| check_tables(Some(one)))
}

/// A panic of the crate costs words, not the program. In a browser it ends this program, and the worker that asked it goes without.
fn contained<T>(what: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let failed = |_| Err("the library that reads it broke off".to_owned());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(what)).unwrap_or_else(failed)
}

impl Encoder {
    /// Reads the text of a tokenizer.json.
    ///
    /// # Errors
    /// In words, for text that is none, or whose tables lead outside themselves.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        // The crate panics on a syntax error inside the decoder, so that part is read once before.
        let parts: Parts = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        check_tables(parts.normalizer.as_ref())?;
        let read = || tokenizers::Tokenizer::from_bytes(json).map_err(|error| error.to_string());
        let mut inner = contained(read)?;
        // Some files pad every prompt to 128 tokens, or cut it there.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| error.to_string())?;
        Ok(Self(inner))
    }

    /// The ids of `prompt`; with `special`, with what the post-processor adds.
    ///
    /// # Errors
    /// What the crate says, e.g. for a word-level vocabulary that has no token for unknown words.
    pub fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, String> {
        let encoded = || self.0.encode_fast(prompt, special).map_err(|error| error.to_string());
        Ok(contained(encoded)?.get_ids().to_vec())
    }
}
