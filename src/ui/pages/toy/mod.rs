//! Toy lab: the paper's small model, trained live beside its singular vectors.

use std::rc::Rc;

use yew::prelude::*;

use crate::toy::{Config, Preset};
use crate::ui::app::use_app;
use crate::ui::toy_url;

mod bar;
mod curves;
mod files;
mod geometry;
mod matrices;
mod order;
pub(super) mod run;
mod sad;
mod settings;
mod spectrum;
mod template;
mod verdicts;

use run::{Hands, Lab, use_run};

/// What every part of the lab gets.
#[derive(Properties, Clone, PartialEq)]
pub(super) struct LabProps {
    /// The run as far as it went.
    pub lab: Lab,
    /// Its settings.
    pub config: Rc<Config>,
    /// Where it started from.
    pub preset: Rc<Preset>,
    /// What moves it.
    pub hands: Hand,
}

/// The hands of a run, all equal: they never change what is drawn.
#[derive(Clone)]
pub(super) struct Hand(Rc<Hands>);

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
    let (preset, config) = toy_url::read(route);
    // A link trains up to its step; while the page is open, its own changes of the address do not.
    let until: usize = route.value(toy_url::AT).unwrap_or(0);
    hands.set_speed(route.value("speed").unwrap_or(bar::SPEED));
    {
        let hands = hands.clone();
        use_effect_with(config.clone(), move |config| hands.start(config, until));
    }
    // Where it stopped is in the address.
    {
        let (app, at) = (app.clone(), lab.step());
        let settled = lab.frame.is_some() && !lab.running;
        use_effect_with((settled, at), move |&(settled, at)| {
            if settled && at > 0 && app.value().route.page == crate::ui::route::Page::Toy {
                app.replace(app.value().route.clone().with(toy_url::AT, at));
            }
        });
    }
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
            if let Some(why) = &props.lab.failed { <p class="ask" role="status" data-testid="toy-failed"><strong>{ why.clone() }</strong></p> }
            if props.lab.frame.is_some() {
                <verdicts::Verdicts ..props.clone() />
                <curves::Slide ..props.clone() />
                <div class="toy-figures">
                    <curves::Events ..props.clone() />
                    <spectrum::Spectrum ..props.clone() />
                    <spectrum::Interference ..props.clone() />
                    <matrices::Cosines ..props.clone() />
                    <matrices::Gram ..props.clone() />
                    <geometry::Geometry ..props.clone() />
                    <curves::Losses ..props.clone() />
                    <curves::Sigma ..props.clone() />
                    <matrices::Logits ..props.clone() />
                    <template::TemplateGrid config={props.config.clone()} />
                </div>
                <sad::Sad ..props.clone() />
                <files::Files ..props.clone() />
            }
        </>
    }
}
