//! The frame: header, path, notices, the page in view; and the effects that turn state into questions.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{ClipboardEvent, DragEvent, Event};
use yew::prelude::*;

use super::address::key::Key;
use super::address::route::{Page, Route};
use super::address::{keys, lock};
use super::browser::drop;
use super::lessons::panel::Panel;
use super::lessons::place::Place;
use super::memory::state::{Action, AppState};
use super::pages;
use super::session::{BUILT_IN_STEP, BUILT_IN_STEPS, Session, compute};
use super::widgets::{glossary::Symbols, header::Header, notices::Notices};
use crate::protocol::model::Hints;

/// The state as Yew's reducer sees it.
#[derive(Clone, PartialEq, Default)]
pub struct Store(pub AppState);

/// An action as Yew's reducer sees it.
pub struct Change(Action);

impl From<Action> for Change {
    fn from(action: Action) -> Self {
        Self(action)
    }
}

impl Reducible for Store {
    type Action = Change;

    fn reduce(self: Rc<Self>, Change(action): Change) -> Rc<Self> {
        Rc::new(Self(self.0.after(action)))
    }
}

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

    /// Goes to a route; the URL follows.
    pub fn go(&self, route: Route) {
        go(&route);
    }

    /// Puts a route into the address without a step in the history: where the page is, not where the reader went.
    pub fn replace(&self, route: Route) {
        replace(&self.session, route);
    }

    /// Goes to the present route with one parameter changed.
    pub fn put<K: Key>(&self, key: &K, value: K::Value) {
        go(&self.value().route.clone().put(key, value));
    }

    /// Goes to the present route with one parameter changed to what a control says.
    pub fn choose<K: Key>(&self, key: &K, text: &str) {
        go(&self.value().route.clone().choose(key, text));
    }
}

