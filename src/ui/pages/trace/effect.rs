//! What the pinned part does: multiplied by a factor, the model rerun, the answer before and after.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::trace::{Answer, Changing, Effect, Prompt, RunChanged};
use crate::ui::app::use_app;
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::format::{percent, three};
use crate::ui::words::trace as words;
use crate::worker::request::{Heard, Request};

/// Whose job a rerun is.
const OWNER: &str = "trace/effect";

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
    let found = use_state(|| None::<(f64, Effect)>);
    let factor = use_state(|| 0.0);
    let chosen = use_state(|| 0_usize);
    let part = props.parts.get(*chosen).or(props.parts.first()).cloned();
    {
        let (app, found) = (app.clone(), found.clone());
        use_effect_with((props.answer.clone(), part.clone()), move |_| {
            app.session.jobs.stop(OWNER);
            found.set(None);
        });
    }
    let Some(part) = part else { return nothing() };
    let rerun = {
        let (app, found, factor) = (app.clone(), found.clone(), *factor);
        let traced = &props.answer.traced;
        let question = RunChanged {
            prompt: props.prompt.clone(),
            asked: Box::new(traced.objective.clone()),
            part: part.clone(),
            factor,
            rules: traced.options,
        };
        Callback::from(move |_: MouseEvent| {
            let request = Request::new(question.clone()).owner(OWNER).urgent();
            let (session, found) = (app.session.clone(), found.clone());
            let request = request.listed(words::RERUNNING_LAYER_LAYER);
            app.session.jobs.ask(request, move |heard| match heard {
                Heard::Part { answer, .. } => found.set(Some((factor, answer))),
                Heard::Failed { failure, .. } => session.note(failure),
                _ => {}
            });
        })
    };
    let set = {
        let factor = factor.clone();
        Callback::from(move |x: f64| factor.set(x))
    };
    let what = match &part {
        Changing::Edge(_) => words::WHAT_ADDS_SCORES_TIMES,
        Changing::Reading(_) => words::ODDS_LOOKING_THERE_TIMES,
        Changing::Head { .. } => words::ALL_SCORES_EVERY_TOKEN,
        Changing::Output { .. } => words::WHAT_WRITES_EVERY_TOKEN,
        Changing::Written(_) => words::WHAT_WRITES_TOKEN_TIMES,
    };
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |place: String| chosen.set(place.parse().unwrap_or(0)))
    };
    let options: Vec<(AttrValue, AttrValue)> = (props.parts.iter().enumerate())
        .map(|(i, part)| {
            let name = match part {
                Changing::Output { .. } => words::WHAT_HEAD_WRITES,
                Changing::Head { .. } => words::WHERE_HEAD_LOOKS,
                _ => "this look",
            };
            (AttrValue::from(i.to_string()), AttrValue::from(name))
        })
        .collect();
    html! {
        <div class="effect" role="group" aria-label="What if">
            <h3>{ "What if?" }</h3>
            <div class="controls">
                if options.len() > 1 { <Select label="changed is" {options} value={chosen.to_string()} on_change={choose} /> }
                <Slider label={what} min={0.0} max={2.0} step={0.25} value={*factor} shown={three(*factor)} on_change={set} />
                <button type="button" onclick={rerun} data-testid="rerun">{ words::RERUN_MODEL }</button>
            </div>
            if let Some((factor, effect)) = &*found { <p class="sentence" aria-live="polite" data-testid="effect">{ said(*factor, effect) }</p> }
        </div>
    }
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
