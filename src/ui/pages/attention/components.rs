//! Who wrote what the head reads: embedding, earlier heads, MLPs, biases, on either side; through the pair in view and in all.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::sad::components::Component;
use crate::math::statistics::ranked;
use crate::model::forward::EmbeddingPart;
use crate::protocol::attention::{Cell, Part, Ran};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::browser::export::save;
use crate::ui::words::answer::word;
use crate::ui::words::attention as words;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Rows shown of each side; the export has all.
const ROWS: usize = 8;

/// Properties of [`Components`].
#[derive(Properties, PartialEq)]
pub(super) struct ComponentsProps {
    /// The cell.
    pub cell: Rc<Cell>,
    /// The pair in view.
    pub k: usize,
    /// The prompt.
    pub ran: Rc<Ran>,
    /// Where the numbers come from.
    pub convention: Stamp,
}

/// Two tables: destination side, source side.
#[component]
pub(super) fn Components(props: &ComponentsProps) -> Html {
    let app = use_app();
    let (cell, k) = (props.cell.clone(), props.k);
    if let Some(reason) = &cell.unsplit {
        return html! { <p class="hint">{ words::no_split_over_earlier(&reason) }</p> };
    }
    let name = {
        let (ran, app, stack) = (props.ran.clone(), app.clone(), app.value().stack(cell.at.layer));
        move |component: Component| match component {
            Component::Embedding { part } => words::embedding_part(part).to_owned(),
            Component::Head { layer, head, src } => {
                let from = word(ran.sides(stack)[0], src);
                format!("{} from {from}", app.value().head_name(layer, head))
            }
            Component::AttentionBias { layer } => format!("attention bias {layer}"),
            Component::Mlp { layer } => format!("MLP {layer}"),
            Component::Offset => words::BIAS_HEAD.to_owned(),
        }
    };
    let through = move |p: &Part| p.terms.get(k).copied().unwrap_or(0.0);
    // A head leads to its own look: from where it wrote, at what it read.
    let led = |component: Component, dest: usize| {
        let said = name(component);
        let Component::Head { layer, head, src } = component else { return html! { said } };
        let route = app.value().route.clone().put(&keys::LAYER, layer).put(&keys::HEAD, head);
        let route = route.put(&keys::DEST, dest).put(&keys::SRC, src).clear(&keys::K);
        html! { <a href={route.to_hash()}>{ said }</a> }
    };
    let side = |title: &'static str, parts: &[Part], dest: usize| {
        let shown: Vec<&Part> = parts.iter().collect();
        let shown = ranked(&shown, |p| through(p).abs());
        let row = |label: Html, one: f64, all: f64| html! { <tr><th scope="row">{ label }</th><td>{ three(one) }</td><td>{ three(all) }</td></tr> };
        let sum = |of: &dyn Fn(&Part) -> f64, of_parts: &[&Part]| {
            of_parts.iter().map(|p| of(p)).sum::<f64>()
        };
        let (first, rest) = shown.split_at(shown.len().min(ROWS));
        html! {
            <div class="side">
                <table class="compare parts">
                    <thead><tr><th scope="col">{ title }</th><th scope="col">{ format!("k = {k}") }</th><th scope="col">{ "all k" }</th></tr></thead>
                    <tbody>
                        { for first.iter().map(|p| row(led(p.component, dest), through(p), p.total)) }
                        if !rest.is_empty() { { row(html! { format!("{} more", rest.len()) }, sum(&through, rest), sum(&|p| p.total, rest)) } }
                        { row(html! { "together" }, sum(&through, &shown), sum(&|p| p.total, &shown)) }
                    </tbody>
                </table>
            </div>
        }
    };
    let csv = {
        let (cell, name, app) = (cell.clone(), name.clone(), app.clone());
        let stamp = props.convention.clone();
        Callback::from(move |_: MouseEvent| {
            let (at, d_head) = (cell.at, cell.sigma.len());
            let header = ["side", "component", "all k"].map(str::to_owned).into_iter();
            let mut table = Table::new(header.chain((0..d_head).map(|k| format!("k = {k}"))));
            for (side, parts) in [("destination", &cell.dest_parts), ("source", &cell.src_parts)] {
                for p in parts {
                    let known = [side.into(), name(p.component).into(), p.total.into()];
                    table = table.row(known.into_iter().chain(p.terms.iter().map(|&t| t.into())));
                }
            }
            let head = app.value().head_slug(at.layer, at.head);
            let file = format!("{head}-{}-{}-components.csv", at.dest, at.src);
            // A refused download leaves the tables on the page.
            let _ = save(&file, "text/csv", table.csv(&stamp).as_bytes());
        })
    };
    let apart = cell.dest_parts.iter().any(
        |p| matches!(p.component, Component::Embedding { part } if part != EmbeddingPart::Whole),
    );
    html! {
        <details class="components" open=true>
            <summary>{ words::WHERE_COMES }</summary>
            <div class="sides">
                { side(words::DESTINATION_WRITTEN, &cell.dest_parts, cell.at.dest) }
                { side(words::SOURCE_WRITTEN, &cell.src_parts, cell.at.src) }
            </div>
            <p class="hint">{ words::RELATIVE_ATTENTION_SPLIT_OVER }{ apart.then_some(words::EMBEDDING_APART) }</p>
            <span class="exports"><button type="button" onclick={csv}>{ words::CSV_EVERY }</button></span>
        </details>
    }
}
