//! What can go wrong between dropped files and tensors, in sentences a reader can act on.

use super::HeaderError;
use super::foreign::Foreign;

/// Why dropped files do not make a checkpoint, or a tensor cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckpointError {
    /// A safetensors file with an unusable header.
    #[error("{file}: {error}")]
    Header {
        /// The file, as dropped.
        file: String,
        /// What is wrong with it.
        #[source]
        error: HeaderError,
    },
    /// A format that this program does not read.
    #[error("{file} is {what}. {advice}", what = foreign.what(), advice = foreign.advice())]
    Foreign {
        /// The file, as dropped.
        file: String,
        /// What it is.
        foreign: Foreign,
    },
    /// Weights stored in a quantised format that is not decoded.
    #[error(
        "this checkpoint is quantised in a way that is not decoded here ({sign}): its matrices are codes and scales, not \
         numbers. Load the original bf16, f16 or f32 checkpoint instead"
    )]
    Quantised {
        /// What gave it away.
        sign: String,
    },
    /// A quantised matrix whose parts do not fit together.
    #[error("{module} is quantised ({format}), but its parts do not fit together: {reason}")]
    Codes {
        /// The module, escaped.
        module: String,
        /// The format that it looks like.
        format: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// An adapter without its base model.
    #[error(
        "{file} is {kind}: small corrections to a model that is not in it. Load it together with its base model{base}; they \
         are merged as they are read. By itself `omega spectra` shows what it adds to each head"
    )]
    Adapter {
        /// The file, as dropped.
        file: String,
        /// "a LoRA adapter", "a DoRA adapter".
        kind: String,
        /// Name of the base model in brackets, where the adapter says it.
        base: String,
    },
    /// An adapter of a kind that is not merged here.
    #[error(
        "{file} is {kind}, not a LoRA adapter; it is not read here. Merge it first (peft: \
         `model.merge_and_unload().save_pretrained(\"merged\")`) where that is possible, and load the result"
    )]
    OtherAdapter {
        /// The file, as dropped.
        file: String,
        /// "an IA3 adapter".
        kind: String,
    },
    /// An adapter that does not fit its model.
    #[error("the adapter cannot be merged: {reason}")]
    AdapterParts {
        /// What does not fit.
        reason: String,
    },
    /// A wrapped model whose LoRA layers stand beside its weights.
    #[error(
        "the LoRA layers of this checkpoint are unmerged: {name} and its kin stand beside the weights, and how strongly they \
         count is in adapter_config.json, which is not here. Add that file, or merge first (peft: \
         `model.merge_and_unload().save_pretrained(\"merged\")`)"
    )]
    Unmerged {
        /// One of the names, escaped.
        name: String,
    },
    /// Nothing was dropped.
    #[error("there are no files here")]
    NoFiles,
    /// Files, but no weights among them.
    #[error(
        "there is no checkpoint among these files ({files}): a model needs at least one .safetensors file"
    )]
    NoCheckpoint {
        /// Some of the names.
        files: String,
    },
    /// Several models at once.
    #[error("these files hold {count} different checkpoints ({}): say which one to open", listed(models.iter().map(String::as_str)))]
    Several {
        /// How many.
        count: usize,
        /// What each is called: what the reader may choose.
        models: Vec<String>,
    },
    /// A choice that is not among the models.
    #[error("there is no model {asked} among these files{}", if offered.is_empty() { String::new() } else { format!(": {}", listed(offered.iter().map(String::as_str))) })]
    NoSuchModel {
        /// What was asked for, escaped.
        asked: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// An index whose shards are all absent.
    #[error(
        "{index} names {count} files, and none of them is here: load the .safetensors files with it"
    )]
    NoShards {
        /// The index file, as dropped.
        index: String,
        /// How many files it names.
        count: usize,
    },
    /// An unreadable index.
    #[error("{index} is not a safetensors index: {reason}")]
    BadIndex {
        /// The index file, as dropped.
        index: String,
        /// What the JSON reader met.
        reason: String,
    },
    /// A JSON file beside the weights that is not JSON.
    #[error("{file} {reason}")]
    BadJson {
        /// The file, as dropped.
        file: String,
        /// What is wrong with it, to follow its name.
        reason: String,
    },
    /// One name in two shards.
    #[error("tensor {name} is in both {first} and {second}")]
    DuplicateAcrossFiles {
        /// The name, escaped.
        name: String,
        /// The earlier file.
        first: String,
        /// The later file.
        second: String,
    },
    /// A tensor that is in none of the files.
    #[error("there is no tensor {name} in this checkpoint")]
    NoTensor {
        /// The name, escaped.
        name: String,
    },
    /// A tensor whose shard was not dropped.
    #[error("tensor {name} is in {shard}, which is not among the files")]
    MissingShard {
        /// The name, escaped.
        name: String,
        /// The file to add.
        shard: String,
    },
    /// Rows past the end of the first axis.
    #[error("rows {start}..{end} were asked of tensor {name}, which has {rows}")]
    Rows {
        /// The name, escaped.
        name: String,
        /// First row.
        start: usize,
        /// One past the last row.
        end: usize,
        /// Rows that there are.
        rows: usize,
    },
    /// Elements past the end of a tensor.
    #[error("elements {start}..{end} were asked of a tensor that has {elements}")]
    Elements {
        /// First element.
        start: u64,
        /// One past the last element.
        end: u64,
        /// Elements that there are.
        elements: u64,
    },
    /// A dtype that holds no weights.
    #[error("tensors of dtype {dtype} are not weights that can be decoded")]
    NotWeights {
        /// The dtype as the format spells it.
        dtype: &'static str,
    },
    /// The file could not be read.
    #[error("{file}: bytes {start}..{end} could not be read: {reason}")]
    Read {
        /// The file, as dropped.
        file: String,
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
        /// What the system said.
        reason: String,
    },
    /// A file beside the weights that is larger than it has any reason to be.
    #[error("{file} has {size} bytes; at most {cap} are read of such a file")]
    SideFileTooLarge {
        /// The file, as dropped.
        file: String,
        /// Bytes in the file.
        size: u64,
        /// Bytes that are accepted.
        cap: u64,
    },
    /// The values could not be laid out as a safetensors file.
    #[error("the safetensors file could not be written: {reason}")]
    Write {
        /// What the safetensors crate said.
        reason: String,
    },
}

impl CheckpointError {
    /// Python to copy that converts the file, where that is the way out (pickles).
    pub fn script(&self) -> Option<String> {
        match self {
            CheckpointError::Foreign { file, foreign } => foreign.script(file),
            _ => None,
        }
    }
}

/// A name from a file, escaped and clipped so that a hostile one cannot flood or steer a terminal.
pub(crate) fn quoted(name: &str) -> String {
    const SHOWN: usize = 120;
    match name.char_indices().nth(SHOWN) {
        None => format!("{name:?}"),
        Some((at, _)) => format!("{:?}… ({} bytes)", &name[..at], name.len()),
    }
}

/// At most six of `names` in a row, then how many more there are.
pub(crate) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 6;
    let count = names.len();
    let mut text = names.take(SHOWN).map(clipped).collect::<Vec<_>>().join(", ");
    if count > SHOWN {
        text.push_str(&format!(" and {} more", count - SHOWN));
    }
    text
}

/// A file name, clipped and without control characters.
fn clipped(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(120).collect()
}
