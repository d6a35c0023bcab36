//! The frame: header, path, notices, the page in view; and the effects that turn state into questions.

use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::address::key::Key;
use super::address::route::{Page, Route};
use super::address::{keys, lock};
use super::browser::{kept, language};
use super::lessons::panel::Panel;
use super::lessons::place::Place;
use super::lessons::speech::Speech;
use super::lessons::stage;
use super::listeners::{use_keys, use_listeners};
use super::memory::state::{Action, AppState};
use super::pages;
use super::remembered::Remembered;
use super::session::{BUILT_IN_STEP, BUILT_IN_STEPS, Session, compute};
use super::widgets::{glossary::Symbols, header::Header, notices::Notices};
use super::words::frame::Word;
use super::words::pictures::OnStage;
use super::words::text;
use crate::checkpoint::remote::reference::Reference;

/// The state as Yew's reducer sees it.
pub type Store = Remembered<AppState>;

/// Offers bytes as a file of a name and a type.
pub type Save = Rc<dyn Fn(&str, &str, &[u8])>;

/// What every page gets from its frame.
#[derive(Clone, PartialEq)]
pub struct App {
    /// The state.
    pub state: UseReducerHandle<Store>,
    /// The workers.
    pub session: Session,
    /// Whether the page is dark.
    pub dark: bool,
}

impl App {
    /// The state's value.
    pub fn value(&self) -> &AppState {
        &self.state.0
    }

    /// What the page says, in the reader's language.
    pub fn speech(&self) -> Speech {
        self.value().speech()
    }

    /// Goes to a route; the URL follows.
    pub fn go(&self, route: Route) {
        go(&route);
    }

    /// Puts a route into the address without a step in the history: where the page is, not where the reader went.
    pub fn replace(&self, route: Route) {
        replace(&self.session, route);
    }

    /// How spaces are turned, and what turns them.
    pub fn turned(&self) -> ((f64, f64), Callback<(f64, f64)>) {
        let (app, route) = (self.clone(), &self.value().route);
        let on_turn = Callback::from(move |(turn, tilt): (f64, f64)| {
            let route = app.value().route.clone();
            app.replace(route.put(&keys::SPACE_TURN, turn).put(&keys::SPACE_TILT, tilt));
        });
        ((route.read(&keys::SPACE_TURN), route.read(&keys::SPACE_TILT)), on_turn)
    }

    /// Goes to the present route with one parameter changed.
    pub fn put<K: Key>(&self, key: &K, value: K::Value) {
        go(&self.value().route.clone().put(key, value));
    }

    /// Does what a button asks for: has the address say it, which does what it says anew. What it says already is done `again`, for it may
    /// have been cancelled.
    pub fn press(&self, wanted: Route, again: impl FnOnce()) {
        if wanted == self.value().route { again() } else { self.go(wanted) }
    }

    /// Goes to the present route with one parameter changed to what a control says.
    pub fn choose<K: Key>(&self, key: &K, text: &str) {
        go(&self.value().route.clone().choose(key, text));
    }
}

/// The frame's context: for pages, and for parts that ask, open files or set parameters of the address. A part that only draws is
/// handed what it draws, and tells what was clicked.
///
/// # Panics
/// Never: every component lives inside [`Root`], which provides it.
#[hook]
#[expect(clippy::expect_used, reason = "the provider is the root of the tree")]
pub fn use_app() -> App {
    use_context::<App>().expect("inside Root")
}

/// What the page says, in the reader's language: for parts that take nothing else of the frame.
#[hook]
pub fn use_speech() -> Speech {
    use_app().speech()
}

/// Where the reader is: for parts that lead on from there, and neither ask nor change anything.
#[hook]
pub fn use_route() -> Route {
    use_app().value().route.clone()
}

/// What saves a file, and tells the reader where the browser refuses: for parts that take nothing else of the frame.
#[hook]
pub fn use_save() -> Save {
    let session = use_app().session;
    Rc::new(move |name, mime, bytes| session.save(name, mime, bytes))
}

/// Whether the page is dark, for colours that are computed.
#[hook]
pub fn use_dark() -> bool {
    use_context::<App>().is_some_and(|app| app.dark)
}

/// Goes to a route; the URL follows.
pub fn go(route: &Route) {
    if let Some(window) = web_sys::window() {
        // Setting a hash fails only in a document that is already gone.
        let _ = window.location().set_hash(&route.to_hash());
    }
}

/// Puts a route into the address without a step in the history.
pub(super) fn replace(session: &Session, route: Route) {
    put_in_place(&route);
    session.act(Action::Go(route));
}

fn put_in_place(route: &Route) {
    if let Some(history) = web_sys::window().and_then(|w| w.history().ok()) {
        // Replacing the hash of our own address fails only in a document that is already gone.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&route.to_hash()));
    }
}

/// Where the address says that the reader is.
pub(super) fn here() -> Route {
    let hash = web_sys::window().and_then(|w| w.location().hash().ok()).unwrap_or_default();
    Route::parse(&hash)
}

