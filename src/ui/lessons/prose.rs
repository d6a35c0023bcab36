//! What a lesson says, as the build has set it (`build.rs`): HTML with MathML, whose links stay in the lesson.

use super::place::keep;
use crate::ui::address::keys::LESSON;
use crate::ui::address::lock::locks;
use crate::ui::address::route::Route;

/// `html` with every link to one of the page's own addresses shown as `from` is shown, and in the lesson it is in; where `from`
/// locks the way to other pages, a link to one is its words alone.
pub fn linked(html: &str, from: &Route) -> String {
    const LINK: &str = "href=\"#";
    let mut pieces = html.split(LINK);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (hash, rest) = piece.split_once('"').unwrap_or((piece, ""));
        let to = keep(Route::parse(&hash.replace("&amp;", "&")), from);
        let to = match from.find(&LESSON) {
            Some(place) if to.find(&LESSON).is_none() => to.put(&LESSON, place),
            _ => to,
        };
        if locks(from, "nav") && to.page != from.page {
            out.truncate(out.trim_end_matches("<a ").len());
            let (words, rest) =
                rest.trim_start_matches('>').split_once("</a>").unwrap_or(("", rest));
            out += &format!("{words}{rest}");
        } else {
            out += &format!("href=\"{}\"{rest}", to.to_hash().replace('&', "&amp;"));
        }
    }
    out
}

/// `html` in the pieces between which something can be put: its paragraphs, lists and tables.
pub fn blocks(html: &str) -> Vec<&str> {
    const NESTING: [&str; 4] = ["ul", "ol", "table", "blockquote"];
    let (mut blocks, mut start, mut at, mut depth) = (Vec::new(), 0, 0, 0_isize);
    for line in html.split_inclusive('\n') {
        at += line.len();
        for tag in NESTING {
            let opened = line.matches(&format!("<{tag}>")).count() as isize;
            depth += opened - line.matches(&format!("</{tag}>")).count() as isize;
        }
        let ends = line.trim_end().ends_with("</p>")
            || NESTING.iter().any(|tag| line.trim_end().ends_with(&format!("</{tag}>")));
        if depth == 0 && ends {
            blocks.push(&html[start..at]);
            start = at;
        }
    }
    if start < html.len() {
        blocks.push(&html[start..]);
    }
    blocks
}

/// The words of the glossary that a text opens.
pub fn words(html: &str) -> Vec<&str> {
    values(html, "data-word=\"")
}

/// The marks that words of a text light.
#[cfg(test)]
pub(super) fn lights(html: &str) -> Vec<&str> {
    values(html, "data-light=\"")
}

