//! Messages between the page and a worker: a header by structured clone, big arrays by transfer.

use js_sys::{Array, Float32Array, Object, Reflect};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

use crate::protocol::QuestionId;

/// A message as it lies on the wire.
pub struct Envelope<T> {
    /// The question it belongs to.
    pub id: QuestionId,
    /// The plain part.
    pub header: T,
    /// The arrays that travelled beside it.
    pub arrays: Vec<Vec<f32>>,
    /// Files or other browser objects that travelled beside it; `undefined` where there are none.
    pub extra: JsValue,
}

/// The JavaScript value of a message, and the buffers to transfer with it.
///
/// # Errors
/// If the header cannot be serialised, which no type of the protocol does.
pub fn pack<T: Serialize>(
    id: QuestionId,
    header: &T,
    arrays: &[Vec<f32>],
    extra: &JsValue,
) -> Result<(JsValue, Array), JsValue> {
    let message = Object::new();
    // Bytes travel as a Uint8Array, not as a list of numbers.
    let serializer =
        serde_wasm_bindgen::Serializer::new().serialize_large_number_types_as_bigints(false);
    let header = header.serialize(&serializer).map_err(JsValue::from)?;
    let (list, transfer) = (Array::new(), Array::new());
    for values in arrays {
        let array = Float32Array::from(values.as_slice());
        transfer.push(&array.buffer());
        list.push(&array);
    }
    set(&message, "id", &id.into())?;
    set(&message, "header", &header)?;
    set(&message, "arrays", &list)?;
    set(&message, "extra", extra)?;
    Ok((message.into(), transfer))
}

/// The message in a JavaScript value.
///
/// # Errors
/// Why the value is not one of our messages.
pub fn unpack<T: DeserializeOwned>(value: &JsValue) -> Result<Envelope<T>, JsValue> {
    let id = number(value).ok_or("it has no number")?;
    let header = serde_wasm_bindgen::from_value(get(value, "header")?).map_err(JsValue::from)?;
    let list: Array = get(value, "arrays")?.dyn_into()?;
    let arrays = list.iter().map(|a| Float32Array::from(a).to_vec()).collect();
    Ok(Envelope { id, header, arrays, extra: get(value, "extra")? })
}

/// The number of the question that a message belongs to, also where the rest of it cannot be read.
pub fn number(value: &JsValue) -> Option<QuestionId> {
    Some(get(value, "id").ok()?.as_f64()? as QuestionId)
}

/// What a JavaScript error says.
pub fn text(error: &JsValue) -> String {
    let of_error = || error.dyn_ref::<js_sys::Error>().map(|e| String::from(e.message()));
    error.as_string().or_else(of_error).unwrap_or_else(|| format!("{error:?}"))
}

/// One property of a JavaScript object.
///
/// # Errors
/// If `value` is not an object.
pub fn get(value: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(value, &JsValue::from_str(name))
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &JsValue::from_str(name), value).map(|_| ())
}
