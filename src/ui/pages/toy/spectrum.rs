//! Singular values beside what the template asks for, and how much features stand in each other's way.

use yew::prelude::*;

use super::LabProps;
use super::order::Order;
use crate::toy::{PairFit, Snapshot};
use crate::ui::app::use_speech;
use crate::ui::charts::{Bar, Bars, Figure};
use crate::ui::nothing::nothing;
use crate::ui::words::format::three;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::table::Table;
use crate::ui::words::toy as words;

/// Spectrum and pairs.
#[component]
pub(super) fn Spectrum(props: &LabProps) -> Html {
    let LabProps { lab, config, .. } = props;
    let Some(frame) = &lab.frame else { return nothing() };
    let metrics = &frame.metrics;
    let headless = config.lambda == 0.0;
    let norms = norms(frame, config.d_model);
    let wanted = |k: usize| {
        let pair = metrics.pairs.iter().find(|p| p.k == Some(k))?;
        target(pair, &norms).filter(|_| !headless)
    };
    let bars: Vec<Bar> = metrics
        .sigma
        .iter()
        .enumerate()
        .map(|(k, &value)| Bar { value, mark: wanted(k) })
        .collect();
    let spectrum = {
        let bars = bars.clone();
        Callback::from(move |()| {
            bars.iter()
                .enumerate()
                .fold(Table::new(["k", "σ", "σ asked for"]), |table, (k, bar)| {
                    table.row([k.into(), bar.value.into(), bar.mark.into()])
                })
        })
    };
    html! {
        <div>
            <Figure name="toy-spectrum" table={spectrum} convention={props.stamp()} caption={html! { { words::SINGULAR_VALUES_LINES_VALUE } }}>
                <Bars label={words::SINGULAR_VALUES_TOYS_WHAT} {bars} />
            </Figure>
            { pairs(&metrics.pairs, frame, &norms) }
        </div>
    }
}

/// How much features stand in each other's way.
#[component]
pub(super) fn Interference(props: &LabProps) -> Html {
    let speech = use_speech();
    let LabProps { lab, config, .. } = props;
    let Some(frame) = &lab.frame else { return nothing() };
    let order = Order::of(&frame.metrics.pairs, config.n_features, config.d_head);
    let crowd: Vec<Bar> =
        order.features.iter().map(|&i| crowding(&frame.cosines, config.n_features, i)).collect();
    let interference = {
        let (bars, features) = (crowd.clone(), order.features.clone());
        Callback::from(move |()| {
            let header = Table::new(["feature", "interference", "largest |cos|"]);
            features.iter().zip(&bars).fold(header, |table, (i, bar)| {
                table.row([(*i).into(), bar.value.into(), bar.mark.into()])
            })
        })
    };
    html! {
        <Figure name="toy-interference" table={interference} convention={props.stamp()}
            lang={speech.own()} caption={html! { { speech.fill(OnStage::Interference, &[&order.n_attended.to_string()]) } }}>
            <Bars label={speech.say(OnStage::InterferenceSpoken)} bars={crowd} x={speech.say(OnStage::FeatureOrder)} y="Σ cos²" />
        </Figure>
    }
}

fn pairs(pairs: &[PairFit], frame: &Snapshot, norms: &[f64]) -> Html {
    let row = |pair: &PairFit| {
        let sigma = pair.k.and_then(|k| frame.metrics.sigma.get(k)).copied();
        html! {
            <tr>
                <th scope="row">{ format!("{} → {}", pair.query, pair.key) }</th>
                <td>{ pair.k.map_or_else(|| "none".to_owned(), |k| k.to_string()) }</td>
                <td>{ three(pair.cos_u) }</td><td>{ three(pair.cos_v) }</td>
                <td>{ sigma.map_or_else(String::new, three) }</td><td>{ target(pair, norms).map_or_else(String::new, three) }</td>
                <td>{ three(pair.effective) }</td><td>{ three(pair.target) }</td>
            </tr>
        }
    };
    html! {
        <details class="pairs">
            <summary>{ words::PAIRS_NUMBERS }</summary>
            <div class="numbers" tabindex="0" role="region" aria-label={words::PAIRS_TEMPLATE}>
                <table>
                    <thead><tr>{ for ["pair", "k", "cos u", "cos v", "σ", "σ asked", "logit", "T"].map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                    <tbody>{ for pairs.iter().map(row) }</tbody>
                </table>
            </div>
        </details>
    }
}

/// The singular value that gives `pair` its target logit when its features are the singular vectors.
fn target(pair: &PairFit, norms: &[f64]) -> Option<f64> {
    let lengths = norms.get(pair.query)? * norms.get(pair.key)?;
    (lengths > 0.0).then(|| pair.target.abs() / lengths).filter(|t| t.is_finite())
}

fn norms(frame: &Snapshot, d: usize) -> Vec<f64> {
    let norm = |row: &[f32]| row.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt();
    frame.features.chunks_exact(d.max(1)).map(norm).collect()
}

/// Interference of one feature, and its largest |cos| with another.
fn crowding(cosines: &[f32], n: usize, i: usize) -> Bar {
    let row = cosines.get(i * n..(i + 1) * n).unwrap_or_default();
    let others = row.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, c)| f64::from(*c));
    let (sum, most) =
        others.fold((0.0, 0.0_f64), |(sum, most), c| (sum + c * c, most.max(c.abs())));
    Bar { value: sum, mark: Some(most) }
}
