//! Which files a name, an address or a path beside the page stands for; settings and words are read whole, weights left where they are.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ReferrerPolicy, Request, RequestCredentials, RequestInit, Response};

use super::fetch;
use crate::checkpoint::SIDE_FILES;
use crate::checkpoint::remote::folder::{Reading, RemoteFile, WEIGHTS, beside, reading, shards};
use crate::checkpoint::remote::hosts::{allowed, host};
use crate::checkpoint::remote::hub::{MOST_FILES, listing, listing_url, next_page};
use crate::checkpoint::remote::reference::Reference;
use crate::checkpoint::remote::source::refusal;
use crate::protocol::Failure;
use crate::worker::sources::{Bytes, Dropped};

/// Settings and words of one model that are read.
const MOST_WHOLE: usize = 64;

/// A file, and its bytes where they were needed to find it.
type Found = (RemoteFile, Option<Blob>);

/// The files that `reference` stands for.
///
/// # Errors
/// What the host or the browser said, in words.
pub async fn files(reference: &Reference) -> Result<Vec<Dropped>, Failure> {
    let failed = |why: String| {
        let what = format!("“{}” could not be opened: {why}.", reference.name());
        Failure::new(what)
            .try_this("What was open stays open. Files on this machine can be dropped.")
    };
    let found = match reference {
        Reference::Hub { id, revision, folder } => {
            let mut next = Some(listing_url(id, revision.as_deref(), folder));
            let mut found = Vec::new();
            while let Some(url) = next.filter(|_| found.len() < MOST_FILES) {
                let response = ask(&url, "GET").await.map_err(failed)?;
                next = response.headers().get("Link").ok().flatten().and_then(|l| next_page(&l));
                let json = bytes(&blob(&url, &response).await.map_err(failed)?).await;
                let json = json.map_err(failed)?;
                let page = listing(&json, id, revision.as_deref(), folder).map_err(failed)?;
                found.extend(page.into_iter().map(|file| (file, None)));
            }
            found
        }
        Reference::Address(address) => around(address).await.map_err(failed)?,
        Reference::Beside(path) => {
            around(&absolute(path).map_err(failed)?).await.map_err(failed)?
        }
    };
    let has_weights = |(file, _): &Found| reading(&file.path, file.size) == Some(Reading::InPieces);
    let any = found.iter().any(has_weights);
    let (mut files, mut whole) = (Vec::new(), 0);
    for (file, read) in found {
        let name = format!("{}/{}", reference.name(), file.path);
        match reading(&file.path, file.size) {
            Some(Reading::ToBeNamed) if any => {}
            Some(Reading::InPieces | Reading::ToBeNamed) => {
                files.push(Dropped { name, at: Bytes::There { url: file.url, size: file.size } });
            }
            Some(Reading::Whole) if whole < MOST_WHOLE => {
                whole += 1;
                let blob = match read {
                    Some(blob) => blob,
                    None => get(&file.url).await.map_err(failed)?,
                };
                files.push(Dropped::here(name, blob));
            }
            _ => {}
        }
    }
    if files.iter().any(|file| matches!(file.at, Bytes::There { .. })) {
        Ok(files)
    } else {
        Err(failed("no weights lie there".into()))
    }
}

/// The address of a path beside the page.
fn absolute(path: &str) -> Result<String, String> {
    let window = web_sys::window().ok_or("no window")?;
    let (here, own) = window
        .location()
        .href()
        .and_then(|here| Ok((here, window.location().origin()?)))
        .map_err(|_| "the page has no address")?;
    let url = web_sys::Url::new_with_base(path, &here).map_err(|_| format!("{path} is no path"))?;
    if url.origin() == own { Ok(url.href()) } else { Err(format!("{path} leads to another host")) }
}

