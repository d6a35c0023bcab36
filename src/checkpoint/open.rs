//! Opening: from the files that were dropped to one set of named tensors.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::adapter::{self, Adapter, AdapterConfig};
use super::checkpoint::SideFile;
use super::choose::{Chosen, choose, is_config, read_side_file, refuse_foreign};
use super::derived::Reader;
use super::error::{listed, quoted};
use super::quantised::{self, Settings};
use super::{ByteSource, Checkpoint, CheckpointError, TensorEntry, gather, header, json, wrappers};
use crate::math::order::sort_by;

impl Checkpoint {
    /// Sorts out what was dropped and reads the headers.
    ///
    /// One safetensors file, shards with or without their index, or a whole folder; shards may be missing
    /// ([`Checkpoint::missing_shards`]). Quantised weights are decoded as they are read, and an adapter is put on its base model;
    /// [`Checkpoint::marks`] says so. Files that play no part are ignored, and noted where that could surprise.
    ///
    /// # Errors
    /// A [`CheckpointError`] that names the file: a foreign format and what to do about it, a bad header, weights quantised in a way
    /// that is not decoded, several models at once, no weights at all.
    pub fn open(sources: Vec<Box<dyn ByteSource>>) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open_one(sources, None)
    }

    /// As [`Checkpoint::open`], with the reader's choice among several: one of the names that [`CheckpointError::Several`] offers,
    /// or the first word under which a file holds one of several copies.
    ///
    /// # Errors
    /// As [`Checkpoint::open`], and [`CheckpointError::NoSuchModel`].
    pub fn open_one(
        sources: Vec<Box<dyn ByteSource>>,
        model: Option<&str>,
    ) -> Result<Checkpoint, CheckpointError> {
        open(sources, model, Vec::new())
    }

    /// Opens files and folders by path; folders are walked. For the command line and tests.
    ///
    /// # Errors
    /// [`CheckpointError::Read`] if a path cannot be opened, and everything that [`Checkpoint::open`] refuses.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_paths<P: AsRef<std::path::Path>>(
        paths: &[P],
    ) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::open_one_of_paths(paths, None)
    }

    /// As [`Checkpoint::open_paths`], with the reader's choice among several models.
    ///
    /// # Errors
    /// As [`Checkpoint::open_paths`], and [`CheckpointError::NoSuchModel`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_one_of_paths<P: AsRef<std::path::Path>>(
        paths: &[P],
        model: Option<&str>,
    ) -> Result<Checkpoint, CheckpointError> {
        let mut notes = Vec::new();
        let sources = super::source::files_under(paths, &mut notes)?;
        open(sources, model, notes)
    }
}

