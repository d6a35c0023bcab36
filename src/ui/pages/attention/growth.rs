//! One head through training: sparseness beside its controls, terms needed, accuracy, and the spectra of both circuits.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::math::statistics::ranked;
use crate::model::Head;
use crate::protocol::heads::{CircuitSpectrum, HeadSpectra};
use crate::study::prompt_set::SetSpec;
use crate::study::python::series;
use crate::study::stamp::Stamp;
use crate::ui::browser::time::pause;
use crate::ui::charts::{Bar, Bars, Figure, Lines, Series};
use crate::ui::memory::measured::{MeasuredHead, MeasuredStep};
use crate::ui::nothing::nothing;
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::attention as words;
use crate::ui::words::format::{percent, three};
use crate::ui::words::table::Table;

/// Singular values that are drawn; the table has all.
const DRAWN: usize = 8;

/// Milliseconds of a step while the series plays.
const FRAME_MS: f64 = 700.0;

/// Properties of [`Growth`].
#[derive(Properties, PartialEq)]
pub(super) struct GrowthProps {
    /// The checkpoints, by step.
    pub steps: Vec<Rc<MeasuredStep>>,
    /// Whose they are.
    pub of: Stamp,
    /// The set that each was measured on.
    pub spec: SetSpec,
    /// The head that the reader chose.
    pub wanted: Option<String>,
    /// Called with another one.
    pub on_head: Callback<String>,
    /// Whether more steps are being measured.
    pub measuring: bool,
}

