//! An adapter without its base: what it changes, and by how much, can be seen all the same.

use std::collections::BTreeMap;

use super::{Adapter, Module};
use crate::checkpoint::choose::{Chosen, choose};
use crate::checkpoint::error::quoted;
use crate::checkpoint::open::{self, Side};
use crate::checkpoint::{ByteSource, Checkpoint, CheckpointError, gather};
use crate::math::order::sort_by;

/// A LoRA adapter whose model is not there.
pub struct LoneAdapter {
    files: Checkpoint,
    kind: String,
    base: Option<String>,
    notes: Vec<String>,
    /// By module, with the factor on its `B A`.
    modules: Vec<(String, Module, f64)>,
}

/// What an adapter adds to one matrix: `scale · B A`.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// `[rank, d_in]`, row-major.
    pub a: Vec<f64>,
    /// `[d_out, rank]`, row-major.
    pub b: Vec<f64>,
    /// The rank.
    pub rank: usize,
    /// The factor.
    pub scale: f64,
}

impl LoneAdapter {
    /// True if these files are an adapter, and no model beside it.
    pub fn is_one(sources: &[Box<dyn ByteSource>]) -> bool {
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let called = names.iter().any(|name| gather::base(name).starts_with("adapter_"));
        called && choose(sources, &names, None, &mut Vec::new()).is_ok_and(|chosen| chosen.alone)
    }

    /// Reads the headers of an adapter's files.
    ///
    /// # Errors
    /// What [`Checkpoint::open`] says of files that are no adapter, [`CheckpointError::OtherAdapter`] for one that is no LoRA.
    pub fn open(sources: Vec<Box<dyn ByteSource>>) -> Result<Self, CheckpointError> {
        let mut notes = Vec::new();
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let Chosen { group, alone, .. } = choose(&sources, &names, None, &mut notes)?;
        let home = &group.folder;
        let side = gather::SIDE_FILES.iter();
        let side: Vec<usize> =
            side.filter_map(|side| gather::companion(&names, side, home)).collect();
        let mut waiting: Vec<Option<Box<dyn ByteSource>>> = sources.into_iter().map(Some).collect();
        let mut take = |files: &[usize]| -> Vec<Box<dyn ByteSource>> {
            files.iter().filter_map(|&file| waiting.get_mut(file)?.take()).collect()
        };
        let (weights, side) = (take(&group.files), take(&side));
        let side_files = open::side_files(side, &mut notes)?;
        let config = Side { files: &side_files }.adapter()?.unwrap_or_default();
        if !alone {
            let reason = "there is a model among these files, which it can be merged into".into();
            return Err(CheckpointError::AdapterParts { reason });
        }
        if !config.is_lora() {
            let file = weights.first().map_or("", |source| source.name()).to_owned();
            return Err(CheckpointError::OtherAdapter { file, kind: config.kind() });
        }
        let (entries, _) = open::read_headers(&weights)?;
        let sorted = Adapter::sort(entries.clone())?;
        notes.extend(config.assumed());
        let mut modules = Vec::new();
        for (name, module) in sorted.modules {
            let rank = module.a.as_ref().map_or(0, |a| a.rows());
            let scale = config.scale(&name, rank.max(1))?;
            modules.push((name, module, scale));
        }
        if !sorted.replaced.is_empty() {
            let n = sorted.replaced.len();
            notes.push(format!("{n} tensor(s) of the model are replaced whole; they are no correction, and are not shown."));
        }
        if modules.iter().any(|(_, module, _)| module.magnitude.is_some()) {
            notes.push("It is a DoRA adapter: beside ΔW every output gets a new length, which its base is needed for.".into());
        }
        let mut entries = entries;
        sort_by(&mut entries, |a, b| a.name.cmp(&b.name));
        let files = Checkpoint {
            sources: weights,
            entries,
            derived: BTreeMap::new(),
            side_files,
            missing_shards: group.missing,
            absent: BTreeMap::new(),
            marks: Vec::new(),
            notes: Vec::new(),
        };
        Ok(Self { files, kind: config.kind(), base: config.base, notes, modules })
    }

    /// The same, from files and folders by path.
    ///
    /// # Errors
    /// As [`LoneAdapter::open`], and what opening a path says.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_paths<P: AsRef<std::path::Path>>(paths: &[P]) -> Result<Self, CheckpointError> {
        let mut notes = Vec::new();
        let sources = crate::checkpoint::source::files_under(paths, &mut notes)?;
        let mut adapter = Self::open(sources)?;
        adapter.notes.splice(0..0, notes);
        Ok(adapter)
    }

    /// What it is called: "a LoRA adapter".
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Name of the model that it was made for, where the adapter says it.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// What people should know, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A file beside it.
    pub fn side_file(&self, name: &str) -> Option<&[u8]> {
        self.files.side_file(name)
    }

    /// The modules that it changes, and the shape `[d_out, d_in]` of each one's matrix.
    ///
    /// # Errors
    /// [`CheckpointError::AdapterParts`] for a module with only one of A and B, or of other shapes.
    pub fn modules(&self) -> Result<Vec<(&str, [usize; 2])>, CheckpointError> {
        self.modules
            .iter()
            .map(|(name, module, _)| Ok((name.as_str(), shape(name, module)?.0)))
            .collect()
    }

    /// What it adds to the matrix of a module.
    ///
    /// # Errors
    /// As [`LoneAdapter::modules`], and what reading says.
    pub fn correction(&self, index: usize) -> Result<Correction, CheckpointError> {
        let absent =
            || CheckpointError::AdapterParts { reason: format!("it has no module {index}") };
        let (name, module, scale) = self.modules.get(index).ok_or_else(absent)?;
        let (_, rank) = shape(name, module)?;
        let values = |entry: &Option<crate::checkpoint::TensorEntry>| match entry {
            Some(entry) => self.files.read(&entry.name)?.f64s(),
            None => Ok(Vec::new()),
        };
        Ok(Correction { a: values(&module.a)?, b: values(&module.b)?, rank, scale: *scale })
    }
}

/// `[d_out, d_in]` of a module's matrix, and the rank.
fn shape(name: &str, module: &Module) -> Result<([usize; 2], usize), CheckpointError> {
    let axes = |entry: &Option<crate::checkpoint::TensorEntry>| {
        entry.as_ref().map(|entry| entry.shape.clone()).unwrap_or_default()
    };
    match (axes(&module.a).as_slice(), axes(&module.b).as_slice()) {
        (&[rank, d_in], &[d_out, again]) if rank == again && rank > 0 => Ok(([d_out, d_in], rank)),
        (a, b) => Err(CheckpointError::AdapterParts {
            reason: format!("A and B of {} have shapes {a:?} and {b:?}", quoted(name)),
        }),
    }
}
