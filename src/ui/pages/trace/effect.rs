//! What the pinned part does: multiplied by a factor, the model rerun, the answer before and after.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::trace::{Answer, Changing, Effect, Prompt, RunChanged};
use crate::ui::app::use_app;
use crate::ui::widgets::select::Slider;
use crate::ui::words::format::{percent, three};
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
    /// What is pinned.
    pub part: Changing,
}

/// A factor, a button, then what became of the answer.
#[component]
pub(super) fn EffectView(props: &EffectViewProps) -> Html {
    let app = use_app();
    let found = use_state(|| None::<(f64, Effect)>);
    let factor = use_state(|| 0.0);
    {
        let (app, found) = (app.clone(), found.clone());
        use_effect_with((props.answer.clone(), props.part.clone()), move |_| {
            app.session.jobs.stop(OWNER);
            found.set(None);
        });
    }
    let rerun = {
        let (app, found, factor) = (app.clone(), found.clone(), *factor);
        let traced = &props.answer.traced;
        let question = RunChanged {
            prompt: props.prompt.clone(),
            asked: Box::new(traced.objective.clone()),
            part: props.part.clone(),
            factor,
            rules: traced.options,
        };
        Callback::from(move |_: MouseEvent| {
            let request = Request::new(question.clone()).owner(OWNER).urgent();
            let (session, found) = (app.session.clone(), found.clone());
            let request = request.listed("rerunning, layer by layer");
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
    let what = match &props.part {
        Changing::Edge(_) => "what it adds to the scores, times",
        Changing::Reading(_) => "the odds of looking there, times",
    };
    html! {
        <div class="effect" role="group" aria-label="What if">
            <h3>{ "What if?" }</h3>
            <div class="controls">
                <Slider label={what} min={0.0} max={2.0} step={0.25} value={*factor} shown={three(*factor)} on_change={set} />
                <button type="button" onclick={rerun} data-testid="rerun">{ "rerun the model" }</button>
            </div>
            if let Some((factor, effect)) = &*found { <p class="sentence" aria-live="polite" data-testid="effect">{ said(*factor, effect) }</p> }
        </div>
    }
}

fn said(factor: f64, effect: &Effect) -> String {
    let measure = if effect.measure == "logprob" { "ln p" } else { "the logit difference" };
    format!(
        "× {}: {measure} goes from {} to {}, the attention of this look from {} to {}.",
        three(factor),
        three(effect.before),
        three(effect.after),
        percent(effect.attention_before),
        percent(effect.attention_after)
    )
}