fn open(
    sources: Vec<Box<dyn ByteSource>>,
    model: Option<&str>,
    mut notes: Vec<String>,
) -> Result<Checkpoint, CheckpointError> {
    let names: Vec<&str> = sources.iter().map(|source| source.name()).collect();
    let Chosen { group, adapter, alone, placed, by_name } =
        choose(&sources, &names, model, &mut notes)?;
    let side: Vec<usize> = gather::SIDE_FILES
        .iter()
        .filter_map(|side| {
            let home = match &adapter {
                Some(adapter) if *side == gather::ADAPTER_CONFIG => &adapter.folder,
                _ => &group.folder,
            };
            gather::companion(&names, side, home)
        })
        .collect();
    let mut waiting: Vec<Option<Box<dyn ByteSource>>> = sources.into_iter().map(Some).collect();
    let mut take = |files: &[usize]| -> Vec<Box<dyn ByteSource>> {
        files.iter().filter_map(|&file| waiting.get_mut(file)?.take()).collect()
    };
    let mut weights = take(&group.files);
    let n_own = weights.len();
    weights.extend(adapter.iter().flat_map(|adapter| take(&adapter.files)));
    let side_files = side_files(take(&side), &mut notes)?;
    let read = read_headers(&weights)?;
    let side = Side { files: &side_files };
    let adapter_config = side.adapter()?;
    if alone {
        return Err(alone_error(
            weights.first().map_or("", |source| source.name()),
            &adapter_config,
        ));
    }

    let (mut entries, metadata) = read;
    let changes: Vec<TensorEntry> = entries.extract_if(.., |entry| entry.file >= n_own).collect();
    sort_by(&mut entries, |a, b| a.name.cmp(&b.name).then(a.file.cmp(&b.file)));
    one_of_each(&mut entries, &weights, &placed, &mut notes)?;
    wrappers::unwrap(&mut entries, &mut notes);
    keep_one_copy(&mut entries, model.filter(|_| !by_name), &mut notes)?;
    let unmerged = entries
        .iter()
        .find(|entry| adapter::is_unmerged(&entry.name))
        .map(|entry| entry.name.clone());
    let mut changed = Adapter::default();
    if let Some(name) = unmerged {
        if adapter_config.is_none() || adapter.is_some() {
            return Err(CheckpointError::Unmerged { name: quoted(&name) });
        }
        changed = Adapter::sort(entries)?;
        entries = std::mem::take(&mut changed.own);
        entries.append(&mut changed.replaced);
    }
    wrappers::add_aliases(&mut entries, &metadata, &mut notes);

    let settings = side.config(&mut notes).map(|config| Settings::of(&config)).unwrap_or_default();
    let reader = Reader(&weights);
    let quantised::Dequantised { mut entries, mut derived, mark } =
        quantised::dequantise(entries, &settings, reader)?;
    if mark.is_none()
        && let Some(method) = settings.method()
    {
        notes.push(format!("config.json speaks of quantisation ({}), but the tensors are plain numbers; they are read as they are.", quoted(method)));
    }
    let mut marks: Vec<String> = mark.into_iter().collect();
    if !changes.is_empty() {
        changed = Adapter::sort(changes)?;
    }
    if !changed.is_empty() {
        let config = adapter_config.unwrap_or_default();
        let file = adapter.and_then(|_| weights.get(n_own)).map_or("", |source| source.name());
        if !config.is_lora() {
            return Err(CheckpointError::OtherAdapter {
                file: file.to_owned(),
                kind: config.kind(),
            });
        }
        let done = changed.merge(&config, &mut entries, &mut derived)?;
        notes.extend(config.assumed());
        notes.push(format!("{}: {done}.", if file.is_empty() { "The adapter" } else { file }));
        marks.push(format!("with {done}"));
    }
    notes.extend(
        marks
            .first()
            .filter(|mark| mark.starts_with("deq"))
            .map(|mark| format!("The weights are {mark}.")),
    );
    sort_by(&mut entries, |a, b| a.name.cmp(&b.name));
    let mut absent = placed;
    absent.retain(|_, shard| group.missing.contains(shard));
    Ok(Checkpoint {
        sources: weights,
        entries,
        derived,
        side_files,
        missing_shards: group.missing,
        absent,
        marks,
        notes,
    })
}

/// The files beside the weights; what is something else under that name is left out and said.
pub(super) fn side_files(
    sources: Vec<Box<dyn ByteSource>>,
    notes: &mut Vec<String>,
) -> Result<Vec<SideFile>, CheckpointError> {
    let mut files = Vec::new();
    for source in sources {
        if let Err(error) = refuse_foreign(source.as_ref()) {
            notes.push(format!("{error}; it was ignored."));
            continue;
        }
        let file = SideFile { source, bytes: OnceLock::new() };
        if is_config(file.source.name()) {
            // What it says decides how everything else is read: it is not passed over in silence.
            let bytes = read_side_file(file.source.as_ref())?;
            file.bytes.get_or_init(|| Some(bytes));
        }
        if gather::plain(file.source.name()) != gather::base(file.source.name()) {
            notes.push(format!(
                "{} was taken for {}.",
                file.source.name(),
                gather::plain(file.source.name())
            ));
        }
        files.push(file);
    }
    Ok(files)
}

/// The files beside the weights, asked by name.
pub(super) struct Side<'a> {
    pub(super) files: &'a [SideFile],
}

