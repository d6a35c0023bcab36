//! Where bytes come from: memory, a file on disk, or (in the page) a dropped file.

use std::ops::Range;

use super::CheckpointError;
use crate::math::order::places;

/// `Send + Sync` on a host with threads, nothing at all in the browser, where a dropped file belongs to its worker.
#[cfg(not(target_arch = "wasm32"))]
pub trait Shareable: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync + ?Sized> Shareable for T {}
/// `Send + Sync` on a host with threads, nothing at all in the browser, where a dropped file belongs to its worker.
#[cfg(target_arch = "wasm32")]
pub trait Shareable {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> Shareable for T {}

/// A named run of bytes that can be read in pieces. Reading blocks: the page calls it in workers only.
pub trait ByteSource: Shareable {
    /// The path as dropped or given, with `/` between folders, e.g. `"gpt2/model.safetensors"`.
    fn name(&self) -> &str;

    /// Length in bytes.
    fn size(&self) -> u64;

    /// Exactly the bytes of `range`.
    ///
    /// # Errors
    /// [`CheckpointError::Read`] if the range leaves the file or the system refuses.
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError>;

    /// What is read from now on is kept at hand for a second reading, up to `most` bytes; with 0 nothing is, and what was kept is let go.
    /// For sources where reading costs more than the memory.
    fn keep(&self, most: u64) {
        let _ = most;
    }

    /// What is the same for two names of one file, where the system says it; `None` where nothing is known.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Exactly the bytes of each range. For sources where a read costs much whatever its length.
    ///
    /// # Errors
    /// As [`ByteSource::read`].
    fn read_all(&self, ranges: &[Range<u64>]) -> Result<Vec<Vec<u8>>, CheckpointError> {
        ranges.iter().map(|range| self.read(range.clone())).collect()
    }
}

/// Reads `ranges` by runs of neighbours: those with at most `gap` bytes between them are read at once, and cut out by `cut`.
///
/// # Errors
/// What `read` says.
pub fn joined<B>(
    ranges: &[Range<u64>],
    gap: u64,
    read: impl Fn(Range<u64>) -> Result<B, CheckpointError>,
    cut: impl Fn(&B, Range<usize>) -> Vec<u8>,
) -> Result<Vec<Vec<u8>>, CheckpointError> {
    let order = places(ranges.len(), &|a, b| ranges[a].start.cmp(&ranges[b].start));
    let mut found = vec![Vec::new(); ranges.len()];
    let near = |a: &usize, b: &usize| ranges[*b].start <= ranges[*a].end + gap;
    for run in order.chunk_by(near) {
        let start = run.first().map_or(0, |&i| ranges[i].start);
        let end = run.iter().map(|&i| ranges[i].end).max().unwrap_or(start);
        let bytes = read(start..end)?;
        for &i in run {
            let within = |at: u64| (at - start) as usize;
            found[i] = cut(&bytes, within(ranges[i].start)..within(ranges[i].end));
        }
    }
    Ok(found)
}

/// Bytes that are already in memory: the built-in model, and tests.
#[derive(Debug, Clone)]
pub struct MemorySource {
    name: String,
    bytes: Vec<u8>,
}

impl MemorySource {
    /// `bytes` under the path `name`.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> MemorySource {
        MemorySource { name: name.into(), bytes }
    }
}

impl ByteSource for MemorySource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        let within = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        match within.and_then(|(start, end)| self.bytes.get(start..end)) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(outside(self, &range)),
        }
    }
}

/// A file on disk, read with seek and read; it stays open, and its size is what it was when it was opened.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug)]
pub struct FileSource {
    name: String,
    size: u64,
    file: std::sync::Mutex<std::fs::File>,
}

