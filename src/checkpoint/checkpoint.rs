//! A checkpoint: the dropped files that belong together, as one set of named tensors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::choose::{choose, read_side_file, refuse_foreign};
use super::error::{listed, quoted};
use super::foreign::quantised_name;
use super::plan::{self, Span};
use super::{ByteSource, CheckpointError, Tensor, TensorEntry, gather, header};

/// The tensors of one model, wherever its files put them. Only headers are in memory.
pub struct Checkpoint {
    sources: Vec<Box<dyn ByteSource>>,
    /// Sorted by name.
    entries: Vec<TensorEntry>,
    side_files: Vec<SideFile>,
    missing_shards: Vec<String>,
    /// Tensors that the index places in a missing shard, with that shard.
    absent: BTreeMap<String, String>,
    notes: Vec<String>,
}

/// A file beside the weights, read when it is first asked for.
struct SideFile {
    source: Box<dyn ByteSource>,
    bytes: OnceLock<Option<Vec<u8>>>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checkpoint({} tensors in {} files)", self.entries.len(), self.sources.len())
    }
}

impl Checkpoint {
    /// Sorts out what was dropped and reads the headers.
    ///
    /// One safetensors file, shards with or without their index, or a whole folder; shards may be missing
    /// ([`Checkpoint::missing_shards`]). Files that play no part are ignored, and noted where that could surprise.
    ///
    /// # Errors
    /// A [`CheckpointError`] that names the file: a foreign format and what to do about it, a bad header, quantised
    /// weights, several models at once, no weights at all.
    pub fn open(sources: Vec<Box<dyn ByteSource>>) -> Result<Checkpoint, CheckpointError> {
        let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
        let mut notes = Vec::new();
        let (chosen, absent) = choose(&sources, &names, &mut notes)?;
        let side = gather::SIDE_FILES
            .iter()
            .filter_map(|side| gather::companion(&names, side, &chosen.folder))
            .collect::<Vec<_>>();
        let mut sources: Vec<Option<Box<dyn ByteSource>>> = sources.into_iter().map(Some).collect();
        let mut take = |files: &[usize]| -> Vec<Box<dyn ByteSource>> {
            files.iter().filter_map(|&file| sources.get_mut(file)?.take()).collect()
        };
        let weights = take(&chosen.files);
        let mut side_files = Vec::new();
        for source in take(&side) {
            match refuse_foreign(source.as_ref()) {
                Ok(()) => side_files.push(SideFile { source, bytes: OnceLock::new() }),
                Err(error) => notes.push(format!("{error}; it was ignored.")),
            }
        }

        let mut entries: Vec<TensorEntry> = Vec::new();
        for (file, source) in weights.iter().enumerate() {
            refuse_foreign(source.as_ref())?;
            entries.extend(header::read(source.as_ref(), file)?);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name).then(a.file.cmp(&b.file)));
        let named = |entry: &TensorEntry| weights[entry.file].name().to_owned();
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
            let (first, second) = (named(&pair[0]), named(&pair[1]));
            return Err(CheckpointError::DuplicateAcrossFiles {
                name: quoted(&pair[0].name),
                first,
                second,
            });
        }
        if !entries.is_empty() && entries.iter().all(|entry| entry.name.contains("lora_")) {
            return Err(CheckpointError::Adapter {
                file: listed(weights.iter().map(|source| source.name())),
            });
        }
        let checkpoint = Checkpoint {
            sources: weights,
            entries,
            side_files,
            missing_shards: chosen.missing,
            absent,
            notes,
        };
        match checkpoint.quantised() {
            Some(sign) => Err(CheckpointError::Quantised { sign }),
            None => Ok(checkpoint),
        }
    }

    /// Opens files and folders by path; folders are walked. For the command line and tests.
    ///
    /// # Errors
    /// [`CheckpointError::Read`] if a path cannot be opened, and everything that [`Checkpoint::open`] refuses.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_paths<P: AsRef<std::path::Path>>(
        paths: &[P],
    ) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open(super::source::files_under(paths)?)
    }

    /// The entry called `name`.
    pub fn entry(&self, name: &str) -> Option<&TensorEntry> {
        let found = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.entries.get(found)
    }

    /// All entries, in order of name.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &TensorEntry> {
        self.entries.iter()
    }

    /// Reads a whole tensor.
    ///
    /// # Errors
    /// [`CheckpointError::NoTensor`] or [`CheckpointError::MissingShard`] if it is not there, or what the source says.
    pub fn read(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let entry = self.find(name)?;
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
        for (file, source) in self.sources.iter().enumerate() {
            let here: Vec<usize> =
                (0..entries.len()).filter(|&i| entries[i].file == file).collect();
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
        let bytes = self.read_span(&plan::rows(entry, rows.clone())?)?;
        let mut shape = entry.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        Ok(Tensor { dtype: entry.dtype, shape, bytes })
    }

    /// Reads a run of elements, counted row-major: the pieces that columns of a matrix are gathered from. The shape that comes
    /// back is `[elements.len()]`.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and [`CheckpointError::Elements`] if the run leaves the tensor.
    pub fn read_elements(
        &self,
        name: &str,
        elements: Range<usize>,
    ) -> Result<Tensor, CheckpointError> {
        let entry = self.find(name)?;
        let bytes = self.read_span(&plan::elements(entry, elements.clone())?)?;
        Ok(Tensor { dtype: entry.dtype, shape: vec![elements.len()], bytes })
    }

    /// The bytes of `config.json`, `tokenizer.json` or another of [`gather::SIDE_FILES`], read when first asked for.
    /// `None` if it was not dropped, cannot be read or has over 128 MB.
    pub fn side_file(&self, file_name: &str) -> Option<&[u8]> {
        let side =
            self.side_files.iter().find(|side| gather::base(side.source.name()) == file_name)?;
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

    /// The sign that weights are quantised, if there is one.
    fn quantised(&self) -> Option<String> {
        let config = self
            .side_file("config.json")
            .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
        if let Some(settings) = config.as_ref().and_then(|config| config.get("quantization_config"))
            && !settings.is_null()
        {
            let method = settings
                .get("quant_method")
                .and_then(|method| method.as_str())
                .unwrap_or("unnamed method");
            return Some(format!("quantization_config in config.json: {}", quoted(method)));
        }
        let entry = self.entries.iter().find(|entry| quantised_name(&entry.name))?;
        Some(format!("tensor {}", quoted(&entry.name)))
    }
}
