//! The circuit as a picture: tokens across, layers up; hover, pin, walk along edges with the arrow keys.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::circuits::trace::Node;
use crate::circuits::trace::graph::Status;
use crate::protocol::trace::Answer;
use crate::study::stamp::Stamp;
use crate::ui::charts::{Figure, px};
use crate::ui::layered::{Line, NODE, Picture, Role, slug};
use crate::ui::words::circuit::{called, labels, sentence, short, word};
use crate::ui::words::table::Table;
use crate::ui::words::trace as words;

/// Properties of [`Graph`].
#[derive(Properties, PartialEq)]
pub(super) struct GraphProps {
    /// What was found.
    pub answer: Rc<Answer>,
    /// Where everything is.
    pub picture: Rc<Picture>,
    /// Where the numbers come from.
    pub stamp: Stamp,
    /// What is pinned.
    pub pinned: Option<String>,
    /// Called with a node or an edge that is to be pinned, or let go.
    pub on_pin: Callback<String>,
}

/// The graph.
#[component]
pub(super) fn Graph(props: &GraphProps) -> Html {
    let (picture, answer) = (&props.picture, &props.answer);
    let pinned = props.pinned.clone().map(|name| match picture.find(&name) {
        Some(i) => slug(picture.nodes[i].node),
        None => name,
    });
    let near = |line: &Line, name: &str| {
        let end = |i: usize| picture.nodes.get(i).is_some_and(|placed| slug(placed.node) == name);
        line_name(picture, line) == name || end(line.from) || end(line.to)
    };
    // A pin that is not in the picture dims nothing.
    let found = pinned.as_deref().filter(|name| picture.lines.iter().any(|line| near(line, name)));
    let bright: Vec<bool> = (0..picture.nodes.len())
        .map(|i| {
            found.is_none_or(|name| {
                slug(picture.nodes[i].node) == name
                    || picture
                        .lines
                        .iter()
                        .any(|line| near(line, name) && [line.from, line.to].contains(&i))
            })
        })
        .collect();
    let table = {
        let (answer, picture) = (answer.clone(), picture.clone());
        Callback::from(move |()| table(&answer, &picture))
    };
    let first =
        found.and_then(|name| picture.find(name)).or_else(|| picture.nodes.len().checked_sub(1));
    let [width, height] = picture.size;
    {
        let answer_at = picture.find("answer").map(|i| picture.nodes[i].x);
        use_effect_with(picture.clone(), move |_| {
            scroll(answer_at);
            let following = Following::new();
            move || drop(following)
        });
    }
    html! {
        <Figure name="circuit" {table} convention={props.stamp.clone()}
            caption={html! { { words::BLUE_SOLID_NEEDED_QUERY } }}>
            <svg class="chart circuit" width={px(width)} height={px(height)} viewBox={format!("0 0 {width:.1} {height:.1}")} role="group"
                aria-label={words::circuit_nodes_edges(&answer.traced.objective.answer_text, &picture.nodes.len(), &picture.lines.len())}>
                { for picture.rows.iter().map(|(_, y)| html! { <line class="grid" x1="0" x2={px(width)} y1={px(*y)} y2={px(*y)} /> }) }
                { for picture.columns.iter().map(|(position, x)| html! {
                    <text class="name" x={px(*x)} y={px(height - 12.0)} text-anchor="middle">{ short(&word(answer, *position)) }<title>{ format!("position {position}") }</title></text>
                }) }
                { for picture.lines.iter().map(|line| {
                    let name = line_name(picture, line);
                    let on = found.is_none_or(|pinned| near(line, pinned));
                    let named = name.clone();
                    let onclick = props.on_pin.reform(move |_: MouseEvent| named.clone());
                    let d = curve(picture, line);
                    html! {
                        <g key={name} class={classes!("edge", role_class(line.role), (!on).then_some("dim"))} {onclick}>
                            <path class="drawn" d={d.clone()} stroke-width={format!("{:.2}", 0.8 + 5.0 * line.share)} />
                            <path class="hit" {d}><title>{ sentence(answer, picture, line) }</title></path>
                        </g>
                    }
                }) }
                { for picture.nodes.iter().enumerate().map(|(i, placed)| {
                    let name = slug(placed.node);
                    let [above, below] = labels(answer, picture, placed.node);
                    let is_pinned = found == Some(name.as_str());
                    let class = classes!("node", kind_class(answer, placed.node), picture.named(placed.node).map(|_| "named"), is_pinned.then_some("pinned"), (!bright[i]).then_some("dim"));
                    let onclick = {
                        let name = name.clone();
                        props.on_pin.reform(move |_: MouseEvent| name.clone())
                    };
                    let onkeydown = {
                        let (on_pin, pinned) = (props.on_pin.clone(), props.pinned.clone());
                        let (name, picture) = (name.clone(), picture.clone());
                        Callback::from(move |event: KeyboardEvent| {
                            let key = event.key();
                            if key == "Enter" || key == " " {
                                event.prevent_default();
                                on_pin.emit(name.clone());
                            } else if let Some(next) = picture.step(i, &key) {
                                event.prevent_default();
                                let next = slug(picture.nodes[next].node);
                                focus(&next);
                                // Walking never lets go.
                                if pinned.as_ref() != Some(&next) {
                                    on_pin.emit(next);
                                }
                            }
                        })
                    };
                    let y = if below.is_empty() { 4.5 } else { -2.0 };
                    html! {
                        <g key={name.clone()} id={format!("trace-{name}")} {class} role="button" tabindex={if first == Some(i) { "0" } else { "-1" }} aria-pressed={is_pinned.to_string()}
                            transform={format!("translate({:.1} {:.1})", placed.x, placed.y)} {onclick} {onkeydown}>
                            <title>{ called(answer, picture, placed.node) }</title>
                            <rect x={px(-NODE[0] / 2.0)} y={px(-NODE[1] / 2.0)} width={px(NODE[0])} height={px(NODE[1])} rx="6" />
                            <text y={px(y)} text-anchor="middle">{ above }</text>
                            if !below.is_empty() { <text class="below" y="11" text-anchor="middle">{ below }</text> }
                        </g>
                    }
                }) }
                <g class="layers" id="trace-layers">{ for picture.rows.iter().map(|(name, y)| html! { <text class="tick" x="2" y={px(y - 5.0)}>{ name }</text> }) }</g>
            </svg>
        </Figure>
    }
}

