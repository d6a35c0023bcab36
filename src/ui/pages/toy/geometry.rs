//! Features as arrows in two or three directions; turned by dragging, by arrow keys or by sliders.

use yew::prelude::*;

use super::LabProps;
use crate::toy::Snapshot;
use crate::ui::address::keys::SEEN_ALONG;
use crate::ui::app::use_app;
use crate::ui::charts::{Arrow, Figure, Space};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::Select;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::table::Table;

/// Features in space.
#[component]
pub(in crate::ui::pages) fn Geometry(props: &LabProps) -> Html {
    let app = use_app();
    let speech = app.speech();
    let LabProps { lab, config, .. } = props;
    let view = app.value().route.read(&SEEN_ALONG);
    let Some(frame) = &lab.frame else { return nothing() };
    let entries = config.template.entries();
    let role = |i: usize| {
        let (asks, asked) =
            (entries.iter().any(|e| e.query == i), entries.iter().any(|e| e.key == i));
        if asks {
            0
        } else if asked {
            2
        } else {
            5
        }
    };
    let pair = entries.first().map(|e| (e.query, e.key));
    let points = match (view, pair) {
        ("pair", Some(pair)) => beside(frame, config.d_model, pair),
        _ => frame.principal.chunks_exact(3).map(|p| [0, 1, 2].map(|i| f64::from(p[i]))).collect(),
    };
    let arrows: Vec<Arrow> = points
        .iter()
        .enumerate()
        .map(|(i, at)| Arrow {
            at: *at,
            name: speech.fill(OnStage::Feature, &[&i.to_string()]),
            group: role(i),
            shown: role(i) != 5 && entries.len() < 4,
        })
        .collect();
    let table = Callback::from(move |()| {
        points.iter().enumerate().fold(Table::new(["feature", "x", "y", "z"]), |table, (i, p)| {
            table.row([i.into(), p[0].into(), p[1].into(), p[2].into()])
        })
    });
    let (turned, on_turn) = app.turned();
    let choose = Callback::from(move |slug: String| {
        app.replace(app.value().route.clone().choose(&SEEN_ALONG, &slug));
    });
    let options = vec![
        ("principal".into(), speech.say(OnStage::ThreePrincipal).into()),
        ("pair".into(), speech.say(OnStage::FirstPair).into()),
    ];
    let label = speech.say(OnStage::FeaturesSpoken);
    html! {
        <div>
            <Figure name="toy-geometry" {table} convention={props.stamp()}
                lang={speech.own()} caption={html! { { speech.say(OnStage::Features) } }}>
                <Space turns={speech.fill(OnStage::Turnable, &[&label])} {label} {arrows} {turned} {on_turn} />
            </Figure>
            <div class="controls" lang={speech.own()}><Select label={speech.say(OnStage::SeenAlong)} {options} value={view} on_change={choose} /></div>
        </div>
    }
}

/// Coordinates along the query feature, along what of the key feature is orthogonal to it, and along what of the first
/// principal direction is orthogonal to both.
fn beside(frame: &Snapshot, d: usize, (query, key): (usize, usize)) -> Vec<[f64; 3]> {
    let wide = |row: &[f32]| row.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
    let rows: Vec<Vec<f64>> = frame.features.chunks_exact(d.max(1)).map(wide).collect();
    let row = |i: usize| rows.get(i).cloned().unwrap_or_default();
    // XᵀX e = λ e, so the features weighed by their coordinates on e point along e.
    let mut principal = vec![0.0; d];
    for (row, at) in rows.iter().zip(frame.principal.chunks_exact(3)) {
        principal.iter_mut().zip(row).for_each(|(e, x)| *e += f64::from(at[0]) * x);
    }
    let mut axes: Vec<Vec<f64>> = Vec::new();
    for mut axis in [row(query), row(key), principal] {
        for other in &axes {
            let along = dot(&axis, other);
            axis.iter_mut().zip(other).for_each(|(x, e)| *x -= along * e);
        }
        let norm = dot(&axis, &axis).sqrt();
        axis.iter_mut().for_each(|x| *x = if norm > 1e-9 { *x / norm } else { 0.0 });
        axes.push(axis);
    }
    rows.iter().map(|w| std::array::from_fn(|i| dot(w, &axes[i]))).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
