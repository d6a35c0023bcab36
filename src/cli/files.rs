//! The arguments that every subcommand has: which files, and how to print.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::{CliError, hub_cache};
use crate::checkpoint::Checkpoint;
use crate::checkpoint::adapter::LoneAdapter;

/// The checkpoint to read.
#[derive(Debug, Clone, clap::Args)]
pub struct Files {
    /// Checkpoint files (.safetensors, shards, index, config.json, tokenizer.json), folders that hold them, or a name of the
    /// Hugging Face hub (gpt2, org/name, org/name@revision, org/name/subfolder) that this machine's cache holds
    #[arg(required = true, value_name = "FILES")]
    pub files: Vec<PathBuf>,
    /// Which one to open where the files hold several models: a name that the refusal lists
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
}

impl Files {
    /// Opens the checkpoint.
    ///
    /// # Errors
    /// What [`Checkpoint::open_one_of_paths`] says, or that a name is not in the hub's cache.
    pub fn checkpoint(&self) -> Result<Checkpoint, CliError> {
        Ok(Checkpoint::open_one_of_paths(&self.found()?, self.model.as_deref())?)
    }

    /// Opens an adapter that is there without its base.
    ///
    /// # Errors
    /// What [`LoneAdapter::open_paths`] says, or that a name is not in the hub's cache.
    pub fn lone_adapter(&self) -> Result<LoneAdapter, CliError> {
        Ok(LoneAdapter::open_paths(&self.found()?)?)
    }

    /// The paths, those of the hub's names among them.
    fn found(&self) -> Result<Vec<PathBuf>, CliError> {
        let found = |path: &PathBuf| match hub_cache::folder() {
            Some(cache) => hub_cache::resolve(path, &cache),
            None => Ok(path.clone()),
        };
        self.files.iter().map(found).collect()
    }
}

/// Whether to print JSON: if asked to, or if nobody is there to read a table.
pub fn wants_json(asked: bool) -> bool {
    asked || !std::io::stdout().is_terminal()
}

/// Prints `value` as JSON on standard output, followed by a line break.
///
/// # Errors
/// [`CliError::Json`] or [`CliError::Write`] if that fails.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
