//! The run's bar: which preset, train, pause, step, reset, how fast.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::LabProps;
use crate::toy::{Preset, presets};
use crate::ui::address::keys::SPEED;
use crate::ui::address::route::Route;
use crate::ui::address::{toy, turns};
use crate::ui::app::use_app;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::three;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::toy as words;

/// The bar.
#[component]
pub(super) fn Bar(props: &LabProps) -> Html {
    let app = use_app();
    let speech = app.speech();
    let LabProps { lab, config, preset, controls } = props.clone();
    let steps = lab.steps;
    let toggle = {
        let controls = controls.clone();
        Callback::from(move |_: MouseEvent| controls.toggle(steps))
    };
    let once = {
        let (controls, next) = (controls.clone(), lab.trained + 1);
        Callback::from(move |_: MouseEvent| controls.train(next))
    };
    let reset = {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| {
            app.replace(turns::afresh(app.value().route.clone()));
            controls.reset();
        })
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |event: Event| {
            let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
            app.go(preset_route(&app.value().route, &select.value()));
        })
    };
    let set_speed = {
        let app = app.clone();
        Callback::from(move |speed: f64| {
            app.replace(app.value().route.clone().put(&SPEED, speed as usize));
        })
    };
    let speed = app.value().route.read(&SPEED);
    let changed = *config != preset.config;
    let original = preset_route(&app.value().route, preset.id).to_hash();
    let pace = lab.pace.filter(|_| lab.running);
    html! {
        <section class="prompt toy-bar" aria-label="The run">
            <div class="controls">
                <label class="field"><span>{ "preset" }</span>
                    <select onchange={choose} data-testid="preset">{ for groups().into_iter().map(|(name, presets)| html! {
                        <optgroup label={name}>{ for presets.into_iter().map(|p| html! {
                            <option value={p.id} selected={p.id == preset.id}>{ p.title }</option>
                        }) }</optgroup>
                    }) }</select>
                </label>
            </div>
            <Staged picture={Picture::Train}>
            <div class="controls" lang={speech.own()}>
                <button type="button" class="primary" onclick={toggle} disabled={lab.done || lab.failed.is_some()} data-testid="train">
                    { speech.say(if lab.running { OnStage::Pause } else { OnStage::Train }) }</button>
                <button type="button" onclick={once} disabled={lab.running || lab.done || lab.failed.is_some()} data-testid="once">{ speech.say(OnStage::OneStep) }</button>
                <button type="button" onclick={reset} data-testid="reset">{ speech.say(OnStage::Reset) }</button>
                <Slider label={speech.say(OnStage::StepsAFrame)} min={SPEED.least as f64} max={SPEED.most as f64} step={1.0} value={speed as f64} on_change={set_speed} />
            </div>
            <p class="progress" role="status" data-testid="toy-step" lang={speech.own()}>
                <progress value={lab.trained.to_string()} max={steps.to_string()} aria-label={speech.say(OnStage::Training)} />
                <span data-trained={lab.trained.to_string()}>{ speech.fill(OnStage::StepOf, &[&lab.trained.to_string(), &steps.to_string()]) }</span>
                if let Some((rate, longest)) = pace {
                    <span data-testid="pace">{ speech.fill(OnStage::Pace, &[&format!("{rate:.0}"), &three(longest)]) }</span>
                }
            </p>
            </Staged>
            if changed { <p class="hint">{ words::SETTINGS_DIFFER_PRESETS }<a href={original}>{ words::BACK_PRESET }</a></p> }
        </section>
    }
}

fn preset_route(route: &Route, id: &str) -> Route {
    match presets().into_iter().find(|p| p.id == id) {
        Some(preset) => {
            let config = preset.config.clone();
            toy::write(route.clone(), &preset, &config)
        }
        None => route.clone(),
    }
}

/// Presets by the figure they belong to.
fn groups() -> Vec<(String, Vec<Preset>)> {
    let mut groups: Vec<(String, Vec<Preset>)> = Vec::new();
    for preset in presets() {
        let name = figure(preset.figure);
        match groups.iter_mut().find(|(n, _)| *n == name) {
            Some((_, presets)) => presets.push(preset),
            None => groups.push((name, vec![preset])),
        }
    }
    groups
}

/// "Figure 2b", "Appendix C", "Theorem 3".
fn figure(name: &str) -> String {
    match name.as_bytes() {
        [b'0'..=b'9', ..] => format!("Figure {name}"),
        [_] => format!("Appendix {name}"),
        _ => name.to_owned(),
    }
}