/// The frame's context.
///
/// # Panics
/// Never: every component lives inside [`Root`], which provides it.
#[hook]
#[expect(clippy::expect_used, reason = "the provider is the root of the tree")]
pub fn use_app() -> App {
    use_context::<App>().expect("inside Root")
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
    let state = use_reducer(|| Store(AppState::at_route(here())));
    let session = use_memo((), |()| Session::new(state.dispatcher()));
    let session: Session = (*session).clone();
    let dark = use_state(crate::ui::widgets::theme::is_dark);
    let dragging = use_state(|| false);

    use_listeners(&session, &dark, &dragging);
    use_built_in(&state.0, &session);
    use_questions(&state.0, &session);
    use_keys(&state);
    use_address(&state.0, &session);

    let app = App { state: state.clone(), session: session.clone(), dark: *dark };
    let page = state.0.route.page;
    let visited = use_mut_ref(|| [false; Page::ALL.len()]);
    visited.borrow_mut()[page as usize] = true;
    let seen = *visited.borrow();
    let route = &state.0.route;
    let classes = classes!(
        "app",
        route.read(&keys::PRESENT).then_some("presenter"),
        Place::of(route).map(|_| "in-lesson"),
        lock::classes(route),
    );
    html! {
        <ContextProvider<App> context={app}>
            <div class={classes}>
                <a class="skip" href="#main" onclick={skip_to_main()}>{ "Skip to the page" }</a>
                <Header />
                <Notices />
                <div class="desk">
                    <Panel />
                    <main id="main" tabindex="-1">
                        // A page that was seen stays, hidden, so that going back loses nothing.
                        { for Page::ALL.into_iter().filter(|p| seen[*p as usize]).map(|p| html! {
                            <section key={p.slug()} class={format!("page {}", p.slug())} hidden={p != page} aria-label={p.title()}>
                                { pages::view(p) }
                                <Symbols page={p} />
                            </section>
                        }) }
                    </main>
                </div>
                if *dragging { <div class="drop-veil" aria-hidden="true"><p>{ "Drop the files: a .safetensors, its shards, or the whole folder" }</p></div> }
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

/// Asks for what the state lacks: spectra of a new model or convention, vectors of a new head.
#[hook]
fn use_questions(state: &AppState, session: &Session) {
    let generation = state.model.as_ref().map(|m| m.generation);
    let (at, in_view) = (state.at(), matches!(state.route.page, Page::Heads));
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

/// Keys that work everywhere outside a text field: `j` `k` for pairs, `[` `]` for layers.
#[hook]
fn use_keys(state: &UseReducerHandle<Store>) {
    let latest = use_mut_ref(|| state.clone());
    *latest.borrow_mut() = state.clone();
    use_effect_with((), move |()| {
        let Some(window) = web_sys::window() else { return };
        listen(&window, "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let typing = event
                .target()
                .and_then(|t| t.dyn_into::<web_sys::Element>().ok())
                .is_some_and(|e| matches!(e.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
            if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let state = latest.borrow().0.clone();
            let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else { return };
            let (k, last_k, last_layer) = (
                state.k(),
                model.summary.d_head.saturating_sub(1),
                model.summary.n_layers.saturating_sub(1),
            );
            let (key, value) = match event.key().as_str() {
                "j" => (keys::K, (k + 1).min(last_k)),
                "k" => (keys::K, k.saturating_sub(1)),
                "[" => (keys::LAYER, at.layer.saturating_sub(1)),
                "]" => (keys::LAYER, (at.layer + 1).min(last_layer)),
                _ => return,
            };
            go(&state.route.clone().put(&key, value));
        });
    });
}

/// Listens to the window: the URL, files dropped or pasted anywhere, the theme.
#[hook]
fn use_listeners(session: &Session, dark: &UseStateHandle<bool>, dragging: &UseStateHandle<bool>) {
    let (session, dark, dragging) = (session.clone(), dark.clone(), dragging.clone());
    use_effect_with((), move |()| {
        let Some(window) = web_sys::window() else { return };
        let route = session.clone();
        listen(&window, "hashchange", move |_| route.act(Action::Go(here())));
        listen(&window, "omega-theme", move |_| dark.set(crate::ui::widgets::theme::is_dark()));
        let newer = session.clone();
        let ready = window.document().and_then(|d| d.document_element());
        if ready.is_some_and(|root| root.has_attribute("data-update")) {
            newer.act(Action::Update);
        }
        listen(&window, "omega-update", move |_| newer.act(Action::Update));
        let shown = Cell::new(false);
        let veil = Rc::new(move |on: bool| {
            if shown.replace(on) != on {
                dragging.set(on);
            }
        });
        let over = veil.clone();
        listen(&window, "dragover", move |event| {
            event.prevent_default();
            over(true);
        });
        let left = veil.clone();
        listen(&window, "dragleave", move |event: Event| {
            // Leaving for another element of the page has a related target; leaving the window has none.
            if event.dyn_ref::<DragEvent>().is_some_and(|e| e.related_target().is_none()) {
                left(false);
            }
        });
        // A drag that ended without a word: neither keys nor a free pointer are heard of while one lasts.
        for over in ["keydown", "mousemove"] {
            let ended = veil.clone();
            listen(&window, over, move |_| ended(false));
        }
        let drops = session.clone();
        listen(&window, "drop", move |event| {
            event.prevent_default();
            veil(false);
            if let Some(transfer) = event.dyn_ref::<DragEvent>().and_then(DragEvent::data_transfer)
            {
                take(&drops, drop::entries(&transfer));
            }
        });
        listen(&window, "paste", move |event| {
            if let Some(transfer) =
                event.dyn_ref::<ClipboardEvent>().and_then(ClipboardEvent::clipboard_data)
            {
                take(&session, drop::entries(&transfer));
            }
        });
    });
}

/// Opens what was dropped or pasted.
fn take(session: &Session, entries: drop::Entries) {
    if entries.is_empty() {
        return;
    }
    let session = session.clone();
    spawn_local(async move {
        let files = entries.walk().await;
        if files.is_empty() {
            session.act(Action::Note(
                "The folder holds no files.".into(),
                "Drop a .safetensors file.".into(),
            ));
        } else {
            session.open(files, Hints::default());
        }
    });
}

/// Adds a listener that lives as long as the page.
pub fn listen(window: &web_sys::Window, name: &str, handle: impl Fn(Event) + 'static) {
    let handle = Closure::<dyn Fn(Event)>::new(handle);
    // The names are the browser's own; adding a listener to the window cannot fail.
    let _ = window.add_event_listener_with_callback(name, handle.as_ref().unchecked_ref());
    handle.forget();
}
