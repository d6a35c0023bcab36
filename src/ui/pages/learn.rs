//! Learn: the lessons and how far the reader is, the page for teachers, the glossary.

use yew::prelude::*;

use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::use_app;
use crate::ui::lessons::glossary::{self, Entry};
use crate::ui::lessons::place::{Place, keep};
use crate::ui::lessons::progress::Progress;
use crate::ui::lessons::prose::Prose;
use crate::ui::lessons::shelf::{TEACHERS, lessons};

/// The page.
#[component]
pub fn Learn() -> Html {
    let app = use_app();
    let route = app.value().route.clone();
    let read = route.read(&keys::READ);
    let tab = |slug: &'static str, name: &'static str| {
        let to = keep(Route::default().on(Page::Learn), &route).put(&keys::READ, slug);
        html! { <a href={to.to_hash()} aria-current={(read == slug).then_some("true")}>{ name }</a> }
    };
    html! {
        <>
            <nav class="shelves" aria-label="Learn">{ tab("lessons", "Lessons") }{ tab("teachers", "For teachers") }{ tab("glossary", "Glossary") }</nav>
            { match read {
                "teachers" => html! { <Prose text={TEACHERS} /> },
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
            <button type="button" onclick={forget}>{ "forget my progress" }</button>
        </section>
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
