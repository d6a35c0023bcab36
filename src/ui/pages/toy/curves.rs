//! What moved when: measures over steps, and a slider back to every recorded step.

use yew::prelude::*;

use super::LabProps;
use crate::toy::{ALIGNED, ORTHOGONAL, Point};
use crate::ui::charts::{Figure, Lines, Series};
use crate::ui::nothing::nothing;
use crate::ui::widgets::select::Slider;
use crate::ui::words::table::Table;
use crate::ui::words::toy as words;

/// Points of a line that are drawn.
const DRAWN: usize = 160;

/// Singular values that are drawn beyond those of the pairs.
const SPARE: usize = 2;

/// Lines of one kind at most.
const LINES: usize = 10;

/// The slider through recorded steps.
#[component]
pub(in crate::ui::pages) fn Slide(props: &LabProps) -> Html {
    let LabProps { lab, controls, .. } = props.clone();
    if lab.kept.len() < 2 {
        return nothing();
    }
    let at = lab.kept.partition_point(|step| *step < lab.step()).min(lab.kept.len() - 1);
    let look = {
        let (controls, kept) = (controls.clone(), lab.kept.clone());
        Callback::from(move |index: f64| {
            controls.pause();
            if let Some(step) = kept.get(index as usize) {
                controls.look(*step);
            }
        })
    };
    // Keys act at once: while the run is drawn, the slider's own event may come after a drawing that moved it back.
    let onkeydown = {
        let look = look.clone();
        let last = lab.kept.len() - 1;
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "Home" => 0,
                "End" => last,
                "ArrowLeft" | "ArrowDown" => at.saturating_sub(1),
                "ArrowRight" | "ArrowUp" => (at + 1).min(last),
                _ => return,
            };
            event.prevent_default();
            look.emit(to as f64);
        })
    };
    let first = |name: &str, step: Option<usize>| {
        step.map_or_else(|| format!("not {name}"), |s| words::for_good_from_step(&name, &s))
    };
    let from = |holds: fn(&Point) -> bool| {
        lab.points.iter().rev().take_while(|p| holds(p)).last().map(|p| p.step)
    };
    html! {
        <div class="controls slide" {onkeydown}>
            <Slider label={words::LOOK_STEP} min={0.0} max={(lab.kept.len() - 1) as f64} step={1.0} value={at as f64} shown={lab.step().to_string()} on_change={look} />
            <span class="hint" data-testid="events">{ words::every_cosine_over_interference(&first("aligned", from(|p| p.least_cos > ALIGNED)), &ALIGNED,
                &first("orthogonal", from(|p| p.interference < ORTHOGONAL)), &ORTHOGONAL) }</span>
        </div>
    }
}

/// Who moves first.
#[component]
pub(in crate::ui::pages) fn Events(props: &LabProps) -> Html {
    let mut series = vec![
        line(props, "interference", |p| p.interference),
        line(props, "least cos", |p| p.least_cos),
    ];
    if props.config.template.entries().len() > 1 {
        series.push(line(props, "mean cos", |p| p.mean_cos));
    }
    let top = series.iter().flat_map(|s| &s.points).map(|p| p.1).fold(1.05, f64::max);
    chart(
        props,
        "toy-events",
        words::WHO_MOVES_FIRST_SMALLEST,
        ["", "linear"],
        series,
        Some((0.0, top)),
    )
}

/// Losses over steps.
#[component]
pub(in crate::ui::pages) fn Losses(props: &LabProps) -> Html {
    let series = vec![
        line(props, "reconstr.", |p| p.losses.recon),
        line(props, "attention KL", |p| p.losses.kl.max(0.0)),
    ];
    chart(props, "toy-losses", words::LOSSES_EACH_BATCH_ATTENTION, ["loss", "log"], series, None)
}

/// Singular values over steps.
#[component]
pub(in crate::ui::pages) fn Sigma(props: &LabProps) -> Html {
    let shown = (props.config.template.entries().len() + SPARE).min(props.config.d_head).min(LINES);
    let name = |k: usize| if k < 6 || k + 1 == shown { format!("σ{k}") } else { String::new() };
    let series = (0..shown)
        .map(|k| Series {
            name: name(k),
            ..line(props, "", move |p| p.sigma.get(k).copied().unwrap_or(f64::NAN))
        })
        .collect();
    chart(props, "toy-sigma", words::SINGULAR_VALUES_OVER_STEPS, ["σ", "linear"], series, None)
}

/// One measure over all recorded steps.
fn line(props: &LabProps, name: &str, of: impl Fn(&Point) -> f64) -> Series {
    let points = props.lab.points.iter().map(|p| (p.step as f64, of(p))).collect();
    Series { name: name.into(), points, ..Series::default() }
}

/// The points of a line that are drawn: the table has all.
fn drawn(series: &Series) -> Series {
    let points = &series.points;
    let (stride, last) = (points.len().div_ceil(DRAWN).max(1), points.len().saturating_sub(1));
    let kept = points.iter().enumerate().filter(|(i, _)| i % stride == 0 || *i == last);
    Series { points: kept.map(|(_, point)| *point).collect(), ..series.clone() }
}

fn chart(
    props: &LabProps,
    name: &'static str,
    caption: &'static str,
    [y, axis]: [&'static str; 2],
    series: Vec<Series>,
    limits: Option<(f64, f64)>,
) -> Html {
    let LabProps { lab, controls, .. } = props.clone();
    let cursor = (lab.step() != lab.trained).then(|| lab.step() as f64);
    let on_pick = Callback::from(move |step: f64| {
        controls.pause();
        controls.look(step.round() as usize);
    });
    let drawn: Vec<Series> = series.iter().map(drawn).collect();
    let table = table(series);
    html! {
        <Figure {name} {table} convention={props.stamp()} caption={html! { { caption } }}>
            <Lines label={caption} series={drawn} x="step" {y} log_y={axis == "log"} {cursor} {limits} {on_pick} />
        </Figure>
    }
}

fn table(series: Vec<Series>) -> Callback<(), Table> {
    Callback::from(move |()| {
        let points = series.iter().flat_map(|s| s.points.iter().map(move |p| (s, p)));
        points.fold(Table::new(["measure", "step", "value"]), |table, (s, (step, value))| {
            table.row([s.name.clone().into(), (*step as usize).into(), (*value).into()])
        })
    })
}
