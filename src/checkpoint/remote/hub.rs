//! The hub's addresses, and its list of a model's files.

use serde::Deserialize;

use super::folder::RemoteFile;
use crate::checkpoint::quoting::percent_encoded;

/// The hub.
pub const HUB: &str = "https://huggingface.co";

/// Files of one model that are looked at.
pub const MOST_FILES: usize = 2000;

/// The address of the list of all files in a folder of a model.
pub fn listing_url(id: &str, revision: Option<&str>, folder: &str) -> String {
    let revision = encoded(revision.unwrap_or("main")).replace('/', "%2F");
    let folder = if folder.is_empty() { String::new() } else { format!("/{}", encoded(folder)) };
    format!("{HUB}/api/models/{}/tree/{revision}{folder}?recursive=true", encoded(id))
}

/// The address of a list's next page, by its `Link` header: `<https://…>; rel="next"`. Only the hub's own is followed.
pub fn next_page(link: &str) -> Option<String> {
    let next = link.split(',').find(|part| {
        part.split(';').skip(1).any(|said| matches!(said.trim(), "rel=\"next\"" | "rel=next"))
    })?;
    let address = next.split(';').next()?.trim().strip_prefix('<')?.strip_suffix('>')?;
    let own = address.strip_prefix(HUB).is_some_and(|rest| rest.starts_with("/api/models/"));
    own.then(|| address.to_owned())
}

/// The address of one file.
pub fn file_url(id: &str, revision: Option<&str>, path: &str) -> String {
    let revision = encoded(revision.unwrap_or("main")).replace('/', "%2F");
    format!("{HUB}/{}/resolve/{revision}/{}", encoded(id), encoded(path))
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
}

/// The files of a listing, with their addresses.
///
/// # Errors
/// That it is no listing, in words.
pub fn listing(
    json: &[u8],
    id: &str,
    revision: Option<&str>,
    folder: &str,
) -> Result<Vec<RemoteFile>, String> {
    let entries: Vec<Entry> = serde_json::from_slice(json)
        .map_err(|_| "the hub's list of files cannot be read".to_owned())?;
    let within = |path: &str| {
        let inside = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
        inside.to_owned()
    };
    let files = entries.into_iter().filter(|entry| entry.kind == "file").take(MOST_FILES);
    let file = |entry: Entry| RemoteFile {
        url: file_url(id, revision, &entry.path),
        path: within(&entry.path),
        size: entry.size,
    };
    Ok(files.map(file).collect())
}

/// A path with everything percent-encoded that has a meaning of its own in an address.
pub(super) fn encoded(path: &str) -> String {
    percent_encoded(path, |byte| byte.is_ascii_alphanumeric() || b"/.-_~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_becomes_files_with_addresses() {
        let json = br#"[{"type":"directory","oid":"1","size":0,"path":"a/b"},
            {"type":"file","oid":"2","size":665,"path":"a/config.json"},
            {"type":"file","oid":"3","size":548105171,"path":"a/b/mo del.safetensors","lfs":{"oid":"4","size":548105171,"pointerSize":135}}]"#;
        let files = listing(json, "org/name", Some("refs/pr/1"), "a").unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!((files[0].path.as_str(), files[0].size), ("config.json", 665));
        assert_eq!(
            (files[1].path.as_str(), files[1].size, files[1].url.as_str()),
            (
                "b/mo del.safetensors",
                548_105_171,
                "https://huggingface.co/org/name/resolve/refs%2Fpr%2F1/a/b/mo%20del.safetensors"
            )
        );
        assert!(listing(b"<html>", "a", None, "").is_err());
        assert!(listing(br#"{"error":"Repository not found"}"#, "a", None, "").is_err());
    }

    #[test]
    fn a_long_list_says_where_it_goes_on() {
        let page = format!("{HUB}/api/models/o/n/tree/main?recursive=true&cursor=ZXlK%3D");
        assert_eq!(next_page(&format!("<{page}>; rel=\"next\"")), Some(page.clone()));
        let both = format!("<{HUB}/api/models/x>; rel=\"prev\", <{page}>; rel=\"next\"");
        assert_eq!(next_page(&both), Some(page));
        for other in
            ["", "<>", "<https://evil.example/api/models/x>; rel=\"next\"", "x; rel=\"next\""]
        {
            assert_eq!(next_page(other), None, "{other}");
        }
        let lookalike = format!("<{HUB}.evil.example/api/models/x>; rel=\"next\"");
        assert_eq!(next_page(&lookalike), None);
    }

    #[test]
    fn addresses_say_revision_and_folder() {
        assert_eq!(
            listing_url("gpt2", None, ""),
            "https://huggingface.co/api/models/gpt2/tree/main?recursive=true"
        );
        assert_eq!(
            listing_url("o/n", Some("v#1"), "x y"),
            "https://huggingface.co/api/models/o/n/tree/v%231/x%20y?recursive=true"
        );
    }
}
