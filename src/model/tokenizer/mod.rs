//! From a prompt to token ids, and from ids to what a reader sees.
//!
//! Reads tokenizer.json, vocab.json with merges.txt (byte-level BPE, as GPT-2), or vocab.txt (WordPiece, as BERT). Labels need the spelling
//! alone; a prompt needs an [`Encode`], which natively is the crate `omega_tokenizer` and in the page a program that is fetched for it.

mod files;
mod vocabulary;

use std::borrow::Cow;

use serde_json::Value;

use super::Architecture;
use crate::checkpoint::Checkpoint;
use vocabulary::Vocabulary;

/// What cuts a prompt into tokens.
pub trait Encode {
    /// The ids of `prompt`; with `special`, with what the tokenizer puts around every prompt.
    ///
    /// # Errors
    /// In words, e.g. for a word-level vocabulary that has no token for unknown words.
    fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, String>;
}

/// An [`Encode`] that a tokenizer keeps. Threads of the command line share one; a browser's objects belong to their worker.
#[cfg(not(target_arch = "wasm32"))]
pub type Encoder = Box<dyn Encode + Send + Sync>;
/// An [`Encode`] that a tokenizer keeps.
#[cfg(target_arch = "wasm32")]
pub type Encoder = Box<dyn Encode>;

/// The text of a tokenizer.json, which is what an [`Encode`] is made of.
pub struct TokenizerJson<'a> {
    /// The vocabulary file that it was made from.
    pub file: &'static str,
    /// The JSON.
    pub text: Cow<'a, [u8]>,
}

#[cfg(all(feature = "tokenizer", not(target_arch = "wasm32")))]
impl Encode for omega_tokenizer::Encoder {
    fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, String> {
        omega_tokenizer::Encoder::encode(self, prompt, special)
    }
}

/// What this program itself reads prompts with.
///
/// # Errors
/// In words, for text that is no tokenizer.json, and in a build that reads no prompts.
pub fn encoder(json: &[u8]) -> Result<Encoder, String> {
    #[cfg(all(feature = "tokenizer", not(target_arch = "wasm32")))]
    return Ok(Box::new(omega_tokenizer::Encoder::parse(json)?));
    #[cfg(not(all(feature = "tokenizer", not(target_arch = "wasm32"))))]
    Err(format!("this build reads no prompts in words ({} bytes)", json.len()))
}

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
    /// What reads prompts is a program of its own, and it did not come.
    #[error("what reads prompts in words could not be fetched ({reason})")]
    NotFetched {
        /// What the browser said.
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

/// A tokenizer that came with a checkpoint.
pub struct Tokenizer {
    vocabulary: Vocabulary,
    encoder: Option<Encoder>,
    start: Start,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokenizer({:?}, {:?})", self.vocabulary, self.start)
    }
}

impl Tokenizer {
    /// The tokenizer among the files of a checkpoint; `None` if there is none, or without the feature `tokenizer`.
    ///
    /// # Errors
    /// [`TokenizerError::Half`] or [`TokenizerError::File`] if the files are there and cannot be used.
    pub fn from_side_files(checkpoint: &Checkpoint) -> Result<Option<Self>, TokenizerError> {
        if !cfg!(feature = "tokenizer") {
            return Ok(None);
        }
        let Some(json) = Self::json(checkpoint)? else { return Ok(None) };
        let refused = |reason| TokenizerError::File { file: json.file, reason };
        let encoder = encoder(&json.text).map_err(refused)?;
        let mut tokenizer = Self::spelling(&json)?;
        tokenizer.read_with(encoder, checkpoint);
        Ok(Some(tokenizer))
    }

