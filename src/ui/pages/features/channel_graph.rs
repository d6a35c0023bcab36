//! Channels between heads as a layered graph.

use std::collections::BTreeSet;

use yew::prelude::*;

use super::channels::Ranking;
use crate::circuits::composition::{Channel, Reading};
use crate::math::statistics::FalseDiscovery;
use crate::model::Layers;
use crate::ui::words::chance::FOUND;
use crate::ui::words::features as words;
use crate::ui::words::format::three;

/// Heads by layer, joined by `channels`; heads that are joined are named.
pub(super) fn graph(
    channels: &[Channel],
    ranking: Ranking,
    family: &FalseDiscovery,
    names: &Layers,
) -> Html {
    let n_layers = names.0.len();
    let n_heads = (0..n_layers).map(|l| names.n_heads(l)).max().unwrap_or(0);
    let (width, row) = (720.0, (360.0 / n_heads.max(1) as f64).min(36.0));
    let height = row * n_heads as f64 + 28.0;
    let step = (width - 80.0) / n_layers.saturating_sub(1).max(1) as f64;
    let place = |(layer, head): (usize, usize)| {
        (30.0 + step * layer as f64, 24.0 + row * (head as f64 + 0.5))
    };
    let strongest = channels.iter().map(|c| ranking.of(c)).fold(f64::MIN_POSITIVE, f64::max);
    let edge = |c: &Channel| {
        let ((x0, y0), (x1, y1)) = (place(c.from), place(c.into));
        // The three readings side by side.
        let (y0, y1) = [y0, y1].map(|y| y + (c.reading as usize as f64 - 1.0) * row / 9.0).into();
        let middle = (x0 + x1) / 2.0;
        let share = (ranking.of(c) / strongest).clamp(0.0, 1.0);
        let dash = match c.reading {
            Reading::Query => "",
            Reading::Key => "6 3",
            Reading::Value => "1.5 3",
        };
        let q = family.q(ranking.pair(c).p);
        let class = classes!("channel", (q >= FOUND).then_some("unsure"));
        html! {
            <path d={format!("M{x0:.1},{y0:.1} C{middle:.1},{y0:.1} {middle:.1},{y1:.1} {x1:.1},{y1:.1}")} {class}
                stroke-width={format!("{:.2}", 0.6 + 3.4 * share * share)} stroke-opacity={format!("{:.2}", 0.25 + 0.65 * share)} stroke-dasharray={dash}>
                <title>{ name(names, c, ranking, q) }</title>
            </path>
        }
    };
    let joined: BTreeSet<(usize, usize)> =
        channels.iter().flat_map(|channel| [channel.from, channel.into]).collect();
    let node = |at: (usize, usize)| {
        let (x, y) = place(at);
        let full = names.head_name(at.0, at.1);
        html! {
            <>
                <circle cx={x.to_string()} cy={y.to_string()} r={(row / 6.0).clamp(1.5, 5.0).to_string()} class="node"><title>{ full }</title></circle>
                if joined.contains(&at) { <text class="name" x={(x + 7.0).to_string()} y={(y - row / 6.0).to_string()}>{ format!("H{}", at.1) }</text> }
            </>
        }
    };
    html! {
        <svg viewBox={format!("0 0 {width} {height}")} role="img" aria-label={words::CHANNELS_BETWEEN_HEADS_LISTED} class="graph">
            { for (0..n_layers).map(|l| html! { <text x={place((l, 0)).0.to_string()} y="12" text-anchor="middle">{ names.name(l) }</text> }) }
            { for channels.iter().rev().map(edge) }
            { for (0..n_layers).flat_map(|l| (0..names.n_heads(l)).map(move |h| (l, h))).map(node) }
        </svg>
    }
}

fn name(names: &Layers, c: &Channel, ranking: Ranking, q: f64) -> String {
    let pair = ranking.pair(c);
    format!(
        "{} k = {} → {} {} k = {}: |cos| {}, σσ′|cos| {}, q {}",
        names.head_name(c.from.0, c.from.1),
        pair.k_written,
        names.head_name(c.into.0, c.into.1),
        c.reading.name(),
        pair.k_read,
        three(pair.cos),
        three(pair.carried()),
        three(q)
    )
}
