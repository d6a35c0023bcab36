//! Composition: which earlier heads write what later ones read, vector by vector, as a layered graph and a table.

use yew::prelude::*;

use super::asker::channels;
use super::channel_graph::graph;
use crate::circuits::composition::{Channel, Pair, Reach, Reading};
use crate::circuits::omega::Circuit;
use crate::math::statistics::{self, FalseDiscovery};
use crate::model::Layers;
use crate::study::channels::{Found, stamped};
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::Figure;
use crate::ui::memory::channels::{ChannelsFound, News};
use crate::ui::nothing::nothing;
use crate::ui::remembered::use_memory;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::select::{Select, Slider};
use crate::ui::words::chance::FOUND;
use crate::ui::words::features as words;
use crate::ui::words::format::three;
use crate::ui::words::table::Table;

/// Rows of the table.
const ROWS: usize = 40;

/// What channels are ranked by.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Ranking(pub &'static str);

impl Ranking {
    /// The pair of vectors that a channel is ranked by.
    pub(super) fn pair(self, channel: &Channel) -> Pair {
        match self.0 {
            "carried" => channel.strength.carrying,
            _ => channel.strength.closest,
        }
    }

    /// What is large for a strong channel.
    pub(super) fn of(self, channel: &Channel) -> f64 {
        match self.0 {
            "classical" => channel.strength.classical,
            "p" => -channel.strength.closest.p.log10(),
            "carried" => channel.strength.carrying.carried(),
            _ => channel.strength.closest.cos,
        }
    }

    /// The largest of `found` that chance is expected to give.
    fn by_chance(self, found: &Found) -> f64 {
        let mean = |of: fn(&Reach) -> f64| {
            found.by_chance.iter().map(of).sum::<f64>() / found.by_chance.len().max(1) as f64
        };
        match self.0 {
            "classical" => mean(|reach| reach.classical),
            "p" => (found.channels.len() as f64 + 1.0).log10(),
            "carried" => mean(|reach| reach.carried),
            _ => mean(|reach| reach.cos),
        }
    }

    /// q of every channel, over all that were compared.
    fn family(self, found: &Found) -> FalseDiscovery {
        FalseDiscovery::over(found.channels.iter().map(|channel| self.pair(channel).p))
    }
}

