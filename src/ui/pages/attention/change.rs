//! What if? Some singular vectors of the head in view removed, scaled, swapped or kept alone; the model rerun; before and after.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::circuits::sad::intervention::{Action as Edit, Intervention, listed_directions};
use crate::circuits::sad::sparsity::RunningSum;
use crate::math::statistics::largest_first;
use crate::protocol::attention::{Cell, CellAt, Changed, Prompt, Ran, Rerun};
use crate::ui::address::change::{self, WhatIf};
use crate::ui::address::keys::K;
use crate::ui::app::{App, use_app};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three, token};
use crate::worker::request::{JobEvent, Request};

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
type Outcome = Option<(WhatIf, Result<Changed, String>)>;

/// Whose job a rerun is.
const OWNER: &str = "attention/change";

/// Buttons that change the score, and what follows.
#[component]
pub(super) fn ChangeView(props: &ChangeViewProps) -> Html {
    let app = use_app();
    let outcome = use_state(|| Outcome::None);
    let typed = use_state(|| None::<String>);
    let edit = use_state(|| Edit::Ablate);
    // A destination that sees one source gives it everything, whatever the score.
    let event = props.cell.as_ref().and_then(|cell| cell.event.as_ref());
    let d_head = event.map(|event| event.relative.terms.len());
    let asked = change::read(&app.value().route).filter(|what| Some(what.at) == props.at);
    {
        let (app, outcome) = (app.clone(), outcome.clone());
        let (typed, edit) = (typed.clone(), edit.clone());
        let question = (props.prompt.clone(), props.at, asked.clone(), d_head);
        use_effect_with(question, move |(prompt, _, asked, d_head)| {
            app.session.jobs.stop(OWNER);
            outcome.set(None);
            typed.set(asked.as_ref().map(|what| what.list.clone()));
            let Some(what) = asked else { return };
            edit.set(what.action);
            if let Some(d_head) = *d_head {
                rerun(&app, &outcome, prompt, what, d_head);
            }
        });
    }
    let (Some(at), Some(cell), Some(event)) = (props.at, props.cell.as_ref(), event) else {
        return nothing();
    };
    let terms = &event.relative.terms;
    let order = RunningSum::toward(terms, event.relative.score).order;
    let top = order.first().copied().unwrap_or(0);
    let k = app.value().route.find(&K).filter(|k| *k < terms.len()).unwrap_or(top);
    let [dests, srcs] = props.ran.sides(app.value().stack(at.layer));
    let of = |side: &[String], i: usize| side.get(i).map(|t| token(t)).unwrap_or_default();
    let (looks, word) = (|i| of(dests, i), |i| of(srcs, i));

    let ask = {
        let (app, outcome) = (app.clone(), outcome.clone());
        let (prompt, asked, d_head) = (props.prompt.clone(), asked.clone(), terms.len());
        Callback::from(move |what: WhatIf| {
            // What the address says already is asked once more; what it says anew is asked because it does.
            if asked.as_ref() == Some(&what) {
                rerun(&app, &outcome, &prompt, &what, d_head);
            } else {
                app.go(change::write(app.value().route.clone(), &what));
            }
        })
    };
    let quick = |label: String, k: usize, action: Edit| {
        let what = WhatIf { at, action, list: k.to_string() };
        let onclick = ask.reform(move |_: MouseEvent| what.clone());
        html! { <button type="button" {onclick}>{ label }</button> }
    };

    let list = (*typed).clone().unwrap_or_else(|| k.to_string());
    // Another source that the destination sees.
    let others: Vec<usize> = (0..cell.seen_from(at.dest)).filter(|i| *i != at.src).collect();
    let first = others.first().copied().unwrap_or(0);
    let action = match *edit {
        Edit::Swap { second, .. } => {
            let second = if others.contains(&second) { second } else { first };
            Edit::Swap { first: at.src, second }
        }
        edit => edit,
    };
    let several = {
        let (ask, list) = (ask.clone(), list.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            ask.emit(WhatIf { at, action, list: list.clone() });
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
        let edit = edit.clone();
        Callback::from(move |slug: String| {
            edit.set(match slug.as_str() {
                "scale" => Edit::Scale(0.5),
                "swap" => Edit::Swap { first: at.src, second: first },
                "keep" => Edit::KeepOnly,
                _ => Edit::Ablate,
            });
        })
    };
    let set_factor = {
        let edit = edit.clone();
        Callback::from(move |x: f64| edit.set(Edit::Scale(x)))
    };
    let set_partner = {
        let edit = edit.clone();
        Callback::from(move |i: String| {
            edit.set(Edit::Swap { first: at.src, second: i.parse().unwrap_or(first) });
        })
    };
    let actions: Vec<(AttrValue, AttrValue)> =
        ACTIONS.iter().map(|&(slug, name)| (slug.into(), name.into())).collect();
    let sources: Vec<(AttrValue, AttrValue)> = others
        .iter()
        .map(|&i| (i.to_string().into(), format!("{i} “{}”", word(i)).into()))
        .collect();
    let said = |what: &WhatIf| {
        let done = match what.action {
            Edit::Ablate => "remove".to_owned(),
            Edit::Scale(factor) => format!("× {} on", three(factor)),
            Edit::Swap { first, second } => words::and_swapped_on(&word(first), &word(second)),
            Edit::KeepOnly => "keep only".to_owned(),
        };
        format!("{done} k = {}", what.list.trim())
    };
    let [least, most] = change::FACTORS;
    html! {
        <section class="change" aria-label="What if">
            <h2>{ "What if?" }</h2>
            <p class="hint">{ words::changes_what_singular_vectors(&looks(at.dest), &app.value().head_name(at.layer, at.head)) }</p>
            <div class="controls">
                { quick(format!("remove k = {k}"), k, Edit::Ablate) }
                { quick(format!("double k = {k}"), k, Edit::Scale(2.0)) }
                { quick(format!("invert k = {k}"), k, Edit::Scale(-1.0)) }
                { quick(words::KEEP_ONLY_LARGEST.to_owned(), top, Edit::KeepOnly) }
            </div>
            <form class="controls" onsubmit={several} aria-label="Several vectors">
                <label class="field"><span>{ words::SINGULAR_VECTORS_SUCH }</span>
                    <input type="text" value={list} {oninput} data-testid="directions" /></label>
                <Select label="do" options={actions} value={change::slug(action)} on_change={choose} />
                if let Edit::Scale(factor) = action {
                    <Slider label="factor" min={least} max={most} step={0.25} value={factor} shown={three(factor)} on_change={set_factor} />
                } else if let Edit::Swap { second, .. } = action {
                    <Select label={words::TAKE_PART} options={sources} value={second.to_string()} on_change={set_partner} />
                }
                <button type="submit">{ "rerun" }</button>
            </form>
            { match outcome.as_ref().filter(|(of, _)| Some(of) == asked.as_ref()) {
                Some((what, Ok(changed))) => outcome_view(&said(what), &app.value().head_name(at.layer, at.head), changed, [dests, srcs], at),
                Some((_, Err(why))) => html! { <p class="ask" role="status">{ format!("{why}.") }</p> },
                None => nothing(),
            } }
        </section>
    }
}

/// Runs the model with a change, and says what it did or why it cannot be made.
fn rerun(
    app: &App,
    outcome: &UseStateHandle<Outcome>,
    prompt: &Prompt,
    what: &WhatIf,
    d_head: usize,
) {
    let directions = match listed_directions(&what.list, d_head) {
        Ok(directions) => directions,
        Err(error) => return outcome.set(Some((what.clone(), Err(error.to_string())))),
    };
    let at = what.at;
    let intervention =
        Intervention { directions, action: what.action, dests: at.dest..at.dest + 1 };
    let request = Request::new(Rerun { prompt: prompt.clone(), at, intervention });
    let (session, outcome, what) = (app.session.clone(), outcome.clone(), what.clone());
    app.session.jobs.ask(request.owner(OWNER).urgent(), move |heard| match heard {
        JobEvent::Part { answer, .. } => outcome.set(Some((what.clone(), Ok(answer)))),
        JobEvent::Failed { failure, .. } => session.note(failure),
        _ => {}
    });
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
