//! A field for a number or a short text.

use web_sys::{HtmlInputElement, InputEvent};
use yew::prelude::*;

/// Properties of [`Typed`].
#[derive(Properties, PartialEq)]
pub struct TypedProps {
    /// What stands in it while nobody types.
    pub value: AttrValue,
    /// Gets what was typed, when it is taken: by Enter, by an arrow, by leaving the field.
    pub on_take: Callback<String>,
    /// "number"; "text"; "decimal", a number that may be left out.
    #[prop_or("number")]
    pub kind: &'static str,
    /// Smallest number that its arrows reach.
    #[prop_or_default]
    pub min: Option<AttrValue>,
    /// Largest number that its arrows reach.
    #[prop_or_default]
    pub max: Option<AttrValue>,
    /// Distance between the numbers that its arrows reach.
    #[prop_or_default]
    pub step: Option<AttrValue>,
    /// Its name, where no label stands around it.
    #[prop_or_default]
    pub label: Option<AttrValue>,
    /// The setting that it holds.
    #[prop_or_default]
    pub setting: Option<&'static str>,
    /// What the page's tests call it.
    #[prop_or_default]
    pub testid: Option<&'static str>,
}

/// A field that keeps what is being typed: Yew writes the value into the document whenever the page is drawn, and a run that
/// trains draws it thirty times a second.
#[component]
pub fn Typed(props: &TypedProps) -> Html {
    let typed = use_state_eq(|| None::<AttrValue>);
    {
        // Another value from elsewhere, as after the browser's back, is what stands in the field.
        let typed = typed.clone();
        use_effect_with(props.value.clone(), move |_| typed.set(None));
    }
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            typed
                .set(event.target_dyn_into::<HtmlInputElement>().map(|input| input.value().into()));
        })
    };
    let onchange = {
        let (typed, on_take) = (typed.clone(), props.on_take.clone());
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            on_take.emit(input.value());
            // What is not taken must not stand in the field.
            typed.set(None);
        })
    };
    let onblur = {
        let typed = typed.clone();
        move |_: FocusEvent| typed.set(None)
    };
    let value = (*typed).clone().unwrap_or_else(|| props.value.clone());
    let TypedProps { kind, min, max, step, label, setting, testid, .. } = props;
    let (kind, inputmode, size) =
        if *kind == "decimal" { ("text", Some(*kind), Some("6")) } else { (*kind, None, None) };
    html! {
        <input type={kind} {inputmode} {size} {min} {max} {step} {value} {oninput} {onchange} {onblur}
            aria-label={label} data-setting={*setting} data-testid={*testid} />
    }
}
