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
use crate::ui::app::use_app;
use crate::ui::asking::use_asking;
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three, token};
use crate::worker::request::Request;

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

/// Buttons that change the score, and what follows.
#[component]
pub(super) fn ChangeView(props: &ChangeViewProps) -> Html {
    let app = use_app();
    let typed = use_state(|| None::<String>);
    let edit = use_state(|| Edit::Ablate);
    // A destination that sees one source gives it everything, whatever the score.
    let event = props.cell.as_ref().and_then(|cell| cell.event.as_ref());
    let d_head = event.map(|event| event.relative.terms.len());
    let asked = change::read(&app.value().route).filter(|what| Some(what.at) == props.at);
    let about = (props.prompt.clone(), props.at, asked.clone(), d_head);
    let changed = use_asking::<Changed, _>("attention/change", Some(about));
    // The change of the address, or why it cannot be made.
    let made = asked.clone().zip(d_head).map(|(what, d_head)| {
        let directions = listed_directions(&what.list, d_head).map_err(|why| why.to_string())?;
        let WhatIf { at, action, .. } = what;
        let intervention = Intervention { directions, action, dests: at.dest..at.dest + 1 };
        Ok::<_, String>(Rerun { prompt: props.prompt.clone(), at, intervention })
    });
    {
        let (changed, made, asked) = (changed.clone(), made.clone(), asked.clone());
        let (typed, edit) = (typed.clone(), edit.clone());
        use_effect_with(changed.number(), move |_| {
            typed.set(asked.as_ref().map(|what| what.list.clone()));
            if let Some(what) = asked {
                edit.set(what.action);
            }
            if let Some(Ok(question)) = made {
                changed.ask(Request::new(question).urgent());
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
        let (app, changed) = (app.clone(), changed.clone());
        let made = made.clone();
        Callback::from(move |what: WhatIf| {
            app.press(change::write(app.value().route.clone(), &what), || {
                if let Some(Ok(question)) = &made {
                    changed.ask(Request::new(question.clone()).urgent());
                }
            });
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
            if let Some(Err(why)) = &made {
                <p class="ask" role="status">{ format!("{why}.") }</p>
            } else if let Some((what, changed)) = asked.as_ref().zip(changed.found()) {
                { outcome_view(&said(what), &app.value().head_name(at.layer, at.head), &changed, [dests, srcs], at) }
            }
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