/// Channels into the head in view, or between all heads.
#[component]
pub(super) fn ChannelView() -> Html {
    let app = use_app();
    let state = app.value();
    let found = use_memory::<ChannelsFound>();
    let generation = state.model.as_ref().map(|m| m.generation);
    let weights = state.weights();
    {
        let (hears, session) = (found.dispatcher(), app.session.clone());
        use_effect_with((generation, weights), move |_| {
            session.jobs.stop("channels");
            hears.dispatch(News::Fresh);
        });
    }
    let (Some(model), Some(at)) = (state.model.clone(), state.at()) else { return nothing() };
    let ranking = Ranking(state.route.read(&keys::CHANNEL));
    let shown = state.route.read(&keys::CHANNELS);
    let ask = |into: Vec<(usize, usize)>| {
        let (app, hears) = (app.clone(), found.dispatcher());
        Callback::from(move |_: MouseEvent| {
            let hears = hears.clone();
            let on_channels = Callback::from(move |more| hears.dispatch(News::More(more)));
            channels(&app, &into, weights, on_channels);
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
        ("cos".into(), words::COS_CLOSEST_PAIR.into()),
        ("carried".into(), words::COS_CLOSE_STRONG.into()),
        ("p".into(), words::LOG_CLOSEST_PAIR.into()),
        ("classical".into(), "whole matrices".into()),
    ];
    let found = &found.0.0;
    let family = ranking.family(found);
    let mut ranked = statistics::ranked(&found.channels, |c| ranking.of(c));
    ranked.truncate(shown);
    html! {
        <section class="prompt-set" aria-label="Composition">
            <h2>{ words::WHICH_HEADS_WRITE_WHAT }</h2>
            <Gloss term="channel" meaning={words::SINGULAR_VECTOR_EARLIER_HEADS} />
            <div class="controls">
                <button type="button" class="primary" onclick={ask(vec![(at.layer, at.head)])} disabled={at.layer == 0} data-testid="channels">{ format!("into {}", state.head_name(at.layer, at.head)) }</button>
                <button type="button" onclick={ask(every.clone())} disabled={every.is_empty()} data-testid="channels-all">{ words::into_all_heads_above(&every.len()) }</button>
                <Select label="rank by" {options} value={ranking.0} on_change={choose} />
                <Slider label="channels shown" min={5.0} max={200.0} step={5.0} value={shown as f64} on_change={set_shown} />
            </div>
            if model.summary.norm_behind { <p class="hint">{ words::MODEL_NORMS_WHAT_ATTENTION }</p> }
            if at.layer == 0 { <p class="hint">{ words::NO_HEAD_WRITES_BEFORE }</p> }
            if !ranked.is_empty() {
                <p data-testid="threshold">{ said(ranking, &ranked, found, &family) }</p>
                <Figure name="channels" table={csv(names.clone(), found.channels.clone(), ranking, family.clone())} convention={stamped(state.stamp(weights)).how(format!("q over {} channels", family.tests()))} caption={html! { { words::heads_layer_earlier_left(&FOUND) } }}>
                    { graph(&ranked, ranking, &family, &names) }
                </Figure>
                { table(&app, &ranked, ranking, &family) }
            }
        </section>
    }
}

/// What the list shows, what chance makes of as many, and how much of it is a finding.
fn said(ranking: Ranking, shown: &[Channel], found: &Found, family: &FalseDiscovery) -> String {
    let least = shown.last().map_or(0.0, |channel| ranking.of(channel));
    let certain = found.channels.iter().filter(|c| family.q(ranking.pair(c).p) < FOUND).count();
    let certain = match certain {
        0 => "None is".to_owned(),
        1 => "One is".to_owned(),
        n => format!("{n} are"),
    };
    words::channels_up_were_compared(
        &shown.len(),
        &three(least),
        &found.channels.len(),
        &three(ranking.by_chance(found)),
        &certain,
        &FOUND,
    )
}

fn csv(
    names: Layers,
    all: Vec<Channel>,
    ranking: Ranking,
    family: FalseDiscovery,
) -> Callback<(), Table> {
    Callback::from(move |()| {
        let header = [
            "from",
            "into",
            "through",
            "k written",
            "sigma written",
            "k read",
            "sigma read",
            "cos",
            "sigma sigma' cos",
            "p",
            "q",
            "classical",
        ];
        all.iter().fold(Table::new(header), |table, c| {
            let pair = ranking.pair(c);
            table.row([
                names.head_name(c.from.0, c.from.1).into(),
                names.head_name(c.into.0, c.into.1).into(),
                c.reading.name().into(),
                pair.k_written.into(),
                pair.sigma_written.into(),
                pair.k_read.into(),
                pair.sigma_read.into(),
                pair.cos.into(),
                pair.carried().into(),
                pair.p.into(),
                family.q(pair.p).into(),
                c.strength.classical.into(),
            ])
        })
    })
}

fn table(
    app: &crate::ui::app::App,
    channels: &[Channel],
    ranking: Ranking,
    family: &FalseDiscovery,
) -> Html {
    let header = [
        "writes",
        "k",
        "σ",
        "reads",
        "through",
        "k",
        "σ′",
        "|cos|",
        "σσ′|cos|",
        "p",
        "q",
        "whole matrices",
    ];
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
                    let (pair, circuit) = (ranking.pair(c), if c.reading == Reading::Value { Circuit::Ov } else { Circuit::Qk });
                    let q = family.q(pair.p);
                    html! {
                        <tr class={classes!((q >= FOUND).then_some("unsure"))}>
                            <th scope="row">{ button(c.from, Circuit::Ov, pair.k_written) }</th><td>{ pair.k_written }</td><td>{ three(pair.sigma_written) }</td>
                            <td>{ button(c.into, circuit, pair.k_read) }</td><td>{ c.reading.name() }</td><td>{ pair.k_read }</td><td>{ three(pair.sigma_read) }</td>
                            <td>{ three(pair.cos) }</td><td>{ three(pair.carried()) }</td><td>{ three(pair.p) }</td><td>{ three(q) }</td><td>{ three(c.strength.classical) }</td>
                        </tr>
                    }
                }) }</tbody>
            </table>
        </div>
    }
}
