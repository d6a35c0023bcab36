//! What a worker does: take a question, answer it, say so when it panics.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::book::NO_QUESTION;
use super::transport::{Envelope, number, pack, text, unpack};
use super::{encoder, sources};
use crate::engine::Engine;
use crate::protocol::{Asked, BUILD, Failure, QuestionId, Tell};

/// Answers questions until the page ends this worker.
pub fn serve() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new(|report| {
        // Unpacked by the pool, which restarts the worker; the worker itself is past saving.
        post(NO_QUESTION, &Tell::Failed(Failure::new(report.to_string())), &[]);
    }));
    let engine = Rc::new(RefCell::new(Engine::with_clock(clock).reading_with(encoder::fetched)));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let engine = engine.clone();
        spawn_local(async move {
            let value = event.data();
            match unpack::<Asked>(&value) {
                Ok(question) => answer(&engine, question).await,
                // Without a number it can be no question's failure: this worker gives way to another.
                Err(error) => {
                    let what = format!("a question cannot be read ({})", text(&error));
                    let failure = Failure::new(what)
                        .try_this("Reload the page: the address keeps your place.");
                    post(number(&value).unwrap_or(NO_QUESTION), &Tell::Failed(failure), &[]);
                }
            }
        });
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(NO_QUESTION, &Tell::Ready { build: BUILD.to_owned() }, &[]);
}

#[expect(
    clippy::await_holding_refcell_ref,
    reason = "a second question at once is refused, not waited for"
)]
async fn answer(engine: &RefCell<Engine>, question: Envelope<Asked>) {
    let id = question.id;
    // The pool sends the next question after the last answer, so nobody else holds the engine.
    let Ok(mut engine) = engine.try_borrow_mut() else {
        return post(
            id,
            &Tell::Failed(Failure::new("the worker is still busy with the last question")),
            &[],
        );
    };
    let mut out = |tell: Tell, arrays: Vec<Vec<f32>>| post(id, &tell, &arrays);
    let sources = if question.extra.is_undefined() {
        Vec::new()
    } else {
        match sources::unpacked(&question.extra) {
            Ok(sources) => sources,
            Err(error) => {
                let what = format!("cannot read the files: {}", text(&error));
                return post(id, &Tell::Failed(Failure::new(what)), &[]);
            }
        }
    };
    let end = match engine.answer(question.header, sources, &mut out).await {
        Ok(()) => Tell::Done,
        Err(failure) => Tell::Failed(failure),
    };
    post(id, &end, &[]);
}

/// Milliseconds since some moment in the past.
fn clock() -> f64 {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    scope.performance().map_or_else(js_sys::Date::now, |p| p.now())
}

fn post(id: QuestionId, tell: &Tell, arrays: &[Vec<f32>]) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let message = pack(id, tell, arrays, &JsValue::UNDEFINED).or_else(|error| {
        let what = format!("an answer cannot be sent ({})", text(&error));
        pack(id, &Tell::Failed(Failure::new(what)), &[], &JsValue::UNDEFINED)
    });
    if let Ok((message, transfer)) = message {
        // Fails only if a buffer is already detached, and ours are fresh.
        let _ = scope.post_message_with_transfer(&message, &transfer);
    }
}
