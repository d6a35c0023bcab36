//! The arguments of every subcommand that reads a checkpoint as a transformer.

use super::{CliError, Files};
use crate::model::{Hints, Model};

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
}
