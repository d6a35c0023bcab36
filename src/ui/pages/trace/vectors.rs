//! Are these the vectors? The circuit's singular vectors beside random directions of the same subspaces.

use std::rc::Rc;

use yew::prelude::*;

use crate::math::statistics::mean_sd;
use crate::protocol::trace::{Answer, DirectionOptions, Directions, Prompt, RunDirections};
use crate::study::python::samples;
use crate::study::stamp::Stamp;
use crate::ui::asking::use_asking;
use crate::ui::charts::{Density, Figure};
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Method;
use crate::ui::widgets::python::Python;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;
use crate::ui::words::trace as words;
use crate::worker::request::Request;

/// Random bases of each head.
const OPTIONS: DirectionOptions = DirectionOptions { draws: 99, seed: 0 };

/// Properties of [`VectorsView`].
#[derive(Properties, PartialEq)]
pub(super) struct VectorsViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The circuit in view.
    pub answer: Rc<Answer>,
    /// Where its numbers come from.
    pub stamp: Stamp,
}

/// A button, then what was found.
#[component]
pub(super) fn VectorsView(props: &VectorsViewProps) -> Html {
    let vectors = use_asking::<Directions, _>("trace/vectors", Some(props.answer.clone()));
    let traced = &props.answer.traced;
    let run = {
        let vectors = vectors.clone();
        let question = RunDirections {
            prompt: props.prompt.clone(),
            circuit: Box::new(traced.circuit.clone()),
            rules: traced.options,
            options: OPTIONS,
        };
        Callback::from(move |_: MouseEvent| {
            let request = Request::new(question.clone()).urgent();
            vectors.ask(request.listed(words::CIRCUIT_WALKED_RANDOM_BASES));
        })
    };
    if !traced.circuit.firings.iter().any(|visit| visit.cells.is_some()) {
        return nothing();
    }
    html! {
        <section class="alone" aria-label={words::ARE_THESE_THE_VECTORS}>
            <h2>{ words::ARE_THESE_THE_VECTORS }</h2>
            <p class="hint">{ words::EVERY_HEAD_CIRCUIT_WALKED }{ " " }<Method of="edge weight" /></p>
            <p class="controls">
                <button type="button" onclick={run} disabled={vectors.under_way()} data-testid="vectors">{ words::walk_random_bases(&OPTIONS.draws) }</button>
            </p>
            if let Some(found) = vectors.found() { { outcome(&props.stamp, &found) } }
        </section>
    }
}

fn outcome(stamp: &Stamp, found: &Rc<Directions>) -> Html {
    let cells: Vec<f64> = found.random_cells.iter().map(|n| *n as f64).collect();
    let (mean, sd) = mean_sd(&cells);
    let p = |p: Option<f64>| p.map_or_else(|| "–".to_owned(), three);
    let said = words::all_heads_fire_silenced(&found.cells, &three(mean), &p(found.p_cells));
    let falls = words::without_their_singular_vectors(
        &three(found.fall),
        &three(mean_sd(&found.random_falls).0),
        &p(found.p_falls),
    );
    let table = {
        let found = found.clone();
        Callback::from(move |()| {
            let table = Table::new([words::HEAD_TOKENS, "cells", words::CELLS_RANDOM_BASES, "p"]);
            found.firings.iter().fold(table, |table, of| {
                let name = of.firing.node().to_string();
                table.row([name.into(), of.cells.into(), of.random_mean.into(), of.p.into()])
            })
        })
    };
    let stamp = stamp
        .clone()
        .how(format!("{} random bases", found.options.draws))
        .seeded(found.options.seed);
    let random = [
        (words::CELLS_RANDOM_BASES, cells.clone()),
        (words::FALLS_RANDOM_BASES, found.random_falls.clone()),
    ];
    let python = samples(&random.map(|(name, values)| (name.to_owned(), values)), &stamp);
    html! {
        <>
            <p class="sentence" data-testid="vectors-said">{ said }</p>
            <p class="hint">{ falls }</p>
            <Figure name="circuit-vectors" {table} convention={stamp} caption={html! { words::CELLS_MUST_GO_UNTIL }}>
                <Density label={words::cells_random_bases_average(&found.cells, &three(mean))} {mean} {sd} draws={cells} observed={found.cells as f64} name="singular vectors" />
            </Figure>
            <Python name="samples.py" {python} />
        </>
    }
}
