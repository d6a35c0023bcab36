//! What if? Remove, scale or keep one singular vector of the head in view, rerun the model from there, compare.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::intervention::{Action as Edit, Intervention};
use crate::circuits::sad::RunningSum;
use crate::ui::app::use_app;
use crate::ui::format::{percent, token};
use crate::ui::state::Action;
use crate::worker::pool::OnTell;
use crate::worker::protocol::attention::{
    Ask, Cell, CellAt, Changed, Prompt, Ran, Tell as AttentionTell,
};
use crate::worker::protocol::{Ask as AnyAsk, Tell};

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
    let outcome = use_state(|| None::<(String, Changed)>);
    {
        let outcome = outcome.clone();
        use_effect_with((props.prompt.clone(), props.at), move |_| outcome.set(None));
    }
    let (Some(at), Some(cell)) = (props.at, props.cell.as_ref()) else { return Html::default() };
    let terms = cell.event.as_ref().map(|e| e.relative.terms.clone()).unwrap_or_default();
    let order = RunningSum::of(&terms).order;
    let k = app
        .value()
        .route
        .value("k")
        .filter(|k| *k < terms.len())
        .or(order.first().copied())
        .unwrap_or(0);
    let change = |label: String, directions: Vec<usize>, action: Edit| {
        let (session, prompt, outcome, said) =
            (app.session.clone(), props.prompt.clone(), outcome.clone(), label.clone());
        let onclick = Callback::from(move |_: MouseEvent| {
            let (outcome, said, notes) = (outcome.clone(), said.clone(), session.clone());
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Attention(AttentionTell::Changed(changed)) => {
                    outcome.set(Some((said.clone(), changed)))
                }
                Tell::Failed(failure) => notes.act(Action::Note(failure.what, failure.hint)),
                _ => {}
            });
            let edit = Intervention {
                directions: directions.clone(),
                action,
                dests: at.dest..at.dest + 1,
            };
            session
                .pool
                .ask_first(AnyAsk::Attention(Ask::Change(prompt.clone(), at, edit)), on_tell);
        });
        html! { <button type="button" {onclick}>{ label }</button> }
    };
    let all_but_top: Vec<usize> = order.first().copied().into_iter().collect();
    html! {
        <section class="change" aria-label="What if">
            <h2>{ "What if?" }</h2>
            <div class="controls">
                { change(format!("remove k = {k}"), vec![k], Edit::Ablate) }
                { change(format!("double k = {k}"), vec![k], Edit::Scale(2.0)) }
                { change(format!("invert k = {k}"), vec![k], Edit::Scale(-1.0)) }
                { change("keep only the largest".to_owned(), all_but_top, Edit::KeepOnly) }
            </div>
            if let Some((label, changed)) = &*outcome { { outcome_view(label, changed, &props.ran, at) } }
        </section>
    }
}

fn outcome_view(label: &str, changed: &Changed, ran: &Ran, at: CellAt) -> Html {
    let word = |i: usize| ran.tokens.get(i).map(|t| token(t)).unwrap_or_default();
    let mut rows: Vec<usize> = (0..changed.attention_before.len()).collect();
    let before = |i: usize| changed.attention_before.get(i).copied().unwrap_or(0.0);
    let after = |i: usize| changed.attention_after.get(i).copied().unwrap_or(0.0);
    rows.sort_by(|&a, &b| before(b).max(after(b)).total_cmp(&before(a).max(after(a))));
    let p = |x: f32| percent(f64::from(x));
    html! {
        <div class="sides" data-testid="changed">
            <div class="side">
                <h3>{ format!("{label}: attention of “{}” at L{}H{}", word(at.dest), at.layer, at.head) }</h3>
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
