//! The tokenizer beside the open model: how tokens are spelt, once a label is wanted, and what reads prompts, once one comes.

use std::future::Future;
use std::pin::Pin;

use super::Engine;
use crate::model::tokenizer::{Encoder, Tokenizer, TokenizerError, encoder};
use crate::protocol::Failure;

/// Why there is nothing that reads prompts, in words.
pub enum NoEncoder {
    /// The tokenizer.json cannot be used.
    Refused(String),
    /// The program that reads it did not come; the next prompt may ask again.
    NotFetched(String),
}

/// Makes what reads prompts from the text of a tokenizer.json.
pub type MakeEncoder = fn(Vec<u8>) -> Pin<Box<dyn Future<Output = Result<Encoder, NoEncoder>>>>;

/// What is known of the words of one model. A tokenizer that cannot be used costs them, not the model: tokens are numbers then, or prompts
/// are asked for as numbers.
#[derive(Default)]
pub(super) struct Words {
    /// `None`: the program itself reads prompts, if anybody does.
    make: Option<MakeEncoder>,
    spelling_asked: bool,
    reading_asked: bool,
    tokenizer: Option<Tokenizer>,
    unusable: Option<TokenizerError>,
}

impl Words {
    /// Nothing known yet, and prompts read by what `make` makes.
    pub(super) fn read_by(make: MakeEncoder) -> Self {
        Self { make: Some(make), ..Self::default() }
    }

    /// Nothing known yet, of a model beside this one or after it.
    pub(super) fn of_another_model(&self) -> Self {
        Self { make: self.make, ..Self::default() }
    }

    /// What gives labels, and reads prompts if that was asked for; `None` where there is nothing usable.
    pub(super) fn tokenizer(&self) -> Option<&Tokenizer> {
        self.tokenizer.as_ref()
    }

    /// Why it cannot be used.
    pub(super) fn unusable(&self) -> Option<&TokenizerError> {
        self.unusable.as_ref()
    }
}

impl Engine {
    /// Reads how the tokens of the model are spelt, once; there may be no tokenizer.
    pub(super) fn load_spelling(&mut self) -> Result<(), Failure> {
        if self.words.spelling_asked {
            return Ok(());
        }
        self.words.spelling_asked = true;
        let json = Tokenizer::json(&self.model()?.checkpoint);
        let read = json.and_then(|json| json.as_ref().map(Tokenizer::spelling).transpose());
        match read {
            Ok(tokenizer) => self.words.tokenizer = tokenizer,
            Err(error) => self.words.unusable = Some(error),
        }
        Ok(())
    }

    /// Gets ready to read the tokens of an answer where the reader named one: words, whatever the prompt is given as.
    pub(super) async fn load_for_answer(
        &mut self,
        named: [Option<&String>; 2],
    ) -> Result<(), Failure> {
        if named.iter().any(Option::is_some) {
            self.load_tokenizer().await?;
        }
        Ok(())
    }

    /// Gets ready to read prompts in words, once.
    pub(super) async fn load_tokenizer(&mut self) -> Result<(), Failure> {
        self.load_spelling()?;
        if self.words.reading_asked || self.words.tokenizer.is_none() {
            return Ok(());
        }
        let checkpoint =
            &self.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?.checkpoint;
        let Some(json) = Tokenizer::json(checkpoint).ok().flatten() else { return Ok(()) };
        let made = match self.words.make {
            Some(make) => make(json.text.to_vec()).await,
            None => encoder(&json.text).map_err(NoEncoder::Refused),
        };
        self.words.reading_asked = !matches!(made, Err(NoEncoder::NotFetched(_)));
        self.words.unusable = match made {
            Ok(encoder) => {
                if let Some(words) = &mut self.words.tokenizer {
                    words.read_with(encoder, checkpoint);
                }
                None
            }
            Err(NoEncoder::Refused(reason)) => {
                Some(TokenizerError::File { file: json.file, reason })
            }
            Err(NoEncoder::NotFetched(reason)) => Some(TokenizerError::NotFetched { reason }),
        };
        Ok(())
    }
}
