//! Our own small scripts of `www`, which the page asks by name: every answer is a promise.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::worker::sources::Dropped;

/// Asks the script whose door is the global `door`.
///
/// # Errors
/// What the script threw, to follow a colon; `absent` where it is no error.
pub(super) async fn ask(
    door: &str,
    what: &str,
    arguments: &Array,
    absent: &str,
) -> Result<JsValue, String> {
    let said = |e: JsValue| match e.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => absent.to_owned(),
    };
    let script = Reflect::get(&js_sys::global(), &door.into()).map_err(said)?;
    let function: Function =
        Reflect::get(&script, &what.into()).map_err(said)?.dyn_into().map_err(said)?;
    let promise: Promise =
        function.apply(&script, arguments).map_err(said)?.dyn_into().map_err(said)?;
    JsFuture::from(promise).await.map_err(said)
}

/// The rows of a script's answer that are what `read` expects; none of what is no list.
pub(super) fn rows<T>(answer: &JsValue, read: impl Fn(&Array) -> Option<T>) -> Vec<T> {
    Array::from(answer).iter().filter_map(|row| read(&Array::from(&row))).collect()
}

/// Rows `[path, file]` of a script's answer; `None` unless all are that.
pub(super) fn files(answer: &JsValue) -> Option<Vec<Dropped>> {
    let file = |row: JsValue| {
        let row = Array::from(&row);
        Some(Dropped::here(row.get(0).as_string()?, row.get(1).dyn_into().ok()?))
    };
    Array::from(answer.dyn_ref::<Array>()?).iter().map(file).collect()
}
