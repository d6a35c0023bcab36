//! Theorem 3, live: the head stays, reconstruction is minimised, and features become orthogonal.

use std::rc::Rc;

use yew::prelude::*;

use crate::study::python::theorem_3;
use crate::toy::{Config, Preset, presets};
use crate::ui::address::keys::{THIRD_FEATURES, THIRD_SEED};
use crate::ui::app::use_app;
use crate::ui::nothing::nothing;
use crate::ui::pages::toy::curves::{Events, Slide};
use crate::ui::pages::toy::geometry::Geometry;
use crate::ui::pages::toy::matrices::Gram;
use crate::ui::pages::toy::run::use_run;
use crate::ui::pages::toy::{LabProps, SameControls};
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::three;
use crate::ui::words::theorems as words;

/// Steps a frame.
const SPEED: usize = 20;

/// The run of Theorem 3 with this seed and as many features.
fn preset(seed: u32, n_features: usize) -> Option<Preset> {
    let preset = presets().into_iter().find(|p| p.id == "theorem-3")?;
    let config = Config { seed, n_features, ..preset.config };
    Some(Preset { config, ..preset })
}

/// Theorem 3.
#[component]
pub(super) fn Third() -> Html {
    let app = use_app();
    let (lab, controls) = use_run(words::TRAINING_THEOREM_3);
    let route = &app.value().route;
    let (seed, n) = (route.read(&THIRD_SEED), route.read(&THIRD_FEATURES));
    let preset = use_memo((seed, n), |&(seed, n)| preset(seed, n));
    controls.set_speed(SPEED);
    {
        let (controls, config) =
            (controls.clone(), preset.as_ref().as_ref().map(|p| p.config.clone()));
        use_effect_with(config, move |config| {
            if let Some(config) = config {
                controls.start(config, Vec::new(), 0);
            }
        });
    }
    let Some(preset) = (*preset).clone() else { return nothing() };
    let config = Rc::new(preset.config.clone());
    let toggle = {
        let (controls, steps) = (controls.clone(), config.steps);
        Callback::from(move |_: MouseEvent| controls.toggle(steps))
    };
    let reset = {
        let controls = controls.clone();
        Callback::from(move |_: MouseEvent| controls.reset())
    };
    let set_n = {
        let app = app.clone();
        Callback::from(move |x: f64| {
            app.replace(app.value().route.clone().put(&THIRD_FEATURES, x as usize))
        })
    };
    let set_seed = {
        let app = app.clone();
        Callback::from(move |x: f64| {
            app.replace(app.value().route.clone().put(&THIRD_SEED, x as u32))
        })
    };
    let said = lab.frame.as_ref().map(|frame| {
        let m = &frame.metrics;
        let kept = m.sigma.first().copied().unwrap_or(0.0);
        words::step_two_attended_features(
            &frame.step,
            &three(m.interference),
            &three(m.interference_others),
            &three(m.least_cos),
            &three(kept),
        )
    });
    // A snippet is not made anew for every frame of a training.
    let pair = config.template.entries().into_iter().next().filter(|_| !lab.running);
    let python = lab.frame.as_ref().zip(pair);
    let props = LabProps {
        lab: lab.0.clone(),
        config: config.clone(),
        preset: Rc::new(preset),
        controls: SameControls(controls),
    };
    html! {
        <section class="theorem" aria-label="Theorem 3">
            <h2>{ words::THEOREM_3_HEAD_FIXED }</h2>
            <p>{ words::FROZEN_ONLY_FEATURES_TRAINED }</p>
            <div class="controls">
                <button type="button" class="primary" onclick={toggle} disabled={lab.done} data-testid="train-third">{ if lab.running { "pause" } else { "train" } }</button>
                <button type="button" onclick={reset}>{ "reset" }</button>
                <Slider label={words::FEATURES_N_10_DIMENSIONS} min={THIRD_FEATURES.least as f64} max={THIRD_FEATURES.most as f64} step={1.0} value={n as f64} on_change={set_n} />
                <Slider label="seed" min={0.0} max={20.0} step={1.0} value={f64::from(seed)} on_change={set_seed} />
                <span class="progress"><progress value={lab.trained.to_string()} max={config.steps.to_string()} aria-label={words::TRAINING_THEOREM_3} /></span>
            </div>
            if let Some(said) = said {
                <p class="sentence" data-testid="theorem-3" data-done={lab.done.to_string()}>{ said }</p>
                <Slide ..props.clone() />
                <div class="toy-figures"><Events ..props.clone() /><Gram ..props.clone() /><Geometry ..props.clone() /></div>
                if let Some((frame, pair)) = python { <Python name="theorem-3.py" python={theorem_3(frame, &pair, &props.stamp())} /> }
            }
        </section>
    }
}
