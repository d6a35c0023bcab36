//! A question that a part of a page asks by itself: its job, run into a [`Reply`], whatever the type of its answer.

use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;

use yew::prelude::*;

use super::address::route::{Page, Route};
use super::app::use_app;
use super::memory::reply::Reply;
use super::remembered::{Remembered, use_memory};
use super::session::Session;
use crate::protocol::{Failure, Question};
use crate::worker::pool::Jobs;
use crate::worker::request::{JobEvent, Request};
use crate::worker::sources::Dropped;

/// A question with its reply; the answer is a `T`.
pub struct Asking<T> {
    any: AskingAny,
    answer: PhantomData<fn() -> T>,
}

/// The same without the type of the answer: the page carries its code once.
#[derive(Clone)]
struct AskingAny {
    jobs: Jobs,
    owner: &'static str,
    about: u32,
    reply: UseReducerHandle<Remembered<Reply<dyn Any>>>,
    /// Who tells the reader of a failure, where the page does not.
    notes: Option<Session>,
}

impl AskingAny {
    fn known(&self) -> Option<&Reply<dyn Any>> {
        self.reply.0.about(self.about)
    }

    fn hear(&self, event: JobEvent<Rc<dyn Any>>) {
        match (&self.notes, &event) {
            (Some(session), JobEvent::Failed { failure, .. }) => {
                session.failed(self.owner, failure.clone());
            }
            (Some(session), JobEvent::Part { .. }) => session.answered(self.owner),
            _ => {}
        }
        self.reply.dispatch((self.about, event));
    }
}

impl<T> Clone for Asking<T> {
    fn clone(&self) -> Self {
        Self { any: self.any.clone(), answer: PhantomData }
    }
}

impl<T: 'static> Asking<T> {
    /// The last answer to what is asked about.
    pub fn found(&self) -> Option<Rc<T>> {
        self.any.known()?.found.clone()?.downcast().ok()
    }

    /// Why there is none.
    pub fn failed(&self) -> Option<&Failure> {
        self.any.known()?.failed.as_ref()
    }

    /// Whether the question is under way.
    pub fn under_way(&self) -> bool {
        self.any.known().is_some_and(|reply| reply.under_way)
    }

    /// Whether the last one was cancelled.
    pub fn stopped(&self) -> bool {
        self.any.known().is_some_and(|reply| reply.stopped)
    }

    /// Counts what is asked about: another number, another question.
    pub fn number(&self) -> u32 {
        self.any.about
    }

    /// The same, whose failures the page shows itself.
    pub fn quiet(mut self) -> Self {
        self.any.notes = None;
        self
    }

    /// The same, asked of other workers.
    pub fn of(mut self, jobs: &Jobs) -> Self {
        self.any.jobs = jobs.clone();
        self
    }

    /// Asks, in place of what was asked last.
    pub fn ask<Q: Question>(&self, request: Request<Q, Dropped>)
    where
        Q::Answer: Into<Rc<T>>,
    {
        self.ask_for(request, |answer, _| answer.into());
    }

    /// Asks, and keeps what `keep` makes of the answer and of the arrays beside it.
    pub fn ask_for<Q: Question>(
        &self,
        request: Request<Q, Dropped>,
        keep: impl Fn(Q::Answer, Vec<Vec<f32>>) -> Rc<T> + 'static,
    ) {
        let any = self.any.clone();
        self.any.jobs.ask(request.owner(self.any.owner), move |event| {
            any.hear(event.map(|answer, arrays| keep(answer, arrays) as Rc<dyn Any>));
        });
    }

    /// Hears that it cannot even be asked.
    pub fn fail(&self, failure: Failure) {
        self.any.hear(JobEvent::Failed { part: 0, failure });
    }
}

/// A question of `owner`, and what is known of its reply. When it is `about` something else, nobody wants the old answer any more;
/// `None` leaves it at what it was about.
#[hook]
pub fn use_asking<T: 'static, D: PartialEq + 'static>(
    owner: &'static str,
    about: Option<D>,
) -> Asking<T> {
    let last = use_mut_ref(|| (0, None::<D>));
    if about.is_some() && last.borrow().1 != about {
        let number = last.borrow().0 + 1;
        *last.borrow_mut() = (number, about);
    }
    let number = last.borrow().0;
    let any = use_any(owner, number);
    Asking { any, answer: PhantomData }
}

/// Has the page do what the address says, once for each thing that it says, and again when a button asks for it: the callback takes the
/// address that says so. Out of view nothing new is done; what was found stays.
#[hook]
pub fn use_said<D: Clone + PartialEq + 'static>(
    page: Page,
    said: Option<D>,
    deed: impl Fn(&D) + 'static,
) -> Callback<Route> {
    let app = use_app();
    let last = use_mut_ref(|| None);
    if app.value().route.page == page {
        *last.borrow_mut() = said;
    }
    let said = last.borrow().clone();
    let deed = Rc::new(move |said: &Option<D>| said.iter().for_each(&deed));
    use_effect_with(said.clone(), {
        let deed = deed.clone();
        move |said| deed(said)
    });
    Callback::from(move |wanted| app.press(wanted, || deed(&said)))
}

#[hook]
fn use_any(owner: &'static str, about: u32) -> AskingAny {
    let session = use_app().session;
    let jobs = session.jobs.clone();
    let reply = use_memory::<Reply<dyn Any>>();
    {
        let jobs = jobs.clone();
        use_effect_with(about, move |_| jobs.stop(owner));
    }
    AskingAny { jobs, owner, about, reply, notes: Some(session) }
}
