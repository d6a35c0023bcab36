//! What was found, in sentences: how sure the model is, what carries it, and what a trace leaves out.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::Firing;
use crate::circuits::trace::graph::Status;
use crate::model::Head;
use crate::protocol::trace::Answer;
use crate::ui::words::circuit::word;
use crate::ui::words::format::{percent, three, token};
use crate::ui::words::trace as words;

/// Properties of [`Said`].
#[derive(Properties, PartialEq)]
pub(super) struct SaidProps {
    /// What was found.
    pub answer: Rc<Answer>,
}

/// Two sentences, and the notes.
#[component]
pub(super) fn Said(props: &SaidProps) -> Html {
    let traced = &props.answer.traced;
    let (of, circuit) = (&traced.objective, &traced.circuit);
    let left = &circuit.left_out;
    let said = match of.reading {
        Some(firing) => reading(&props.answer, firing),
        None => answered(&props.answer),
    };
    let mut limits = vec![words::TRACED_WHY_HEADS_LOOK.to_owned()];
    if left.lost_drops > 0.0 {
        limits.push(words::all_drops_attention_have(&percent(left.lost_drops)));
    }
    if left.unreached_sides > 0 {
        limits.push(words::sides_stayed_above_threshold(&left.unreached_sides));
    }
    html! {
        <>
            <p class="sentence" aria-live="polite" data-testid="traced">{ said }
                { words::readings_heads_were_reached(&circuit.firings.len(), &left.leaves, &circuit.edges.len()) }</p>
            <p class="hint">{ format!("{}.", limits.join("; ")) }</p>
            { for traced.notes.iter().map(|note| html! { <p class="hint">{ format!("Note: {note}.") }</p> }) }
        </>
    }
}

/// How sure the model is of the answer, and what carries it.
fn answered(answer: &Answer) -> String {
    let (of, circuit) = (&answer.traced.objective, &answer.traced.circuit);
    let p = percent(libm::exp(of.answer_logprob));
    let mut said = words::probability_after(&token(&of.answer_text), &p, &word(answer, of.at));
    if let Some((wrong, difference)) = of.wrong_text.as_ref().zip(of.logit_difference) {
        said += &words::leads_logits(&token(wrong), &three(difference));
    }
    said += &match circuit.seeds.len() {
        0 => words::NOTHING_LAST_STREAM_SPEAKS.to_owned(),
        n => words::carry_their_weight_lies(
            &n,
            &(if n == 1 { "component" } else { "components" }),
            &percent(circuit.left_out.untraced_seeds),
        ),
    };
    said
}

/// What was looked at, and how hard.
fn reading(answer: &Answer, firing: Firing) -> String {
    let visit = answer.traced.circuit.firings.iter().find(|visit| visit.firing == firing);
    let Some(visit) = visit else { return String::new() };
    let weak = match visit.status {
        Status::Below => words::below_which_head_counts(&percent(visit.threshold)),
        _ => String::new(),
    };
    words::gives_attention(
        &Head::new(firing.layer, firing.head),
        &word(answer, firing.dest),
        &word(answer, firing.src),
        &percent(visit.attention),
        &weak,
    )
}
