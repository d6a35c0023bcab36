//! Learn: the lessons and how far the reader is, the page for teachers, the glossary.

use yew::prelude::*;

use crate::ui::address::keys;
use crate::ui::address::lock::locks;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::use_app;
use crate::ui::lessons::glossary::{self, Entry};
use crate::ui::lessons::place::{Place, keep};
use crate::ui::lessons::progress::Progress;
use crate::ui::lessons::prose::Prose;
use crate::ui::lessons::question::Question;
use crate::ui::lessons::shelf::{ANSWERS, TEACHERS, lessons};
use crate::ui::widgets::select::use_typed;
use crate::ui::words::lessons as words;

/// The page.
#[component]
pub fn Learn() -> Html {
    let app = use_app();
    let route = app.value().route.clone();
    // Who is locked in a view reads what words mean there, and neither other lessons nor the teachers' pages.
    let shut = ["nav", "lesson"].into_iter().any(|name| locks(&route, name));
    let read = if shut { "glossary" } else { route.read(&keys::READ) };
    let tab = |slug: &'static str, name: &'static str| {
        let to = keep(Route::default().on(Page::Learn), &route).put(&keys::READ, slug);
        html! { <a href={to.to_hash()} aria-current={(read == slug).then_some("true")}>{ name }</a> }
    };
    html! {
        <>
            if !shut { <nav class="shelves" aria-label="Learn">{ tab("lessons", "Lessons") }{ tab("teachers", "For teachers") }{ tab("answers", "Answers") }{ tab("glossary", "Glossary") }</nav> }
            { match read {
                "teachers" => html! { <Prose text={TEACHERS} /> },
                "answers" => html! { <Prose text={ANSWERS} /> },
                "handout" => html! { <Handout lesson={route.find(&keys::LESSON).and_then(|l| l.parse().ok()).unwrap_or(1)} /> },
                "glossary" => html! { <Glossary word={route.read(&keys::WORD)} /> },
                _ => html! { <Lessons /> },
            } }
        </>
    }
}

#[component]
fn Lessons() -> Html {
    let app = use_app();
    let route = app.value().route.clone();
    let redraw = use_force_update();
    let progress = Progress::load();
    let (typed, oninput) = use_typed("");
    let said = match Progress::of_code(&typed) {
        _ if typed.trim().is_empty() => String::new(),
        Err(why) => why.to_owned(),
        Ok(read) => {
            let of = lessons().iter().enumerate();
            words::progress(
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
    let row = |(i, lesson): (usize, &'static crate::ui::lessons::parse::Lesson)| {
        let (number, n) = (i + 1, lesson.steps.len());
        let first = (1..=n).map(|step| Place { lesson: number, step });
        let open = first.clone().find(|place| !progress.has(*place)).filter(|p| p.step > 1);
        let to =
            |place: Place| place.address(&route.clone().clear(&keys::LESSON)).unwrap_or_default();
        let answered = progress.answered(number);
        let state = match answered {
            0 => String::new(),
            a if a == n => " · done".to_owned(),
            a => format!(" · {a} of {n} answered"),
        };
        html! {
            <li key={number}>
                <a class="title" href={to(Place { lesson: number, step: 1 }).to_hash()}>{ lesson.title.clone() }</a>
                <p>{ lesson.about.clone() }</p>
                <p class="hint">{ format!("{} minutes, {n} steps{state}", lesson.minutes) }
                    { " · " }<a href={handout(&route, number).to_hash()}>{ "handout" }</a>
                    if let Some(place) = open { { " · " }<a href={to(place).to_hash()}>{ format!("go on at step {}", place.step) }</a> }
                </p>
            </li>
        }
    };
    html! {
        <section class="prose" aria-label="Lessons">
            <h2>{ "Lessons" }</h2>
            <p>{ "Each lesson stands beside the page it speaks of: read, look, try, answer. Nothing is marked and nothing is sent; your progress stays in this browser." }</p>
            <ol class="lessons">{ for lessons().iter().enumerate().map(row) }</ol>
            <p>{ "Progress code, to hand in: " }<code data-testid="progress-code">{ progress.code() }</code></p>
            <p><label class="field"><span>{ "read a code" }</span><input type="text" value={(*typed).clone()} {oninput} data-testid="read-code" /></label></p>
            <p role="status" data-testid="code-said">{ said }</p>
            <button type="button" onclick={forget}>{ "forget my progress" }</button>
        </section>
    }
}

fn handout(route: &Route, lesson: usize) -> Route {
    let learn = keep(Route::default().on(Page::Learn), route).put(&keys::READ, "handout");
    learn.put(&keys::LESSON, lesson.to_string())
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
    let Some(lesson) = (Place { lesson: props.lesson, step: 1 }).lesson() else {
        return html! { <p class="empty">{ "There is no such lesson." }</p> };
    };
    let asked = |question: &Question| match question {
        Question::Choice { options, .. } => html! {
            <ul class="boxes">{ for options.iter().map(|o| html! { <li><Prose text={o.text.clone()} inline={true} /></li> }) }</ul>
        },
        Question::Number { .. } => html! { <p class="line">{ "\u{a0}" }</p> },
        Question::Deed { .. } => Html::default(),
    };
    html! {
        <article class="handout" aria-label="Handout">
            <h2>{ format!("Lesson {}: {}", props.lesson, lesson.title) }</h2>
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
    let entry = |entry: &'static Entry| {
        let here = entry.is(&props.word);
        html! {
            <>
                <dt ref={if here { chosen.clone() } else { NodeRef::default() }} tabindex={here.then_some("-1")} class={here.then_some("chosen")}>
                    { entry.names.join(", ") }</dt>
                <dd><Prose text={entry.meaning.clone()} /></dd>
            </>
        }
    };
    html! {
        <section class="prose" aria-label="Glossary">
            <h2>{ "Glossary" }</h2>
            <dl class="glossary">{ for glossary::entries().iter().map(entry) }</dl>
        </section>
    }
}
