//! The other heads of the layer, as small pictures of their spectra: who is like the head in view, and who is not.

use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::ui::app::use_app;
use crate::ui::nothing::nothing;
use crate::ui::widgets::head_grid::pick;
use crate::ui::words::format::three;
use crate::ui::words::heads as words;

const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 34.0;

/// Spectra of all heads of the layer in view, on one scale.
#[component]
pub fn Neighbours() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let sigma = |head: usize| {
        state.spectra.heads.get(&(at.layer, head)).map(|s| match at.circuit {
            Circuit::Qk => s.qk.sigma.clone(),
            Circuit::Ov => s.ov.sigma.clone(),
        })
    };
    let heads: Vec<(usize, Vec<f64>)> = (0..model.summary.layers.n_heads(at.layer))
        .filter_map(|head| Some((head, sigma(head)?)))
        .collect();
    let top = heads.iter().filter_map(|(_, s)| s.first().copied()).fold(0.0, f64::max);
    if heads.len() < 2 || top <= 0.0 {
        return nothing();
    }
    let picture = |(head, sigma): &(usize, Vec<f64>)| {
        let head = *head;
        let step = WIDTH / sigma.len().max(1) as f64;
        let points: Vec<String> = std::iter::once(format!("0,{HEIGHT}"))
            .chain(sigma.iter().enumerate().flat_map(|(k, s)| {
                let y = HEIGHT * (1.0 - s / top);
                [k, k + 1].map(|k| format!("{:.1},{y:.1}", step * k as f64))
            }))
            .chain(std::iter::once(format!("{WIDTH},{HEIGHT}")))
            .collect();
        let mine = head == at.head;
        let first = three(sigma.first().copied().unwrap_or(0.0));
        let label = words::largest_singular_value(&state.head_name(at.layer, head), &first);
        let onclick = {
            let (app, layer) = (app.clone(), at.layer);
            Callback::from(move |_: MouseEvent| pick(&app, layer, head, &[]))
        };
        html! {
            <button type="button" key={head} class={classes!("neighbour", mine.then_some("selected"))} aria-pressed={mine.to_string()} aria-label={label.clone()} title={label} {onclick}>
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} aria-hidden="true"><polygon points={points.join(" ")} /></svg>
                <span>{ state.head_name(at.layer, head) }</span>
            </button>
        }
    };
    html! {
        <section class="neighbours" aria-label={words::HEADS_LAYER_BESIDE_EACH}>
            <h2>{ words::spectra_layer_one_scale(&at.circuit.name(), &model.summary.layers.name(at.layer).trim_start_matches('L')) }</h2>
            <div class="small-multiples">{ for heads.iter().map(picture) }</div>
        </section>
    }
}