    /// The tokenizer.json among the files of a checkpoint, or what older vocabulary files are as one.
    ///
    /// # Errors
    /// As [`Tokenizer::from_side_files`].
    pub fn json(checkpoint: &Checkpoint) -> Result<Option<TokenizerJson<'_>>, TokenizerError> {
        files::tokenizer_json(checkpoint)
    }

    /// A tokenizer that gives labels and reads no prompts yet.
    ///
    /// # Errors
    /// [`TokenizerError::File`].
    pub fn spelling(json: &TokenizerJson<'_>) -> Result<Self, TokenizerError> {
        let refused = |reason| TokenizerError::File { file: json.file, reason };
        let vocabulary = Vocabulary::parse(&json.text).map_err(refused)?;
        Ok(Self { vocabulary, encoder: None, start: Start::Nothing })
    }

    /// From now on prompts are read, by `encoder`.
    pub fn read_with(&mut self, encoder: Encoder, checkpoint: &Checkpoint) {
        let named = |id: u32| Some(Start::Bos { id, token: self.vocabulary.token(id)?.to_owned() });
        let start = self
            .around(encoder.as_ref())
            .or_else(|| named(bos(checkpoint, &self.vocabulary)?))
            .unwrap_or(Start::Nothing);
        (self.start, self.encoder) = (start, Some(encoder));
    }

    /// Whether prompts in words are read: otherwise it gives labels alone.
    pub fn reads(&self) -> bool {
        self.encoder.is_some()
    }

    /// What the tokenizer's post-processor puts around a prompt, found by trying.
    fn around(&self, encoder: &dyn Encode) -> Option<Start> {
        let (bare, whole) = (encoder.encode("a", false).ok()?, encoder.encode("a", true).ok()?);
        let at = (0..=whole.len().checked_sub(bare.len())?)
            .find(|&at| whole[at..].starts_with(&bare))?;
        let (before, after) = (whole[..at].to_vec(), whole[at + bare.len()..].to_vec());
        match (before.as_slice(), after.as_slice()) {
            ([], []) => None,
            ([id], []) => {
                Some(Start::Bos { id: *id, token: self.vocabulary.token(*id)?.to_owned() })
            }
            _ => Some(Start::Frame { before, after }),
        }
    }

    /// A vocabulary among the files that is not read, and what to do about it: a sentence, where there is no other.
    pub fn unread(checkpoint: &Checkpoint) -> Option<String> {
        files::unread(checkpoint)
    }

    /// The ids of a prompt. With `bos`, what [`Tokenizer::start`] names is put around it; special tokens that are spelt
    /// out in the prompt are recognised either way.
    ///
    /// # Errors
    /// [`TokenizerError::Prompt`], e.g. for a word-level vocabulary that has no token for unknown words.
    pub fn encode(&self, prompt: &str, bos: bool) -> Result<Vec<u32>, TokenizerError> {
        let refused = |reason| TokenizerError::Prompt { reason };
        let encoder = self.encoder.as_ref();
        let encoder = encoder.ok_or_else(|| refused("it gives labels alone".to_owned()))?;
        let mut ids = encoder.encode(prompt, false).map_err(refused)?;
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
        self.vocabulary.label(id).unwrap_or_else(|| format!("[{id}]"))
    }

    /// Number of tokens, added ones included; a model's embedding can have more rows.
    pub fn n_tokens(&self) -> usize {
        self.vocabulary.len()
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

/// The beginning-of-sequence token that the files name; the end-of-sequence token where there is none, as in
/// TransformerLens.
fn bos(checkpoint: &Checkpoint, vocabulary: &Vocabulary) -> Option<u32> {
    let json = |file: &str| serde_json::from_slice::<Value>(checkpoint.side_file(file)?).ok();
    let named = [json("tokenizer_config.json"), json("special_tokens_map.json")];
    let config = json("config.json");
    let by_name = |key: &str| {
        named.iter().flatten().find_map(|file| {
            let token = file.get(key)?;
            vocabulary.id(token.get("content").unwrap_or(token).as_str()?)
        })
    };
    let by_id = |key: &str| {
        let id = config.as_ref()?.get(key)?;
        let id = u32::try_from(id.get(0).unwrap_or(id).as_u64()?).ok()?;
        vocabulary.token(id).map(|_| id)
    };
    let known = || {
        ["<|begin_of_text|>", "<bos>", "<s>", "<|endoftext|>"]
            .iter()
            .find_map(|token| vocabulary.id(token))
    };
    by_name("bos_token")
        .or_else(|| by_id("bos_token_id"))
        .or_else(known)
        .or_else(|| by_name("eos_token"))
        .or_else(|| by_id("eos_token_id"))
}
