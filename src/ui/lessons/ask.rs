//! The question of a step: a choice, a number, or something to do; with a word for every answer.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::fit::refit;
use super::place::Place;
use super::progress::Progress;
use super::prose::Prose;
use super::question::{Question, Verdict};
use crate::ui::address::keys::PRESENT;
use crate::ui::app::{use_route, use_speech};
use crate::ui::nothing::nothing;
use crate::ui::words::frame::Word;

/// Properties of [`Ask`].
#[derive(Properties, PartialEq)]
pub(super) struct AskProps {
    /// Where the question stands.
    pub place: Place,
    /// Whether it was answered before.
    pub answered: bool,
    /// Called when it is answered.
    pub on_answer: Callback<()>,
}

/// The question, and what is said to the answer.
#[component]
pub(super) fn Ask(props: &AskProps) -> Html {
    let (route, speech) = (use_route(), use_speech());
    let typed = use_state(String::new);
    let verdict = use_state(|| None::<Verdict>);
    let place = props.place;
    let Some(step) = speech.step(place) else { return nothing() };
    let lang = speech.lesson(place.lesson).and_then(|(_, mark)| mark);
    let question = &step.question;
    let done = question.done_at(&route);
    {
        let on_answer = props.on_answer.clone();
        use_effect_with(done, move |&done| {
            if done {
                Progress::answer(place);
                on_answer.emit(());
            }
        });
    }
    let onsubmit = {
        let (typed, verdict, on_answer) = (typed.clone(), verdict.clone(), props.on_answer.clone());
        let speech = speech.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let judged = speech.step(place);
            let judged = judged.map(|step| step.question.judge(&typed, &|word| speech.say(word)));
            if judged.as_ref().is_some_and(|v| v.right) {
                Progress::answer(place);
                on_answer.emit(());
            }
            verdict.set(judged);
        })
    };
    let oninput = {
        let (typed, verdict) = (typed.clone(), verdict.clone());
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                typed.set(input.value());
                verdict.set(None);
            }
        })
    };
    // A reply makes a slide longer.
    use_effect(refit);
    let said = match question {
        Question::Deed { says, .. } if done => Some((true, says.right.clone())),
        _ => verdict.as_ref().map(|v| (v.right, v.says.clone())),
    };
    let ask = html! { <Prose text={question.ask().to_owned()} inline={true} {lang} /> };
    let form = match question {
        Question::Choice { options, .. } => html! {
            <form {onsubmit}>
                <fieldset>
                    <legend>{ ask }</legend>
                    { for options.iter().enumerate().map(|(i, option)| html! {
                        <label><input type="radio" name="answer" value={i.to_string()} oninput={oninput.clone()} checked={*typed == i.to_string()} />
                            <Prose text={option.text.clone()} inline={true} {lang} /></label>
                    }) }
                </fieldset>
                <button type="submit" class="primary">{ speech.say(Word::Check) }</button>
            </form>
        },
        Question::Number { .. } => html! {
            <form {onsubmit}>
                <label class="number">{ ask }
                    <input type="text" inputmode="decimal" autocomplete="off" value={(*typed).clone()} {oninput} /></label>
                <button type="submit" class="primary">{ speech.say(Word::Check) }</button>
            </form>
        },
        Question::Deed { says, .. } => html! {
            <>
                <p class="deed">{ ask }</p>
                if !done { <details><summary>{ speech.say(Word::Hint) }</summary><p><Prose text={says.hint.clone()} inline={true} {lang} /></p></details> }
            </>
        },
    };
    // A slide's title is of the first level.
    let level = route.read(&PRESENT).then_some("2");
    html! {
        <div class="question" data-testid="question">
            <h3 aria-level={level}>{ speech.say(Word::Question) }
                if props.answered { <span class="tick">{ " " }{ speech.say(Word::Answered) }</span> }</h3>
            { form }
            <div role="status" data-testid="verdict-said">
                if let Some((right, says)) = said {
                    <p class={if right { "said right" } else { "said" }}>
                        <strong>{ speech.say(if right { Word::Right } else { Word::NotRight }) }{ " " }</strong><Prose text={says} inline={true} {lang} /></p>
                }
            </div>
        </div>
    }
}
