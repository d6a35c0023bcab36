//! A prepared view, made by clicking: what is locked is chosen, and a link comes out.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::ui::address::keys::{LOCK, PRESENT};
use crate::ui::address::lock::{LOCKS, locks};
use crate::ui::app::{use_route, use_speech};
use crate::ui::nothing::nothing;
use crate::ui::widgets::qr::Code;
use crate::ui::widgets::select::Switch;
use crate::ui::words::frame::Word;

/// What is locked until the teacher says otherwise.
const FIRST: [&str; 3] = ["nav", "open", "exports"];

/// The choice of locks, and the link; nothing in a view that is locked already.
#[component]
pub fn LockView() -> Html {
    let (route, speech) = (use_route(), use_speech());
    let chosen = use_state(|| LOCKS.map(|(name, _)| FIRST.contains(&name)));
    let present = use_state(|| false);
    if LOCKS.iter().any(|(name, _)| locks(&route, name)) {
        return nothing();
    }
    let names = LOCKS.iter().zip(*chosen).filter(|(_, on)| *on).map(|((name, _), _)| *name);
    let names = names.collect::<Vec<_>>().join(",");
    let locked = if names.is_empty() { route } else { route.put(&LOCK, names) };
    let hash = locked.put(&PRESENT, *present).to_hash();
    let address = web_sys::window().and_then(|w| w.location().href().ok()).unwrap_or_default();
    let link = format!("{}{hash}", address.split('#').next().unwrap_or_default());
    let set = |i: usize| {
        let chosen = chosen.clone();
        Callback::from(move |on: bool| {
            let mut next = *chosen;
            next[i] = on;
            chosen.set(next);
        })
    };
    let set_present = {
        let present = present.clone();
        Callback::from(move |on: bool| present.set(on))
    };
    let select = Callback::from(|event: FocusEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            input.select();
        }
    });
    html! {
        <details class="lock-view" data-testid="lock-view">
            <summary>{ speech.say(Word::LockView) }</summary>
            <p class="hint">{ speech.say(Word::LockHint) }</p>
            { for LOCKS.iter().enumerate().map(|(i, (name, what))| html! {
                <div key={*name}><Switch label={speech.say(*what)} on={chosen[i]} on_change={set(i)} /></div>
            }) }
            <div><Switch label={speech.say(Word::AsSlide)} on={*present} on_change={set_present} /></div>
            <label class="field wide"><span>{ speech.say(Word::Link) }</span><input type="text" readonly=true value={link.clone()} onfocus={select} data-testid="locked-link" /></label>
            <p>{ speech.say(Word::AsCode) }</p>
            <Code text={link} label={speech.say(Word::AsCode)} too_long={speech.say(Word::TooLong)} />
            <p><a href={hash}>{ speech.say(Word::TryIt) }</a></p>
        </details>
    }
}