fn element(name: &str) -> Option<Element> {
    let document = web_sys::window()?.document()?;
    document.get_element_by_id(&format!("trace-{name}"))
}

/// The names of the layers, which stay in view as the picture is moved sideways.
struct Following {
    frame: Option<Element>,
    moved: Closure<dyn FnMut()>,
}

impl Following {
    fn new() -> Self {
        let moved = Closure::new(|| {
            if let Some((frame, names)) = frame().zip(element("layers")) {
                let along = format!("translate({} 0)", frame.scroll_left());
                // A picture that is gone needs no names.
                let _ = names.set_attribute("transform", &along);
            }
        });
        let frame = frame();
        if let Some(frame) = &frame {
            // Without it the names stay where they were drawn.
            let _ =
                frame.add_event_listener_with_callback("scroll", moved.as_ref().unchecked_ref());
        }
        Self { frame, moved }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(frame) = &self.frame {
            let moved = self.moved.as_ref().unchecked_ref();
            let _ = frame.remove_event_listener_with_callback("scroll", moved);
        }
    }
}

/// What the picture is moved in.
fn frame() -> Option<Element> {
    element("layers").and_then(|names| names.closest(".picture").ok().flatten())
}

/// Brings the answer into the middle of a picture that is wider than its frame.
fn scroll(answer_at: Option<f64>) {
    if let Some((frame, x)) = frame().zip(answer_at) {
        frame.set_scroll_left((x - f64::from(frame.client_width()) / 2.0).max(0.0) as i32);
    }
}

fn focus(name: &str) {
    if let Some(element) = element(name) {
        // Elements of an SVG have the method too, under another class. A node that is gone keeps no focus.
        let _ = element.unchecked_ref::<HtmlElement>().focus();
    }
}

/// The name of an edge in an address.
pub(super) fn line_name(picture: &Picture, line: &Line) -> String {
    let end = |i: usize| picture.nodes.get(i).map(|placed| slug(placed.node)).unwrap_or_default();
    let role = match line.role {
        Role::Query => "query",
        Role::Key => "key",
        Role::Answer => "answer",
    };
    format!("{}~{}~{role}", end(line.from), end(line.to))
}

fn role_class(role: Role) -> &'static str {
    match role {
        Role::Query => "query",
        Role::Key => "key",
        Role::Answer => "seed",
    }
}

/// A curve from the top of one node to the bottom of the other.
fn curve(picture: &Picture, line: &Line) -> String {
    let (Some(from), Some(to)) = (picture.nodes.get(line.from), picture.nodes.get(line.to)) else {
        return String::new();
    };
    // Both ends of a head's two sides are kept apart.
    let aside = match line.role {
        Role::Query => -9.0,
        Role::Key => 9.0,
        Role::Answer => 0.0,
    };
    let (x0, y0) = (from.x, from.y - NODE[1] / 2.0);
    let (x1, y1) = (to.x + aside, to.y + NODE[1] / 2.0);
    let middle = (y0 + y1) / 2.0;
    // Straight up past other rows it would run behind their nodes.
    let bow =
        if (x1 - x0).abs() < NODE[0] && y0 - y1 > 2.0 * NODE[1] { 1.1 * NODE[0] } else { 0.0 };
    format!(
        "M{x0:.1},{y0:.1} C{:.1},{middle:.1} {:.1},{middle:.1} {x1:.1},{y1:.1}",
        x0 + bow,
        x1 + bow
    )
}

fn kind_class(answer: &Answer, node: Option<Node>) -> Classes {
    let Some(node) = node else { return classes!("answer") };
    let Some(firing) = node.firing() else { return classes!("other") };
    let visit = answer.traced.circuit.firings.iter().find(|visit| visit.firing == firing);
    classes!("head", visit.is_some_and(|visit| visit.status != Status::Traced).then_some("leaf"))
}

fn table(answer: &Answer, picture: &Picture) -> Table {
    let header =
        ["from", "to", "side", "weight", "k", "from token", "to token", "from name", "to name"];
    picture.lines.iter().rev().fold(Table::new(header), |table, line| {
        let end = |i: usize| picture.nodes.get(i).and_then(|placed| placed.node);
        let token = |node: Option<Node>| {
            word(answer, node.map_or(answer.traced.objective.at, |node| node.dest))
        };
        let (from, to) = (end(line.from), end(line.to));
        let name =
            |node: Option<Node>| picture.named(node).map(|n| n.name.clone()).unwrap_or_default();
        let k: Vec<String> = line.k.iter().map(usize::to_string).collect();
        table.row([
            slug(from).into(),
            slug(to).into(),
            role_class(line.role).into(),
            line.weight.into(),
            k.join(" ").into(),
            token(from).into(),
            token(to).into(),
            name(from).into(),
            name(to).into(),
        ])
    })
}
