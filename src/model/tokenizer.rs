//! From a prompt to token ids, and from ids to what a reader sees.
//!
//! Reads tokenizer.json, vocab.json with merges.txt (byte-level BPE, as GPT-2), or vocab.txt (WordPiece, as BERT), through
//! Hugging Face's `tokenizers` crate. Without the feature `tokenizer` there is never a tokenizer, and the page works with ids.

use serde_json::Value;

use super::Architecture;
use super::tokenizer_backend::Backend;
use super::tokenizer_files;
use crate::checkpoint::Checkpoint;

/// Why a tokenizer cannot be used. The model still can, with ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// One half of a BPE vocabulary.
    #[error("{found} needs {missing} beside it: load both, or tokenizer.json")]
    Half {
        /// The file that is there.
        found: &'static str,
        /// The file that is not.
        missing: &'static str,
    },
    /// A file that is not what its name says.
    #[error("{file} cannot be read: {reason}")]
    File {
        /// The file.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A prompt that the tokenizer does not take.
    #[error("the tokenizer does not take this prompt: {reason}")]
    Prompt {
        /// What the tokenizer said.
        reason: String,
    },
}

/// What a tokenizer can put around a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing: it has no beginning-of-sequence token.
    Nothing,
    /// One token in front.
    Bos {
        /// Its id.
        id: u32,
        /// Its text, e.g. `"<|endoftext|>"`.
        token: String,
    },
    /// Tokens in front and behind: BERT's `[CLS]` and `[SEP]`, RoBERTa's `<s>` and `</s>`.
    Frame {
        /// What stands in front.
        before: Vec<u32>,
        /// What stands behind.
        after: Vec<u32>,
    },
}

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

/// A tokenizer that came with a checkpoint.
pub struct Tokenizer {
    backend: Backend,
    spelling: Spelling,
    start: Start,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer({} tokens, {:?}, {:?})", self.n_tokens(), self.spelling, self.start)
    }
}

impl Tokenizer {
    /// The tokenizer among the files of a checkpoint; `None` if there is none, or without the feature `tokenizer`.
    ///
    /// # Errors
    /// [`TokenizerError::Half`] or [`TokenizerError::File`] if the files are there and cannot be used.
    pub fn from_side_files(checkpoint: &Checkpoint) -> Result<Option<Tokenizer>, TokenizerError> {
        if !cfg!(feature = "tokenizer") {
            return Ok(None);
        }
        let Some(found) = tokenizer_files::tokenizer_json(checkpoint)? else { return Ok(None) };
        let refused = |reason| TokenizerError::File { file: found.file, reason };
        let backend = Backend::parse(&found.text).map_err(refused)?;
        let spelling = spelling(&backend.pipeline());
        let named = |id: u32| Some(Start::Bos { id, token: backend.token(id)? });
        let start = around(&backend)
            .or_else(|| named(bos(checkpoint, &backend)?))
            .unwrap_or(Start::Nothing);
        Ok(Some(Tokenizer { backend, spelling, start }))
    }

    /// A vocabulary among the files that is not read, and what to do about it: a sentence, where there is no other.
    pub fn unread(checkpoint: &Checkpoint) -> Option<String> {
        tokenizer_files::unread(checkpoint)
    }

    /// The ids of a prompt. With `bos`, what [`Tokenizer::start`] names is put around it; special tokens that are spelt
    /// out in the prompt are recognised either way.
    ///
    /// # Errors
    /// [`TokenizerError::Prompt`], e.g. for a word-level vocabulary that has no token for unknown words.
    pub fn encode(&self, prompt: &str, bos: bool) -> Result<Vec<u32>, TokenizerError> {
        let mut ids = self
            .backend
            .encode(prompt, false)
            .map_err(|reason| TokenizerError::Prompt { reason })?;
        match &self.start {
            Start::Bos { id, .. } if bos => ids.insert(0, *id),
            Start::Frame { before, after } if bos => {
                ids.splice(0..0, before.iter().copied());
                ids.extend(after);
            }
            _ => {}
        }
        Ok(ids)
    }

