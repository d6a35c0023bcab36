//! Plain web workers under the jobs: started, sent questions, listened to.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::jobs::{self, Handle, Notify, Workers};
use super::sources::{Dropped, packed};
use super::transport::{pack, text, unpack};
use crate::protocol::{Asked, QuestionId, Tell};

/// Files that the reader gave together.
pub type Files = super::request::Files<Dropped>;

/// The page's jobs.
pub type Jobs = jobs::Jobs<Dropped>;

/// As many workers as the machine has cores to spare: at least 1, at most 8.
pub fn default_size() -> usize {
    let cores = web_sys::window().map_or(2.0, |w| w.navigator().hardware_concurrency());
    (cores as usize).saturating_sub(1).clamp(1, 8)
}

/// Jobs over `n` workers of this browser.
pub fn start(n: usize, notify: Notify) -> Jobs {
    Jobs::new(n, notify, |handle| Pool { slots: RefCell::default(), handle })
}

/// Why a worker never began, where its browser tells nothing.
const UNSAID: &str = "the browser does not say why";

type OnMessage = Closure<dyn FnMut(MessageEvent)>;

struct Pool {
    slots: RefCell<Vec<Option<Slot>>>,
    handle: Handle<Dropped>,
}

/// A worker with its listeners, kept for as long as it may call them.
struct Slot {
    worker: Worker,
    /// Whether it is still the one in its slot: one that was replaced may still speak, and is not heard.
    current: Rc<Cell<bool>>,
    _listeners: (OnMessage, OnMessage, Closure<dyn FnMut(ErrorEvent)>),
}

impl Drop for Slot {
    fn drop(&mut self) {
        // What it said before it ended may still be on its way, and would meet listeners that are gone.
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.set_onmessageerror(None);
        self.worker.terminate();
    }
}

impl Workers<Dropped> for Pool {
    fn start(&self, slot: usize) -> Result<(), String> {
        let fresh = launch(slot, &self.handle).map_err(|error| text(&error))?;
        let mut slots = self.slots.borrow_mut();
        if slots.len() <= slot {
            slots.resize_with(slot + 1, || None);
        }
        if let Some(old) = slots[slot].replace(fresh) {
            old.current.set(false);
            old.worker.terminate();
            // We may be inside one of its listeners: let that return before it is dropped.
            spawn_local(async move { drop(old) });
        }
        Ok(())
    }

    fn post(
        &self,
        slot: usize,
        id: QuestionId,
        asked: &Asked,
        files: Option<&Files>,
    ) -> Result<(), String> {
        let files = files.map_or(JsValue::UNDEFINED, |files| packed(files.list()));
        let (message, transfer) = pack(id, asked, &[], &files).map_err(|error| text(&error))?;
        let slots = self.slots.borrow();
        let worker = slots.get(slot).and_then(Option::as_ref).ok_or("it is not there")?;
        let posted = worker.worker.post_message_with_transfer(&message, &transfer);
        posted.map_err(|error| text(&error))
    }

    fn has_gpu(&self) -> bool {
        let gpu = web_sys::window()
            .and_then(|window| Reflect::get(&window.navigator(), &"gpu".into()).ok());
        gpu.is_some_and(|gpu| gpu.is_truthy())
    }

    fn now(&self) -> f64 {
        web_sys::window().and_then(|w| w.performance()).map_or(0.0, |p| p.now())
    }
}

/// The workers' program, which `www/program.js` fetches and compiles once for all of them.
async fn compiled() -> Result<JsValue, JsValue> {
    let ask: Function = Reflect::get(&js_sys::global(), &"omegaProgram".into())?.dyn_into()?;
    JsFuture::from(ask.call0(&JsValue::UNDEFINED)?.dyn_into::<Promise>()?).await
}

/// Where a worker begins: the page names the file that was built with it.
///
/// Each worker has a query of its own: of several workers with one address that start at once, WebKit takes all but the first past
/// the service worker.
fn beginning(slot: usize) -> String {
    let named = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|page| page.query_selector("meta[name=omega-worker]").ok().flatten())
        .and_then(|meta| meta.get_attribute("content"));
    format!("{}?{slot}", named.as_deref().unwrap_or("./worker_loader.js"))
}

fn launch(slot: usize, handle: &Handle<Dropped>) -> Result<Slot, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&beginning(slot), &options)?;
    let current = Rc::new(Cell::new(true));
    let (hears, is_current) = (handle.clone(), current.clone());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if is_current.get() {
            match unpack::<Tell>(&event.data()) {
                Ok(message) => hears.heard(slot, message.id, message.header, message.arrays),
                Err(error) => hears.unreadable(slot, &text(&error)),
            }
        }
    });
    let (hears, is_current) = (handle.clone(), current.clone());
    let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
        if is_current.get() {
            event.prevent_default();
            // Of a program that does not load, the event has no message, and the typed getter would throw.
            let message = Reflect::get(&event, &"message".into()).ok();
            let said = message.and_then(|message| message.as_string());
            match said {
                Some(said) => hears.died(slot, &said),
                None => hears.not_loaded(slot, UNSAID),
            }
        }
    });
    let (hears, is_current) = (handle.clone(), current.clone());
    let on_unreadable = Closure::<dyn FnMut(MessageEvent)>::new(move |_: MessageEvent| {
        if is_current.get() {
            hears.unreadable(slot, "the browser cannot");
        }
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    worker.set_onmessageerror(Some(on_unreadable.as_ref().unchecked_ref()));
    let (waits, hears, is_current) = (worker.clone(), handle.clone(), current.clone());
    spawn_local(async move {
        let sent = compiled().await.and_then(|program| waits.post_message(&program));
        if let (Err(error), true) = (sent, is_current.get()) {
            hears.not_loaded(slot, &text(&error));
        }
    });
    Ok(Slot { worker, current, _listeners: (on_message, on_unreadable, on_error) })
}
