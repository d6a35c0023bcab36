//! What a page remembers as Yew keeps it: one wrapper for every value of `ui::memory`, which knows no Yew.

use std::ops::Deref;
use std::rc::Rc;

use yew::prelude::*;

use super::memory::Memory;

/// A value that changes with what is heard, as Yew's reducer sees it.
#[derive(Clone, PartialEq, Default)]
pub struct Remembered<T>(pub T);

impl<T: Memory> Reducible for Remembered<T> {
    type Action = T::News;

    fn reduce(self: Rc<Self>, news: T::News) -> Rc<Self> {
        Rc::new(Self(self.0.after(news)))
    }
}

impl<T> Deref for Remembered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A value that is kept as long as its component is there; at first nothing is known.
#[hook]
pub fn use_memory<T: Memory + Default + 'static>() -> UseReducerHandle<Remembered<T>> {
    use_reducer(Remembered::default)
}
