//! A checkpoint: the dropped files that belong together, as one set of named tensors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::choose::read_side_file;
use super::derived::{Derive, Reader};
use super::error::quoted;
use super::plan::{self, Span};
use super::{ByteSource, CheckpointError, Tensor, TensorEntry, derived, gather};

/// The tensors of one model, wherever its files put them. Only headers are in memory.
pub struct Checkpoint {
    pub(super) sources: Vec<Box<dyn ByteSource>>,
    /// Sorted by name.
    pub(super) entries: Vec<TensorEntry>,
    /// How the tensors are computed that do not lie in the files as numbers.
    pub(super) derived: BTreeMap<String, Box<dyn Derive>>,
    pub(super) side_files: Vec<SideFile>,
    pub(super) missing_shards: Vec<String>,
    /// Tensors that the index places in a missing shard, with that shard.
    pub(super) absent: BTreeMap<String, String>,
    pub(super) marks: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// A file beside the weights, read when it is first asked for.
pub(super) struct SideFile {
    pub(super) source: Box<dyn ByteSource>,
    pub(super) bytes: OnceLock<Option<Vec<u8>>>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoint({} tensors in {} files)", self.entries.len(), self.sources.len())
    }
}

impl Checkpoint {
    /// The entry called `name`.
    pub fn entry(&self, name: &str) -> Option<&TensorEntry> {
        let found = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.entries.get(found)
    }

