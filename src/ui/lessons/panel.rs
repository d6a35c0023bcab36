//! The lesson beside the page: words, the question, and the way on.

use std::collections::HashMap;

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::ask::Ask;
use super::fit::use_fit;
use super::guess::{Guess, reply};
use super::lock_view::LockView;
use super::place::{Place, keep};
use super::progress::Progress;
use super::prose::Prose;
use super::speech::Speech;
use super::stage;
use crate::ui::address::keys::{PRESENT, WHOLE};
use crate::ui::address::lock;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::{go, use_app};
use crate::ui::listeners::listen;
use crate::ui::nothing::nothing;
use crate::ui::session::BUILT_IN_STEP;
use crate::ui::words::frame::Word;

/// The panel; nothing where the address names no lesson.
#[component]
pub fn Panel() -> Html {
    let app = use_app();
    let route = app.value().route.clone();
    let place = Place::of(&route);
    let progress = use_state(Progress::load);
    let guessed = use_state(HashMap::<Place, usize>::new);
    let title = use_node_ref();
    use_focus(place, &title);
    use_arrows(&route);
    use_fit();
    let speech = app.speech();
    let (Some(place), Some((lesson, mark)), Some(step)) = (
        place,
        place.and_then(|place| speech.lesson(place.lesson)),
        place.and_then(|place| speech.step(place)),
    ) else {
        return nothing();
    };
    let scene = place.address(&route).unwrap_or_default();
    let moved = scene != route;
    let link = |to: Option<Place>, text: Word, class: &'static str| {
        let href = to.and_then(|to| to.address(&route)).map(|to| to.to_hash());
        html! { if let Some(href) = href { <a {href} {class}>{ speech.say(text) }</a> } }
    };
    let on_answer = {
        let progress = progress.clone();
        Callback::from(move |()| progress.set(Progress::load()))
    };
    let presenting = route.read(&PRESENT);
    let present = route.clone().put(&PRESENT, !presenting);
    let whole = route.clone().put(&WHOLE, !route.read(&WHOLE));
    let own = app.value().model.as_ref().is_some_and(|m| m.built_in.is_none());
    let reopen = {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| session.open_built_in(BUILT_IN_STEP))
    };
    let answered = progress.has(place);
    let guess_made = guessed.get(&place).copied();
    let open = answered || guess_made.is_some() || stage::at(&route).is_none();
    let covered = step.predict.is_some() && !open;
    let guess = step.predict.as_ref().map(|predict| {
        let on_guess = {
            let guessed = guessed.clone();
            Callback::from(move |i: usize| {
                let mut next = (*guessed).clone();
                next.insert(place, i);
                guessed.set(next);
            })
        };
        let seen = predict.at_once || answered;
        html! {
            <>
                if covered { <Guess predict={predict.clone()} {on_guess} {mark} /> }
                // It is there before anything is said in it, so that it is read out.
                <div role="status" data-testid="guess-said">{ guess_made.map(|i| reply(&speech, predict, i, seen, mark)) }</div>
            </>
        }
    });
    html! {
        <aside class="lesson" aria-label={speech.say(Word::Lesson)}>
            <div class="lesson-bar">
                <span>{ titled(&speech.fill(Word::LessonTitle, &[&place.lesson.to_string(), &lesson.title]), &lesson.title, mark) }</span>
                <span class="lesson-tools">
                    <a href={present.to_hash()}>{ speech.say(if presenting { Word::StopPresenting } else { Word::Present }) }</a>
                    if route.page == step.scene.page { <a href={whole.to_hash()}>{ speech.say(if route.read(&WHOLE) { Word::OnlyPicture } else { Word::WholePage }) }</a> }
                    <a href={learn(&route).to_hash()}>{ speech.say(Word::AllLessons) }</a>
                </span>
            </div>
            <ol class="steps" aria-label={speech.say(Word::Steps)}>
                { for lesson.steps.iter().enumerate().map(|(i, step)| {
                    let to = Place { step: i + 1, ..place };
                    let done = progress.has(to);
                    let label = speech.fill(if done { Word::StepDone } else { Word::Step }, &[&(i + 1).to_string(), &step.title]);
                    html! { <li><a href={to.address(&route).unwrap_or_default().to_hash()} aria-label={label} aria-current={(to == place).then_some("step")}
                        class={done.then_some("done")}>{ if done { "✓".to_owned() } else { (i + 1).to_string() } }</a></li> }
                }) }
            </ol>
            if mark.is_some() { <p class="hint">{ speech.say(Word::NotYet) }</p> }
            <div class="told" lang={mark}>
                if presenting {
                    <h1 ref={title} tabindex="-1">{ step.title.clone() }</h1>
                    <p class="slide"><Prose text={step.slide.clone()} inline={true} /></p>
                } else {
                    <h2 ref={title} tabindex="-1">{ step.title.clone() }</h2>
                    <Prose text={step.prose.clone()} />
                }
            </div>
            if own {
                <p class="hint">{ speech.say(Word::AboutBuiltIn) }{ " " }<button type="button" onclick={reopen}>{ speech.say(Word::OpenIt) }</button></p>
            }
            { guess }
            if !covered { <Ask key={place.to_string()} {place} {answered} {on_answer} /> }
            <nav class="turn" aria-label={speech.say(Word::Turn)}>
                { link(place.back(), Word::Back, "") }
                if moved { <a href={scene.to_hash()}>{ speech.say(Word::SceneAgain) }</a> }
                { link(place.next(), Word::Next, "on") }
                if place.next().is_none() && !lock::locks(&route, "lesson") { { onward(place, &route, &speech) } }
            </nav>
            if !presenting { <LockView /> }
        </aside>
    }
}

