//! Who wrote what the head reads: embedding, earlier heads, MLPs, biases, on either side.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::components::Component;
use crate::ui::format::{three, token};
use crate::worker::protocol::attention::{Cell, Part, Ran};

/// Rows shown of each side.
const ROWS: usize = 8;

/// Properties of [`Components`].
#[derive(Properties, PartialEq)]
pub(super) struct ComponentsProps {
    /// The cell.
    pub cell: Rc<Cell>,
    /// The prompt.
    pub ran: Rc<Ran>,
}

/// Two tables: destination side, source side.
#[component]
pub(super) fn Components(props: &ComponentsProps) -> Html {
    if let Some(reason) = &props.cell.unsplit {
        return html! { <p class="hint">{ format!("No split over earlier components: {reason}.") }</p> };
    }
    let name = |component: Component| match component {
        Component::Embedding => "embedding".to_owned(),
        Component::Head { layer, head, src } => {
            let from = props.ran.tokens.get(src).map(|t| token(t)).unwrap_or_default();
            format!("L{layer}H{head} from “{from}”")
        }
        Component::AttentionBias { layer } => format!("attention bias {layer}"),
        Component::Mlp { layer } => format!("MLP {layer}"),
        Component::Offset => "bias of this head".to_owned(),
    };
    let side = |title: &'static str, parts: &[Part]| {
        html! {
            <div class="side">
                <h3>{ title }</h3>
                <ol class="parts">
                    { for parts.iter().take(ROWS).map(|p| html! { <li><span>{ name(p.component) }</span><span class="cosine">{ three(p.total) }</span></li> }) }
                </ol>
            </div>
        }
    };
    html! {
        <details class="components" open=true>
            <summary>{ "Where it comes from" }</summary>
            <div class="sides">
                { side("destination written by", &props.cell.dest_parts) }
                { side("source written by", &props.cell.src_parts) }
            </div>
            <p class="hint">{ "Each side's parts add up to the relative attention, with the norm's scale frozen." }</p>
        </details>
    }
}
