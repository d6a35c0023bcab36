//! Layer 6, the command line `omega`: the same core as the page, for scripts and for schedulers.
//!
//! One file per subcommand, each with its `Args` and `run`; a new one is a file, a line in [`Command`] and a line in
//! [`main`]. Results go to standard output, complaints to standard error with exit code 2.

pub mod align;
mod align_arguments;
mod align_text;
pub mod attention;
pub mod compare;
mod compare_prompt;
mod compare_text;
pub mod error;
pub mod files;
mod heads;
mod hub_cache;
pub mod inspect;
mod inspect_text;
pub mod logits;
pub mod model;
pub mod pairs;
pub mod prompt;
pub mod sad;
mod sad_set;
pub mod spectra;
pub mod trace;
mod trace_other;
mod trace_set;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::checkpoint::quoting::shell;

pub use error::CliError;
pub use files::Files;
pub use model::ModelArgs;

/// See what every attention head of a transformer looks for.
#[derive(Debug, Parser)]
#[command(name = "omega", version, arg_required_else_help = true)]
struct Omega {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Align(align::Args),
    Attention(attention::Args),
    Compare(compare::Args),
    Inspect(inspect::Args),
    Logits(logits::Args),
    Pairs(pairs::Args),
    Sad(sad::Args),
    Spectra(spectra::Args),
    Trace(trace::Args),
}

/// Reads the arguments of the process, runs the subcommand and says how it went.
pub fn main() -> ExitCode {
    let result = match Omega::parse().command {
        Command::Align(args) => align::run(&args),
        Command::Attention(args) => attention::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Logits(args) => logits::run(&args),
        Command::Pairs(args) => pairs::run(&args),
        Command::Sad(args) => sad::run(&args),
        Command::Spectra(args) => spectra::run(&args),
        Command::Trace(args) => trace::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            match error.script() {
                // One line, so that a log keeps it together; statements joined by semicolons still run.
                Some(script) => {
                    eprintln!("omega: {error}: python -c {}", shell(&script.replace('\n', "; ")))
                }
                None => eprintln!("omega: {error}"),
            }
            ExitCode::from(2)
        }
    }
}
