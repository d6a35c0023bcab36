//! The reader's language: what the browser says, what the address says, the texts that are fetched for it, and what the document is marked with.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::fetch::text;
use crate::ui::address::keys::LANG;
use crate::ui::app::replace;
use crate::ui::lessons::texts::Texts;
use crate::ui::memory::state::{Action, AppState};
use crate::ui::session::Session;
use crate::ui::words::frame::{Word, no_texts};
use crate::ui::words::language::Language;

/// The first of the browser's languages that the page speaks.
fn preferred() -> Language {
    let Some(window) = web_sys::window() else { return Language::default() };
    let tags: Vec<String> =
        window.navigator().languages().iter().filter_map(|tag| tag.as_string()).collect();
    Language::preferred(tags.iter().map(String::as_str))
}

/// Puts the browser's language into an address that names none, so that a link shows what its sender saw; fetches the texts of
/// the language that the address names; and marks the document.
#[hook]
pub fn use_language(state: &AppState, session: &Session) {
    let route = state.route.clone();
    let here = session.clone();
    use_effect_with(route, move |route| {
        let preferred = preferred();
        if route.find(&LANG).is_none() && preferred != Language::English {
            replace(&here, route.clone().put(&LANG, preferred));
        }
    });
    let session = session.clone();
    use_effect_with(state.route.read(&LANG), move |&language| {
        if language != Language::English {
            spawn_local(async move {
                session.act(match texts(language).await {
                    Ok(texts) => Action::Texts(Rc::new(texts)),
                    Err(why) => {
                        let (what, hint) = no_texts(language.name(), &why);
                        Action::Note(what, hint)
                    }
                });
            });
        }
    });
    let speech = state.speech();
    use_effect_with(speech, |speech| {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        document.set_title(&speech.say(Word::Title));
        if let Some(root) = document.document_element() {
            // An attribute of this name is never refused.
            let _ = root.set_attribute("lang", speech.own().unwrap_or("en-GB"));
        }
    });
}

/// The texts of a language, from beside the page.
async fn texts(language: Language) -> Result<Texts, String> {
    Texts::read(language, &text(language.code()).await?).map_err(|why| why.to_string())
}