/// What is said of a lesson, its title marked where that is in another language.
fn titled(said: &str, title: &str, mark: Option<&'static str>) -> Html {
    let (before, after) = said.split_once(title).unwrap_or((said, ""));
    html! { <>{ before.to_owned() }<span lang={mark}>{ title.to_owned() }</span>{ after.to_owned() }</> }
}

/// After the last step: the next lesson, or the list.
fn onward(place: Place, route: &Route, speech: &Speech) -> Html {
    let next = Place { lesson: place.lesson + 1, step: 1 };
    match speech.lesson(next.lesson).zip(next.address(route)) {
        Some(((lesson, mark), to)) => {
            let said = speech.fill(Word::NextLesson, &[&next.lesson.to_string(), &lesson.title]);
            html! { <a class="on" href={to.to_hash()}>{ titled(&said, &lesson.title, mark) }</a> }
        }
        None => {
            html! { <a class="on" href={learn(route).to_hash()}>{ speech.say(Word::ToAllLessons) }</a> }
        }
    }
}

/// The list of lessons, out of the lesson that the route is in.
fn learn(route: &Route) -> Route {
    keep(Route::default().on(Page::Learn), route).clear(&PRESENT)
}

/// A new step is read from its title; the first one of a visit leaves the focus alone.
#[hook]
fn use_focus(place: Option<Place>, title: &NodeRef) {
    let title = title.clone();
    let seen = use_mut_ref(|| false);
    use_effect_with(place, move |_| {
        let first = !std::mem::replace(&mut *seen.borrow_mut(), true);
        if let Some(title) = title.cast::<HtmlElement>().filter(|_| !first) {
            // Focus cannot be refused to a title that is shown.
            let _ = title.focus();
        }
    });
}

/// When presenting: arrows and page keys turn the steps, Escape ends it.
#[hook]
fn use_arrows(route: &Route) {
    let latest = use_mut_ref(|| route.clone());
    *latest.borrow_mut() = route.clone();
    use_effect_with((), move |()| {
        let Some(window) = web_sys::window() else { return };
        listen(&window, "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let route = latest.borrow().clone();
            let Some(place) = Place::of(&route).filter(|_| route.read(&PRESENT)) else {
                return;
            };
            let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
            let is = |selector: &str| {
                target.as_ref().is_some_and(|t| t.closest(selector).ok().flatten().is_some())
            };
            let arrows_are_free = !is("input, textarea, select, [role=grid], svg, [role=tablist]");
            let to = match event.key().as_str() {
                "PageDown" => place.next(),
                "PageUp" => place.back(),
                "ArrowRight" if arrows_are_free => place.next(),
                "ArrowLeft" if arrows_are_free => place.back(),
                "Escape" => return go(&route.clear(&PRESENT)),
                _ => return,
            };
            if let Some(to) = to.and_then(|to| to.address(&route)) {
                event.prevent_default();
                go(&to);
            }
        });
    });
}
