//! Requests of a worker, which may wait for them: a page may not.

use std::ops::Range;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, XmlHttpRequest, XmlHttpRequestResponseType};

use crate::checkpoint::remote::source::{Reply, Transfer};

/// Synchronous requests with a range, which need no asking beforehand across origins.
#[derive(Clone, Copy)]
pub(super) struct Requests;

impl Requests {
    fn ask(url: &str, range: &Range<u64>) -> Result<Reply, JsValue> {
        let request = XmlHttpRequest::new()?;
        request.open_with_async("GET", url, false)?;
        request.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
        let last = range.end.saturating_sub(1);
        request.set_request_header("Range", &format!("bytes={}-{last}", range.start))?;
        request.send()?;
        let kind = request.get_response_header("Content-Type")?.unwrap_or_default();
        Ok(Reply {
            status: request.status()?,
            bytes: js_sys::Uint8Array::new(&request.response()?).to_vec(),
            is_page: kind.starts_with("text/html"),
            from: request.response_url(),
        })
    }
}

impl Transfer for Requests {
    fn get(&self, url: &str, range: &Range<u64>) -> Reply {
        // What the browser refuses has no status.
        Self::ask(url, range).unwrap_or_default()
    }

    fn pause(&self, ms: u32) {
        // A worker that waits for one answer has nothing else to do, and no other way to wait.
        let until = js_sys::Date::now() + f64::from(ms);
        while js_sys::Date::now() < until {}
    }

    fn own_origin(&self) -> String {
        js_sys::global()
            .dyn_into::<DedicatedWorkerGlobalScope>()
            .map_or_else(|_| String::new(), |scope| scope.location().origin())
    }
}