/// What stands behind each `start`, to the next quotation mark.
fn values<'a>(html: &'a str, start: &str) -> Vec<&'a str> {
    html.split(start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// The addresses of this page that a text links to.
#[cfg(test)]
pub(super) fn links(html: &str) -> Vec<String> {
    let hashes = values(html, "href=\"#").into_iter();
    hashes.map(|hash| format!("#{}", hash.replace("&amp;", "&"))).collect()
}

#[cfg(target_arch = "wasm32")]
mod component {
    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};
    use yew::prelude::*;

    use crate::ui::app::{use_route, use_speech};
    use crate::ui::widgets::glossary::Meaning;

    /// Properties of [`Prose`].
    #[derive(Properties, PartialEq)]
    pub struct ProseProps {
        /// HTML of our own.
        pub text: AttrValue,
        /// Whether it is one sentence inside a line.
        #[prop_or_default]
        pub inline: bool,
        /// Its language, where that is not the one around it.
        #[prop_or_default]
        pub lang: Option<&'static str>,
    }

    /// A text of our own, drawn. A word of the glossary opens under its paragraph, and closes again.
    #[component]
    pub fn Prose(props: &ProseProps) -> Html {
        let (from, speech) = (use_route(), use_speech());
        let open = use_state(|| None::<String>);
        let here = use_node_ref();
        let drawn = use_memo((props.text.clone(), from), |(text, from)| {
            let linked = super::linked(text, from);
            let block = |block: &str| {
                let words: Vec<String> =
                    super::words(block).into_iter().map(str::to_owned).collect();
                (Html::from_html_unchecked(block.to_owned().into()), words)
            };
            super::blocks(&linked).into_iter().map(block).collect::<Vec<_>>()
        });
        {
            let open = open.clone();
            use_effect_with(props.text.clone(), move |_| open.set(None));
        }
        // The buttons are set by the build: what they say of themselves follows by hand.
        {
            let (here, open) = (here.clone(), open.clone());
            use_effect(move || {
                let buttons =
                    here.cast::<Element>().and_then(|e| e.query_selector_all("[data-word]").ok());
                let Some(buttons) = buttons else { return };
                for i in 0..buttons.length() {
                    let Some(button) =
                        buttons.get(i).and_then(|node| node.dyn_into::<Element>().ok())
                    else {
                        continue;
                    };
                    let is_open = button.get_attribute("data-word") == *open;
                    // An attribute of our own on an element of our own is not refused.
                    let _ = button
                        .set_attribute("aria-expanded", if is_open { "true" } else { "false" });
                }
            });
        }
        let onclick = {
            let open = open.clone();
            Callback::from(move |event: MouseEvent| {
                let target = event.target_dyn_into::<Element>();
                let button = target.and_then(|target| target.closest("[data-word]").ok().flatten());
                if let Some(word) = button.and_then(|button| button.get_attribute("data-word")) {
                    open.set(Some(word).filter(|word| open.as_ref() != Some(word)));
                }
            })
        };
        let onkeydown = {
            let (open, here) = (open.clone(), here.clone());
            Callback::from(move |event: KeyboardEvent| {
                if event.key() == "Escape" && open.is_some() {
                    event.stop_propagation();
                    let button = here
                        .cast::<Element>()
                        .and_then(|e| e.query_selector("[aria-expanded=true]").ok().flatten());
                    if let Some(button) =
                        button.and_then(|button| button.dyn_into::<HtmlElement>().ok())
                    {
                        // Focus cannot be refused to a button that is shown.
                        let _ = button.focus();
                    }
                    open.set(None);
                }
            })
        };
        if props.inline {
            return html! { <span lang={props.lang}>{ for drawn.iter().map(|(html, _)| html.clone()) }</span> };
        }
        let first =
            open.as_ref().and_then(|word| drawn.iter().position(|(_, words)| words.contains(word)));
        html! {
            <div class="prose" lang={props.lang} ref={here} {onclick} {onkeydown}>{ for drawn.iter().enumerate().map(|(i, (html, _))| html! {
                <>
                    { html.clone() }
                    if let Some(word) = (*open).clone().filter(|_| first == Some(i)) {
                        <div class="in-place" role="region" aria-label={speech.entry(&word).map_or(word.clone(), |(entry, _)| entry.name().to_owned())} aria-live="polite"><Meaning term={word} /></div>
                    }
                </>
            }) }</div>
        }
    }
}

#[cfg(target_arch = "wasm32")]
pub use component::Prose;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_the_lesson_and_are_shown_as_it_is() {
        let from = Route::parse("#/heads?lesson=2.1&present=1&k=3");
        let html =
            linked("<a href=\"#/heads?head=1&amp;layer=1\">there</a> <a href=\"x\">y</a>", &from);
        let to = "href=\"#/heads?head=1&amp;layer=1&amp;lesson=2.1&amp;present=1\"";
        assert!(html.contains(to) && html.contains("href=\"x\""), "{html}");
    }

    #[test]
    fn a_locked_page_has_no_links_to_others() {
        let from = Route::parse("#/heads?lock=nav&lesson=2.4");
        let html = linked(
            "<p>On <a href=\"#/svd?head=0\">that page</a>, <a href=\"#/heads?k=1\">here</a>.</p>",
            &from,
        );
        assert!(html.starts_with("<p>On that page, <a href=\"#/heads?"), "{html}");
        assert_eq!(html.matches("</a>").count(), 1);
    }

    #[test]
    fn a_text_falls_into_blocks_that_are_whole() {
        let html = "<p>One <button data-word=\"a\">A</button>,\nand more.</p>\n<ul>\n<li>\n<p>x</p>\n</li>\n<li>y</li>\n</ul>\n<p>two</p>\n<hr />";
        let blocks = blocks(html);
        assert_eq!(blocks.len(), 4, "{blocks:?}");
        assert_eq!(blocks.concat(), html);
        assert!(blocks[1].starts_with("<ul>") && blocks[1].ends_with("</ul>\n"));
        assert_eq!(words(blocks[0]), ["a"]);
    }

    /// A word that lights something names a mark that the style sheet knows; a browser test sees that it is on the stage.
    #[test]
    fn words_light_marks_that_are_there_in_two_steps_of_each_lesson_with_a_picture() {
        let css = include_str!("../../../www/style.css");
        for (i, lesson) in crate::ui::lessons::shelf::lessons().iter().enumerate() {
            let mut lit = 0;
            for step in &lesson.steps {
                let marks = lights(&step.prose);
                lit += usize::from(!marks.is_empty());
                for mark in marks {
                    assert!(
                        css.contains(&format!("[data-light=\"{mark}\"]")),
                        "{}: {mark}",
                        step.title
                    );
                }
            }
            assert!(
                lit >= 2 || ![1, 2, 3, 6, 7].contains(&(i + 1)),
                "{}: {lit} steps",
                lesson.title
            );
        }
    }
}
