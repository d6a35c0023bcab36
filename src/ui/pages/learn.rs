//! Learn: the lessons and how far the reader is, the page for teachers, the glossary.

use yew::prelude::*;

use crate::ui::address::keys;
use crate::ui::address::lock::locks;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::{use_route, use_speech};
use crate::ui::lessons::beside::Beside;
use crate::ui::lessons::glossary;
use crate::ui::lessons::place::{Place, keep};
use crate::ui::lessons::progress::Progress;
use crate::ui::lessons::prose::Prose;
use crate::ui::lessons::question::Question;
use crate::ui::lessons::shelf::lessons;
use crate::ui::lessons::speech::Speech;
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::use_typed;
use crate::ui::words::frame::Word;

/// The page.
#[component]
pub fn Learn() -> Html {
    let (route, speech) = (use_route(), use_speech());
    // Who is locked in a view reads what words mean there, and neither other lessons nor the teachers' pages.
    let shut = ["nav", "lesson"].into_iter().any(|name| locks(&route, name));
    let read = if shut { "glossary" } else { route.read(&keys::READ) };
    let tab = |slug: &'static str, name: Word| {
        let to = keep(Route::default().on(Page::Learn), &route).put(&keys::READ, slug);
        html! { <a href={to.to_hash()} aria-current={(read == slug).then_some("true")}>{ speech.say(name) }</a> }
    };
    let english = |name: &'static str| {
        html! {
            <>
                if speech.foreign().is_some() { <p class="hint">{ speech.say(Word::NotThis) }</p> }
                <Beside {name} lang={speech.foreign()} />
            </>
        }
    };
    html! {
        <>
            if !shut { <nav class="shelves" aria-label={speech.say(Word::Shelves)}>{ tab("lessons", Word::Lessons) }{ tab("teachers", Word::Teachers) }{ tab("answers", Word::Answers) }{ tab("glossary", Word::Glossary) }</nav> }
            { match read {
                "teachers" => english("teachers"),
                "answers" => english("answers"),
                "handout" => html! { <Handout lesson={route.find(&keys::LESSON).and_then(|l| l.parse().ok()).unwrap_or(1)} /> },
                "glossary" => html! { <Glossary word={route.read(&keys::WORD)} /> },
                _ => html! { <Lessons /> },
            } }
        </>
    }
}

#[component]
fn Lessons() -> Html {
    let (route, speech) = (use_route(), use_speech());
    let redraw = use_force_update();
    let progress = Progress::load();
    let (typed, oninput) = use_typed("", true);
    let said = match Progress::of_code(&typed) {
        _ if typed.trim().is_empty() => String::new(),
        Err(why) => speech.say(why),
        Ok(read) => {
            let of = lessons().iter().enumerate();
            speech.progress(
                &of.map(|(i, l)| (read.answered(i + 1), l.steps.len())).collect::<Vec<_>>(),
            )
        }
    };
    let forget = {
        let redraw = redraw.clone();
        Callback::from(move |_: MouseEvent| {
            Progress::forget();
            redraw.force_update();
        })
    };
    let row = |number: usize| {
        let Some((lesson, lang)) = speech.lesson(number) else { return nothing() };
        let n = lesson.steps.len();
        let first = (1..=n).map(|step| Place { lesson: number, step });
        let open = first.clone().find(|place| !progress.has(*place)).filter(|p| p.step > 1);
        let to =
            |place: Place| place.address(&route.clone().clear(&keys::LESSON)).unwrap_or_default();
        let answered = progress.answered(number);
        let state = match answered {
            0 => None,
            a if a == n => Some(speech.say(Word::Done)),
            a => Some(speech.fill(Word::Some, &[&a.to_string(), &n.to_string()])),
        };
        html! {
            <li key={number}>
                <a class="title" href={to(Place { lesson: number, step: 1 }).to_hash()} {lang}>{ lesson.title.clone() }</a>
                <p {lang}>{ lesson.about.clone() }</p>
                <p class="hint">{ speech.fill(Word::Length, &[&lesson.minutes.to_string(), &n.to_string()]) }
                    if let Some(state) = state { { " · " }{ state } }
                    { " · " }<a href={handout(&route, number).to_hash()}>{ speech.say(Word::Handout) }</a>
                    if let Some(place) = open { { " · " }<a href={to(place).to_hash()}>{ speech.fill(Word::GoOn, &[&place.step.to_string()]) }</a> }
                </p>
            </li>
        }
    };
    html! {
        <section class="prose" aria-label={speech.say(Word::Lessons)}>
            <h2>{ speech.say(Word::Lessons) }</h2>
            if speech.foreign().is_some() { <p class="hint">{ speech.say(Word::Partly) }</p> }
            <p>{ speech.say(Word::Beside) }</p>
            <ol class="lessons">{ for (1..=lessons().len()).map(row) }</ol>
            <p>{ speech.say(Word::Code) }{ " " }<code data-testid="progress-code">{ progress.code() }</code></p>
            <p><label class="field"><span>{ speech.say(Word::ReadCode) }</span><input type="text" value={(*typed).clone()} {oninput} data-testid="read-code" /></label></p>
            <p role="status" data-testid="code-said">{ said }</p>
            <button type="button" onclick={forget}>{ speech.say(Word::Forget) }</button>
        </section>
    }
}

