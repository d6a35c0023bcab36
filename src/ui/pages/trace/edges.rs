//! The edges as a list, the strongest first: what the picture's lines can do, for the keyboard and for screen readers.

use std::rc::Rc;

use yew::prelude::*;

use super::graph::line_name;
use crate::protocol::trace::Answer;
use crate::ui::layered::{Picture, Role};
use crate::ui::widgets::glossary::Gloss;
use crate::ui::words::circuit::in_table;
use crate::ui::words::format::three;
use crate::ui::words::trace as words;

/// Rows of the table; the picture's numbers have all.
const ROWS: usize = 60;

/// Properties of [`Edges`].
#[derive(Properties, PartialEq)]
pub(super) struct EdgesProps {
    /// What was found.
    pub answer: Rc<Answer>,
    /// What is drawn of it.
    pub picture: Rc<Picture>,
    /// What is pinned.
    pub pinned: Option<String>,
    /// Called with an edge that is to be pinned, or let go.
    pub on_pin: Callback<String>,
}

/// The table.
#[component]
pub(super) fn Edges(props: &EdgesProps) -> Html {
    let picture = &props.picture;
    let unit = props.answer.traced.objective.unit();
    html! {
        <section aria-label="Edges">
            <h2>{ format!("{} edges", picture.lines.len()) }</h2>
            <Gloss term="edge weight" meaning={words::INTO_HEAD_HOW_MUCH} />
            if picture.hidden > 0 { <p class="hint" data-testid="hidden">{ words::more_weaker_than_drawn(&picture.hidden) }</p> }
            <div class="numbers" tabindex="0" role="region" aria-label="Strongest edges">
                <table>
                    <thead><tr>{ for ["from", "to", "side", "weight", "k"].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody data-testid="edges">{ for picture.lines.iter().rev().take(ROWS).map(|line| {
                        let name = line_name(picture, line);
                        let end = |i: usize| picture.nodes.get(i).map(|placed| in_table(picture, placed.node)).unwrap_or_default();
                        let k: Vec<String> = line.k.iter().map(usize::to_string).collect();
                        let (side, unit) = match line.role { Role::Query => ("query", "of attention"), Role::Key => ("keys", "of attention"), Role::Answer => ("answer", unit) };
                        let selected = (props.pinned.as_ref() == Some(&name)).then_some("selected");
                        let onclick = { let name = name.clone(); props.on_pin.reform(move |_: MouseEvent| name.clone()) };
                        html! {
                            <tr key={name} class={classes!(selected)}>
                                <th scope="row"><button type="button" {onclick} aria-pressed={selected.is_some().to_string()}>{ end(line.from) }</button></th>
                                <td>{ end(line.to) }</td><td>{ side }</td><td>{ format!("{} {unit}", three(line.weight)) }</td><td>{ k.join(" ") }</td>
                            </tr>
                        }
                    }) }</tbody>
                </table>
            </div>
        </section>
    }
}
