//! The arguments of every subcommand that reads a checkpoint as a transformer.

use super::{CliError, Files};
use crate::circuits::convention::Convention;
use crate::model::{Hints, Model, Weights};
use crate::study::lone_adapter::{AdapterDocument, lone_adapter};

/// The checkpoint, and what its files may not say.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    #[command(flatten)]
    files: Files,
    /// Head count, for files without config.json
    #[arg(long, value_name = "N")]
    n_heads: Option<usize>,
    /// Read the tensors as this family ("gpt2", "llama", …) whatever the config or the names say
    #[arg(long)]
    family: Option<String>,
}

impl ModelArgs {
    /// Opens the checkpoint and understands it.
    ///
    /// # Errors
    /// What opening says, or what [`Model::open`] says.
    pub fn open(&self) -> Result<Model, CliError> {
        let hints = Hints { n_heads: self.n_heads, family: self.family.clone() };
        Model::open(self.files.checkpoint()?, &hints).map_err(CliError::work)
    }

    /// What an adapter adds to each head, of an adapter without its base.
    ///
    /// # Errors
    /// What opening says, or what [`lone_adapter`] says.
    pub fn lone_adapter(&self) -> Result<AdapterDocument, CliError> {
        Ok(lone_adapter(&self.files.lone_adapter()?, self.n_heads)?)
    }

    /// The convention of `model`, called as the first of the paths that were given.
    pub fn convention(&self, model: &Model, weights: Weights) -> Convention {
        let convention = Convention::of(model, weights);
        let given = self.files.files.first().and_then(|path| path.file_name());
        match given {
            Some(name) => convention.named(name.to_string_lossy()),
            None => convention,
        }
    }
}
