//! What was found, in sentences: how sure the model is, what carries it, and what a trace leaves out.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::Firing;
use crate::circuits::trace::graph::Status;
use crate::model::Head;
use crate::protocol::trace::Answer;
use crate::ui::words::circuit::word;
use crate::ui::words::format::{percent, three, token};

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
    let mut limits =
        vec!["Traced is why heads look where they look, not what they move from there".to_owned()];
    if left.lost_drops > 0.0 {
        limits.push(format!("{} of all drops of attention have no edge", percent(left.lost_drops)));
    }
    if left.unreached_sides > 0 {
        limits.push(format!(
            "{} sides stayed above the threshold with everything removed",
            left.unreached_sides
        ));
    }
    html! {
        <>
            <p class="sentence" aria-live="polite" data-testid="traced">{ said }
                { format!(" Readings of heads that were reached: {}, not taken apart: {}; edges between them and what they rest on: {}.", circuit.firings.len(), left.leaves, circuit.edges.len()) }</p>
            <p class="hint">{ format!("{}.", limits.join("; ")) }</p>
            { for traced.notes.iter().map(|note| html! { <p class="hint">{ format!("Note: {note}.") }</p> }) }
        </>
    }
}

/// How sure the model is of the answer, and what carries it.
fn answered(answer: &Answer) -> String {
    let (of, circuit) = (&answer.traced.objective, &answer.traced.circuit);
    let p = percent(libm::exp(of.answer_logprob));
    let mut said =
        format!("“{}” has probability {p} after “{}”", token(&of.answer_text), word(answer, of.at));
    if let Some((wrong, difference)) = of.wrong_text.as_ref().zip(of.logit_difference) {
        said += &format!(" and leads “{}” by {} in logits", token(wrong), three(difference));
    }
    said += &match circuit.seeds.len() {
        0 => ". Nothing in the last stream speaks for it.".to_owned(),
        n => format!(
            ". {n} {} carry it; {} of their weight lies in MLPs, biases and embeddings, which a trace does not enter.",
            if n == 1 { "component" } else { "components" },
            percent(circuit.left_out.untraced_seeds)
        ),
    };
    said
}

/// What was looked at, and how hard.
fn reading(answer: &Answer, firing: Firing) -> String {
    let visit = answer.traced.circuit.firings.iter().find(|visit| visit.firing == firing);
    let Some(visit) = visit else { return String::new() };
    let weak = match visit.status {
        Status::Below => format!(
            " That is below the {} from which a head counts as firing, so it is not taken apart; lower the threshold to do so.",
            percent(visit.threshold)
        ),
        _ => String::new(),
    };
    format!(
        "{} at “{}” gives “{}” {} of its attention.{weak}",
        Head::new(firing.layer, firing.head),
        word(answer, firing.dest),
        word(answer, firing.src),
        percent(visit.attention)
    )
}
