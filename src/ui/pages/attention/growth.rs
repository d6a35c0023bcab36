//! One head through training: sparseness beside its controls, terms needed, accuracy, and the spectra of both circuits.

use std::rc::Rc;

use yew::prelude::*;

use super::measured::MeasuredHead;
use crate::ui::app::use_app;
use crate::ui::charts::{Figure, Lines, Series, Table};
use crate::ui::format::{percent, three};
use crate::ui::widgets::select::Select;
use crate::worker::protocol::heads::{CircuitSpectrum, HeadSpectra};

/// Singular values that are drawn; the table has all.
const DRAWN: usize = 8;

/// The route's parameter that names the head which prompt sets and series show.
pub(super) const HEAD: &str = "measured";

/// One checkpoint's measurements.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Step {
    /// Its training step.
    pub step: u32,
    /// Every head over the prompts.
    pub heads: Vec<MeasuredHead>,
    /// Every head's spectra.
    pub spectra: Vec<HeadSpectra>,
    /// Share of the prompts that were answered correctly.
    pub accuracy: Option<f64>,
}

/// Properties of [`Growth`].
#[derive(Properties, PartialEq)]
pub(super) struct GrowthProps {
    /// The checkpoints, by step.
    pub steps: Vec<Rc<Step>>,
    /// The step of the open model, if it is one of them.
    pub here: Option<f64>,
}

/// The curves of one head: the reader's choice, or the one that ends furthest below chance.
#[component]
pub(super) fn Growth(props: &GrowthProps) -> Html {
    let app = use_app();
    let steps = &props.steps;
    let Some(last) = steps.iter().rev().find(|s| !s.heads.is_empty()) else {
        return Html::default();
    };
    let slug = |(layer, head): (usize, usize)| format!("L{layer}H{head}");
    let mut heads: Vec<&MeasuredHead> = last.heads.iter().collect();
    heads.sort_by(|a, b| a.gain().total_cmp(&b.gain()));
    let mut names: Vec<(usize, usize)> = heads.iter().map(|h| (h.layer, h.head)).collect();
    let wanted = app.value().route.text(HEAD).map(str::to_owned);
    let chosen = names.iter().copied().find(|at| Some(slug(*at)) == wanted);
    let Some(at) = chosen.or(names.first().copied()) else { return Html::default() };
    names.sort_unstable();
    let options: Vec<(AttrValue, AttrValue)> =
        names.iter().map(|&at| (slug(at).into(), slug(at).into())).collect();
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.set(HEAD, slug))
    };
    let head = slug(at);
    let of = |f: fn(&MeasuredHead) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |s: &Rc<Step>| {
            let h = s.heads.iter().find(|h| (h.layer, h.head) == at)?;
            Some((f64::from(s.step), f(h)?))
        };
        steps.iter().filter_map(point).collect()
    };
    let spectrum = |f: &dyn Fn(&HeadSpectra) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |s: &Rc<Step>| {
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
            line(&format!("σ{}", k + 1), points, false)
        };
        (0..n).map(line).collect()
    };
    let accuracy = steps.iter().filter_map(|s| Some((f64::from(s.step), s.accuracy?))).collect();
    let sparseness = vec![
        line("S", of(|h| h.sparseness[0]), false),
        line("S, basis control", of(|h| h.sparseness[1]), true),
        line("S, subspace", of(|h| h.sparseness[2]), true),
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
    let end = last.accuracy.map_or_else(|| "–".into(), percent);
    let chart = |name: &str, y: &str, limits, series: Vec<Series>, caption: String| {
        let table = {
            let series = series.clone();
            Callback::from(move |()| table(&series))
        };
        let drawn: Vec<Series> = series.into_iter().take(DRAWN).collect();
        html! {
            <Figure name={format!("series-{name}-{head}")} {table} caption={html! { { caption.clone() } }}>
                    <Lines label={caption} series={drawn} x="training step, log" y={y.to_owned()} log_x={true} {limits} cursor={props.here} />
                </Figure>
        }
    };
    let all = |circuit: &str| {
        format!(
            "{head}, {circuit}: its {DRAWN} largest singular values over training; the table has all of them."
        )
    };
    html! {
        <>
            <div class="controls"><Select label="head" {options} value={head.clone()} on_change={choose} /></div>
            if chosen.is_none() { <p class="hint">{ format!("{head} is the head that ends furthest below chance.") }</p> }
            <div class="measured">
                { chart("sparseness", "", Some((0.0, 1.0)), sparseness, format!("{head}: sparseness of the answer's score beside its controls, and the task. Accuracy at the end: {end}.")) }
                { chart("terms", "terms", None, needed, format!("{head}: terms that make up the whole relative attention (N) and nine tenths of it (N.9).")) }
                { chart("qk-spectrum", "σ", None, sigmas(|h| &h.qk), all("QK")) }
                { chart("ov-spectrum", "σ", None, sigmas(|h| &h.ov), all("OV")) }
                { chart("rank", "effective rank", None, ranks, format!("{head}: effective rank, exp of the entropy of the shares σ² / Σσ².")) }
            </div>
        </>
    }
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
    let empty = Table { header: header.collect(), rows: Vec::new() };
    steps.into_iter().fold(empty, |table, step| {
        let value = |s: &Series| {
            s.points.iter().find(|p| p.0 == step).map_or_else(|| "–".to_owned(), |p| three(p.1))
        };
        table.row(std::iter::once(step.to_string()).chain(series.iter().map(value)).collect())
    })
}
