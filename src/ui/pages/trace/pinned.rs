//! The node or edge that is pinned: what it is, in numbers, and the way to its head, its singular vectors, its score.

use std::rc::Rc;

use yew::prelude::*;

use super::effect::EffectView;
use super::graph::line_name;
use super::naming::Naming;
use crate::circuits::omega::Circuit;
use crate::circuits::trace::graph::{Kind, Status};
use crate::circuits::trace::{Firing, Node, Side};
use crate::model::Head;
use crate::protocol::trace::{Answer, CellAt, Changing, Prompt};
use crate::ui::address::keys;
use crate::ui::address::route::{Page, Route};
use crate::ui::app::use_route;
use crate::ui::layered::{Line, Picture, Role};
use crate::ui::nothing::nothing;
use crate::ui::words::circuit::{called, sentence};
use crate::ui::words::format::{capital, percent, three};
use crate::ui::words::trace as words;

/// Properties of [`Pinned`].
#[derive(Properties, PartialEq)]
pub(super) struct PinnedProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// What was found.
    pub answer: Rc<Answer>,
    /// What is drawn of it.
    pub picture: Rc<Picture>,
    /// The name of what is pinned.
    pub name: String,
    /// Called with what is to be pinned, or let go.
    pub on_pin: Callback<String>,
}

/// What is pinned.
#[component]
pub(super) fn Pinned(props: &PinnedProps) -> Html {
    let from = use_route();
    let (answer, picture, name) = (&props.answer, &props.picture, &props.name);
    let line = picture.lines.iter().find(|line| line_name(picture, line) == *name);
    let body = match (line, picture.find(name)) {
        (Some(line), _) => edge(&from, answer, picture, line),
        (None, Some(index)) => node(&from, props, index),
        (None, None) => {
            html! { <p class="hint">{ words::PIN_NODE_EDGE_SEE }</p> }
        }
    };
    let let_go = {
        let name = name.clone();
        props.on_pin.reform(move |_: MouseEvent| name.clone())
    };
    html! {
        <section class="pinned" aria-label="Pinned" aria-live="polite" data-testid="pinned">
            { body }
            if let Some(parts) = changing(answer, picture, line, name) { <EffectView key={name.clone()} prompt={props.prompt.clone()} answer={answer.clone()} {parts} /> }
            if !name.is_empty() { <button type="button" onclick={let_go}>{ "let go" }</button> }
        </section>
    }
}

/// The score that is pinned: that of a reading, or of the one that an edge leads to.
pub(super) fn score(picture: &Picture, name: &str) -> Option<CellAt> {
    if picture.columns.is_empty() {
        return None;
    }
    let line = picture.lines.iter().find(|line| line_name(picture, line) == name);
    let index = line.map_or_else(|| picture.find(name), |line| Some(line.to))?;
    let Firing { layer, head, dest, src } = picture.nodes.get(index)?.node?.firing()?;
    Some(CellAt { layer, head, dest, src })
}

/// What of the circuit a rerun can change: an edge into a head, a head's reading, what the whole head writes or where it looks, what an MLP or the embedding writes at a
/// token. Other groups are not one thing.
fn changing(
    answer: &Answer,
    picture: &Picture,
    line: Option<&Line>,
    name: &str,
) -> Option<Vec<Changing>> {
    let node = |index: usize| picture.nodes.get(index).and_then(|placed| placed.node);
    let grouped = picture.columns.is_empty();
    let Some(line) = line else {
        let node = node(picture.find(name)?)?;
        if picture.named(Some(node)).is_some_and(|named| named.members.len() > 1) {
            return None;
        }
        return match (node.kind, node.firing()) {
            (Kind::Head, Some(firing)) => {
                let Firing { layer, head, .. } = firing;
                let whole = [Changing::Output { layer, head }, Changing::Head { layer, head }];
                let reading = (!grouped).then_some(Changing::Reading(firing));
                Some(reading.into_iter().chain(whole).collect())
            }
            (Kind::Mlp | Kind::Embed, _) if !grouped => Some(vec![Changing::Written(node)]),
            _ => None,
        };
    };
    let side = match line.role {
        Role::Query => Side::Dest,
        Role::Key => Side::Src,
        Role::Answer => return None,
    };
    let ends = (node(line.from)?, node(line.to)?.firing().filter(|_| !grouped)?, side);
    let edges = &answer.traced.circuit.edges;
    let edge = edges.iter().find(|edge| (edge.from, edge.to, edge.side) == ends)?;
    (!edge.k.is_empty()).then(|| vec![Changing::Edge(edge.clone())])
}

