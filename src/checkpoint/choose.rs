//! Picks the files of one model out of everything that was dropped.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::{listed, quoted};
use super::foreign::{Foreign, SNIFFED};
use super::gather::{self, Group, Role};
use super::{ByteSource, CheckpointError};

/// The largest configuration, tokenizer or index that is read; Gemma's tokenizer has 33 MB.
const MAX_SIDE_FILE: u64 = 128 << 20;

/// The part of an index that matters.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Picks the weights files of one model and finds out what is missing.
pub(super) fn choose(
    sources: &[Box<dyn ByteSource>],
    names: &[&str],
    notes: &mut Vec<String>,
) -> Result<(Group, BTreeMap<String, String>), CheckpointError> {
    let groups = gather::groups(names);
    let indices: Vec<usize> =
        (0..names.len()).filter(|&file| gather::role(names[file]) == Role::Index).collect();
    let principal = gather::principal(&groups);
    let beside = |index: usize, group: &Group| gather::folder(names[index]) == group.folder;
    let index = match (indices.as_slice(), principal) {
        ([], _) => None,
        ([only], None) => Some(*only),
        ([only], Some(group)) if group.of.is_some() => Some(*only),
        (_, group) => {
            indices.iter().copied().find(|&index| group.is_some_and(|group| beside(index, group)))
        }
    };
    let by_index = index.map(|index| indexed(sources[index].as_ref(), names)).transpose();
    let (mut chosen, mut absent) = match (by_index, principal) {
        (Ok(Some(found)), _) => found,
        (Err(CheckpointError::NoShards { .. }) | Ok(None), Some(group)) => {
            (group.clone(), BTreeMap::new())
        }
        (Err(error), _) => return Err(error),
        (Ok(None), None) if groups.is_empty() => return Err(nothing(sources)),
        (Ok(None), None) => {
            let firsts: Vec<&str> = groups
                .iter()
                .filter_map(|group| names.get(*group.files.first()?).copied())
                .collect();
            return Err(CheckpointError::Several {
                count: groups.len(),
                files: listed(firsts.into_iter()),
            });
        }
    };
    chosen.files.dedup();
    absent.retain(|_, shard| chosen.missing.contains(shard));
    let unused: Vec<&str> = (0..names.len())
        .filter(|file| gather::role(names[*file]) == Role::Weights && !chosen.files.contains(file))
        .map(|file| names[file])
        .collect();
    if !unused.is_empty() {
        notes.push(format!("Not part of this model and ignored: {}.", listed(unused.into_iter())));
    }
    Ok((chosen, absent))
}

/// The files that an index names, and where each tensor is.
fn indexed(
    index: &dyn ByteSource,
    names: &[&str],
) -> Result<(Group, BTreeMap<String, String>), CheckpointError> {
    refuse_foreign(index)?;
    let bytes = read_side_file(index)?;
    let bad = |reason: String| CheckpointError::BadIndex { index: index.name().to_owned(), reason };
    let Index { weight_map } =
        serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
    let mut shards: Vec<&str> = weight_map.values().map(String::as_str).collect();
    shards.sort_unstable();
    shards.dedup();
    let home = gather::folder(index.name());
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for shard in &shards {
        match gather::companion(names, gather::base(shard), home) {
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
    if size > MAX_SIDE_FILE {
        return Err(CheckpointError::SideFileTooLarge { file, size, cap: MAX_SIDE_FILE });
    }
    source.read(0..size)
}
