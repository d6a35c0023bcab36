//! What reads prompts in words: a program of its own, which this worker fetches when the first one comes.

use std::future::Future;
use std::pin::Pin;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::transport::text;
use crate::engine::NoEncoder;
use crate::model::tokenizer::{Encode, Encoder};

/// The function of `www/worker_loader.js` that fetches the program and gives its class `Encoder`.
const FETCH: &str = "omegaEncoder";

/// The program's `Encoder` of one model.
struct Fetched {
    encoder: JsValue,
    encode: Function,
}

impl Encode for Fetched {
    fn encode(&self, prompt: &str, special: bool) -> Result<Vec<u32>, String> {
        let ids = self.encode.call2(&self.encoder, &prompt.into(), &special.into());
        ids.map(|ids| Uint32Array::new(&ids).to_vec()).map_err(|error| said(&error))
    }
}

/// What the program said, or that it is no more.
fn said(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) if error.name() == "RuntimeError" => {
            "the library that reads it broke off".into()
        }
        _ => text(error),
    }
}

/// Fetches the program, once, and has it read `json`. It may not come, and it may not survive a hostile file: either costs words alone.
pub(super) fn fetched(json: Vec<u8>) -> Pin<Box<dyn Future<Output = Result<Encoder, NoEncoder>>>> {
    Box::pin(async move {
        let class = class().await.map_err(|error| NoEncoder::NotFetched(text(&error)))?;
        let made = made(&class, &json).map_err(|error| NoEncoder::Refused(said(&error)))?;
        Ok(Box::new(made) as Encoder)
    })
}

async fn class() -> Result<Function, JsValue> {
    let fetch: Function = Reflect::get(&js_sys::global(), &FETCH.into())?.dyn_into()?;
    let asked: Promise = fetch.call0(&JsValue::UNDEFINED)?.dyn_into()?;
    JsFuture::from(asked).await?.dyn_into()
}

fn made(class: &Function, json: &[u8]) -> Result<Fetched, JsValue> {
    let encoder = Reflect::construct(class, &Array::of1(&Uint8Array::from(json)))?;
    let encode = Reflect::get(&encoder, &"encode".into())?.dyn_into()?;
    Ok(Fetched { encoder, encode })
}
