//! The spectrum of the head in view, QK or OV, with its blocks, its null region and its certificate.

use yew::prelude::*;

use super::distance::Distance;
use super::positions::Positions;
use crate::circuits::omega::Circuit;
use crate::circuits::spectrum::{blocks, null_from};
use crate::model::Weights;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::{Bar, Bars, Figure};
use crate::ui::lessons::speech::Speech;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::{Gloss, Method};
use crate::ui::widgets::select::Switch;
use crate::ui::words::format::{short_exponent, three};
use crate::ui::words::heads as words;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::statistic::Statistic;
use crate::ui::words::table::Table;

/// The spectrum and what it says.
#[component]
pub fn Spectrum() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.as_ref(), state.at()) else {
        return nothing();
    };
    let Some(head) = state.spectra.heads.get(&(at.layer, at.head)).cloned() else {
        let why = state.spectra.broken.get(&(at.layer, at.head));
        let text = why.map_or_else(
            || words::HEADS_SPECTRUM_BEING_COMPUTED.to_owned(),
            |w| words::head_cannot_decomposed_others(w),
        );
        return html! { <section class="column"><p class="empty" role="status">{ text }</p></section> };
    };
    let spectrum = match at.circuit {
        Circuit::Qk => head.qk.clone(),
        Circuit::Ov => head.ov.clone(),
    };
    let log = state.route.read(&keys::AXIS);
    let k = state.k();
    let tab = |circuit: Circuit| {
        let app = app.clone();
        let onclick = Callback::from(move |_: MouseEvent| app.put(&keys::CIRCUIT, circuit));
        let on = circuit == at.circuit;
        html! { <button type="button" role="tab" aria-selected={on.to_string()} {onclick}>{ circuit.name() }</button> }
    };
    let set_axis = {
        let app = app.clone();
        Callback::from(move |on: bool| app.put(&keys::AXIS, on))
    };
    let set_weights = {
        let app = app.clone();
        Callback::from(move |raw: bool| {
            app.put(&keys::WEIGHTS, if raw { Weights::Raw } else { Weights::Folded })
        })
    };
    let on_select = {
        let app = app.clone();
        Callback::from(move |k: usize| app.put(&keys::K, k))
    };
    let sigma = spectrum.sigma.clone();
    let table = Callback::from(move |()| {
        let total: f64 = sigma.iter().map(|s| s * s).sum();
        sigma.iter().enumerate().fold(
            Table::new(["k", "sigma", words::SHARE_SQUARED_NORM]),
            |table, (k, s)| {
                table.row([k.into(), (*s).into(), (s * s / total.max(f64::MIN_POSITIVE)).into()])
            },
        )
    });
    let stamp = state.stamp(at.weights).circuit(at.circuit).how(spectrum.by.words());
    let stamp = stamp
        .how(format!("residual {}", short_exponent(spectrum.residual)))
        .how(words::orthogonality_core(&short_exponent(spectrum.orthogonality)));
    let vectors = state.vectors.as_ref().filter(|v| v.at == at);
    let shown = vectors.map(|v| v.certificate.map(short_exponent));
    let name = state.head_name(at.layer, at.head);
    let circuit = at.circuit.name();
    let bars: Vec<Bar> = spectrum.sigma.iter().map(|&value| Bar { value, mark: None }).collect();
    let blocks = blocks(&spectrum.sigma).into_iter().filter(|b| b.len() > 1).collect::<Vec<_>>();
    let null = Some(null_from(&spectrum.sigma, model.summary.d_model))
        .filter(|n| *n < spectrum.sigma.len());
    let speech = app.speech();
    let ends = [spectrum.sigma.first(), spectrum.sigma.last()];
    let [first, last] = ends.map(|sigma| three(sigma.copied().unwrap_or(0.0)));
    let n = spectrum.sigma.len().to_string();
    let label = speech.fill(OnStage::SpectrumSpoken, &[circuit, &name, &n, &first, &last]);
    html! {
        <section class="column spectrum" aria-label="Spectrum">
            <div class="controls">
                <h2>{ name.clone() }</h2>
                <div role="tablist" aria-label="Circuit">{ tab(Circuit::Qk) }{ tab(Circuit::Ov) }</div>
                <Switch label="log" on={log} on_change={set_axis} />
                <Switch label="raw" on={at.weights == Weights::Raw} on_change={set_weights} />
            </div>
            <Staged picture={Picture::Spectrum}><Figure name={format!("{name}-{circuit}-spectrum")} {table} convention={stamp}
                lang={speech.own()} caption={html! { <>{ speech.fill(OnStage::Spectrum, &[circuit, &name]) }</> }}>
                <Bars {label} {bars} {log} selected={k} blocks={blocks.clone()} null_from={null} {on_select} />
            </Figure></Staged>
            <dl class="statistics" data-testid="statistics">
                { for Statistic::all(state.has_positions()).filter(|s| s.circuit().is_none_or(|own| own == at.circuit)).map(|s| {
                    let chance = s.by_chance(&Speech::default(), &head, at.circuit);
                    html! {
                        <div key={s.slug()}><dt><Gloss term={s.name()} meaning={s.meaning()} /></dt><dd>{ three(s.of(&head, at.circuit)) }
                            if let Some(chance) = chance { <span class="by-chance">{ format!(" ({chance})") }</span> }</dd></div>
                    }
                }) }
            </dl>
            if let Some([residual, orthogonality]) = shown {
                <p class="hint" data-testid="certificate">{ words::vectors_shown_measured_residual(&residual, &orthogonality) }</p>
            }
            if let Some(biases) = head.biases.as_deref().filter(|_| at.circuit == Circuit::Qk) {
                <p class="hint" data-testid="biases">{ words::biases(biases, spectrum.statistics.sigma_max, model.summary.d_model) }{ " " }<Method of="bias terms" /></p>
            }
            if let Some(curves) = state.positions.clone().filter(|curves| curves.at == at) {
                <Positions {curves} {k} name={name.clone()} convention={state.stamp(at.weights).circuit(at.circuit)} />
            }
            <Distance />
            if !blocks.is_empty() {
                <p class="hint">{ words::degenerate_blocks_bracketed_inside(&blocks.len()) }</p>
            }
        </section>
    }
}
