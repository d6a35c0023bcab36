//! The one place that knows the `tokenizers` crate, and what stands in for it without the feature.

pub(super) use backend::Backend;

#[cfg(feature = "tokenizer")]
mod backend {
    use std::collections::HashSet;

    use serde::Deserialize;
    use serde_json::Value;

    use crate::model::charsmap;

    /// The part of a tokenizer.json that is checked before the crate sees it; the rest is only checked to be JSON.
    #[derive(Deserialize)]
    struct Parts {
        #[serde(rename = "decoder")]
        _decoder: Option<Value>,
        normalizer: Option<Value>,
    }

    /// A tokenizer of the `tokenizers` crate, without padding and truncation.
    pub(crate) struct Backend {
        inner: tokenizers::Tokenizer,
        added: HashSet<u32>,
    }

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

    /// A panic of the crate costs words, not the program. In a browser it ends the worker, whose successor goes without.
    fn contained<T>(what: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        let failed = |_| Err("the library that reads it broke off".to_owned());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(what)).unwrap_or_else(failed)
    }

    impl Backend {
        /// Reads the text of a tokenizer.json.
        pub(crate) fn parse(json: &[u8]) -> Result<Backend, String> {
            // The crate panics on a syntax error inside the decoder, so that part is read once before.
            let parts: Parts = serde_json::from_slice(json).map_err(|error| error.to_string())?;
            check_tables(parts.normalizer.as_ref())?;
            let read =
                || tokenizers::Tokenizer::from_bytes(json).map_err(|error| error.to_string());
            let mut inner = contained(read)?;
            // Some files pad every prompt to 128 tokens, or cut it there.
            inner.with_padding(None);
            inner.with_truncation(None).map_err(|error| error.to_string())?;
            let added = inner.get_added_tokens_decoder().keys().copied().collect();
            Ok(Backend { inner, added })
        }

        /// The ids of `prompt`; with `special`, with what the post-processor adds.
        pub(crate) fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, String> {
            let encoded =
                || self.inner.encode_fast(prompt, special).map_err(|error| error.to_string());
            Ok(contained(encoded)?.get_ids().to_vec())
        }

        /// The token of an id, as the vocabulary spells it.
        pub(crate) fn token(&self, id: u32) -> Option<String> {
            self.inner.id_to_token(id)
        }

        /// The id of a token, as the vocabulary spells it.
        pub(crate) fn id(&self, token: &str) -> Option<u32> {
            self.inner.token_to_id(token)
        }

        /// Whether the token was added to the vocabulary, which makes its spelling literal.
        pub(crate) fn is_added(&self, id: u32) -> bool {
            self.added.contains(&id)
        }

        /// Number of tokens, added ones included.
        pub(crate) fn n_tokens(&self) -> usize {
            self.inner.get_vocab_size(true)
        }

        /// Normaliser, pre-tokenizer and decoder as JSON: where a vocabulary's spelling can be read off.
        pub(crate) fn pipeline(&self) -> String {
            let parts = [
                serde_json::to_string(&self.inner.get_normalizer()),
                serde_json::to_string(&self.inner.get_pre_tokenizer()),
                serde_json::to_string(&self.inner.get_decoder()),
            ];
            parts.into_iter().flatten().collect()
        }
    }
}

#[cfg(not(feature = "tokenizer"))]
mod backend {
    /// Never made: without the feature there is no tokenizer.
    pub(crate) enum Backend {}

    impl Backend {
        pub(crate) fn parse(_json: &[u8]) -> Result<Backend, String> {
            Err("this build has no tokenizer".to_owned())
        }

        pub(crate) fn encode(&self, _prompt: &str, _special: bool) -> Result<Vec<u32>, String> {
            match *self {}
        }

        pub(crate) fn token(&self, _id: u32) -> Option<String> {
            match *self {}
        }

        pub(crate) fn id(&self, _token: &str) -> Option<u32> {
            match *self {}
        }

        pub(crate) fn is_added(&self, _id: u32) -> bool {
            match *self {}
        }

        pub(crate) fn n_tokens(&self) -> usize {
            match *self {}
        }

        pub(crate) fn pipeline(&self) -> String {
            match *self {}
        }
    }
}