    /// All entries, in order of name.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &TensorEntry> {
        self.entries.iter()
    }

    /// A number that tells this checkpoint from others: FNV-1a (Fowler, Noll and Vo) over names, types and shapes of its tensors.
    /// Headers alone are read, so two trainings of one architecture have one number.
    pub fn fingerprint(&self) -> u32 {
        let mut hash = 0x811c_9dc5_u32;
        let mut take = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
            }
        };
        for entry in &self.entries {
            take(entry.name.as_bytes());
            take(&[0]);
            take(entry.stored_as().as_bytes());
            for size in &entry.shape {
                take(&(*size as u64).to_le_bytes());
            }
        }
        hash
    }

    /// Reads a whole tensor.
    ///
    /// # Errors
    /// [`CheckpointError::NoTensor`] or [`CheckpointError::MissingShard`] if it is not there, or what the source says.
    pub fn read(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let entry = self.find(name)?;
        if let Some(derive) = self.derived.get(name) {
            let values = derive.rows(&Reader(&self.sources), 0..entry.rows())?;
            return Ok(derived::tensor(&values, entry.shape.clone()));
        }
        let bytes = self.read_span(&plan::whole(entry))?;
        Ok(Tensor { dtype: entry.dtype, shape: entry.shape.clone(), bytes })
    }

    /// Reads whole tensors, in as few reads as their places in the files allow.
    ///
    /// # Errors
    /// As [`Checkpoint::read`].
    pub fn read_all(&self, names: &[&str]) -> Result<Vec<Tensor>, CheckpointError> {
        let entries = names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>()?;
        let mut bytes = vec![Vec::new(); entries.len()];
        for (i, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.from.is_some()) {
            bytes[i] = self.read(&entry.name)?.bytes;
        }
        for (file, source) in self.sources.iter().enumerate() {
            let stored = |i: &usize| entries[*i].file == file && entries[*i].from.is_none();
            let here: Vec<usize> = (0..entries.len()).filter(stored).collect();
            let ranges: Vec<_> = here.iter().map(|&i| plan::whole(entries[i]).bytes).collect();
            for (i, read) in here.into_iter().zip(source.read_all(&ranges)?) {
                bytes[i] = read;
            }
        }
        let tensor = |(entry, bytes): (&TensorEntry, Vec<u8>)| Tensor {
            dtype: entry.dtype,
            shape: entry.shape.clone(),
            bytes,
        };
        Ok(entries.into_iter().zip(bytes).map(tensor).collect())
    }

    /// Reads `rows` of the first axis of a tensor.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and [`CheckpointError::Rows`] if there are not so many rows.
    pub fn read_rows(&self, name: &str, rows: Range<usize>) -> Result<Tensor, CheckpointError> {
        let entry = self.find(name)?;
        let span = plan::rows(entry, rows.clone())?;
        let mut shape = entry.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        if let Some(derive) = self.derived.get(name) {
            return Ok(derived::tensor(&derive.rows(&Reader(&self.sources), rows)?, shape));
        }
        let bytes = self.read_span(&span)?;
        Ok(Tensor { dtype: entry.dtype, shape, bytes })
    }

    /// Has what is read from now on kept for a second reading, up to `most` bytes of each file: see [`ByteSource::keep`].
    pub fn keep(&self, most: u64) {
        self.sources.iter().for_each(|source| source.keep(most));
    }

    /// Reads a run of elements, counted row-major: the pieces that columns of a matrix are gathered from. The shape that comes
    /// back is that of a list.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and [`CheckpointError::Elements`] if the run leaves the tensor.
    pub fn read_elements(
        &self,
        name: &str,
        elements: Range<u64>,
    ) -> Result<Tensor, CheckpointError> {
        let entry = self.find(name)?;
        let span = plan::elements(entry, elements.clone())?;
        let count = (elements.end - elements.start) as usize;
        if let Some(derive) = self.derived.get(name) {
            let width = entry.shape.iter().skip(1).map(|&n| n as u64).product::<u64>().max(1);
            let first = elements.start / width;
            let rows = first as usize..elements.end.div_ceil(width).max(first) as usize;
            let values = derive.rows(&Reader(&self.sources), rows)?;
            let inside = (elements.start - first * width) as usize;
            let values = values.get(inside..inside + count).unwrap_or_default();
            return Ok(derived::tensor(values, vec![count]));
        }
        let bytes = self.read_span(&span)?;
        Ok(Tensor { dtype: entry.dtype, shape: vec![count], bytes })
    }

    /// The bytes of `config.json`, `tokenizer.json` or another of [`gather::SIDE_FILES`], read when first asked for.
    /// `None` if it was not dropped, cannot be read or has over 128 MB.
    pub fn side_file(&self, file_name: &str) -> Option<&[u8]> {
        let side =
            self.side_files.iter().find(|side| gather::plain(side.source.name()) == file_name)?;
        side.bytes.get_or_init(|| read_side_file(side.source.as_ref()).ok()).as_deref()
    }

    /// Names of the files beside the weights that can be asked for.
    pub fn side_file_names(&self) -> impl Iterator<Item = &str> {
        self.side_files.iter().map(|side| side.source.name())
    }

    /// The weights files, as dropped, with their sizes in bytes; [`TensorEntry::file`] counts them.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.sources.iter().map(|source| (source.name(), source.size()))
    }

    /// Base names of shards that the index or the numbering promises and that were not dropped.
    pub fn missing_shards(&self) -> &[String] {
        &self.missing_shards
    }

    /// The missing shard that holds `name`, if the index says so.
    pub fn missing_shard_of(&self, name: &str) -> Option<&str> {
        self.absent.get(name).map(String::as_str)
    }

    /// Tensors that the index places in missing shards, with the shard.
    pub fn absent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.absent.iter().map(|(name, shard)| (name.as_str(), shard.as_str()))
    }

    /// Bytes of all weights files together.
    pub fn size(&self) -> u64 {
        self.sources.iter().map(|source| source.size()).sum()
    }

    /// What every figure and export of these weights must say: that they are not the original ones, or not those of the base model
    /// alone. Empty for weights that are as somebody trained them.
    pub fn marks(&self) -> &[String] {
        &self.marks
    }

    /// What the reader should know about how the files were taken: sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn find(&self, name: &str) -> Result<&TensorEntry, CheckpointError> {
        self.entry(name).ok_or_else(|| match self.missing_shard_of(name) {
            Some(shard) => {
                CheckpointError::MissingShard { name: quoted(name), shard: shard.to_owned() }
            }
            None => CheckpointError::NoTensor { name: quoted(name) },
        })
    }

    fn read_span(&self, span: &Span) -> Result<Vec<u8>, CheckpointError> {
        match self.sources.get(span.file) {
            Some(source) => source.read(span.bytes.clone()),
            None => Err(CheckpointError::NoFiles),
        }
    }
}
