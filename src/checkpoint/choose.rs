//! Picks the files of one model out of everything that was dropped.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::{listed, quoted};
use super::foreign::{Foreign, SNIFFED};
use super::gather::{self, Group, Role};
use super::{ByteSource, CheckpointError, adapter, header, json};
use crate::math::order::sort_by_key;
use crate::math::order::{distinct, set_of};

/// The largest tokenizer or index that is read; Gemma's tokenizer has 33 MB.
const MAX_SIDE_FILE: u64 = 128 << 20;
/// The largest configuration that is read; the longest real ones list some ten thousand labels.
const MAX_CONFIG: u64 = 1 << 20;
/// Of more checkpoints than this nobody is asked which one has attention in it.
const LOOKED_INTO: usize = 16;

/// The part of an index that matters.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The files of one model.
pub(super) struct Chosen {
    /// Its weights.
    pub(super) group: Group,
    /// The adapter to be put on them; without weights, `group` is an adapter itself.
    pub(super) adapter: Option<Group>,
    /// True if `group` is an adapter without its model.
    pub(super) alone: bool,
    /// The file that the index names for each tensor; empty without an index.
    pub(super) placed: BTreeMap<String, String>,
    /// The reader's choice was one of the groups of files.
    pub(super) by_name: bool,
}

/// Picks the weights files of one model and finds out what is missing. `model` is the reader's choice among several: one of
/// the names that [`CheckpointError::Several`] offers; any other name chooses nothing here.
pub(super) fn choose(
    sources: &[Box<dyn ByteSource>],
    names: &[&str],
    model: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Chosen, CheckpointError> {
    let mut groups = gather::groups(names);
    drop_links_to_the_same(&mut groups, sources, names, notes);
    let labels = labels(&groups, names);
    let is_adapter: Vec<bool> =
        groups.iter().map(|group| is_adapter(group, sources, names)).collect();
    let of_kind = |adapters: bool| -> Vec<Group> {
        let kind = groups.iter().zip(&is_adapter).filter(|(_, is)| **is == adapters);
        kind.map(|(group, _)| group.clone()).collect()
    };
    // A name that no group has may be that of a copy inside a file; that is for the caller to find.
    let asked = model.and_then(|model| labels.iter().position(|label| label == model));
    let (models, adapters) = match asked {
        Some(asked) if is_adapter[asked] => (of_kind(false), vec![groups[asked].clone()]),
        Some(asked) => (vec![groups[asked].clone()], Vec::new()),
        None => (of_kind(false), of_kind(true)),
    };
    let several = |groups: &[Group]| {
        let models = self::labels(groups, names);
        Err(CheckpointError::Several { count: groups.len(), models })
    };
    let adapter = match (adapters.as_slice(), gather::principal(&adapters)) {
        ([], _) => None,
        (_, Some(adapter)) => Some(adapter.clone()),
        (_, None) if models.is_empty() => return several(&adapters),
        (_, None) => return several(&groups),
    };
    if let (Some(adapter), true) = (&adapter, models.is_empty()) {
        note_unused(&[adapter], names, notes);
        let group = adapter.clone();
        let (placed, by_name) = (BTreeMap::new(), asked.is_some());
        return Ok(Chosen { group, adapter: None, alone: true, placed, by_name });
    }

    let by_content;
    let principal = match gather::principal(&models) {
        None if (2..=LOOKED_INTO).contains(&models.len()) => {
            by_content = only_with_attention(&models, sources, notes);
            by_content.as_ref()
        }
        found => found,
    };
    let index = index_of(principal, names).map(|index| indexed(sources[index].as_ref(), names));
    let (group, placed) = match (index.transpose(), principal) {
        (Ok(Some(found)), _) => found,
        (Err(CheckpointError::NoShards { .. }) | Ok(None), Some(group)) => {
            (group.clone(), BTreeMap::new())
        }
        (Err(error), _) => return Err(error),
        (Ok(None), None) if models.is_empty() => return Err(nothing(sources)),
        (Ok(None), None) => return several(&models),
    };
    let used: Vec<&Group> = std::iter::once(&group).chain(&adapter).collect();
    note_unused(&used, names, notes);
    Ok(Chosen { group, adapter, alone: false, placed, by_name: asked.is_some() })
}

/// The index that belongs to the weights: the one called after them, else one beside them, else the only one.
fn index_of(principal: Option<&Group>, names: &[&str]) -> Option<usize> {
    let consolidated = |name: &str| name.starts_with("consolidated");
    // What lists the other layout of a model says nothing of this one.
    let is_meant = |file: &usize| {
        let own = principal.is_none_or(|group| consolidated(&group.stem));
        gather::role(names[*file]) == Role::Index
            && (own || !consolidated(&gather::plain(names[*file])))
    };
    let indices: Vec<usize> = (0..names.len()).filter(is_meant).collect();
    match (indices.as_slice(), principal) {
        ([], _) => None,
        ([only], None) => Some(*only),
        ([only], Some(group)) if group.of.is_some() => Some(*only),
        (_, None) => None,
        (_, Some(group)) => {
            let own = format!("{}.safetensors.index.json", group.stem);
            let mut beside: Vec<usize> =
                indices.into_iter().filter(|&i| gather::folder(names[i]) == group.folder).collect();
            sort_by_key(&mut beside, |&i| gather::plain(names[i]) != own);
            let first = beside.first().copied()?;
            // Beside a file that stands for itself, the index of other files says nothing.
            (group.of.is_some() || beside.len() == 1 || gather::plain(names[first]) == own)
                .then_some(first)
        }
    }
}

/// Groups whose files are links to the files of an earlier group: two snapshots of a hub's cache with one blob.
fn drop_links_to_the_same(
    groups: &mut Vec<Group>,
    sources: &[Box<dyn ByteSource>],
    names: &[&str],
    notes: &mut Vec<String>,
) {
    let identity = |group: &Group| -> Option<Vec<String>> {
        group.files.iter().map(|&file| sources[file].identity()).collect()
    };
    let mut seen: Vec<Vec<String>> = Vec::new();
    groups.retain(|group| {
        let Some(identity) = identity(group) else { return true };
        let again = seen.contains(&identity);
        if again {
            let first = group.files.first().map_or("", |&file| names[file]);
            notes.push(format!("{first} is the same file under another name; it was opened once."));
        } else {
            seen.push(identity);
        }
        !again
    });
}

/// What each group is called where the reader is asked which one is meant: folders, from where they part, if every group has
/// its own; else files.
fn labels(groups: &[Group], names: &[&str]) -> Vec<String> {
    let folders: Vec<&str> = groups.iter().map(|group| group.folder.as_str()).collect();
    let whole: Vec<&str> =
        if set_of(folders.iter().copied()).len() == groups.len() && !folders.contains(&"") {
            folders
        } else {
            groups.iter().map(|group| group.files.first().map_or("", |&file| names[file])).collect()
        };
    let common = common_folder(&whole);
    whole.iter().map(|name| name.get(common..).unwrap_or(name).to_owned()).collect()
}

/// Bytes of the folders that all of `names` begin with; never a whole name.
fn common_folder(names: &[&str]) -> usize {
    let Some(first) = names.first() else { return 0 };
    let mut ends = first.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at + 1);
    ends.rfind(|&end| names.iter().all(|name| name.starts_with(&first[..end]))).unwrap_or(0)
}

