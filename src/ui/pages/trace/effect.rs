//! What the pinned part does: multiplied by a factor, the model rerun, the answer before and after.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::trace::{Answer, Changing, Effect, Prompt, RunChanged};
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::asking::{Asking, use_asking};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::format::{percent, three};
use crate::ui::words::trace as words;
use crate::worker::request::Request;

/// Properties of [`EffectView`].
#[derive(Properties, PartialEq)]
pub(super) struct EffectViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The circuit in view.
    pub answer: Rc<Answer>,
    /// What of it can be changed: at least one thing.
    pub parts: Vec<Changing>,
}

/// A factor, a button, then what became of the answer.
#[component]
pub(super) fn EffectView(props: &EffectViewProps) -> Html {
    let app = use_app();
    let turned = use_state(|| None::<f64>);
    let route = &app.value().route;
    let asked = route.find(&keys::TIMES);
    let named = route.find(&keys::CHANGED);
    let part = props.parts.iter().find(|part| named == Some(slug(part)));
    let part = part.or(props.parts.first()).cloned();
    let about = (props.answer.clone(), part.clone(), asked);
    let effect = use_asking::<Effect, _>("trace/effect", Some(about));
    {
        let (effect, turned, part) = (effect.clone(), turned.clone(), part.clone());
        let (prompt, answer) = (props.prompt.clone(), props.answer.clone());
        use_effect_with(effect.number(), move |_| {
            turned.set(None);
            if let Some((part, factor)) = part.zip(asked) {
                rerun(&effect, question(&prompt, &answer, &part, factor));
            }
        });
    }
    let Some(part) = part else { return nothing() };
    let factor = turned.or(asked).unwrap_or(0.0);
    let press = {
        let (app, effect) = (app.clone(), effect.clone());
        let question = question(&props.prompt, &props.answer, &part, factor);
        Callback::from(move |_: MouseEvent| {
            let wanted = app.value().route.clone().put(&keys::TIMES, factor);
            app.press(wanted, || rerun(&effect, question.clone()));
        })
    };
    let set = {
        let turned = turned.clone();
        Callback::from(move |x: f64| turned.set(Some(x)))
    };
    let what = match &part {
        Changing::Edge(_) => words::WHAT_ADDS_SCORES_TIMES,
        Changing::Reading(_) => words::ODDS_LOOKING_THERE_TIMES,
        Changing::Head { .. } => words::ALL_SCORES_EVERY_TOKEN,
        Changing::Output { .. } => words::WHAT_WRITES_EVERY_TOKEN,
        Changing::Written(_) => words::WHAT_WRITES_TOKEN_TIMES,
    };
    let choose = {
        let app = app.clone();
        // Another part is another question.
        Callback::from(move |slug: String| {
            let route = app.value().route.clone().clear(&keys::TIMES);
            app.replace(route.choose(&keys::CHANGED, &slug));
        })
    };
    let options: Vec<(AttrValue, AttrValue)> = (props.parts.iter())
        .map(|part| {
            let name = match part {
                Changing::Output { .. } => words::WHAT_HEAD_WRITES,
                Changing::Head { .. } => words::WHERE_HEAD_LOOKS,
                _ => "this look",
            };
            (slug(part).into(), name.into())
        })
        .collect();
    html! {
        <div class="effect" role="group" aria-label="What if">
            <h3>{ "What if?" }</h3>
            <div class="controls">
                if options.len() > 1 { <Select label="changed is" {options} value={slug(&part)} on_change={choose} /> }
                <Slider label={what} min={0.0} max={2.0} step={0.25} value={factor} shown={three(factor)} on_change={set} />
                <button type="button" onclick={press} data-testid="rerun">{ words::RERUN_MODEL }</button>
            </div>
            if let Some((factor, effect)) = asked.zip(effect.found()) { <p class="sentence" aria-live="polite" data-testid="effect">{ said(factor, &effect) }</p> }
        </div>
    }
}

/// The name of what is changed, where there is a choice.
fn slug(part: &Changing) -> &'static str {
    match part {
        Changing::Output { .. } => "writes",
        Changing::Head { .. } => "looks",
        _ => "look",
    }
}

fn question(prompt: &Prompt, answer: &Answer, part: &Changing, factor: f64) -> RunChanged {
    RunChanged {
        prompt: prompt.clone(),
        asked: Box::new(answer.traced.objective.clone()),
        part: part.clone(),
        factor,
        rules: answer.traced.options,
    }
}

/// Runs the model with the change, and says what it did.
fn rerun(effect: &Asking<Effect>, question: RunChanged) {
    effect.ask(Request::new(question).urgent().listed(words::RERUNNING_LAYER_LAYER));
}

fn said(factor: f64, effect: &Effect) -> String {
    let measure = if effect.measure == "logprob" { "ln p" } else { words::LOGIT_DIFFERENCE };
    let looks = effect
        .attention_before
        .zip(effect.attention_after)
        .map(|(before, after)| words::attention_look(&percent(before), &percent(after)));
    words::goes_from_to(
        &three(factor),
        &measure,
        &three(effect.before),
        &three(effect.after),
        &looks.unwrap_or_default(),
    )
}