/// The whole page.
#[component]
pub fn Root() -> Html {
    let state = use_reducer(|| Remembered(AppState::at_route(here())));
    let session = use_memo((), |()| Session::new(state.dispatcher()));
    let session: Session = (*session).clone();
    let dark = use_state(crate::ui::widgets::theme::is_dark);
    let dragging = use_state(|| false);

    use_listeners(&session, &dark, &dragging);
    use_built_in(&state.0, &session);
    use_beside(&state.0, &session);
    use_questions(&state.0, &session);
    use_keys(&state);
    use_address(&state.0, &session);
    language::use_language(&state.0, &session);

    let app = App { state: state.clone(), session: session.clone(), dark: *dark };
    let page = state.0.route.page;
    let visited = use_mut_ref(|| [false; Page::ALL.len()]);
    visited.borrow_mut()[page as usize] = true;
    let seen = *visited.borrow();
    let route = &state.0.route;
    let speech = state.0.speech();
    // Learn says itself what of it is in English.
    let lang = |page: Page| speech.foreign().filter(|_| page != Page::Learn);
    let classes = classes!(
        "app",
        route.read(&keys::PRESENT).then_some("presenter"),
        Place::of(route).map(|_| "in-lesson"),
        stage::at(route).map(|_| "staged"),
        Place::of(route).and_then(|place| (place.step % 2 == 0).then_some("even-step")),
        lock::classes(route),
    );
    html! {
        <ContextProvider<App> context={app}>
            <div class={classes}>
                <a class="skip" href="#main" onclick={skip_to_main()}>{ speech.say(Word::Skip) }</a>
                <Header />
                <Notices />
                <div class="desk">
                    <Panel />
                    <main id="main" tabindex="-1">
                        // Seen while the picture is covered: why it is.
                        if stage::at(route).is_some() { <p class="covered">{ speech.say(Word::Covered) }</p> }
                        // A page that was seen stays, hidden, so that going back loses nothing: a list of its own, for keys count only where
                        // every node has one.
                        <>{ for Page::ALL.into_iter().filter(|p| seen[*p as usize]).map(|p| html! {
                            <section key={p.slug()} class={format!("page {}", p.slug())} hidden={p != page} aria-label={speech.title(p)} lang={lang(p)} data-soon={speech.say(OnStage::Soon)}>
                                { pages::view(p) }
                                <Symbols page={p} />
                            </section>
                        }) }</>
                    </main>
                </div>
                if *dragging { <div class="drop-veil" aria-hidden="true" lang={speech.foreign()}><p>{ text::DROP_HERE }</p></div> }
            </div>
        </ContextProvider<App>>
    }
}

fn skip_to_main() -> Callback<MouseEvent> {
    Callback::from(|event: MouseEvent| {
        event.prevent_default();
        let main =
            web_sys::window().and_then(|w| w.document()).and_then(|d| d.get_element_by_id("main"));
        if let Some(main) = main.and_then(|m| m.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = main.focus();
        }
    })
}

/// Opens the built-in model at the training step that the address names, and again when it names another; a model of
/// the reader's own is left alone.
#[hook]
fn use_built_in(state: &AppState, session: &Session) {
    let open = state.model.as_ref().map(|m| m.built_in);
    let session = session.clone();
    let named = state.route.find(&keys::STEP).filter(|step| BUILT_IN_STEPS.contains(step));
    use_effect_with(named, move |step| {
        let step = step.unwrap_or(BUILT_IN_STEP);
        if open.is_none_or(|built_in| built_in.is_some_and(|now| now != step)) {
            session.open_built_in(step);
        }
    });
}

/// Opens what the address names beside the page or what is kept on this machine: nobody else is asked, so the reader need not be.
#[hook]
fn use_beside(state: &AppState, session: &Session) {
    let (session, instead) = (session.clone(), state.model.is_none().then_some(BUILT_IN_STEP));
    use_effect_with(state.offered(), move |offered| {
        let Some(named) = offered.clone() else { return };
        match Reference::parse(&named) {
            Ok(Reference::Beside(_)) => session.open_named(named, instead),
            Ok(_) => spawn_local(async move {
                if kept::files(&named).await.is_some() {
                    session.open_named(named, None);
                }
            }),
            Err(_) => {}
        }
    });
}

/// Asks for what the state lacks: spectra of a new model or convention, vectors of a new head.
#[hook]
fn use_questions(state: &AppState, session: &Session) {
    let generation = state.model.as_ref().map(|m| m.generation);
    let (at, in_view) = (state.at(), matches!(state.route.page, Page::Heads | Page::Svd));
    let remove_mean = state.route.read(&keys::MEAN);
    {
        let (session, state) = (session.clone(), state.clone());
        let wanted = (generation, state.weights(), compute(&state));
        use_effect_with(wanted, move |_| session.spectra(&state, at.map_or(0, |at| at.layer)));
    }
    let session = session.clone();
    use_effect_with(
        (generation, at.filter(|_| in_view), remove_mean),
        move |&(_, at, remove_mean)| session.vectors(at, remove_mean),
    );
}

/// Has the address follow a state that changed by itself: another model has other heads. Where the reader has gone on meanwhile,
/// that is heard of next.
#[hook]
fn use_address(state: &AppState, session: &Session) {
    let session = session.clone();
    use_effect_with((state.route.clone(), state.read.clone()), move |(route, read)| {
        if route != read && here() == *read {
            replace(&session, route.clone());
        }
    });
}
