//! The sentence with one arc from the word that looks to each word that it looks at: as thick and as strong as the share it gives.
//!
//! Words are buttons, laid out in a line where there is room and below each other where there is not; two pictures of the
//! same arcs lie beside them, and the style sheet shows the one that fits.

use std::rc::Rc;

use yew::prelude::*;

use crate::model::architecture::StackKind;
use crate::protocol::attention::Ran;
use crate::ui::app::{use_dark, use_speech};
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::words::format::{percent, token};
use crate::ui::words::frame::Word;

/// Words at most: more have no room.
const MOST: usize = 24;
/// The smallest share that has an arc and a number.
const LEAST: f64 = 0.005;
/// Pixels of an arc that carries everything.
const THICK: f64 = 15.0;

/// Properties of [`Arcs`].
#[derive(Properties, PartialEq)]
pub(super) struct ArcsProps {
    /// Patterns of all heads of the layer, `[n_heads, n, n_src]`.
    pub(super) pattern: Option<Rc<Vec<f32>>>,
    /// The head in view.
    pub(super) head: Option<(usize, usize)>,
    /// Its name.
    pub(super) name: String,
    /// Who looks.
    pub(super) dest: usize,
    /// The stack of the head in view.
    pub(super) stack: StackKind,
    /// The prompt.
    pub(super) ran: Rc<Ran>,
    /// Called with another word that is to look.
    pub(super) on_dest: Callback<usize>,
}

/// The arcs of one word.
#[component]
pub(super) fn Arcs(props: &ArcsProps) -> Html {
    let speech = use_speech();
    let scale = Scale::Sequential { max: 1.0 };
    let dark = use_dark();
    let [dests, srcs] = props.ran.sides(props.stack);
    let (n, dest) = (srcs.len(), props.dest);
    let (Some((_, head)), Some(pattern)) = (props.head, &props.pattern) else {
        return html! { <p class="empty" role="status" lang={speech.own()}>{ speech.say(Word::ArcsSoon) }</p> };
    };
    let start = (head * dests.len() + dest) * n;
    let Some(row) = pattern.get(start..start + n).filter(|_| dests == srcs && n <= MOST) else {
        return nothing();
    };
    let shares: Vec<f64> = row.iter().map(|&share| f64::from(share)).collect();
    let word = |i: usize| match srcs.get(i).map(|text| token(text.trim())) {
        Some(text) if text.starts_with("<|") => "start".to_owned(),
        text => text.unwrap_or_default(),
    };
    let widths: Vec<usize> = (0..n).map(|i| word(i).chars().count().max(3) + 1).collect();
    let total: usize = widths.iter().sum();
    let middle = |i: usize| {
        let before: usize = widths.iter().take(i).sum();
        before as f64 + 0.5 * widths.get(i).copied().unwrap_or(0) as f64
    };
    let drawn: Vec<(usize, f64)> =
        shares.iter().copied().enumerate().filter(|&(i, s)| i != dest && s > LEAST).collect();
    let arc = |path: String, share: f64| {
        let style = format!(
            "stroke-width: {:.1}px; opacity: {:.2}",
            1.0 + THICK * share,
            0.35 + 0.65 * share
        );
        html! { <path d={path} {style} /> }
    };
    let across = drawn.iter().map(|&(i, share)| {
        let (from, to) = (middle(i.min(dest)), middle(i.max(dest)));
        let (rx, ry) = ((to - from) / 2.0, 9.0 * (to - from) / total.max(1) as f64);
        arc(format!("M {from:.2} 10 A {rx:.2} {ry:.2} 0 0 1 {to:.2} 10"), share)
    });
    let down = drawn.iter().map(|&(i, share)| {
        let (from, to) = (i.min(dest) as f64 + 0.5, i.max(dest) as f64 + 0.5);
        let (rx, ry) = (9.0 * (to - from) / n.max(1) as f64, (to - from) / 2.0);
        arc(format!("M 10 {from:.2} A {rx:.2} {ry:.2} 0 0 0 10 {to:.2}"), share)
    });
    let button = |i: usize| {
        let share = shares[i];
        let onclick = props.on_dest.reform(move |_: MouseEvent| i);
        let seen = if share > LEAST { percent(share) } else { String::new() };
        let style =
            format!("background: {}; color: {}", scale.css(share, dark), scale.ink(share, dark));
        html! {
            <button type="button" key={i} class={(i == dest).then_some("dest")} {style} {onclick} aria-pressed={(i == dest).to_string()}>
                <span>{ word(i) }</span><span class="share">{ seen }</span>
            </button>
        }
    };
    let most =
        (0..n).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).filter(|_| !drawn.is_empty());
    let best = most.map(word);
    let share = most.map(|i| percent(shares[i]));
    let most = best.as_deref().zip(share.as_deref());
    let said = speech.arcs(&word(dest), most, &props.name);
    let columns: Vec<String> = widths.iter().map(|w| format!("minmax(0, {w}fr)")).collect();
    html! {
        <figure class="figure arcs" style={format!("--letters: {total}; --words: {n}; --columns: {}", columns.join(" "))} data-testid="arcs">
            <figcaption aria-live="polite" lang={speech.own()}>{ said }</figcaption>
            <div class="arc-frame">
                <svg class="across" viewBox={format!("0 0 {total} 10")} preserveAspectRatio="none" aria-hidden="true">{ for across }</svg>
                <svg class="down" viewBox={format!("0 0 10 {n}")} preserveAspectRatio="none" aria-hidden="true">{ for down }</svg>
                <div class="arc-words" role="group" aria-label={speech.say(Word::ArcsWords)}>{ for (0..n).map(button) }</div>
            </div>
        </figure>
    }
}
