//! What a worker does: take a question, answer it, say so when it panics.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::blob::BlobSource;
use super::transport::{Envelope, pack, unpack};
use crate::engine::Engine;
use crate::protocol::{Ask, Failure, JobId, Tell};

/// The number under which a worker says that it is ready, or that it died: no question has it.
pub const NO_JOB: JobId = 0;

/// Answers questions until the page ends this worker.
pub fn serve() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new(|report| {
        // Unpacked by the pool, which restarts the worker; the worker itself is past saving.
        post(NO_JOB, &Tell::Failed(Failure::new(report.to_string())), &[]);
    }));
    let engine = Rc::new(RefCell::new(Engine::with_clock(clock)));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let engine = engine.clone();
        spawn_local(async move {
            match unpack::<Ask>(&event.data()) {
                Ok(question) => answer(&engine, question).await,
                Err(error) => {
                    post(
                        NO_JOB,
                        &Tell::Failed(Failure::new(format!("unreadable question: {error:?}"))),
                        &[],
                    );
                }
            }
        });
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(NO_JOB, &Tell::Done, &[]);
}

#[expect(
    clippy::await_holding_refcell_ref,
    reason = "a second question at once is refused, not waited for"
)]
async fn answer(engine: &RefCell<Engine>, question: Envelope<Ask>) {
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
    let sources = match &question.header {
        Ask::Open(_) | Ask::Elsewhere(_) | Ask::Features(_) if !question.extra.is_undefined() => {
            match BlobSource::list(&question.extra) {
                Ok(sources) => sources,
                Err(error) => {
                    return post(
                        id,
                        &Tell::Failed(Failure::new(format!("cannot read the files: {error:?}"))),
                        &[],
                    );
                }
            }
        }
        _ => Vec::new(),
    };
    let end = match engine.answer(question.header, question.arrays, sources, &mut out).await {
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

fn post(id: JobId, tell: &Tell, arrays: &[Vec<f32>]) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if let Ok((message, transfer)) = pack(id, tell, arrays, &JsValue::UNDEFINED) {
        // Fails only if a buffer is already detached, and ours are fresh.
        let _ = scope.post_message_with_transfer(&message, &transfer);
    }
}