#[cfg(not(target_arch = "wasm32"))]
impl FileSource {
    /// Opens `path` under the name `path` shows.
    ///
    /// # Errors
    /// [`CheckpointError::Read`] with what the system said.
    pub fn open(path: &std::path::Path) -> Result<FileSource, CheckpointError> {
        let name = path.display().to_string().replace('\\', "/");
        let opened = std::fs::File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((size, file)) => Ok(FileSource { name, size, file: std::sync::Mutex::new(file) }),
            Err(error) => Err(CheckpointError::Read {
                file: name,
                start: 0,
                end: 0,
                reason: error.to_string(),
            }),
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl ByteSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn identity(&self) -> Option<String> {
        Some(std::fs::canonicalize(&self.name).ok()?.display().to_string())
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        use std::io::{Read, Seek, SeekFrom};
        if range.start > range.end || range.end > self.size {
            return Err(outside(self, &range));
        }
        let refused = |reason: String| CheckpointError::Read {
            file: self.name.clone(),
            start: range.start,
            end: range.end,
            reason,
        };
        let length =
            usize::try_from(range.end - range.start).map_err(|error| refused(error.to_string()))?;
        let mut bytes = vec![0; length];
        // A poisoned lock only means that another reader panicked between seek and read; we seek again.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| refused(error.to_string()))?;
        Ok(bytes)
    }
}

/// Sources for `paths`: files as they are, folders walked (hidden folders left out), in order of name. A file met in a folder
/// that cannot be opened, a link to nothing for instance, is left out and said in `notes`.
///
/// # Errors
/// [`CheckpointError::Read`] if a path that was given cannot be opened.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn files_under<P: AsRef<std::path::Path>>(
    paths: &[P],
    notes: &mut Vec<String>,
) -> Result<Vec<Box<dyn ByteSource>>, CheckpointError> {
    let mut files: Vec<Box<dyn ByteSource>> = Vec::new();
    let mut waiting: Vec<(std::path::PathBuf, bool)> =
        paths.iter().rev().map(|path| (path.as_ref().to_owned(), true)).collect();
    while let Some((path, given)) = waiting.pop() {
        let refused = |error: std::io::Error| CheckpointError::Read {
            file: path.display().to_string(),
            start: 0,
            end: 0,
            reason: error.to_string(),
        };
        if !given && std::fs::metadata(&path).is_err() {
            notes.push(format!(
                "{} is a link to nothing, or cannot be read; it was left out.",
                path.display()
            ));
            continue;
        }
        if !std::fs::metadata(&path).map_err(refused)?.is_dir() {
            files.push(Box::new(FileSource::open(&path)?));
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            // A link to a folder could lead back here; a link to a file is how hub caches store their files.
            let linked_folder =
                entry.file_type().is_ok_and(|kind| kind.is_symlink()) && entry.path().is_dir();
            let relevant = entry.path().is_dir() || is_relevant(&entry.path());
            if !entry.file_name().to_string_lossy().starts_with('.') && !linked_folder && relevant {
                inside.push(entry.path());
            }
        }
        inside.sort_unstable_by(|a, b| b.cmp(a));
        waiting.extend(inside.into_iter().map(|path| (path, false)));
    }
    Ok(files)
}

/// Whether a file met in a folder can matter: weights, what goes with them, or something to be named in a refusal.
#[cfg(not(target_arch = "wasm32"))]
fn is_relevant(path: &std::path::Path) -> bool {
    let name = path.display().to_string().replace('\\', "/");
    super::gather::role(&name) != super::gather::Role::Other
        || super::foreign::Foreign::from_name(&name).is_some()
}

/// The error of a range that leaves its source.
fn outside(source: &dyn ByteSource, range: &Range<u64>) -> CheckpointError {
    CheckpointError::Read {
        file: source.name().to_owned(),
        start: range.start,
        end: range.end,
        reason: format!("the file has {} bytes", source.size()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_outside_are_refused_and_inside_are_exact() {
        let memory = MemorySource::new("m", vec![1, 2, 3, 4]);
        assert_eq!(memory.read(1..3), Ok(vec![2, 3]));
        assert_eq!(memory.read(4..4), Ok(vec![]));
        assert!(memory.read(3..5).is_err());
        assert!(memory.read(0..u64::MAX).is_err());
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn a_file_reads_like_memory() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, [1, 2, 3, 4]).unwrap();
        let file = FileSource::open(&path).unwrap();
        assert_eq!((file.size(), file.read(1..3)), (4, Ok(vec![2, 3])));
        assert!(file.read(3..5).is_err());
        assert!(file.read(Range { start: 3, end: 1 }).is_err());
    }
}
