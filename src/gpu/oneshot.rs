//! A value that arrives once, from a callback to a future: how the GPU says "done" in a tab and natively alike.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

struct State<T> {
    value: Option<T>,
    closed: bool,
    waker: Option<Waker>,
}

fn locked<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end that a callback owns.
pub(crate) struct Sender<T>(Arc<Mutex<State<T>>>);

/// The end to await; `None` means that the callback was dropped without being called.
pub(crate) struct Receiver<T>(Arc<Mutex<State<T>>>);

/// Both ends.
pub(crate) fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Mutex::new(State { value: None, closed: false, waker: None }));
    (Sender(state.clone()), Receiver(state))
}

impl<T> Sender<T> {
    /// Hands over the value and wakes the one who waits.
    pub(crate) fn send(self, value: T) {
        locked(&self.0).value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = locked(&self.0);
            state.closed = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = locked(&self.0);
        match state.value.take() {
            Some(value) => Poll::Ready(Some(value)),
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_arrives_and_a_dropped_sender_is_noticed() {
        let (sender, receiver) = oneshot();
        sender.send(7);
        assert_eq!(pollster::block_on(receiver), Some(7));
        let (sender, receiver) = oneshot::<u8>();
        drop(sender);
        assert_eq!(pollster::block_on(receiver), None);
    }
}
