//! What the circuit is worth: the model run with its rows of attention alone, and without them, beside random circuits.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::trace::rows::rows;
use crate::math::statistics::mean_sd;
use crate::protocol::trace::{Alone, AloneOptions, Answer, Prompt, RunAlone};
use crate::study::python::samples;
use crate::study::stamp::Stamp;
use crate::ui::address::keys;
use crate::ui::address::route::Page;
use crate::ui::app::use_route;
use crate::ui::asking::{use_asking, use_said};
use crate::ui::charts::{Density, Figure};
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::python::Python;
use crate::ui::words::format::{percent, three};
use crate::ui::words::table::Table;
use crate::ui::words::trace as words;
use crate::worker::request::Request;

/// Properties of [`AloneView`].
#[derive(Properties, PartialEq)]
pub(super) struct AloneViewProps {
    /// The prompt in view.
    pub prompt: Prompt,
    /// The circuit in view.
    pub answer: Rc<Answer>,
    /// Where its numbers come from.
    pub stamp: Stamp,
}

/// A button, then what was found.
#[component]
pub(super) fn AloneView(props: &AloneViewProps) -> Html {
    let route = use_route();
    let alone = use_asking::<Alone, _>("trace/alone", Some(props.answer.clone()));
    let rows = rows(&props.answer.traced.circuit);
    let said = route.read(&keys::ALONE);
    // A reading is no answer that a run could keep.
    let none = rows.is_empty() || props.answer.traced.objective.reading.is_some();
    let route = route.put(&keys::ALONE, true);
    let press = {
        let alone = alone.clone();
        let asked = (said && !none).then(|| props.answer.clone());
        let question = RunAlone {
            prompt: props.prompt.clone(),
            asked: props.answer.traced.objective.clone(),
            rows: rows.clone(),
            options: AloneOptions::default(),
        };
        use_said(Page::Trace, asked, move |_| {
            let request = Request::new(question.clone()).urgent();
            alone.ask(request.listed(words::CIRCUITS_RUN_LAYER_LAYER));
        })
    };
    if none {
        return nothing();
    }
    html! {
        <section class="alone" aria-label={words::WHAT_CIRCUIT_WORTH}>
            <h2>{ words::IS_IT_THE_CIRCUIT }</h2>
            <p class="hint">{ words::TRACE_RERUNS_NOTHING_MODEL }</p>
            <Gloss term={words::KEPT_CIRCUIT} meaning={words::HOW_FAR_CIRCUITS_ATTENTION} />
            <p class="controls">
                <button type="button" class="primary" onclick={press.reform(move |_: MouseEvent| route.clone())} disabled={alone.under_way()} data-testid="alone">{ words::run_alone_random_circuits(&(AloneOptions::default().draws)) }</button>
            </p>
            if let Some(found) = alone.found() { { outcome(&props.stamp, &found) } }
        </section>
    }
}

fn outcome(stamp: &Stamp, alone: &Rc<Alone>) -> Html {
    let measure = if alone.measure == "logprob" { "ln p" } else { words::LOGIT_DIFFERENCE };
    let (Some(kept), Some(without)) = (alone.kept, alone.kept_without) else {
        return html! { <p class="sentence" data-testid="worth">{ words::all_attention_levelled_attention(&measure, &three(alone.full)) }</p> };
    };
    let (mean, sd) = mean_sd(&alone.random);
    let said = words::all_attention_levelled_all(
        &measure,
        &three(alone.none),
        &three(alone.full),
        &percent(kept),
        &percent(without),
        &percent(mean),
        &alone.p.map_or_else(|| "–".to_owned(), three),
    );
    let shape = words::shape_heads_tokens_same(&alone.rows, &alone.possible);
    let table = {
        let alone = alone.clone();
        Callback::from(move |()| {
            let table =
                Table::new(["circuit", "share kept"]).row(["this".into(), alone.kept.into()]);
            let random = alone.random.iter().enumerate();
            random
                .fold(table, |table, (i, x)| table.row([format!("random {i}").into(), (*x).into()]))
        })
    };
    let stamp = stamp
        .clone()
        .how(format!("{} random circuits", alone.random.len()))
        .seeded(alone.options.seed);
    let shares = [(words::KEPT_CIRCUIT, vec![kept]), (words::KEPT_RANDOM, alone.random.clone())];
    let python = samples(&shares.map(|(name, values)| (name.to_owned(), values)), &stamp);
    html! {
        <>
            <p class="sentence" data-testid="worth">{ said }</p>
            <p class="hint">{ shape }</p>
            <Figure name="circuit-alone" {table} convention={stamp} caption={html! { { words::share_stays_circuit_beside(&measure) } }}>
                <Density label={words::circuit_keeps_random_ones(&percent(kept), &percent(mean))} {mean} {sd} draws={alone.random.clone()} observed={kept} name="this circuit" />
            </Figure>
            <Python name="samples.py" {python} />
        </>
    }
}
