//! What a model made of a prompt: the tokens, patches or frames that look and are looked at.

use serde::{Deserialize, Serialize};

use crate::model::architecture::StackKind;
use crate::model::tokenizer::Tokenizer;

/// A prompt as the model sees it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ran {
    /// The ids.
    pub ids: Vec<u32>,
    /// The tokens as text.
    pub tokens: Vec<String>,
    /// Whether the beginning-of-sequence token is in front.
    pub bos: bool,
    /// The ids that the decoder read beside an encoder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoder_ids: Vec<u32>,
    /// The same as text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoder: Vec<String>,
    /// The file that was read, too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub given: String,
    /// What the positions of an image or of sound are called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// What changes a score after the bilinear part, named: soft-cap, ALiBi, window, query-key norm, rotation.
    pub named: Vec<String>,
}

impl Ran {
    /// The tokens that look and those that are looked at in a stack.
    pub fn sides(&self, stack: StackKind) -> [&[String]; 2] {
        match stack {
            StackKind::Decoder if !self.decoder.is_empty() => [&self.decoder, &self.decoder],
            StackKind::Cross => [&self.decoder, self.read_by(stack)],
            _ => [self.read_by(stack), self.read_by(stack)],
        }
    }

    /// What is no decoder's own: an image or sound, where there is one, but for the side that reads words.
    fn read_by(&self, stack: StackKind) -> &[String] {
        if self.places.is_empty() || stack == StackKind::Text { &self.tokens } else { &self.places }
    }

    /// The ids of a stack's own tokens; `None` where the two sides are two prompts, or what is read has no ids.
    pub fn own_ids(&self, stack: StackKind) -> Option<&[u32]> {
        match stack {
            StackKind::Decoder if !self.decoder.is_empty() => Some(&self.decoder_ids),
            StackKind::Cross => None,
            _ => Some(self.ids.as_slice())
                .filter(|ids| self.given.is_empty() || ids.len() == self.read_by(stack).len()),
        }
    }
}

/// A token as the reader sees it; `#id` without a tokenizer.
pub fn label(tokenizer: Option<&Tokenizer>, id: u32) -> String {
    tokenizer.map_or_else(|| format!("#{id}"), |tokenizer| tokenizer.label(id))
}

/// The tokens of `ids` as the reader sees them.
pub(super) fn labels(tokenizer: Option<&Tokenizer>, ids: &[u32]) -> Vec<String> {
    ids.iter().map(|&id| label(tokenizer, id)).collect()
}
