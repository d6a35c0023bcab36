//! What is behind "more": every setting, every chart, the head taken apart, sweeps, files.

use std::rc::Rc;

use yew::prelude::*;

use super::{LabProps, curves, dials, files, matrices, sad, settings, spectrum, sweep, template};
use crate::toy::Config;
use crate::ui::address::keys::MORE;
use crate::ui::app::use_app;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::widgets::glossary::Gloss;
use crate::ui::words::toy as words;

/// Words of the page that the glossary explains.
const WORDS: [&str; 8] = [
    "feature",
    "superposition",
    "antipode",
    "interference",
    "λ",
    "T",
    "singular vector",
    "alignment",
];

/// Properties of [`More`].
#[derive(Properties, PartialEq)]
pub(super) struct MoreProps {
    /// What every part gets.
    pub(super) parts: LabProps,
    /// The settings that the run began with.
    pub(super) first: Rc<Config>,
    /// Whether no head was ever trained: then there is nothing to say of one.
    pub(super) headless: bool,
    /// Whether it is in view.
    pub(super) open: bool,
}

/// The rest, where it is wanted; once it was, sweeps and their like stay as they are.
#[component]
pub(super) fn More(props: &MoreProps) -> Html {
    let app = use_app();
    let wanted = use_mut_ref(|| false);
    *wanted.borrow_mut() |= props.open;
    let open = props.open;
    let toggle = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            app.replace(app.value().route.clone().put(&MORE, !open));
        })
    };
    let MoreProps { parts, first, headless, .. } = props;
    let drawn = parts.lab.frame.is_some();
    let with_head = !headless;
    html! {
        <>
            <p><button type="button" onclick={toggle} aria-expanded={open.to_string()} data-testid="more">
                { if open { "less" } else { words::MORE_EVERY_SETTING_CHART } }</button></p>
            if *wanted.borrow() {
                <div hidden={!open}>
                    <settings::Settings config={first.clone()} />
                    <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
                    if open && drawn {
                        <div class="toy-figures">
                            if with_head {
                                <curves::Events ..parts.clone() />
                                <Staged picture={Picture::ToySpectrum}><spectrum::Spectrum ..parts.clone() /></Staged>
                            }
                            <Staged picture={Picture::Interference}><spectrum::Interference ..parts.clone() /></Staged>
                            if with_head {
                                <matrices::Cosines ..parts.clone() />
                            }
                            <Staged picture={Picture::Gram}><matrices::Gram ..parts.clone() /></Staged>
                            <curves::Losses ..parts.clone() />
                            if with_head {
                                <curves::Sigma ..parts.clone() />
                                <matrices::Logits ..parts.clone() />
                                <template::TemplateGrid parts={parts.clone()} on_turn={dials::turning(&app, parts)} />
                            }
                        </div>
                    }
                    if with_head && drawn {
                        <sad::Sad ..parts.clone() />
                    }
                    <sweep::Sweeps config={first.clone()} preset={parts.preset.clone()} />
                    if drawn { <files::Files ..parts.clone() /> }
                </div>
            }
        </>
    }
}
