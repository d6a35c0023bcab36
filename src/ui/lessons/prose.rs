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

/// The words of the glossary that a text points to, each once.
pub fn words(html: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in html.split("data-word=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The addresses of this page that a text links to.
#[cfg(test)]
pub(super) fn links(html: &str) -> Vec<String> {
    let hashes = html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    hashes.map(|hash| format!("#{}", hash.replace("&amp;", "&"))).collect()
}

#[cfg(target_arch = "wasm32")]
mod component {
    use yew::prelude::*;

    use crate::ui::app::use_app;

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

    /// A text of our own, drawn.
    #[component]
    pub fn Prose(props: &ProseProps) -> Html {
        let from = use_app().value().route.clone();
        let drawn = use_memo((props.text.clone(), from), |(text, from)| {
            Html::from_html_unchecked(super::linked(text, from).into())
        });
        if props.inline {
            html! { <span lang={props.lang}>{ (*drawn).clone() }</span> }
        } else {
            html! { <div class="prose" lang={props.lang}>{ (*drawn).clone() }</div> }
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
    fn words_are_named_once() {
        assert_eq!(
            words(
                "<em data-word=\"a\">A</em>, <em data-word=\"b\">B</em>, <em data-word=\"a\">a</em>"
            ),
            ["a", "b"]
        );
    }
}