/// True if the weights are an adapter: called so, or with an adapter's names beside an adapter's configuration.
fn is_adapter(group: &Group, sources: &[Box<dyn ByteSource>], names: &[&str]) -> bool {
    if group.stem.starts_with("adapter_model") {
        return true;
    }
    let beside = names.iter().any(|name| {
        gather::folder(name) == group.folder && gather::plain(name) == gather::ADAPTER_CONFIG
    });
    let names = if beside { tensor_names(group, sources) } else { Vec::new() };
    // A wrapped model that was saved whole has its own weights too.
    names.iter().any(|name| adapter::is_part(name))
        && !names.iter().any(|name| name.contains(".base_layer."))
}

/// Tensor names of the first file of a group; none if it cannot be read.
fn tensor_names(group: &Group, sources: &[Box<dyn ByteSource>]) -> Vec<String> {
    let first = group.files.first().and_then(|&file| sources.get(file));
    let header = first.and_then(|source| header::read(source.as_ref(), 0).ok());
    header.into_iter().flat_map(|header| header.entries).map(|entry| entry.name).collect()
}

/// The only group with an attention in it, if there is one.
fn only_with_attention(
    groups: &[Group],
    sources: &[Box<dyn ByteSource>],
    notes: &mut Vec<String>,
) -> Option<Group> {
    let attends = |name: &String| {
        let name = name.to_ascii_lowercase();
        name.contains("attn") || name.contains("attention")
    };
    let mut with = groups.iter().filter(|group| tensor_names(group, sources).iter().any(attends));
    let only = with.next().filter(|_| with.next().is_none())?;
    notes.push(format!(
        "Of {} weights files only the one in {} has attention in it; it was opened.",
        groups.len(),
        if only.folder.is_empty() { &only.stem } else { &only.folder }
    ));
    Some(only.clone())
}

