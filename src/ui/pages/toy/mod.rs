//! Toy lab: the paper's small model, trained live beside its singular vectors.
//!
//! One screen has the features as they move, three settings that act on the run as it goes, and what happens in sentences;
//! every other setting and every chart is behind "more".

use std::rc::Rc;

use yew::prelude::*;

use crate::study::stamp::Stamp;
use crate::toy::{Config, Preset, in_force};
use crate::ui::address::keys::{MORE, SPEED};
use crate::ui::address::route::Page;
use crate::ui::address::{toy, turns};
use crate::ui::app::{here, use_app};
use crate::ui::lessons::stage::{self, Picture, Staged};
use crate::ui::memory::toy::ToyRun;
use crate::ui::words::toy as words;

mod bar;
pub(super) mod curves;
mod dials;
mod files;
pub(super) mod geometry;
pub(super) mod matrices;
mod more;
mod order;
pub(super) mod run;
mod sad;
mod settings;
mod spectrum;
mod sweep;
mod template;
pub(super) mod verdicts;

use run::{Controls, use_run};

/// What every part of the lab gets.
#[derive(Properties, Clone, PartialEq)]
pub(in crate::ui::pages) struct LabProps {
    /// The run as far as it went.
    pub lab: ToyRun,
    /// The settings in force at the step in view.
    pub config: Rc<Config>,
    /// Where it started from.
    pub preset: Rc<Preset>,
    /// What moves it.
    pub controls: SameControls,
}

impl LabProps {
    /// Where the numbers of the step in view come from.
    pub(in crate::ui::pages) fn stamp(&self) -> Stamp {
        let stamp = Stamp::of_toy(&self.config).turned(self.lab.turned());
        stamp.how(format!("step {}", self.lab.step()))
    }
}

/// The controls of a run, all equal: they never change what is drawn.
#[derive(Clone)]
pub(in crate::ui::pages) struct SameControls(pub(in crate::ui::pages) Rc<Controls>);

impl PartialEq for SameControls {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::ops::Deref for SameControls {
    type Target = Rc<Controls>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The page.
#[component]
pub fn Toy() -> Html {
    let app = use_app();
    let (lab, controls) = use_run(words::TRAINING_TOY);
    let route = &app.value().route;
    let (preset, first) = toy::read(route);
    // A link trains up to its step, or looks back at it; the page's own changes of the address name the step in view.
    let until = route.read(&toy::AT);
    let ahead = turns::read(route, &first);
    controls.set_speed(route.read(&SPEED));
    // The step that the page wrote into the address itself: by the time it is read back, another may be in view.
    let written = use_mut_ref(|| None::<usize>);
    {
        let written = written.clone();
        let (controls, last) = (controls.clone(), use_mut_ref(|| None::<(Config, usize)>));
        let (step, trained) = (lab.step(), lab.trained);
        use_effect_with((first.clone(), ahead, until), move |(config, ahead, until)| {
            let before = last.replace(Some((config.clone(), *until)));
            let other = before.as_ref().is_none_or(|before| before.0 != *config)
                || *ahead != *controls.turns();
            let same = before.is_some_and(|before| before.1 == *until);
            if !other && (same || *written.borrow() == Some(*until)) {
                return;
            }
            written.take();
            if other || (*until == 0 && trained > 0) {
                controls.start(config, ahead.clone(), *until);
            } else if *until > trained {
                controls.hurry(*until);
            } else if *until != step {
                controls.pause();
                controls.look(*until);
            }
        });
    }
    // Where it stopped is in the address, and what was turned on the way.
    {
        let (app, at, turned, own) = (app.clone(), lab.step(), lab.turns.clone(), first.clone());
        let (begun, settled) = (lab.steps > 0, lab.frame.is_some() && !lab.running);
        use_effect_with((settled, at, turned), move |(settled, at, turned)| {
            // The address may already lead elsewhere, and before a run has begun what it tells is still to be read.
            let here = here();
            if !begun || here.page != Page::Toy || toy::read(&here).1 != own {
                return;
            }
            let mut route = turns::write(here.clone(), turned);
            let reached = match turned.last() {
                _ if *settled => *at,
                // Whoever goes away while it trains, and comes back, finds it where it was turned last, not at its beginning.
                Some(turn) if route != here => turn.step,
                _ => 0,
            };
            if reached > 0 {
                written.replace(Some(reached));
                route = route.put(&toy::AT, reached);
            }
            if route != here {
                app.replace(route);
            }
        });
    }
    let more = route.read(&MORE) || stage::at(route).is_some();
    // A run that begins anew keeps the room that was taken before, until its charts are there again: the page stays where the
    // reader was, if the browser does not hold on to what moves up for that while.
    let (below, room) = (use_node_ref(), use_mut_ref(|| (more, 0)));
    {
        let (below, room) = (below.clone(), room.clone());
        let stands = lab.frame.is_some() && !lab.running;
        use_effect(move || {
            let below = below.cast::<web_sys::HtmlElement>().filter(|_| stands);
            let height = below.map_or(0, |below| below.offset_height());
            let (then, most) = *room.borrow();
            room.replace((more, if then == more { height.max(most) } else { 0 }));
        });
    }
    let (then, most) = *room.borrow();
    let reserved = if then == more { most } else { 0 };
    let headless = lab.is_headless(&first);
    let now = Rc::new(in_force(&first, &lab.turns, lab.trained));
    let props = LabProps {
        config: Rc::new(in_force(&first, &lab.turns, lab.step())),
        lab: lab.0.clone(),
        preset: Rc::new(preset),
        controls: SameControls(controls),
    };
    let first = Rc::new(first);
    html! {
        <>
            <bar::Bar ..props.clone() />
            if let Some(why) = &props.lab.failed { <p class="ask" role="status" data-testid="toy-failed"><strong>{ why.clone() }</strong></p> }
            <div ref={below} style={format!("min-height: {reserved}px; overflow-anchor: none")}>
                <div class="toy-lab">
                    <div class="toy-scene">
                        if props.lab.frame.is_some() { <Staged picture={Picture::Space}><geometry::Geometry ..props.clone() /></Staged> }
                    </div>
                    <div class="toy-side">
                        <dials::Dials {now} on_turn={dials::turning(&app, &props)} />
                        if let Some(said) = words::turned(&props.lab.turns, props.lab.steps, props.lab.trained) {
                            <p class="hint" role="status" data-testid="toy-turned">{ said }</p>
                        }
                        if let Some(frame) = &props.lab.frame {
                            <p class="sentence" aria-live="polite" data-testid="toy-said">{ words::said(&props.config, frame.step, &frame.metrics, headless) }</p>
                            <curves::Slide ..props.clone() />
                            <Staged picture={Picture::Verdicts}><verdicts::Verdicts ..props.clone() /></Staged>
                        }
                    </div>
                </div>
                <more::More parts={props.clone()} {first} {headless} open={more} />
            </div>
        </>
    }
}
