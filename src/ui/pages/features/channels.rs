//! Composition: which earlier heads write what later ones read, vector by vector, as a layered graph and a table.

use std::rc::Rc;

use yew::prelude::*;

use super::asker::channels;
use crate::circuits::composition::{Channel, Reading};
use crate::circuits::omega::Circuit;
use crate::math::statistics;
use crate::model::Layers;
use crate::study::channels::stamped;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::Figure;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Rows of the table.
const ROWS: usize = 40;

#[derive(Clone, PartialEq, Default)]
struct Heard(Vec<Channel>);

enum Change {
    Fresh,
    More(Vec<Channel>),
}

impl Reducible for Heard {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        match change {
            Change::Fresh => Rc::default(),
            Change::More(channels) => {
                let mut all = self.0.clone();
                all.retain(|old| {
                    !channels.iter().any(|c| (c.from, c.into) == (old.from, old.into))
                });
                all.extend(channels);
                Rc::new(Self(all))
            }
        }
    }
}

/// What a channel is ranked by.
fn measure(slug: &str, channel: &Channel) -> f64 {
    match slug {
        "classical" => channel.strength.classical,
        "z" => channel.strength.z,
        _ => channel.strength.cos,
    }
}

/// Channels into the head in view, or between all heads.
#[component]
pub(super) fn ChannelView() -> Html {
    let app = use_app();
    let state = app.value();
    let heard = use_reducer(Heard::default);
    let generation = state.model.as_ref().map(|m| m.generation);
    let weights = state.weights();
    {
        let (heard, session) = (heard.clone(), app.session.clone());
        use_effect_with((generation, weights), move |_| {
            session.jobs.stop("channels");
            heard.dispatch(Change::Fresh);
        });
    }
    let (Some(model), Some(at)) = (state.model.clone(), state.at()) else { return Html::default() };
    let slug = state.route.read(&keys::CHANNEL);
    let shown = state.route.read(&keys::CHANNELS);
    let ask = |into: Vec<(usize, usize)>| {
        let (app, heard) = (app.clone(), heard.dispatcher());
        Callback::from(move |_: MouseEvent| {
            let heard = heard.clone();
            let hears = Callback::from(move |found| heard.dispatch(Change::More(found)));
            channels(&app, &into, weights, hears);
        })
    };
    let layers = &model.summary.complete_layers;
    let above: Vec<usize> = layers.iter().copied().filter(|l| *l > 0).collect();
    let every = model.summary.heads_in(&above);
    let names = model.summary.layers.clone();
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::CHANNEL, &slug))
    };
    let set_shown = {
        let app = app.clone();
        Callback::from(move |n: f64| app.put(&keys::CHANNELS, n as usize))
    };
    let options: Vec<(AttrValue, AttrValue)> = vec![
        ("cos".into(), "|cos| of the best pair".into()),
        ("z".into(), "σ beyond chance".into()),
        ("classical".into(), "whole matrices".into()),
    ];
    let mut ranked = statistics::ranked(&heard.0, |c| measure(slug, c));
    let threshold = ranked.get(shown.saturating_sub(1)).or(ranked.last()).map(|c| measure(slug, c));
    ranked.truncate(shown);
    html! {
        <section class="prompt-set" aria-label="Composition">
            <h2>{ "Which heads write what others read?" }</h2>
            <Gloss term="channel" meaning="A singular vector that an earlier head's OV writes, beside one that a later head's QK (destination or source) or OV reads. Its strength is their |cosine|; chance is the largest |cosine| between random bases of the same two subspaces. The score of whole matrices, ‖A B‖ / ‖A‖ ‖B‖, is the root mean square of all these cosines, weighted by (σ σ′)²." />
            <div class="controls">
                <button type="button" class="primary" onclick={ask(vec![(at.layer, at.head)])} disabled={at.layer == 0} data-testid="channels">{ format!("into {}", state.head_name(at.layer, at.head)) }</button>
                <button type="button" onclick={ask(every.clone())} disabled={every.is_empty()} data-testid="channels-all">{ format!("into all {} heads above the first layer", every.len()) }</button>
                <Select label="rank by" {options} value={slug} on_change={choose} />
                <Slider label="channels shown" min={5.0} max={200.0} step={5.0} value={shown as f64} on_change={set_shown} />
            </div>
            if at.layer == 0 { <p class="hint">{ "No head writes before the first layer: pick a later one to see what reaches it." }</p> }
            if !ranked.is_empty() {
                <p data-testid="threshold">{ format!("{} channels, from {} up, of {} that were compared.", ranked.len(), three(threshold.unwrap_or(0.0)), heard.0.len()) }</p>
                <Figure name="channels" table={csv(names.clone(), heard.0.clone())} convention={stamped(state.stamp(weights))} caption={html! { { "Heads by layer, earlier on the left. Solid: through the query; dashed: the key; dotted: the value. The wider, the stronger." } }}>
                    { graph(&ranked, slug, &names) }
                </Figure>
                { table(&app, &ranked) }
            }
        </section>
    }
}