    /// The id of `text` if the tokenizer makes exactly one token of it, as prompt sets need of names. The token must spell it:
    /// a word-level vocabulary answers with its unknown token.
    pub fn single(&self, text: &str) -> Option<u32> {
        let itself = |id: u32| self.label(id).trim().eq_ignore_ascii_case(text.trim());
        match self.encode(text, false).ok()?.as_slice() {
            [id] => Some(*id).filter(|id| itself(*id)),
            _ => None,
        }
    }

    /// What a reader sees of a token: leading space kept, bytes decoded (`Ġthe` is " the"), bytes that are no text on
    /// their own as `\xe2`. An id without a token is shown as `[id]`: many models pad their vocabulary.
    pub fn label(&self, id: u32) -> String {
        let Some(token) = self.backend.token(id) else { return format!("[{id}]") };
        match self.spelling {
            _ if self.backend.is_added(id) => token,
            Spelling::Bytes => match token.chars().map(byte_of).collect::<Option<Vec<u8>>>() {
                Some(bytes) => readable(&bytes),
                None => token,
            },
            Spelling::Pieces => match piece_byte(&token) {
                Some(byte) => readable(&[byte]),
                None => token.replace('\u{2581}', " "),
            },
            Spelling::Plain => token,
        }
    }

    /// Number of tokens, added ones included; a model's embedding can have more rows.
    pub fn n_tokens(&self) -> usize {
        self.backend.n_tokens()
    }

    /// What can be put around a prompt.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// Whether a prompt gets what [`Tokenizer::start`] names unless the reader says otherwise: TransformerLens's default for
    /// the family, where there is something to put.
    pub fn default_bos(&self, arch: &Architecture) -> bool {
        arch.prepend_bos && self.start != Start::Nothing
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

/// What the tokenizer's post-processor puts around a prompt, found by trying.
fn around(backend: &Backend) -> Option<Start> {
    let (bare, whole) = (backend.encode("a", false).ok()?, backend.encode("a", true).ok()?);
    let at =
        (0..=whole.len().checked_sub(bare.len())?).find(|&at| whole[at..].starts_with(&bare))?;
    let (before, after) = (whole[..at].to_vec(), whole[at + bare.len()..].to_vec());
    match (before.as_slice(), after.as_slice()) {
        ([], []) => None,
        ([id], []) => Some(Start::Bos { id: *id, token: backend.token(*id)? }),
        _ => Some(Start::Frame { before, after }),
    }
}

/// The beginning-of-sequence token that the files name; the end-of-sequence token where there is none, as in
/// TransformerLens.
fn bos(checkpoint: &Checkpoint, backend: &Backend) -> Option<u32> {
    let json = |file: &str| serde_json::from_slice::<Value>(checkpoint.side_file(file)?).ok();
    let named = [json("tokenizer_config.json"), json("special_tokens_map.json")];
    let config = json("config.json");
    let by_name = |key: &str| {
        named.iter().flatten().find_map(|file| {
            let token = file.get(key)?;
            backend.id(token.get("content").unwrap_or(token).as_str()?)
        })
    };
    let by_id = |key: &str| {
        let id = config.as_ref()?.get(key)?;
        let id = u32::try_from(id.get(0).unwrap_or(id).as_u64()?).ok()?;
        backend.token(id).map(|_| id)
    };
    let known = || {
        ["<|begin_of_text|>", "<bos>", "<s>", "<|endoftext|>"]
            .iter()
            .find_map(|token| backend.id(token))
    };
    by_name("bos_token")
        .or_else(|| by_id("bos_token_id"))
        .or_else(known)
        .or_else(|| by_name("eos_token"))
        .or_else(|| by_id("eos_token_id"))
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
}
