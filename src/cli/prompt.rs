//! The arguments of every subcommand that runs one prompt.

use super::CliError;
use crate::model::tokenizer::{Tokenizer, TokenizerError};
use crate::study::prompt::Prompt;

/// The prompt, in ids or in words.
#[derive(Debug, Clone, clap::Args)]
pub struct PromptArgs {
    /// Token ids of the prompt, start token included
    #[arg(long, value_delimiter = ',', value_name = "ID,ID,…", group = "input")]
    ids: Vec<u32>,
    /// The prompt in words; needs a tokenizer among the files
    #[arg(long, value_name = "TEXT", group = "input")]
    prompt: Option<String>,
    /// Put the start token in front of words (on or off; the field's default for the family otherwise)
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    bos: Option<bool>,
}

impl PromptArgs {
    /// The prompt with its tokenizer; `None` if neither ids nor words were given.
    ///
    /// # Errors
    /// [`CliError::Usage`] for words without a tokenizer; what reading it says.
    pub fn prompt(
        &self,
        tokenizer: Result<Option<Tokenizer>, TokenizerError>,
    ) -> Result<Option<(Prompt, Option<Tokenizer>)>, CliError> {
        if let Some(text) = &self.prompt {
            let tokenizer = Some(needed(tokenizer.map_err(CliError::work)?)?);
            return Ok(Some((
                Prompt { text: text.clone(), bos: self.bos, ..Prompt::default() },
                tokenizer,
            )));
        }
        if self.ids.is_empty() {
            return Ok(None);
        }
        // Ids need no tokenizer: one that cannot be read only leaves them without words. They are all there is.
        Ok(Some((Prompt::of_ids(&self.ids), tokenizer.unwrap_or(None))))
    }

    /// The prompt with its tokenizer, of a subcommand that is about one.
    ///
    /// # Errors
    /// [`CliError::Usage`] if neither ids nor words were given; those of [`PromptArgs::prompt`].
    pub fn one(
        &self,
        tokenizer: Result<Option<Tokenizer>, TokenizerError>,
    ) -> Result<(Prompt, Option<Tokenizer>), CliError> {
        let none = || CliError::Usage("give --ids or --prompt".into());
        self.prompt(tokenizer)?.ok_or_else(none)
    }
}

fn needed(tokenizer: Option<Tokenizer>) -> Result<Tokenizer, CliError> {
    let missing =
        || CliError::Usage("there is no tokenizer among the files: give --ids instead".into());
    tokenizer.ok_or_else(missing)
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".into()),
    }
}
