//! What a model reads that is no text: a file of it, given beside the prompt.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::protocol::attention::Given;
use crate::ui::browser::fetch::bytes;
use crate::ui::words::attention as words;

/// Properties of [`FileField`].
#[derive(Properties, PartialEq)]
pub(super) struct FileFieldProps {
    /// What the file gives, as it is named there.
    pub reads: AttrValue,
    /// The file that is read now.
    pub given: Option<String>,
    /// Another one is given, or it is taken back.
    pub on_given: Callback<Option<Given>>,
}

/// The field, and what it takes.
#[component]
pub(super) fn FileField(props: &FileFieldProps) -> Html {
    let unread = use_state(|| false);
    let onchange = {
        let (on_given, unread) = (props.on_given.clone(), unread.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            let Some(file) = input.files().and_then(|list| list.get(0)) else { return };
            // The same file may be given again, once it was written anew.
            input.set_value("");
            let (on_given, unread, name) = (on_given.clone(), unread.clone(), file.name());
            spawn_local(async move {
                let read = bytes(&file).await;
                unread.set(read.is_err());
                if let Ok(bytes) = read {
                    on_given.emit(Some(Given { name, bytes }));
                }
            });
        })
    };
    let take_back = props.on_given.reform(|_: MouseEvent| None);
    html! {
        <div class="controls" data-testid="given">
            <label class="field"><span>{ words::file_of(&props.reads) }</span>
                <input type="file" accept=".safetensors" {onchange} data-testid="given-file" /></label>
            if let Some(name) = &props.given {
                <span>{ words::reads_the_file(name) }</span>
                <button type="button" onclick={take_back}>{ words::WITHOUT_THE_FILE }</button>
            }
            if *unread { <p class="ask" role="status">{ words::FILE_NOT_READ }</p> }
            <p class="hint">{ words::WHAT_THE_FILE_HOLDS }</p>
        </div>
    }
}