fn note_unused(used: &[&Group], names: &[&str], notes: &mut Vec<String>) {
    let taken = |file: &usize| used.iter().any(|group| group.files.contains(file));
    let unused: Vec<&str> = (0..names.len())
        .filter(|file| gather::role(names[*file]) == Role::Weights && !taken(file))
        .map(|file| names[file])
        .collect();
    if !unused.is_empty() {
        notes.push(format!("Not part of this model and ignored: {}.", listed(unused.into_iter())));
    }
}

/// The files that an index names, and where each tensor is.
fn indexed(
    index: &dyn ByteSource,
    names: &[&str],
) -> Result<(Group, BTreeMap<String, String>), CheckpointError> {
    refuse_foreign(index)?;
    let bytes = read_side_file(index)?;
    let bad = |reason: String| CheckpointError::BadIndex { index: index.name().to_owned(), reason };
    let Index { weight_map } = match serde_json::from_slice(&bytes) {
        Ok(index) => index,
        Err(_) => serde_json::from_value(json::parse(&bytes).map_err(&bad)?.value)
            .map_err(|error| bad(error.to_string()))?,
    };
    let shards = distinct(weight_map.values().map(String::as_str));
    let home = gather::folder(index.name());
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for shard in &shards {
        match gather::companion(names, &gather::plain(shard), home) {
            Some(file) if gather::role(names[file]) == Role::Weights => files.push(file),
            Some(_) => {
                return Err(bad(format!(
                    "it names {}, which is not a .safetensors file",
                    quoted(shard)
                )));
            }
            None => missing.push((*shard).to_owned()),
        }
    }
    if files.is_empty() {
        return Err(CheckpointError::NoShards {
            index: index.name().to_owned(),
            count: shards.len(),
        });
    }
    files.dedup();
    let folder = gather::folder(names[files[0]]).to_owned();
    Ok((Group { folder, stem: String::new(), of: Some(shards.len()), files, missing }, weight_map))
}

/// The error when there is no safetensors file: the first foreign checkpoint, or that there is none.
fn nothing(sources: &[Box<dyn ByteSource>]) -> CheckpointError {
    if sources.is_empty() {
        return CheckpointError::NoFiles;
    }
    let recognised = sources.iter().find_map(|source| {
        let first = source.read(0..source.size().min(SNIFFED)).unwrap_or_default();
        Some((source.name(), Foreign::recognise(source.name(), &first)?))
    });
    match recognised {
        Some((file, foreign)) => CheckpointError::Foreign { file: file.to_owned(), foreign },
        None => CheckpointError::NoCheckpoint {
            files: listed(sources.iter().map(|source| source.name())),
        },
    }
}

/// Refuses a file whose first bytes say that it is something else.
pub(super) fn refuse_foreign(source: &dyn ByteSource) -> Result<(), CheckpointError> {
    let first = source.read(0..source.size().min(SNIFFED))?;
    match Foreign::from_bytes(source.name(), &first) {
        Some(foreign) => Err(CheckpointError::Foreign { file: source.name().to_owned(), foreign }),
        None => Ok(()),
    }
}

/// All of a configuration, tokenizer or index, unless it is absurdly large.
pub(super) fn read_side_file(source: &dyn ByteSource) -> Result<Vec<u8>, CheckpointError> {
    let (file, size) = (source.name().to_owned(), source.size());
    let cap = if is_config(&file) { MAX_CONFIG } else { MAX_SIDE_FILE };
    if size > cap {
        return Err(CheckpointError::SideFileTooLarge { file, size, cap });
    }
    source.read(0..size)
}

/// True for the small files that say what the weights are.
pub(super) fn is_config(name: &str) -> bool {
    let plain = gather::plain(name);
    ["config.json", "cfg.json", "params.json", gather::ADAPTER_CONFIG].contains(&plain.as_str())
}
