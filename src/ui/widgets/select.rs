//! A labelled choice, a labelled switch, a labelled slider.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Keeps what is typed into a field.
pub fn typing(typed: &UseStateHandle<String>) -> Callback<InputEvent> {
    let typed = typed.clone();
    Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            typed.set(input.value());
        }
    })
}

/// What is typed into a field that begins with `value`, and follows it when it changes elsewhere; and what keeps the typing. Until all that the
/// value follows from is there, and as it comes (`settled`), what the reader has typed stays: a model brings an example of its own.
#[hook]
pub fn use_typed(value: &str, settled: bool) -> (UseStateHandle<String>, Callback<InputEvent>) {
    let typed = use_state(|| value.to_owned());
    let touched = use_mut_ref(|| false);
    {
        let (typed, touched) = (typed.clone(), touched.clone());
        let before = use_mut_ref(|| settled);
        use_effect_with((value.to_owned(), settled), move |(value, settled)| {
            let was_settled = before.replace(*settled);
            if was_settled || !*touched.borrow() {
                touched.replace(false);
                typed.set(value.clone());
            }
        });
    }
    let oninput = {
        let typing = typing(&typed);
        Callback::from(move |event: InputEvent| {
            *touched.borrow_mut() = true;
            typing.emit(event);
        })
    };
    (typed, oninput)
}

/// Opens the browser's choice of files of a hidden field.
pub fn chooses(input: &NodeRef) -> Callback<MouseEvent> {
    let input = input.clone();
    Callback::from(move |_: MouseEvent| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.click();
        }
    })
}

/// Properties of [`Select`].
#[derive(Properties, PartialEq)]
pub struct SelectProps {
    /// What is chosen.
    pub label: AttrValue,
    /// Values and what the reader sees of them.
    pub options: Vec<(AttrValue, AttrValue)>,
    /// The chosen value.
    pub value: AttrValue,
    /// The language of label and options, where it is not the page's.
    #[prop_or_default]
    pub lang: Option<&'static str>,
    /// Called with the new value.
    pub on_change: Callback<String>,
}

/// A choice from a list.
#[component]
pub fn Select(props: &SelectProps) -> Html {
    let on_change = props.on_change.clone();
    let onchange = Callback::from(move |event: Event| {
        if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
            on_change.emit(select.value());
        }
    });
    html! {
        <label class="field" lang={props.lang}><span>{ props.label.clone() }</span>
            <select {onchange} value={props.value.clone()}>
                { for props.options.iter().map(|(value, text)| html! {
                    <option value={value.clone()} selected={*value == props.value}>{ text.clone() }</option>
                }) }
            </select>
        </label>
    }
}

/// Properties of [`Switch`].
#[derive(Properties, PartialEq)]
pub struct SwitchProps {
    /// What is switched.
    pub label: AttrValue,
    /// Whether it is on.
    pub on: bool,
    /// Called with the new state.
    pub on_change: Callback<bool>,
}

/// A switch.
#[component]
pub fn Switch(props: &SwitchProps) -> Html {
    let on_change = props.on_change.clone();
    let onchange = Callback::from(move |event: Event| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            on_change.emit(input.checked());
        }
    });
    html! {
        <label class="field switch"><input type="checkbox" checked={props.on} {onchange} /><span>{ props.label.clone() }</span></label>
    }
}

/// Properties of [`Slider`].
#[derive(Properties, PartialEq)]
pub struct SliderProps {
    /// What is set.
    pub label: AttrValue,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Distance between values.
    pub step: f64,
    /// The value.
    pub value: f64,
    /// The value as the reader sees it.
    #[prop_or_default]
    pub shown: Option<AttrValue>,
    /// Called with the new value.
    pub on_change: Callback<f64>,
}

/// A slider with its value beside it.
#[component]
pub fn Slider(props: &SliderProps) -> Html {
    let on_change = props.on_change.clone();
    let oninput = Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            on_change.emit(input.value_as_number());
        }
    });
    let shown = props.shown.clone().unwrap_or_else(|| props.value.to_string().into());
    html! {
        <label class="field slider"><span>{ props.label.clone() }</span>
            <input type="range" min={props.min.to_string()} max={props.max.to_string()} step={props.step.to_string()}
                value={props.value.to_string()} {oninput} />
            <output>{ shown }</output>
        </label>
    }
}
