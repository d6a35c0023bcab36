//! What the head in view writes by reading the token in view, through each singular pair of its OV.

use std::rc::Rc;

use yew::prelude::*;

use super::answer::bar;
use crate::circuits::omega::Circuit;
use crate::math::statistics::ranked;
use crate::protocol::attention::{Attributed, Ran, Writes};
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::use_route;
use crate::ui::browser::export::save;
use crate::ui::widgets::python::Python;
use crate::ui::words::answer::{contest, raised, word, written};
use crate::ui::words::attention as words;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Pairs of the table; the file has all.
const ROWS: usize = 8;

/// Properties of [`WritesView`].
#[derive(Properties, PartialEq)]
pub(super) struct WritesViewProps {
    /// What is written.
    pub writes: Rc<Writes>,
    /// The answer that it is held against.
    pub found: Rc<Attributed>,
    /// The prompt.
    pub ran: Rc<Ran>,
    /// The head's name.
    pub head: String,
    /// Its name in files.
    pub slug: String,
    /// Where the numbers come from.
    pub convention: Stamp,
}

/// The sentence, the pairs, the files.
#[component]
pub(super) fn WritesView(props: &WritesViewProps) -> Html {
    let route = use_route();
    let (writes, at) = (props.writes.clone(), props.writes.at);
    let head = &props.head;
    let read = word(&props.ran.tokens, at.src);
    let pairs = ranked(&writes.pairs, |pair| pair.share.abs());
    let max = pairs.first().map_or(0.0, |pair| pair.share.abs());
    let (first, rest) = pairs.split_at(pairs.len().min(ROWS));
    let here = route.put(&keys::LAYER, at.layer).put(&keys::HEAD, at.head);
    let here = here.on(Page::Heads).put(&keys::CIRCUIT, Circuit::Ov);
    let csv = {
        let (slug, convention, writes) =
            (props.slug.clone(), props.convention.clone(), writes.clone());
        Callback::from(move |_: MouseEvent| {
            let header = ["k", "sigma", "read, x·u", "written along v", "logits"];
            let table = writes.pairs.iter().fold(Table::new(header), |table, pair| {
                let numbers = [pair.sigma, pair.reads, pair.writes, pair.share];
                table.row(std::iter::once(pair.k.into()).chain(numbers.map(Into::into)))
            });
            let file = format!("{slug}-{}-{}-writes.csv", at.dest, at.src);
            // A refused download leaves the table on the page.
            let _ = save(&file, "text/csv", table.csv(&convention).as_bytes());
        })
    };
    html! {
        <section class="column writes" aria-label={words::WHAT_HEAD_WRITES} data-testid="writes">
            <h2>{ words::what_writes_reading(&head, &read) }</h2>
            <p class="sentence" aria-live="polite">{ written(&writes, &contest(&props.found), head, &read) }</p>
            <div class="numbers" tabindex="0" role="region" aria-label={words::PAIRS_OV_PROMPT}>
                <table class="compare parts shares">
                    <thead><tr><th scope="col">{ "OV pair" }</th><th scope="col">{ "σ" }</th><th scope="col">{ "read" }</th><th scope="col">{ "written" }</th>
                        <td></td><th scope="col">{ "logits" }</th><th scope="col">{ "raises" }</th></tr></thead>
                    <tbody>
                        { for first.iter().map(|pair| html! {
                            <tr key={pair.k}><th scope="row"><a href={here.clone().put(&keys::K, pair.k).to_hash()}>{ format!("k = {}", pair.k) }</a></th>
                                <td>{ three(pair.sigma) }</td><td>{ three(pair.reads) }</td><td>{ three(pair.writes) }</td>
                                { bar(pair.share, max) }<td>{ three(pair.share) }</td><td class="words"><code>{ raised(&pair.raises[..pair.raises.len().min(3)]) }</code></td></tr>
                        }) }
                        if !rest.is_empty() {
                            <tr><th scope="row">{ format!("{} more", rest.len()) }</th><td></td><td></td><td></td><td></td><td>{ three(rest.iter().map(|pair| pair.share).sum()) }</td><td></td></tr>
                        }
                        <tr><th scope="row">{ "together" }</th><td></td><td></td><td></td><td></td><td>{ three(writes.share) }</td><td class="words"><code>{ raised(&writes.raises[..writes.raises.len().min(3)]) }</code></td></tr>
                    </tbody>
                </table>
            </div>
            <p class="hint">{ words::READ_HOW_MUCH_TOKEN }</p>
            <span class="exports"><button type="button" onclick={csv}>{ words::CSV_EVERY_PAIR }</button></span>
            if !writes.python.is_empty() { <Python name="writes.py" python={writes.python.clone()} /> }
        </section>
    }
}