fn handout(route: &Route, lesson: usize) -> Route {
    let learn = keep(Route::default().on(Page::Learn), route).put(&keys::READ, "handout");
    learn.put(&keys::LESSON, lesson.to_string())
}

fn title(speech: &Speech, number: usize, title: &str) -> String {
    speech.fill(Word::LessonTitle, &[&number.to_string(), title])
}

/// Properties of [`Handout`].
#[derive(Properties, PartialEq)]
struct HandoutProps {
    /// Which lesson.
    lesson: usize,
}

/// A whole lesson to print: words and questions, no answers, nothing to press.
#[component]
fn Handout(props: &HandoutProps) -> Html {
    let speech = use_speech();
    let Some((lesson, lang)) = speech.lesson(props.lesson) else {
        return html! { <p class="empty">{ speech.say(Word::NoLesson) }</p> };
    };
    let asked = |question: &Question| match question {
        Question::Choice { options, .. } => html! {
            <ul class="boxes">{ for options.iter().map(|o| html! { <li><Prose text={o.text.clone()} inline={true} /></li> }) }</ul>
        },
        Question::Number { .. } => html! { <p class="line">{ "\u{a0}" }</p> },
        Question::Deed { .. } => nothing(),
    };
    html! {
        <article class="handout" aria-label={speech.say(Word::Handout)} {lang}>
            <h2>{ title(&speech, props.lesson, &lesson.title) }</h2>
            <p>{ lesson.about.clone() }</p>
            { for lesson.steps.iter().enumerate().map(|(i, step)| html! {
                <section>
                    <h3>{ format!("{}.{} {}", props.lesson, i + 1, step.title) }</h3>
                    <Prose text={step.prose.clone()} />
                    <div class="asked"><Prose text={step.question.ask().to_owned()} inline={true} />{ asked(&step.question) }</div>
                </section>
            }) }
        </article>
    }
}

/// Properties of [`Glossary`].
#[derive(Properties, PartialEq)]
struct GlossaryProps {
    /// The word to show first.
    word: String,
}

#[component]
fn Glossary(props: &GlossaryProps) -> Html {
    let chosen = use_node_ref();
    {
        let chosen = chosen.clone();
        use_effect_with(props.word.clone(), move |_| {
            if let Some(entry) = chosen.cast::<web_sys::HtmlElement>() {
                entry.scroll_into_view();
                // Focus cannot be refused to an entry that is shown.
                let _ = entry.focus();
            }
        });
    }
    let speech = use_speech();
    let entry = |english: &'static glossary::Entry| {
        let (entry, lang) = speech.entry(english.name()).unwrap_or((english, "en"));
        let here = english.is(&props.word) || entry.is(&props.word);
        let lang = speech.own().map(|_| lang);
        html! {
            <>
                <dt ref={if here { chosen.clone() } else { NodeRef::default() }} tabindex={here.then_some("-1")} class={here.then_some("chosen")} {lang}>
                    { entry.names.join(", ") }</dt>
                <dd><Prose text={entry.meaning.clone()} {lang} /></dd>
            </>
        }
    };
    html! {
        <section class="prose" aria-label={speech.say(Word::Glossary)}>
            <h2>{ speech.say(Word::Glossary) }</h2>
            <dl class="glossary">{ for glossary::entries().iter().map(entry) }</dl>
        </section>
    }
}