impl Side<'_> {
    fn bytes(&self, name: &str) -> Option<&[u8]> {
        let side = self.files.iter().find(|side| gather::plain(side.source.name()) == name)?;
        side.bytes.get()?.as_deref()
    }

    /// `config.json`, if it can be read; what is wrong with it is for the layer above to say.
    fn config(&self, notes: &mut Vec<String>) -> Option<Value> {
        let lenient = json::parse(self.bytes("config.json")?).ok()?;
        notes.extend(lenient.mended.iter().map(|mended| format!("config.json {mended}.")));
        Some(lenient.value)
    }

    pub(super) fn adapter(&self) -> Result<Option<AdapterConfig>, CheckpointError> {
        self.bytes(gather::ADAPTER_CONFIG).map(AdapterConfig::parse).transpose()
    }
}

/// The entries of all files, and the metadata of all of them.
pub(super) type Headers = (Vec<TensorEntry>, BTreeMap<String, String>);

pub(super) fn read_headers(weights: &[Box<dyn ByteSource>]) -> Result<Headers, CheckpointError> {
    let (mut entries, mut metadata) = (Vec::new(), BTreeMap::new());
    for (file, source) in weights.iter().enumerate() {
        refuse_foreign(source.as_ref())?;
        let header = header::read(source.as_ref(), file)?;
        entries.extend(header.entries);
        metadata.extend(header.metadata);
    }
    Ok((entries, metadata))
}

/// Why an adapter alone is no model.
fn alone_error(file: &str, config: &Option<AdapterConfig>) -> CheckpointError {
    let config = config.clone().unwrap_or_default();
    let (file, kind) = (file.to_owned(), config.kind());
    if !config.is_lora() {
        return CheckpointError::OtherAdapter { file, kind };
    }
    let base = config.base.map(|base| format!(" ({})", quoted(&base))).unwrap_or_default();
    CheckpointError::Adapter { file, kind, base }
}

/// Leaves one entry of each name: where several files hold it, the one that the index names.
fn one_of_each(
    entries: &mut Vec<TensorEntry>,
    weights: &[Box<dyn ByteSource>],
    placed: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> Result<(), CheckpointError> {
    let file = |entry: &TensorEntry| weights.get(entry.file).map_or("", |source| source.name());
    let (mut doubled, mut kept) = (Vec::new(), Vec::with_capacity(entries.len()));
    for run in entries.chunk_by(|a, b| a.name == b.name) {
        let [first, rest @ ..] = run else { continue };
        let Some(second) = rest.first() else {
            kept.push(first.clone());
            continue;
        };
        let meant = placed.get(&first.name).and_then(|shard| {
            run.iter().find(|entry| gather::plain(file(entry)) == gather::plain(shard))
        });
        let Some(meant) = meant else {
            return Err(CheckpointError::DuplicateAcrossFiles {
                name: quoted(&first.name),
                first: file(first).to_owned(),
                second: file(second).to_owned(),
            });
        };
        doubled.push(quoted(&first.name));
        kept.push(meant.clone());
    }
    if !doubled.is_empty() {
        notes.push(format!(
            "{} tensors are in two files ({}); the index says which copy counts.",
            doubled.len(),
            listed(doubled.iter().map(String::as_str))
        ));
    }
    *entries = kept;
    Ok(())
}

/// Where one file holds a model several times, the copy that is meant: `asked`, or the first.
fn keep_one_copy(
    entries: &mut Vec<TensorEntry>,
    asked: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<(), CheckpointError> {
    let copies = wrappers::copies(entries);
    let taken = match (asked, copies.first()) {
        (None, None) => return Ok(()),
        (Some(asked), _) if copies.iter().any(|copy| copy == asked) => asked.to_owned(),
        (Some(asked), _) => {
            return Err(CheckpointError::NoSuchModel { asked: quoted(asked), offered: copies });
        }
        (None, Some(first)) => first.clone(),
    };
    let others: Vec<String> = copies.into_iter().filter(|copy| *copy != taken).collect();
    entries.retain(|entry| !others.iter().any(|copy| entry.name.split('.').next() == Some(copy)));
    let others = listed(others.iter().map(String::as_str));
    notes.push(format!("The file holds this model more than once; the weights under {} were taken, not those under {others}.", quoted(&taken)));
    Ok(())
}