/// Links from a head's reading to the other pages.
fn onward(from: &Route, picture: &Picture, node: Node, ks: &[usize]) -> Html {
    let Some(firing) = node.firing() else { return nothing() };
    let route = from.clone().put(&keys::LAYER, firing.layer).put(&keys::HEAD, firing.head);
    let route = route.put(&keys::CIRCUIT, Circuit::Qk).clear(&keys::PIN);
    let name = Head::new(firing.layer, firing.head);
    let heads = route.clone().on(Page::Heads);
    let score = route.on(Page::Attention).put(&keys::DEST, firing.dest).put(&keys::SRC, firing.src);
    html! {
        <p class="onward">
            if ks.is_empty() { <a href={heads.to_hash()}>{ format!("{name} on Heads") }</a> }
            { for ks.iter().map(|k| html! { <a href={heads.clone().put(&keys::K, *k).to_hash()}>{ format!("{name}, k = {k}: its words") }</a> }) }
            if !picture.columns.is_empty() {
                <a href={ks.first().map_or_else(|| score.clone().clear(&keys::K), |k| score.clone().put(&keys::K, *k)).to_hash()}>{ words::SCORE_ATTENTION }</a>
            }
        </p>
    }
}

fn edge(from: &Route, answer: &Answer, picture: &Picture, line: &Line) -> Html {
    let to = picture.nodes.get(line.to).and_then(|placed| placed.node);
    html! {
        <>
            <h2>{ match line.role { Role::Query => words::EDGE_INTO_QUERY, Role::Key => words::EDGE_INTO_KEYS, Role::Answer => words::EDGE_INTO_ANSWER } }</h2>
            <p class="sentence">{ format!("{}.", capital(&sentence(answer, picture, line))) }</p>
            if let Some(node) = to { { onward(from, picture, node, &line.k) } }
        </>
    }
}

fn node(from: &Route, props: &PinnedProps, index: usize) -> Html {
    let (answer, picture) = (&props.answer, &props.picture);
    let node = picture.nodes.get(index).and_then(|placed| placed.node);
    // Several under one name are not one thing.
    let one = node.filter(|_| picture.named(node).is_none_or(|named| named.members.len() == 1));
    let visit = one.and_then(|node| node.firing()).filter(|_| !picture.columns.is_empty());
    let visit =
        visit.and_then(|firing| answer.traced.circuit.firings.iter().find(|v| v.firing == firing));
    let said = visit.map(|visit| {
        let became = match visit.status {
            Status::Traced => {
                let removed = visit
                    .cells
                    .as_ref()
                    .map_or([0, 0], |c| [c.dest.removed.len(), c.src.removed.len()]);
                words::taken_apart_cells_query(&(removed[0]), &(removed[1]))
            }
            Status::Below => words::BELOW_SO_NOT_TAKEN.to_owned(),
            Status::FirstLayer => words::NOTHING_WRITTEN_BEFORE_BUT.to_owned(),
            Status::FirstToken => words::SEES_ONE_TOKEN_ONLY.to_owned(),
        };
        words::attention_firing_counts(
            &percent(visit.attention),
            &percent(visit.threshold),
            &became,
        )
    });
    let list = |title: &str, lines: Vec<&Line>| {
        if lines.is_empty() {
            return nothing();
        }
        html! {
            <>
                <h3>{ title.to_owned() }</h3>
                <ul class="ends">{ for lines.into_iter().rev().map(|line| {
                    let name = line_name(picture, line);
                    let onclick = props.on_pin.reform(move |_: MouseEvent| name.clone());
                    let other = if line.to == index { line.from } else { line.to };
                    let other = picture.nodes.get(other).and_then(|placed| placed.node);
                    let side = match line.role { Role::Query => "query", Role::Key => "keys", Role::Answer => "answer" };
                    html! { <li><button type="button" {onclick}>{ called(answer, picture, other) }</button>{ format!(" {side} {}", three(line.weight)) }</li> }
                }) }</ul>
            </>
        }
    };
    let into = picture.lines.iter().filter(|line| line.to == index).collect();
    let out = picture.lines.iter().filter(|line| line.from == index).collect();
    html! {
        <>
            <h2>{ capital(&called(answer, picture, node)) }</h2>
            if let Some(said) = said { <p class="sentence">{ said }</p> }
            { list(words::IT_RESTS_ON, into) }
            { list("It serves", out) }
            if let Some(node) = one { { onward(from, picture, node, &[]) } }
            if let Some(node) = node { <Naming answer={answer.clone()} picture={picture.clone()} {node} /> }
        </>
    }
}
