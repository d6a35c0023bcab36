//! Everything on the page as files: spectra of all heads, vectors of the head in view, and the same in Python.

use serde_json::json;
use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::ui::app::{App, use_app};
use crate::ui::browser::export::save;
use crate::ui::charts::Table;
use crate::ui::widgets::python::Python;
use crate::ui::words::statistic::Statistic;
use crate::ui::words::text;

/// Buttons that save what was computed.
#[component]
pub fn ExportBar() -> Html {
    let app = use_app();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.clone(), state.at()) else { return Html::default() };
    let csv = act(&app, |app| save("spectra.csv", "text/csv", spectra_csv(app).as_bytes()));
    let json =
        act(&app, |app| save("spectra.json", "application/json", spectra_json(app).as_bytes()));
    let vectors = {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| session.export_vectors(at))
    };
    let snippet =
        state.vectors.as_ref().filter(|v| v.at == at).map(|v| v.python.clone()).unwrap_or_default();
    html! {
        <footer class="export-bar">
            <span class="convention">{ text::convention(at.circuit, at.weights, &model.summary) }</span>
            <span class="exports">
                <button type="button" onclick={csv}>{ "all spectra CSV" }</button>
                <button type="button" onclick={json}>{ "all spectra JSON" }</button>
                <button type="button" onclick={vectors}>{ "U, S, V of this head" }</button>
            </span>
            if !snippet.is_empty() { <Python name="spectrum.py" python={snippet} /> }
        </footer>
    }
}

fn act(
    app: &App,
    save: impl Fn(&App) -> Result<(), wasm_bindgen::JsValue> + 'static,
) -> Callback<MouseEvent> {
    let app = app.clone();
    Callback::from(move |_| {
        if save(&app).is_err() {
            app.session.act(crate::ui::memory::state::Action::Note(
                "The browser refused the download.".into(),
                String::new(),
            ));
        }
    })
}

fn in_order(app: &App) -> Vec<std::rc::Rc<crate::protocol::heads::HeadSpectra>> {
    let mut heads: Vec<_> = app.value().spectra.heads.values().cloned().collect();
    heads.sort_by_key(|h| (h.layer, h.head));
    heads
}

fn spectra_csv(app: &App) -> String {
    let mut table = Table::new([
        "layer",
        "head",
        "circuit",
        "k",
        "sigma",
        "residual",
        "orthogonality",
        "computed",
    ]);
    for head in in_order(app) {
        for (circuit, spectrum) in [(Circuit::Qk, &head.qk), (Circuit::Ov, &head.ov)] {
            for (k, sigma) in spectrum.sigma.iter().enumerate() {
                table = table.row(vec![
                    head.layer.to_string(),
                    head.head.to_string(),
                    text::circuit_name(circuit).to_owned(),
                    k.to_string(),
                    sigma.to_string(),
                    format!("{:e}", spectrum.residual),
                    format!("{:e}", spectrum.orthogonality),
                    text::precision(spectrum.by).to_owned(),
                ]);
            }
        }
    }
    format!("# {}\r\n{}", stamp(app), table.csv())
}

fn spectra_json(app: &App) -> String {
    let heads: Vec<_> = in_order(app)
        .iter()
        .map(|h| {
            let statistics: serde_json::Map<_, _> =
                Statistic::ALL.into_iter().map(|s| (s.slug().to_owned(), json!(s.of(h, Circuit::Qk)))).collect();
            json!({"layer": h.layer, "head": h.head, "qk": h.qk.sigma, "ov": h.ov.sigma,
                "residual_qk": h.qk.residual, "residual_ov": h.ov.residual, "qk_statistics": statistics,
                "computed_qk": text::precision(h.qk.by), "computed_ov": text::precision(h.ov.by)})
        })
        .collect();
    json!({"convention": stamp(app), "heads": heads}).to_string()
}

/// Model and convention in a line, for every export.
fn stamp(app: &App) -> String {
    let state = app.value();
    let model = state.model.as_ref();
    let name = model.map(|m| m.name.clone()).unwrap_or_default();
    let weights = if state.weights() == crate::model::Weights::Raw { "raw" } else { "folded" };
    format!(
        "Omega Lens; {name}; {weights} weights; QK = W_Q W_K^T, OV = W_V W_O, no score scale, no RoPE"
    )
}
