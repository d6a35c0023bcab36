//! Everything on the page as files: spectra of all heads, vectors of the head in view, and the same in Python.

use yew::prelude::*;

use crate::circuits::omega::Circuit;
use crate::protocol::heads::{BrokenHead, HeadSpectra};
use crate::study::spectra::{Sizes, SpectraDocument};
use crate::ui::app::{App, use_app};
use crate::ui::nothing::nothing;
use crate::ui::widgets::python::Python;
use crate::ui::words::heads as words;
use crate::ui::words::table::Table;

/// Buttons that save what was computed.
#[component]
pub fn ExportBar() -> Html {
    let app = use_app();
    let state = app.value();
    let Some(at) = state.at() else { return nothing() };
    let stamp = state.stamp(at.weights).circuit(at.circuit);
    let file = |name: &'static str, mime: &'static str, text: fn(&App) -> String| {
        let app = app.clone();
        Callback::from(move |_: MouseEvent| app.session.save(name, mime, text(&app).as_bytes()))
    };
    let csv = file("spectra.csv", "text/csv", spectra_csv);
    let json = file("spectra.json", "application/json", spectra_json);
    let vectors = {
        let session = app.session.clone();
        Callback::from(move |_: MouseEvent| session.export_vectors(at))
    };
    let snippet =
        state.vectors.as_ref().filter(|v| v.at == at).map(|v| v.python.clone()).unwrap_or_default();
    html! {
        <footer class="export-bar">
            <span class="convention">{ stamp.line() }</span>
            <span class="exports">
                <button type="button" onclick={csv}>{ words::ALL_SPECTRA_CSV }</button>
                <button type="button" onclick={json}>{ words::ALL_SPECTRA_JSON }</button>
                <button type="button" onclick={vectors}>{ words::U_S_V_HEAD }</button>
            </span>
            if !snippet.is_empty() { <Python name="spectrum.py" python={snippet} /> }
        </footer>
    }
}

fn in_order(app: &App) -> Vec<std::rc::Rc<HeadSpectra>> {
    let mut heads: Vec<_> = app.value().spectra.heads.values().cloned().collect();
    heads.sort_by_key(|h| (h.layer, h.head));
    heads
}

fn spectra_csv(app: &App) -> String {
    let columns =
        ["layer", "head", "circuit", "k", "sigma", "residual", "orthogonality", "computed"];
    let mut table = Table::new(columns);
    for head in in_order(app) {
        for (circuit, spectrum) in [(Circuit::Qk, &head.qk), (Circuit::Ov, &head.ov)] {
            for (k, &sigma) in spectrum.sigma.iter().enumerate() {
                table = table.row([
                    head.layer.into(),
                    head.head.into(),
                    circuit.name().into(),
                    k.into(),
                    sigma.into(),
                    spectrum.residual.into(),
                    spectrum.orthogonality.into(),
                    spectrum.by.words().into(),
                ]);
            }
        }
    }
    let state = app.value();
    table.csv(&state.stamp(state.weights()).circuit(Circuit::Qk).circuit(Circuit::Ov))
}

/// The document that `omega spectra` prints.
fn spectra_json(app: &App) -> String {
    let state = app.value();
    let Some(model) = &state.model else { return String::new() };
    let summary = &model.summary;
    let sizes = Sizes {
        d_model: summary.d_model,
        d_head: summary.d_head,
        n_layers: summary.n_layers,
        n_heads: summary.n_heads,
        layers: &summary.layers,
    };
    let broken = state.spectra.broken.iter();
    let broken = broken.map(|(&(layer, head), why)| BrokenHead { layer, head, why: why.clone() });
    let (heads, mut failed) = (in_order(app), broken.collect::<Vec<_>>());
    failed.sort_by_key(|broken| (broken.layer, broken.head));
    let (convention, heads) =
        (summary.convention(state.weights()), heads.iter().map(|head| &**head));
    let document = SpectraDocument::new(convention, sizes, heads, &failed, &summary.notes);
    // Plain values always have a JSON form.
    serde_json::to_string(&document).unwrap_or_default()
}
