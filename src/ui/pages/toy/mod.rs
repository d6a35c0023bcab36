//! Toy lab: the paper's small model, trained live beside its singular vectors.

use std::rc::Rc;

use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::toy::{Config, Preset};
use crate::ui::address::keys::SPEED;
use crate::ui::address::toy;
use crate::ui::app::use_app;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::widgets::glossary::Gloss;
use crate::ui::words::toy as words;

mod bar;
pub(super) mod curves;
mod files;
pub(super) mod geometry;
pub(super) mod matrices;
mod order;
pub(super) mod run;
mod sad;
mod settings;
mod spectrum;
mod sweep;
mod template;
pub(super) mod verdicts;

use run::{Hands, Lab, use_run};

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

/// What every part of the lab gets.
#[derive(Properties, Clone, PartialEq)]
pub(in crate::ui::pages) struct LabProps {
    /// The run as far as it went.
    pub lab: Lab,
    /// Its settings.
    pub config: Rc<Config>,
    /// Where it started from.
    pub preset: Rc<Preset>,
    /// What moves it.
    pub hands: Hand,
}

impl LabProps {
    /// Where the numbers of the step in view come from.
    pub(in crate::ui::pages) fn stamp(&self) -> Stamp {
        Stamp::of_toy(&self.config).how(format!("step {}", self.lab.step()))
    }
}

/// The hands of a run, all equal: they never change what is drawn.
#[derive(Clone)]
pub(in crate::ui::pages) struct Hand(pub(in crate::ui::pages) Rc<Hands>);

impl PartialEq for Hand {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::ops::Deref for Hand {
    type Target = Rc<Hands>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The page.
#[component]
pub fn Toy() -> Html {
    let app = use_app();
    let (lab, hands) = use_run();
    let route = &app.value().route;
    let (preset, config) = toy::read(route);
    // A link trains up to its step, or looks back at it; the page's own changes of the address name the step in view.
    let until = route.read(&toy::AT);
    hands.set_speed(route.read(&SPEED));
    // The step that the page wrote into the address itself: by the time it is read back, another may be in view.
    let written = use_mut_ref(|| None::<usize>);
    {
        let written = written.clone();
        let (hands, last) = (hands.clone(), use_mut_ref(|| None::<Config>));
        let (step, trained) = (lab.step(), lab.trained);
        use_effect_with((config.clone(), until), move |(config, until)| {
            let other = last.replace(Some(config.clone())).as_ref() != Some(config);
            if !other && *written.borrow() == Some(*until) {
                return;
            }
            written.take();
            if other || (*until == 0 && trained > 0) {
                hands.start(config, *until);
            } else if *until > trained {
                hands.hurry(*until);
            } else if *until != step {
                hands.pause();
                hands.look(*until);
            }
        });
    }
    // Where it stopped is in the address.
    {
        let (app, at) = (app.clone(), lab.step());
        let settled = lab.frame.is_some() && !lab.running;
        use_effect_with((settled, at), move |&(settled, at)| {
            if settled && at > 0 && app.value().route.page == crate::ui::address::route::Page::Toy {
                written.replace(Some(at));
                app.replace(app.value().route.clone().put(&toy::AT, at));
            }
        });
    }
    // Without a head there is nothing to say of one.
    let with_head = config.lambda != 0.0;
    // A run that begins anew keeps the room of the one before: the page stays where the reader was.
    let (below, room) = (use_node_ref(), use_mut_ref(|| 0));
    {
        let (below, room) = (below.clone(), room.clone());
        use_effect_with(lab.frame.is_some(), move |&drawn| {
            let below = below.cast::<web_sys::HtmlElement>().filter(|_| drawn);
            if let Some(below) = below {
                *room.borrow_mut() = below.offset_height();
            }
        });
    }
    let reserved = if lab.frame.is_some() { 0 } else { *room.borrow() };
    let props = LabProps {
        lab: (*lab).clone(),
        config: Rc::new(config),
        preset: Rc::new(preset),
        hands: Hand(hands),
    };
    html! {
        <>
            <bar::Bar ..props.clone() />
            <settings::Settings config={props.config.clone()} />
            <div class="controls words">{ for WORDS.into_iter().map(|term| html! { <Gloss {term} /> }) }</div>
            if let Some(why) = &props.lab.failed { <p class="ask" role="status" data-testid="toy-failed"><strong>{ why.clone() }</strong></p> }
            <div ref={below} style={format!("min-height: {reserved}px")}>
            if let Some(frame) = &props.lab.frame {
                <p class="sentence" aria-live="polite" data-testid="toy-said">{ words::said(&props.config, frame.step, &frame.metrics) }</p>
                <Staged picture={Picture::Verdicts}><verdicts::Verdicts ..props.clone() /></Staged>
                <curves::Slide ..props.clone() />
                <div class="toy-figures">
                    if with_head {
                        <curves::Events ..props.clone() />
                        <Staged picture={Picture::ToySpectrum}><spectrum::Spectrum ..props.clone() /></Staged>
                    }
                    <Staged picture={Picture::Interference}><spectrum::Interference ..props.clone() /></Staged>
                    if with_head {
                        <matrices::Cosines ..props.clone() />
                    }
                    <Staged picture={Picture::Gram}><matrices::Gram ..props.clone() /></Staged>
                    <Staged picture={Picture::Space}><geometry::Geometry ..props.clone() /></Staged>
                    <curves::Losses ..props.clone() />
                    if with_head {
                        <curves::Sigma ..props.clone() />
                        <matrices::Logits ..props.clone() />
                        <template::TemplateGrid config={props.config.clone()} />
                    }
                </div>
                if with_head {
                    <sad::Sad ..props.clone() />
                }
                <sweep::Sweeps config={props.config.clone()} preset={props.preset.clone()} />
                <files::Files ..props.clone() />
            }
            </div>
        </>
    }
}