/// The curves of one head: the reader's choice, or the one that is most clearly sparser than chance at the end.
#[component]
pub(super) fn Growth(props: &GrowthProps) -> Html {
    let steps = &props.steps;
    let (shown, playing) = (use_state(|| None::<usize>), use_state(|| false));
    let end = steps.len().saturating_sub(1);
    let index = shown.unwrap_or(end).min(end);
    {
        let (shown, playing) = (shown.clone(), playing.clone());
        use_effect_with((*playing, index, end), move |&(running, index, end)| {
            let alive = Rc::new(Cell::new(running));
            let still = alive.clone();
            if running {
                spawn_local(async move {
                    pause(FRAME_MS).await;
                    match (still.get(), index < end) {
                        (true, true) => shown.set(Some(index + 1)),
                        (true, false) => playing.set(false),
                        (false, _) => {}
                    }
                });
            }
            move || alive.set(false)
        });
    }
    let Some(last) = steps.iter().rev().find(|s| !s.heads.is_empty()) else {
        return nothing();
    };
    let slug = |(layer, head): (usize, usize)| Head::new(layer, head).to_string();
    let heads: Vec<&MeasuredHead> = last.heads.iter().collect();
    let heads = ranked(&heads, |h| h.clearness());
    let mut names: Vec<(usize, usize)> = heads.iter().map(|h| (h.layer, h.head)).collect();
    let chosen = names.iter().copied().find(|at| Some(slug(*at)) == props.wanted);
    let Some(at) = chosen.or(names.first().copied()) else { return nothing() };
    names.sort_unstable();
    let options: Vec<(AttrValue, AttrValue)> =
        names.iter().map(|&at| (slug(at).into(), slug(at).into())).collect();
    let head = slug(at);
    let of = |f: fn(&MeasuredHead) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |s: &Rc<MeasuredStep>| {
            let h = s.heads.iter().find(|h| (h.layer, h.head) == at)?;
            Some((f64::from(s.step), f(h)?))
        };
        steps.iter().filter_map(point).collect()
    };
    let spectrum = |f: &dyn Fn(&HeadSpectra) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |s: &Rc<MeasuredStep>| {
            let h = s.spectra.iter().find(|h| (h.layer, h.head) == at)?;
            Some((f64::from(s.step), f(h)?))
        };
        steps.iter().filter_map(point).collect()
    };
    let sigmas = |circuit: fn(&HeadSpectra) -> &CircuitSpectrum| -> Vec<Series> {
        let here = |h: &&HeadSpectra| (h.layer, h.head) == at;
        let counts = steps.iter().filter_map(|s| s.spectra.iter().find(here));
        let n = counts.map(|h| circuit(h).sigma.len()).max().unwrap_or(0);
        let line = |k: usize| {
            let points = spectrum(&|h| circuit(h).sigma.get(k).copied());
            line(&format!("σ{k}"), points, false)
        };
        (0..n).map(line).collect()
    };
    let accuracy = steps.iter().filter_map(|s| Some((f64::from(s.step), s.accuracy?))).collect();
    let sparseness = vec![
        line("S", of(|h| h.sparseness[0]), false),
        line("S, basis control", of(|h| h.sparseness[1]), true),
        line("S, subspace", of(|h| h.sparseness[2]), true),
        line("S, matched", of(|h| h.sparseness[3]), true),
        line("attention", of(|h| Some(h.attention)), false),
        line("task accuracy", accuracy, false),
    ];
    let needed = vec![
        line("N", of(|h| h.n_recon[0]), false),
        line("N, basis control", of(|h| h.n_recon[1]), true),
        line("N.9", of(|h| h.n_recon_90[0]), false),
        line("N.9, basis", of(|h| h.n_recon_90[1]), true),
    ];
    let ranks = vec![
        line("QK", spectrum(&|h| Some(h.qk.statistics.effective_rank)), false),
        line("OV", spectrum(&|h| Some(h.ov.statistics.effective_rank)), false),
    ];
    let accurate = last.accuracy.map_or_else(|| "–".into(), percent);
    let measured = props.of.clone().set(&props.spec, props.spec.n);
    let chart = |name: &str, y: &str, limits, series: Vec<Series>, caption: String| {
        let table = {
            let series = series.clone();
            Callback::from(move |()| table(&series))
        };
        let drawn: Vec<Series> = series.into_iter().take(DRAWN).collect();
        html! {
            <Figure name={format!("series-{name}-{head}")} {table} convention={measured.clone()} caption={html! { { caption.clone() } }}>
                    <Lines label={caption} series={drawn} x={words::TRAINING_STEP_LOG} y={y.to_owned()} log_x={true} {limits} cursor={Some(f64::from(steps[index].step))} />
                </Figure>
        }
    };
    let look = {
        let (shown, playing) = (shown.clone(), playing.clone());
        Callback::from(move |i: f64| {
            playing.set(false);
            shown.set(Some(i as usize));
        })
    };
    let play = {
        let (shown, playing) = (shown.clone(), playing.clone());
        Callback::from(move |_: MouseEvent| {
            // From the end, play begins at the beginning.
            if !*playing && index == end {
                shown.set(Some(0));
            }
            playing.set(!*playing);
        })
    };
    let bars = |circuit: &str, file: &str, of: fn(&HeadSpectra) -> &CircuitSpectrum| {
        let here = |h: &&HeadSpectra| (h.layer, h.head) == at;
        let sigma = |s: &Rc<MeasuredStep>| s.spectra.iter().find(here).map(|h| of(h).sigma.clone());
        let now = sigma(&steps[index]).unwrap_or_default();
        // One scale for all steps: growth is what there is to see.
        let reach: Vec<f64> =
            steps.iter().filter_map(sigma).filter_map(|s| s.first().copied()).collect();
        let caption = words::singular_values_step(&head, &circuit, &(steps[index].step));
        let table = {
            let now = now.clone();
            Callback::from(move |()| {
                now.iter().enumerate().fold(Table::new(["k", "sigma"]), |table, (k, s)| {
                    table.row([k.into(), (*s).into()])
                })
            })
        };
        let drawn: Vec<Bar> = now.iter().map(|&value| Bar { value, mark: None }).collect();
        html! {
            <Figure name={format!("series-{file}-{head}-step-{}", steps[index].step)} {table} convention={props.of.clone()} caption={html! { { caption.clone() } }}>
                <Bars label={caption} bars={drawn} {reach} />
            </Figure>
        }
    };
    // A long series is a long text: it is not made anew for every step that is played.
    let python = (!*playing).then(|| {
        let here = |h: &&HeadSpectra| (h.layer, h.head) == at;
        let spectra = steps.iter().filter_map(|s| Some((s.step, s.spectra.iter().find(here)?)));
        let spectra: Vec<_> =
            spectra.map(|(step, h)| (step, [h.qk.sigma.as_slice(), &h.ov.sigma])).collect();
        series(&spectra, &props.of)
    });
    let all = |circuit: &str| words::largest_singular_values_over(&head, &circuit, &DRAWN);
    html! {
        <>
            <div class="controls"><Select label="head" {options} value={head.clone()} on_change={props.on_head.clone()} /></div>
            <div class="controls">
                <Slider label="training step" min={0.0} max={end as f64} step={1.0} value={index as f64} shown={steps[index].step.to_string()} on_change={look} />
                <button type="button" onclick={play} aria-pressed={playing.to_string()} data-testid="play-series">{ if *playing { "pause" } else { "play" } }</button>
            </div>
            <p class="sentence" data-testid="at-step">{ at_step(&steps[index], at) }</p>
            <div class="measured">
                { bars("QK", "qk", |h| &h.qk) }
                { bars("OV", "ov", |h| &h.ov) }
            </div>
            if chosen.is_none() && !props.measuring { <p class="hint">{ words::head_ends_furthest_below(&head) }</p> }
            <div class="measured curves">
                { chart("sparseness", "", Some((0.0, 1.0)), sparseness, words::sparseness_answers_score_beside(&head, &accurate)) }
                { chart("terms", "terms", None, needed, words::terms_make_up_whole(&head)) }
                { chart("qk-spectrum", "σ", None, sigmas(|h| &h.qk), all("QK")) }
                { chart("ov-spectrum", "σ", None, sigmas(|h| &h.ov), all("OV")) }
                { chart("rank", "effective rank", None, ranks, words::effective_rank_exp_entropy(&head)) }
            </div>
            if let Some(python) = python { <Python name="series.py" {python} /> }
        </>
    }
}

/// One sentence about a head at one step.
fn at_step(step: &MeasuredStep, at: (usize, usize)) -> String {
    let three = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), three);
    let accuracy = step.accuracy.map_or_else(String::new, |a| words::model_answers(&percent(a)));
    let Some(h) = step.heads.iter().find(|h| (h.layer, h.head) == at) else {
        return words::step_not_measured(&step.step, &accuracy);
    };
    let (s, needed) = (h.sparseness.map(three), h.n_recon_90.map(three));
    words::at_step(step.step, &s, &needed, &percent(h.attention)) + &accuracy
}

fn line(name: &str, points: Vec<(f64, f64)>, dashed: bool) -> Series {
    Series { name: name.into(), points, dashed, ..Series::default() }
}

/// All lines, a step a row.
fn table(series: &[Series]) -> Table {
    let mut steps: Vec<f64> = series.iter().flat_map(|s| s.points.iter().map(|p| p.0)).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    let header = std::iter::once("step".to_owned()).chain(series.iter().map(|s| s.name.clone()));
    steps.into_iter().fold(Table::new(header), |table, step| {
        let value = |s: &Series| s.points.iter().find(|p| p.0 == step).map(|p| p.1).into();
        table.row(std::iter::once((step as usize).into()).chain(series.iter().map(value)))
    })
}