fn csv(names: Layers, all: Vec<Channel>) -> Callback<(), Table> {
    Callback::from(move |()| {
        let header =
            ["from", "into", "through", "cos", "k written", "k read", "z", "p", "classical"];
        all.iter().fold(Table::new(header), |table, c| {
            let s = &c.strength;
            table.row([
                names.head_name(c.from.0, c.from.1).into(),
                names.head_name(c.into.0, c.into.1).into(),
                c.reading.name().into(),
                s.cos.into(),
                s.k_written.into(),
                s.k_read.into(),
                s.z.into(),
                s.p.into(),
                s.classical.into(),
            ])
        })
    })
}

fn graph(channels: &[Channel], slug: &str, names: &Layers) -> Html {
    let n_layers = names.0.len();
    let n_heads = (0..n_layers).map(|l| names.n_heads(l)).max().unwrap_or(0);
    let (width, row) = (720.0, (360.0 / n_heads.max(1) as f64).min(36.0));
    let height = row * n_heads as f64 + 28.0;
    let step = (width - 60.0) / n_layers.saturating_sub(1).max(1) as f64;
    let place = |(layer, head): (usize, usize)| {
        (30.0 + step * layer as f64, 24.0 + row * (head as f64 + 0.5))
    };
    let strongest = channels.iter().map(|c| measure(slug, c)).fold(f64::MIN_POSITIVE, f64::max);
    let edge = |c: &Channel| {
        let ((x0, y0), (x1, y1)) = (place(c.from), place(c.into));
        // The three readings side by side.
        let (y0, y1) = [y0, y1].map(|y| y + (c.reading as usize as f64 - 1.0) * row / 9.0).into();
        let middle = (x0 + x1) / 2.0;
        let share = (measure(slug, c) / strongest).clamp(0.0, 1.0);
        let dash = match c.reading {
            Reading::Query => "",
            Reading::Key => "6 3",
            Reading::Value => "1.5 3",
        };
        html! {
            <path d={format!("M{x0:.1},{y0:.1} C{middle:.1},{y0:.1} {middle:.1},{y1:.1} {x1:.1},{y1:.1}")} class="channel"
                stroke-width={format!("{:.2}", 0.6 + 3.4 * share * share)} stroke-opacity={format!("{:.2}", 0.25 + 0.65 * share)} stroke-dasharray={dash}>
                <title>{ name(names, c) }</title>
            </path>
        }
    };
    html! {
        <svg viewBox={format!("0 0 {width} {height}")} role="img" aria-label="Channels between heads, listed in the table below" class="graph">
            { for (0..n_layers).map(|l| html! { <text x={place((l, 0)).0.to_string()} y="12" text-anchor="middle">{ names.name(l) }</text> }) }
            { for channels.iter().rev().map(edge) }
            { for (0..n_layers).flat_map(|l| (0..names.n_heads(l)).map(move |h| (l, h))).map(|at| {
                let (x, y) = place(at);
                html! { <circle cx={x.to_string()} cy={y.to_string()} r={(row / 6.0).clamp(1.5, 5.0).to_string()} class="node"><title>{ names.head_name(at.0, at.1) }</title></circle> }
            }) }
        </svg>
    }
}

fn name(names: &Layers, c: &Channel) -> String {
    let s = &c.strength;
    format!(
        "{} k = {} → {} {} k = {}: |cos| {}, {} σ beyond chance",
        names.head_name(c.from.0, c.from.1),
        s.k_written,
        names.head_name(c.into.0, c.into.1),
        c.reading.name(),
        s.k_read,
        three(s.cos),
        three(s.z)
    )
}

fn table(app: &crate::ui::app::App, channels: &[Channel]) -> Html {
    let header = ["writes", "k", "reads", "through", "k", "|cos|", "z", "p", "whole matrices"];
    let button = |(layer, head): (usize, usize), circuit: Circuit, k: usize| {
        let (app, name) = (app.clone(), app.value().head_name(layer, head));
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().put(&keys::LAYER, layer).put(&keys::HEAD, head);
            app.go(route.put(&keys::CIRCUIT, circuit).put(&keys::K, k));
        });
        html! { <button type="button" {onclick}>{ name }</button> }
    };
    html! {
        <div class="numbers" tabindex="0" role="region" aria-label="Strongest channels">
            <table>
                <thead><tr>{ for header.into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                <tbody>{ for channels.iter().take(ROWS).map(|c| {
                    let (s, circuit) = (&c.strength, if c.reading == Reading::Value { Circuit::Ov } else { Circuit::Qk });
                    html! {
                        <tr>
                            <th scope="row">{ button(c.from, Circuit::Ov, s.k_written) }</th><td>{ s.k_written }</td>
                            <td>{ button(c.into, circuit, s.k_read) }</td><td>{ c.reading.name() }</td><td>{ s.k_read }</td>
                            <td>{ three(s.cos) }</td><td>{ three(s.z) }</td><td>{ three(s.p) }</td><td>{ three(s.classical) }</td>
                        </tr>
                    }
                }) }</tbody>
            </table>
        </div>
    }
}
