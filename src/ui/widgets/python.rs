//! "The same in Python": a snippet to read, and to save.

use yew::prelude::*;

use crate::ui::app::use_save;
use crate::ui::words::widgets as words;

/// Properties of [`Python`].
#[derive(Properties, PartialEq)]
pub struct PythonProps {
    /// Name of the file.
    pub name: AttrValue,
    /// Its text.
    pub python: String,
}

/// The snippet behind a summary, and a button that saves it.
#[component]
pub fn Python(props: &PythonProps) -> Html {
    let save = use_save();
    let onclick = {
        let (name, text) = (props.name.clone(), props.python.clone());
        Callback::from(move |_: MouseEvent| save(&name, "text/x-python", text.as_bytes()))
    };
    html! {
        <details class="python">
            <summary>{ words::SAME_PYTHON }</summary>
            <pre tabindex="0"><code data-testid="python">{ props.python.clone() }</code></pre>
            <button type="button" {onclick}>{ format!("save {}", props.name) }</button>
        </details>
    }
}
