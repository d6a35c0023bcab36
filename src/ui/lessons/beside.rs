//! A text that is fetched from beside the page when somebody opens it.

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::glossary::parse;
use super::prose::Prose;
use crate::ui::browser::fetch::text;
use crate::ui::words::lessons::no_text;

/// Properties of [`Beside`].
#[derive(Properties, PartialEq)]
pub struct BesideProps {
    /// Which text: `methods`, `teachers`, `answers`.
    pub name: &'static str,
    /// Of a text in sections, the title of the one that is shown.
    #[prop_or_default]
    pub section: Option<&'static str>,
    /// Its language, where that is not the one around it.
    #[prop_or_default]
    pub lang: Option<&'static str>,
}

/// The text; nothing until it is there; a sentence when it does not come.
#[component]
pub fn Beside(props: &BesideProps) -> Html {
    let came = use_state(|| (props.name, Ok(String::new())));
    {
        let came = came.clone();
        use_effect_with(props.name, move |&name| {
            spawn_local(async move { came.set((name, text(name).await)) });
        });
    }
    let (name, came) = &*came;
    let shown = match came {
        Ok(all) if *name != props.name || all.is_empty() => {
            return html! { <p aria-busy="true"></p> };
        }
        Ok(all) => match props.section {
            None => Ok(all.clone()),
            Some(title) => {
                let section = parse(all).into_iter().find(|entry| entry.name() == title);
                section.map(|entry| entry.meaning).ok_or("it lacks this section")
            }
        },
        Err(why) => Err(why.as_str()),
    };
    match shown {
        Ok(text) => html! { <Prose {text} lang={props.lang} /> },
        Err(why) => html! { <p class="error" role="alert">{ no_text(why) }</p> },
    }
}
