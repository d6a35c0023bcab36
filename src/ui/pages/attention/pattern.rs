//! The pattern of the head in view: who looks at whom.

use std::rc::Rc;

use yew::prelude::*;

use crate::model::Weights;
use crate::model::architecture::StackKind;
use crate::protocol::attention::{CellAt, Ran};
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::{Figure, HeatMap};
use crate::ui::palette::Scale;
use crate::ui::words::attention as words;
use crate::ui::words::format::token;
use crate::ui::words::table::Table;

/// Properties of [`PatternView`].
#[derive(Properties, PartialEq)]
pub(super) struct PatternViewProps {
    /// Patterns of all heads of the layer, `[n_heads, n, n_src]`.
    pub pattern: Option<Rc<Vec<f32>>>,
    /// The cell in view.
    pub at: Option<CellAt>,
    /// The head in view.
    pub head: Option<(usize, usize)>,
    /// The prompt.
    pub ran: Rc<Ran>,
    /// The stack of the head in view.
    pub stack: StackKind,
}

/// A heat map, destinations down and sources across.
#[component]
pub(super) fn PatternView(props: &PatternViewProps) -> Html {
    let app = use_app();
    let stack = props.stack;
    let [dests, srcs] = props.ran.sides(stack);
    let (n, n_src) = (dests.len(), srcs.len());
    let own = props.head.map_or(0, |(_, head)| head);
    let values = use_memo((props.pattern.clone(), own, n * n_src), |(pattern, head, size)| {
        let size = *size;
        let own = pattern.as_ref().and_then(|p| p.get(head * size..(head + 1) * size));
        Rc::new(own.map(<[f32]>::to_vec).unwrap_or_default())
    });
    let names = use_memo((props.ran.clone(), stack), |(ran, stack)| {
        ran.sides(*stack).map(|side| Rc::new(side.iter().map(|t| token(t)).collect::<Vec<_>>()))
    });
    let Some((layer, head)) = props.head.filter(|_| values.len() == n * n_src && n > 0) else {
        return html! { <section class="column"><p class="empty">{ "Pick a head." }</p></section> };
    };
    let seen = (*values).clone();
    let go = app.clone();
    let on_select = Callback::from(move |(dest, src): (usize, usize)| {
        // Where nothing can be seen there is no score to take apart.
        if seen.get(dest * n_src + src).is_none_or(|p| *p == 0.0) {
            return;
        }
        let route = go.value().route.clone().put(&keys::LAYER, layer).put(&keys::HEAD, head);
        go.go(route.put(&keys::DEST, dest).put(&keys::SRC, src));
    });
    let table = {
        let (values, [rows, columns]) = ((*values).clone(), (*names).clone());
        Callback::from(move |()| {
            let cells = (0..n * n_src).filter(|i| values[*i] > 0.0);
            cells.fold(Table::new(["destination", "source", "attention"]), |table, i| {
                table.row([
                    format!("{} {}", i / n_src, rows[i / n_src]).into(),
                    format!("{} {}", i % n_src, columns[i % n_src]).into(),
                    values[i].into(),
                ])
            })
        })
    };
    let name = app.value().head_name(layer, head);
    let causal = app.value().model.as_ref().is_none_or(|model| model.summary.causal);
    let listed = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    let mut how = format!("token ids {}", listed(&props.ran.ids));
    if !props.ran.decoder_ids.is_empty() {
        how.push_str(&words::of_the_decoder(&listed(&props.ran.decoder_ids)));
    }
    if !props.ran.given.is_empty() {
        how = words::reads_the_file(&props.ran.given);
    }
    let stamp = app.value().stamp(Weights::Folded).pattern().how(how);
    let [rows, cols] = (*names).clone();
    let [y, x] = match stack {
        StackKind::Cross => [words::LOOKS_DECODER, words::LOOKED_ENCODER],
        _ => ["looks", "looked at →"],
    };
    html! {
        <section class="column" aria-label="Attention pattern">
            <h2>{ name.clone() }</h2>
            <Figure name={format!("{}-pattern", app.value().head_slug(layer, head))} {table} convention={stamp}
                caption={html! { { seen_by(stack, causal) } }}>
                <HeatMap label={words::attention_pattern(&name)} values={(*values).clone()} n_cols={n_src} scale={Scale::Sequential { max: 1.0 }}
                    {rows} {cols} {y} {x} selected={props.at.map(|at| (at.dest, at.src))} on_select={Some(on_select)} />
            </Figure>
        </section>
    }
}

/// What the picture shows: whose tokens look, and what they see.
fn seen_by(stack: StackKind, causal: bool) -> String {
    let (who, seen) = match stack {
        StackKind::Cross => (words::TOKEN_DECODER, words::EVERY_TOKEN_ENCODERS_LAST),
        StackKind::Encoder => ("token", "every one"),
        _ if causal => ("token", words::ITSELF_EARLIER_ONE),
        _ => ("token", "every one"),
    };
    words::attention_row_column_click(&who, &seen)
}
