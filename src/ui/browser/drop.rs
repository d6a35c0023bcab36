//! Files that the reader gives: dropped anywhere (folders too), chosen, or pasted.

use futures_channel::oneshot;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemDirectoryReader,
    FileSystemEntry, FileSystemFileEntry,
};

use crate::worker::sources::Dropped;

/// Deepest folder that is searched for a checkpoint.
const MAX_DEPTH: usize = 6;

/// Most files that are looked at in a dropped folder.
const MAX_FILES: usize = 2000;

/// What a drop or a paste holds. Must be called inside the event's handler: the browser empties it afterwards.
pub fn entries(transfer: &DataTransfer) -> Entries {
    let items = transfer.items();
    let folders = (0..items.length())
        .filter_map(|i| items.get(i)?.webkit_get_as_entry().ok().flatten())
        .filter(FileSystemEntry::is_directory)
        .collect::<Vec<_>>();
    let files = transfer.files().map(|list| listed(&list)).unwrap_or_default();
    Entries { files, folders }
}

/// Dropped files and folders, folders not walked yet.
pub struct Entries {
    files: Vec<Dropped>,
    folders: Vec<FileSystemEntry>,
}

impl Entries {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.folders.is_empty()
    }

    /// Every file in it, folders walked.
    pub async fn walk(self) -> Vec<Dropped> {
        let Self { mut files, folders } = self;
        if !folders.is_empty() {
            // A folder also appears in the plain list, as a file that cannot be read.
            let names: Vec<String> = folders.iter().map(FileSystemEntry::name).collect();
            files.retain(|file| !names.contains(&file.name));
        }
        let mut open: Vec<(FileSystemEntry, usize)> = folders.into_iter().map(|f| (f, 0)).collect();
        while let Some((entry, depth)) = open.pop() {
            if files.len() >= MAX_FILES {
                break;
            }
            if entry.is_file() {
                if let Some(file) = file_of(entry.unchecked_ref()).await {
                    let name = entry.full_path().trim_start_matches('/').to_owned();
                    files.push(Dropped::here(name, file.into()));
                }
            } else if depth < MAX_DEPTH {
                let directory: &FileSystemDirectoryEntry = entry.unchecked_ref();
                for child in children(&directory.create_reader()).await {
                    open.push((child, depth + 1));
                }
            }
        }
        files
    }
}

/// The files in a file input or a drop, with the paths that a folder input gives them.
pub fn listed(list: &FileList) -> Vec<Dropped> {
    (0..list.length())
        .filter_map(|i| list.get(i))
        .map(|file| {
            let path = crate::worker::transport::get(&file, "webkitRelativePath")
                .ok()
                .and_then(|p| p.as_string());
            let name = path.filter(|p| !p.is_empty()).unwrap_or_else(|| file.name());
            Dropped::here(name, file.into())
        })
        .collect()
}

async fn file_of(entry: &FileSystemFileEntry) -> Option<File> {
    let (send, receive) = oneshot::channel();
    let found = Closure::once_into_js(move |file: File| {
        // The receiver is awaited right below.
        let _ = send.send(file);
    });
    entry.file_with_callback(found.unchecked_ref());
    receive.await.ok()
}

async fn children(reader: &FileSystemDirectoryReader) -> Vec<FileSystemEntry> {
    let mut all = Vec::new();
    // The browser hands out at most a hundred at a time; an empty list is the end.
    loop {
        let (send, receive) = oneshot::channel();
        let found = Closure::once_into_js(move |list: JsValue| {
            let _ = send.send(list);
        });
        if reader.read_entries_with_callback(found.unchecked_ref()).is_err() {
            return all;
        }
        let batch: js_sys::Array = match receive.await {
            Ok(list) => list.unchecked_into(),
            Err(_) => return all,
        };
        if batch.length() == 0 || all.len() >= MAX_FILES {
            return all;
        }
        all.extend(batch.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}
