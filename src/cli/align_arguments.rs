//! The arguments of `omega align` that name things: a dictionary, a side, an axis.

use std::path::PathBuf;
use std::str::FromStr;

use super::CliError;
use crate::checkpoint::{ByteSource, FileSource};
use crate::circuits::alignment::Side;
use crate::circuits::dictionary::{Along, Builtin, DictionaryError, FileChoice};
use crate::circuits::omega::Circuit;
use crate::study::StudyError;
use crate::study::dictionary::Source;

/// [`Side`] as an argument.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum SideChoice {
    /// What QK reads at the destination.
    Dest,
    /// What QK reads at the source.
    Src,
    /// What OV reads at the source.
    Read,
    /// What OV writes at the destination.
    Write,
}

impl From<SideChoice> for Side {
    fn from(choice: SideChoice) -> Self {
        match choice {
            SideChoice::Dest => Self::Dest,
            SideChoice::Src => Self::Src,
            SideChoice::Read => Self::Read,
            SideChoice::Write => Self::Write,
        }
    }
}

/// [`Along`] as an argument.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Axis {
    /// One feature a row.
    Rows,
    /// One feature a column.
    Columns,
}

/// A switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Removal {
    /// Remove.
    On,
    /// Leave.
    Off,
}

/// What to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DictionaryChoice {
    /// A part of the model.
    Builtin(Builtin),
    /// Singular vectors of one circuit of the heads of a layer.
    Heads(Circuit, usize),
    /// A file or folder, and the tensor in it.
    File(String),
}

impl FromStr for DictionaryChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of_layer = |rest: &str| {
            rest.parse::<usize>().map_err(|_| format!("{rest:?} in {text:?} is no layer"))
        };
        Ok(match (text, text.split_once(':')) {
            ("embed", _) => Self::Builtin(Builtin::Embed),
            ("unembed", _) => Self::Builtin(Builtin::Unembed),
            ("positions", _) => Self::Builtin(Builtin::Positions),
            (_, Some(("mlp-in", layer))) => {
                Self::Builtin(Builtin::MlpIn { layer: of_layer(layer)? })
            }
            (_, Some(("mlp-out", layer))) => {
                Self::Builtin(Builtin::MlpOut { layer: of_layer(layer)? })
            }
            (_, Some(("heads-qk", layer))) => Self::Heads(Circuit::Qk, of_layer(layer)?),
            (_, Some(("heads-ov", layer))) => Self::Heads(Circuit::Ov, of_layer(layer)?),
            _ => Self::File(text.to_owned()),
        })
    }
}

impl DictionaryChoice {
    /// Which dictionary is meant, and the files that hold it.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub(super) fn source(
        &self,
        axis: Option<Axis>,
        head: Option<usize>,
    ) -> Result<(Source, Vec<Box<dyn ByteSource>>), CliError> {
        match self {
            Self::Builtin(which) => Ok((Source::Model(*which), Vec::new())),
            Self::Heads(circuit, layer) => {
                Ok((Source::Heads { layer: *layer, circuit: *circuit }, Vec::new()))
            }
            Self::File(text) => {
                let (path, tensor) = split(text);
                let along = axis.map(|axis| match axis {
                    Axis::Rows => Along::Rows,
                    Axis::Columns => Along::Columns,
                });
                Ok((Source::Own(FileChoice { tensor, along, head }), sources(&path)?))
            }
        }
    }
}

/// The error, with the argument that answers it.
pub(super) fn answerable(error: StudyError) -> CliError {
    match error {
        StudyError::Dictionary(error @ DictionaryError::SeveralMatrices { .. }) => {
            CliError::Usage(format!("{error}, as in FILE:TENSOR"))
        }
        StudyError::Dictionary(error @ DictionaryError::RowsOrColumns { .. }) => {
            CliError::Usage(format!("{error}, with --features rows or --features columns"))
        }
        error => error.into(),
    }
}

/// `FILE:TENSOR` into its parts; a path that exists as it stands has no tensor.
fn split(text: &str) -> (PathBuf, Option<String>) {
    match text.rsplit_once(':') {
        Some((path, tensor)) if !PathBuf::from(text).exists() => {
            (path.into(), Some(tensor.to_owned()))
        }
        _ => (text.into(), None),
    }
}

/// The file, with an SAE's configuration beside it; or the files of a folder.
fn sources(path: &std::path::Path) -> Result<Vec<Box<dyn ByteSource>>, CliError> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let inside = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        paths =
            inside.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        paths.sort();
    } else {
        paths.extend(
            [path.with_file_name("cfg.json")].into_iter().filter(|beside| beside.is_file()),
        );
    }
    let mut sources: Vec<Box<dyn ByteSource>> = Vec::new();
    for path in paths {
        sources.push(Box::new(FileSource::open(&path)?));
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_are_named_by_part_or_file() {
        assert_eq!("embed".parse(), Ok(DictionaryChoice::Builtin(Builtin::Embed)));
        assert_eq!("mlp-in:3".parse(), Ok(DictionaryChoice::Builtin(Builtin::MlpIn { layer: 3 })));
        assert_eq!("heads-ov:2".parse(), Ok(DictionaryChoice::Heads(Circuit::Ov, 2)));
        assert!("mlp-out:x".parse::<DictionaryChoice>().is_err());
        assert_eq!("sae/w.npy".parse(), Ok(DictionaryChoice::File("sae/w.npy".to_owned())));
        assert_eq!(
            split("sae.safetensors:W_dec"),
            ("sae.safetensors".into(), Some("W_dec".to_owned()))
        );
        assert_eq!(split("w.npy"), ("w.npy".into(), None));
    }
}
