//! The store as answers change it: at once, or many small ones together, so that drawing takes no cores from those who compute.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::UseReducerDispatcher;

use super::app::Store;
use super::browser::time::{now, pause};
use super::memory::state::Action;
use super::words::text;
use crate::worker::jobs::Notify;
use crate::worker::request::Running;

/// Milliseconds between drawings of many small results.
pub(super) const DRAWING_MS: f64 = 200.0;

/// The store, drawn at once or soon.
#[derive(Clone, PartialEq)]
pub(super) struct Drawing {
    dispatch: UseReducerDispatcher<Store>,
    /// Small results that wait for the next drawing, and when the last one was.
    soon: Rc<RefCell<(Vec<Action>, f64)>>,
}

impl Drawing {
    pub(super) fn new(dispatch: UseReducerDispatcher<Store>) -> Self {
        Self { dispatch, soon: Rc::default() }
    }

    /// Dispatches an action, after those that wait: their order is that in which they happened.
    pub(super) fn act(&self, action: Action) {
        let mut waiting = std::mem::take(&mut self.soon.borrow_mut().0);
        if waiting.is_empty() {
            return self.dispatch.dispatch(action);
        }
        waiting.push(action);
        self.dispatch.dispatch(Action::Many(waiting));
    }

    /// Dispatches one of many small results: the first at once, then what has come, every [`DRAWING_MS`].
    pub(super) fn act_soon(&self, action: Action) {
        let wait = {
            let mut soon = self.soon.borrow_mut();
            let (waiting, last) = &mut *soon;
            let wait = *last + DRAWING_MS - now();
            if waiting.is_empty() && wait <= 0.0 {
                *last = now();
                drop(soon);
                return self.act(action);
            }
            if let Action::Running(_) = action {
                waiting.retain(|waits| !matches!(waits, Action::Running(_)));
            }
            waiting.push(action);
            if waiting.len() > 1 {
                return;
            }
            wait.max(0.0)
        };
        let store = self.clone();
        spawn_local(async move {
            pause(wait).await;
            let waiting = {
                let mut soon = store.soon.borrow_mut();
                soon.1 = now();
                std::mem::take(&mut soon.0)
            };
            if !waiting.is_empty() {
                store.act(Action::Many(waiting));
            }
        });
    }

    /// Has `list` hear of what is being computed, and the reader of trouble with the workers.
    pub(super) fn notify(&self, list: impl Fn(Vec<Running>) + 'static) -> Notify {
        let trouble = self.clone();
        Notify {
            list: Box::new(list),
            trouble: Box::new(move |what| {
                web_sys::console::warn_1(&format!("{what:?}").into());
                let (what, hint) = text::trouble(&what);
                trouble.act(Action::Note(what, hint));
            }),
        }
    }
}
