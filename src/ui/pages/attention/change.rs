//! What if? Some singular vectors of the head in view removed, scaled, swapped or kept alone; the model rerun; before and after.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::circuits::sad::intervention::{Action as Edit, Intervention, listed_directions};
use crate::circuits::sad::sparsity::RunningSum;
use crate::math::statistics::largest_first;
use crate::protocol::attention::{Cell, CellAt, Changed, Prompt, Ran, Rerun};
use crate::ui::address::keys::K;
use crate::ui::app::use_app;
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three, token};
use crate::worker::request::{Heard, Request};

/// What can be done with several vectors, by the name in the menu.
const ACTIONS: [(&str, &str); 4] = [
    ("remove", "remove"),
    ("scale", "multiply by"),
    ("swap", words::GIVE_SOURCES_PART),
    ("keep", "keep only"),
];

/// Properties of [`ChangeView`].
#[derive(Properties, PartialEq)]
pub(super) struct ChangeViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The cell in view.
    pub at: Option<CellAt>,
    /// The prompt as it ran.
    pub ran: Rc<Ran>,
    /// The cell's terms.
    pub cell: Option<Rc<Cell>>,
}

/// What a change did, or why it could not be made.
type Outcome = Option<(String, Result<Changed, String>)>;

/// Buttons that change the score, and what follows.
#[component]
pub(super) fn ChangeView(props: &ChangeViewProps) -> Html {
    let app = use_app();
    let outcome = use_state(|| Outcome::None);
    let typed = use_state(|| None::<String>);
    let action = use_state(|| "remove".to_owned());
    let factor = use_state(|| 0.5);
    let partner = use_state(|| 0_usize);
    {
        let (outcome, typed, session) = (outcome.clone(), typed.clone(), app.session.clone());
        use_effect_with((props.prompt.clone(), props.at), move |_| {
            session.jobs.stop("attention/change");
            outcome.set(None);
            typed.set(None);
        });
    }
    let (Some(at), Some(cell)) = (props.at, props.cell.as_ref()) else { return nothing() };
    // A destination that sees one source gives it everything, whatever the score.
    let Some(event) = cell.event.as_ref() else { return nothing() };
    let terms = event.relative.terms.clone();
    let order = RunningSum::toward(&terms, event.relative.score).order;
    let top = order.first().copied().unwrap_or(0);
    let k = app.value().route.find(&K).filter(|k| *k < terms.len()).unwrap_or(top);
    let [dests, srcs] = props.ran.sides(app.value().stack(at.layer));
    let of = |side: &[String], i: usize| side.get(i).map(|t| token(t)).unwrap_or_default();
    let (looks, word) = (|i| of(dests, i), |i| of(srcs, i));

    let rerun = {
        let (session, prompt, outcome) =
            (app.session.clone(), props.prompt.clone(), outcome.clone());
        move |said: String, directions: Vec<usize>, action: Edit| {
            let (outcome, notes) = (outcome.clone(), session.clone());
            let intervention = Intervention { directions, action, dests: at.dest..at.dest + 1 };
            let request = Request::new(Rerun { prompt: prompt.clone(), at, intervention });
            session.jobs.ask(
                request.owner("attention/change").urgent(),
                move |heard| match heard {
                    Heard::Part { answer, .. } => outcome.set(Some((said.clone(), Ok(answer)))),
                    Heard::Failed { failure, .. } => notes.note(failure),
                    _ => {}
                },
            );
        }
    };
    let quick = |label: String, directions: Vec<usize>, action: Edit| {
        let (rerun, said) = (rerun.clone(), label.clone());
        let onclick =
            Callback::from(move |_: MouseEvent| rerun(said.clone(), directions.clone(), action));
        html! { <button type="button" {onclick}>{ label }</button> }
    };

    let list = (*typed).clone().unwrap_or_else(|| k.to_string());
    // Another source that the destination sees.
    let others: Vec<usize> = (0..cell.seen_from(at.dest)).filter(|i| *i != at.src).collect();
    let other =
        others.iter().copied().find(|i| i == &*partner).or(others.first().copied()).unwrap_or(0);
    let chosen = match action.as_str() {
        "scale" => (format!("× {} on", three(*factor)), Edit::Scale(*factor)),
        "swap" => (
            words::and_swapped_on(&word(at.src), &word(other)),
            Edit::Swap { first: at.src, second: other },
        ),
        "keep" => ("keep only".to_owned(), Edit::KeepOnly),
        _ => ("remove".to_owned(), Edit::Ablate),
    };
    let several = {
        let (rerun, list, outcome, d_head) =
            (rerun.clone(), list.clone(), outcome.clone(), terms.len());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let said = format!("{} k = {}", chosen.0, list.trim());
            match listed_directions(&list, d_head) {
                Ok(directions) => rerun(said, directions, chosen.1),
                Err(error) => outcome.set(Some((said, Err(error.to_string())))),
            }
        })
    };
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                typed.set(Some(input.value()));
            }
        })
    };
    let choose = {
        let action = action.clone();
        Callback::from(move |slug: String| action.set(slug))
    };
    let set_factor = {
        let factor = factor.clone();
        Callback::from(move |x: f64| factor.set(x))
    };
    let set_partner = {
        let partner = partner.clone();
        Callback::from(move |i: String| partner.set(i.parse().unwrap_or(0)))
    };
    let actions: Vec<(AttrValue, AttrValue)> =
        ACTIONS.iter().map(|&(slug, name)| (slug.into(), name.into())).collect();
    let sources: Vec<(AttrValue, AttrValue)> = others
        .iter()
        .map(|&i| (i.to_string().into(), format!("{i} “{}”", word(i)).into()))
        .collect();
    html! {
        <section class="change" aria-label="What if">
            <h2>{ "What if?" }</h2>
            <p class="hint">{ words::changes_what_singular_vectors(&looks(at.dest), &app.value().head_name(at.layer, at.head)) }</p>
            <div class="controls">
                { quick(format!("remove k = {k}"), vec![k], Edit::Ablate) }
                { quick(format!("double k = {k}"), vec![k], Edit::Scale(2.0)) }
                { quick(format!("invert k = {k}"), vec![k], Edit::Scale(-1.0)) }
                { quick(words::KEEP_ONLY_LARGEST.to_owned(), vec![top], Edit::KeepOnly) }
            </div>
            <form class="controls" onsubmit={several} aria-label="Several vectors">
                <label class="field"><span>{ words::SINGULAR_VECTORS_SUCH }</span>
                    <input type="text" ~value={list} {oninput} data-testid="directions" /></label>
                <Select label="do" options={actions} value={(*action).clone()} on_change={choose} />
                if *action == "scale" {
                    <Slider label="factor" min={-2.0} max={3.0} step={0.25} value={*factor} shown={three(*factor)} on_change={set_factor} />
                } else if *action == "swap" {
                    <Select label={words::TAKE_PART} options={sources} value={other.to_string()} on_change={set_partner} />
                }
                <button type="submit">{ "rerun" }</button>
            </form>
            { match &*outcome {
                Some((label, Ok(changed))) => outcome_view(label, &app.value().head_name(at.layer, at.head), changed, [dests, srcs], at),
                Some((_, Err(why))) => html! { <p class="ask" role="status">{ format!("{why}.") }</p> },
                None => nothing(),
            } }
        </section>
    }
}
fn outcome_view(
    label: &str,
    head: &str,
    changed: &Changed,
    [dests, srcs]: [&[String]; 2],
    at: CellAt,
) -> Html {
    let of = |side: &[String], i: usize| side.get(i).map(|t| token(t)).unwrap_or_default();
    let (looks, word) = (|i| of(dests, i), |i| of(srcs, i));
    let before = |i: usize| changed.attention_before.get(i).copied().unwrap_or(0.0);
    let after = |i: usize| changed.attention_after.get(i).copied().unwrap_or(0.0);
    let either = |i: usize| f64::from(before(i).max(after(i)));
    let keys: Vec<f64> = (0..changed.attention_before.len()).map(either).collect();
    let rows = largest_first(&keys);
    let p = |x: f32| percent(f64::from(x));
    html! {
        <div class="sides" data-testid="changed">
            <div class="side">
                <h3>{ words::attention_of_at(&label, &looks(at.dest), &head) }</h3>
                <table class="compare"><thead><tr><th scope="col">{ "source" }</th><th scope="col">{ "before" }</th><th scope="col">{ "after" }</th></tr></thead>
                    <tbody>{ for rows.into_iter().take(6).map(|i| html! {
                        <tr><th scope="row"><code>{ word(i) }</code></th><td>{ p(before(i)) }</td><td>{ p(after(i)) }</td></tr>
                    }) }</tbody></table>
            </div>
            if !changed.next_before.is_empty() {
                <div class="side">
                    <h3>{ "next token" }</h3>
                    <table class="compare"><thead><tr><th scope="col">{ "token" }</th><th scope="col">{ "before" }</th><th scope="col">{ "after" }</th></tr></thead>
                        <tbody>{ for changed.next_after.iter().take(6).map(|g| {
                            let was = changed.next_before.iter().find(|b| b.id == g.id).map_or_else(|| "–".to_owned(), |b| percent(b.probability));
                            html! { <tr><th scope="row"><code>{ token(&g.text) }</code></th><td>{ was }</td><td>{ percent(g.probability) }</td></tr> }
                        }) }</tbody></table>
                </div>
            }
        </div>
    }
}