/// What lies at an address and beside it: a file of weights, an index with its shards, or a folder.
async fn around(address: &str) -> Result<Vec<Found>, String> {
    let plain = address.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let mut found = Vec::new();
    if plain.ends_with(".json") {
        found = indexed(address).await?;
    } else if plain.ends_with('/') {
        for name in WEIGHTS {
            let Ok(file) = there(&beside(address, name)).await else { continue };
            if name.ends_with(".json") {
                found = indexed(&file.url).await?;
                break;
            }
            found.push((file, None));
            if name == WEIGHTS[1] {
                break;
            }
        }
        if found.is_empty() {
            let names = WEIGHTS.join(", ");
            return Err(format!(
                "none of {names} lies there: name a file, or end a folder's address with /"
            ));
        }
    } else {
        found.push((there(address).await?, None));
    }
    for name in SIDE_FILES {
        let url = beside(address, name);
        if found.iter().all(|(file, _)| file.url != url)
            && let Ok(file) = there(&url).await
        {
            found.push((file, None));
        }
    }
    Ok(found)
}

/// An index and the shards that it names.
async fn indexed(index: &str) -> Result<Vec<Found>, String> {
    let blob = get(index).await?;
    let shards = shards(&bytes(&blob).await?)?;
    let size = blob.size() as u64;
    let mut found =
        vec![(RemoteFile { path: last(index), url: index.to_owned(), size }, Some(blob))];
    for shard in shards {
        found.push((there(&beside(index, &shard)).await?, None));
    }
    Ok(found)
}

/// A file at an address, if it is there.
async fn there(url: &str) -> Result<RemoteFile, String> {
    let response = ask(url, "HEAD").await?;
    let header = |name: &str| response.headers().get(name).ok().flatten();
    if header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")) {
        return Err(format!("{} answers with a web page in place of the file", who(url)));
    }
    let size = header("Content-Length").and_then(|length| length.trim().parse().ok());
    let size = size.ok_or_else(|| format!("{} does not say how long the file is", who(url)))?;
    Ok(RemoteFile { path: last(url), url: url.to_owned(), size })
}

fn last(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let name = plain.rsplit('/').next().unwrap_or_default();
    js_sys::decode_uri_component(name).map_or_else(|_| name.to_owned(), String::from)
}

fn who(url: &str) -> &str {
    host(url).unwrap_or("the host")
}

async fn bytes(blob: &Blob) -> Result<Vec<u8>, String> {
    fetch::bytes(blob).await.map_err(|_| "the browser could not read what came".to_owned())
}

/// A file, whole.
async fn get(url: &str) -> Result<Blob, String> {
    blob(url, &ask(url, "GET").await?).await
}

async fn blob(url: &str, response: &Response) -> Result<Blob, String> {
    let blob = response.blob().map_err(|e| broken(url, &e))?;
    JsFuture::from(blob).await.and_then(JsCast::dyn_into).map_err(|e: JsValue| broken(url, &e))
}

fn broken(url: &str, _: &JsValue) -> String {
    format!("the connection to {} broke", who(url))
}

/// A request without credentials and without saying where it comes from.
async fn ask(url: &str, method: &str) -> Result<Response, String> {
    let window = web_sys::window().ok_or("no window")?;
    let own = window.location().origin().unwrap_or_default();
    if !allowed(url, &own) {
        return Err(format!("this page does not read from {}", who(url)));
    }
    let options = RequestInit::new();
    options.set_method(method);
    options.set_credentials(RequestCredentials::Omit);
    options.set_referrer_policy(ReferrerPolicy::NoReferrer);
    let unanswered =
        |_: JsValue| format!("no answer from {}, or it does not let pages read it", who(url));
    let request = Request::new_with_str_and_init(url, &options).map_err(unanswered)?;
    let response = JsFuture::from(window.fetch_with_request(&request)).await.map_err(unanswered)?;
    let response: Response = response.dyn_into().map_err(unanswered)?;
    if response.ok() { Ok(response) } else { Err(refusal(response.status(), who(url))) }
}
