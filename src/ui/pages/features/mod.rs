//! Features: do singular vectors point at features, and is it more than chance?
//! Longer than 350 lines, because the questions of the page and the search stand beside the state that they fill.

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, FeatureHit, Side};
use crate::circuits::dictionary::{Builtin, FileChoice};
use crate::ui::app::{App, use_app};
use crate::ui::drop::listed;
use crate::ui::format::three;
use crate::ui::session::now;
use crate::ui::state::{Action, Work};
use crate::ui::widgets::select::{Select, Switch};
use crate::worker::pool::{Dropped, OnTell};
use crate::worker::protocol::features::{Ask, Source, Tell as FeatureTell};
use crate::worker::protocol::{Ask as AnyAsk, Tell};

mod directions;
mod grid;

/// What is known about the dictionary and the heads.
#[derive(Clone, PartialEq, Default)]
struct Known {
    about: Option<(String, usize, usize, f64, Vec<String>)>,
    /// One report per head that was compared.
    reports: Vec<Rc<AlignmentReport>>,
    hits: Option<(String, Vec<FeatureHit>)>,
    failed: Option<(String, String)>,
}

enum Heard {
    Fresh,
    FreshHits,
    Tell(FeatureTell),
    Failed(String, String),
}

impl Reducible for Known {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh => next = Self::default(),
            Heard::FreshHits => next.hits = None,
            Heard::Tell(FeatureTell::About { name, n_features, n_skipped, mean_cosine, notes }) => {
                next.about = Some((name, n_features, n_skipped, mean_cosine, notes));
            }
            Heard::Tell(FeatureTell::Report(report)) => {
                let same = |r: &AlignmentReport| {
                    r.sides.first().map(|s| (s.layer, s.head))
                        == report.sides.first().map(|s| (s.layer, s.head))
                };
                next.reports.retain(|r| !same(r));
                next.reports.push(Rc::from(report));
            }
            Heard::Tell(FeatureTell::Hits { label, hits }) => {
                let (_, mut all) = next.hits.take().unwrap_or_default();
                all.extend(hits);
                all.sort_by(|a, b| b.cos.abs().total_cmp(&a.cos.abs()));
                next.hits = Some((label, all));
            }
            Heard::Failed(what, hint) => next.failed = Some((what, hint)),
        }
        Rc::new(next)
    }
}

/// Random rotations for the head in view; for all heads at once fewer are drawn.
const ROTATIONS: usize = 64;

/// The page: dictionary, grid, directions, search.
#[component]
pub fn Features() -> Html {
    let app = use_app();
    let state = app.value();
    let known = use_reducer(Known::default);
    let files = use_state(Vec::<Dropped>::new);
    let generation = state.model.as_ref().map(|m| m.generation);
    let slug = state.route.text("dictionary").unwrap_or("embed").to_owned();
    let remove_mean = state.route.text("mean") != Some("kept");
    let at = state.at();
    let source = source_of(&slug, at.map_or(0, |a| a.layer));
    let setting = (generation, slug.clone(), remove_mean, state.weights(), files.len());
    {
        let known = known.clone();
        use_effect_with(setting.clone(), move |_| known.dispatch(Heard::Fresh));
    }
    {
        let (app, known, source, files) =
            (app.clone(), known.clone(), source.clone(), (*files).clone());
        use_effect_with((setting, at.map(|a| (a.layer, a.head))), move |(setting, at)| {
            let ready = source != Source::Own(FileChoice::default()) || !files.is_empty();
            if let (Some(at), Some(_), true) = (*at, setting.0, ready) {
                align(&app, &known, &source, &files, vec![at], ROTATIONS, None);
            }
        });
    }
    let Some(model) = state.model.clone() else {
        return html! { <p class="empty">{ "No model is open." }</p> };
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.set("dictionary", slug))
    };
    let set_mean = {
        let app = app.clone();
        Callback::from(move |on: bool| app.set("mean", if on { "removed" } else { "kept" }))
    };
    let chosen = {
        let (files, app) = (files.clone(), app.clone());
        Callback::from(move |event: Event| {
            if let Some(list) = event.target_dyn_into::<HtmlInputElement>().and_then(|i| i.files())
            {
                files.set(listed(&list));
                app.set("dictionary", "own");
            }
        })
    };
    let all = {
        let (app, known, source, files) =
            (app.clone(), known.clone(), source.clone(), (*files).clone());
        let (layers, n_heads) = (model.summary.complete_layers.clone(), model.summary.n_heads);
        Callback::from(move |_: MouseEvent| {
            every_head(&app, &known, &source, &files, &layers, n_heads)
        })
    };
    let search = {
        let (app, known, source, files) =
            (app.clone(), known.clone(), source.clone(), (*files).clone());
        let layers = model.summary.complete_layers.clone();
        Callback::from(move |feature: String| {
            find(&app, &known, &source, &files, &layers, &feature)
        })
    };
    let mut options: Vec<(AttrValue, AttrValue)> =
        vec![("embed".into(), "token embeddings".into())];
    if model.summary.has_unembedding {
        options.push(("unembed".into(), "unembeddings".into()));
    }
    if !model.summary.rotary {
        options.push(("positions".into(), "positions".into()));
    }
    options.push(("mlp-in".into(), "MLP input neurons of this layer".into()));
    options.push(("mlp-out".into(), "MLP output neurons of this layer".into()));
    if !files.is_empty() {
        options.push(("own".into(), "my own".into()));
    }
    let report = at.and_then(|at| {
        let is = |r: &&Rc<AlignmentReport>| {
            r.sides.first().is_some_and(|s| (s.layer, s.head) == (at.layer, at.head))
        };
        known.reports.iter().find(is).cloned()
    });
    html! {
        <>
            <section class="prompt" aria-label="Dictionary">
                <div class="controls">
                    <Select label="dictionary" {options} value={slug} on_change={choose} />
                    <label class="field"><span>{ "or my own (.safetensors, .npy, .csv, SAE folder)" }</span>
                        <input type="file" multiple=true onchange={chosen} data-testid="dictionary-file" /></label>
                    <Switch label="remove the common direction" on={remove_mean} on_change={set_mean} />
                </div>
                if let Some((what, hint)) = &known.failed { <p class="ask" role="status"><strong>{ what.clone() }</strong>{ format!(" {hint}") }</p> }
                if let Some((name, n, skipped, cosine, notes)) = &known.about {
                    <p class="hint" data-testid="dictionary">{ format!("{name}: {n} features{}; mean cosine between them {}.",
                        if *skipped > 0 { format!(" ({skipped} zero or not finite, left out)") } else { String::new() }, three(*cosine)) }
                        { for notes.iter().map(|note| html! { <span>{ format!(" {note}") }</span> }) }</p>
                }
            </section>
            <div class="columns features">
                <grid::AlignGrid reports={known.reports.clone()} on_all={all} />
                if let Some(report) = report {
                    <directions::Directions {report} />
                } else if known.failed.is_none() {
                    <p class="empty" role="status">{ "The head in view is being compared with the dictionary." }</p>
                }
            </div>
            <SearchBox on_search={search} hits={known.hits.clone()} />
        </>
    }
}

fn source_of(slug: &str, layer: usize) -> Source {
    match slug {
        "unembed" => Source::Model(Builtin::Unembed),
        "positions" => Source::Model(Builtin::Positions),
        "mlp-in" => Source::Model(Builtin::MlpIn { layer }),
        "mlp-out" => Source::Model(Builtin::MlpOut { layer }),
        "own" => Source::Own(FileChoice::default()),
        _ => Source::Model(Builtin::Embed),
    }
}

fn listener(app: &App, known: &UseReducerHandle<Known>, counts: bool) -> OnTell {
    let (hears, session) = (known.dispatcher(), app.session.clone());
    Rc::new(move |tell, _| match tell {
        Tell::Features(tell) => hears.dispatch(Heard::Tell(tell)),
        Tell::Failed(failure) => {
            hears.dispatch(Heard::Failed(failure.what, failure.hint));
            if counts {
                session.act(Action::Step);
            }
        }
        Tell::Done if counts => session.act(Action::Step),
        _ => {}
    })
}

fn align(
    app: &App,
    known: &UseReducerHandle<Known>,
    source: &Source,
    files: &[Dropped],
    heads: Vec<(usize, usize)>,
    rotations: usize,
    counts: Option<()>,
) -> u32 {
    let state = app.value();
    let remove_mean = state.route.text("mean") != Some("kept");
    let ask = Ask::Align {
        source: source.clone(),
        heads,
        weights: state.weights(),
        remove_mean,
        top: 10,
        rotations,
    };
    let on_tell = listener(app, known, counts.is_some());
    match source {
        Source::Own(_) => app.session.pool.ask_about(files, AnyAsk::Features(ask), on_tell),
        Source::Model(_) if counts.is_some() => {
            app.session.pool.ask(AnyAsk::Features(ask), on_tell)
        }
        Source::Model(_) => app.session.pool.ask_first(AnyAsk::Features(ask), on_tell),
    }
}

fn every_head(
    app: &App,
    known: &UseReducerHandle<Known>,
    source: &Source,
    files: &[Dropped],
    layers: &[usize],
    n_heads: usize,
) {
    let mut jobs = Vec::new();
    for &layer in layers {
        for head in 0..n_heads {
            jobs.push(align(app, known, source, files, vec![(layer, head)], ROTATIONS, Some(())));
        }
    }
    let work = Work {
        what: "heads compared with the dictionary".into(),
        done: 0,
        total: jobs.len(),
        since: now(),
        jobs,
    };
    app.session.act(Action::Begin(work));
}

fn find(
    app: &App,
    known: &UseReducerHandle<Known>,
    source: &Source,
    files: &[Dropped],
    layers: &[usize],
    feature: &str,
) {
    known.dispatch(Heard::FreshHits);
    let state = app.value();
    let remove_mean = state.route.text("mean") != Some("kept");
    for &layer in layers {
        let ask = Ask::Find {
            source: source.clone(),
            feature: feature.to_owned(),
            layer,
            weights: state.weights(),
            remove_mean,
        };
        let on_tell = listener(app, known, false);
        match source {
            Source::Own(_) => app.session.pool.ask_about(files, AnyAsk::Features(ask), on_tell),
            Source::Model(_) => app.session.pool.ask(AnyAsk::Features(ask), on_tell),
        };
    }
}

/// Properties of [`SearchBox`].
#[derive(Properties, PartialEq)]
struct SearchBoxProps {
    on_search: Callback<String>,
    hits: Option<(String, Vec<FeatureHit>)>,
}

/// The inverse question: who reads, or writes, this feature?
#[component]
fn SearchBox(props: &SearchBoxProps) -> Html {
    let app = use_app();
    let typed = use_state(String::new);
    let oninput = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                typed.set(input.value());
            }
        })
    };
    let onsubmit = {
        let (typed, on_search) = (typed.clone(), props.on_search.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            on_search.emit((*typed).clone());
        })
    };
    let row = |hit: &FeatureHit| {
        let app = app.clone();
        let circuit = if matches!(hit.side, Side::Dest | Side::Src) { "qk" } else { "ov" };
        let (layer, head, k) = (hit.layer, hit.head, hit.k);
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().with("layer", layer).with("head", head);
            app.go(route.with("circuit", circuit).with("k", k));
        });
        html! {
            <tr>
                <th scope="row"><button type="button" {onclick}>{ format!("L{}H{}", hit.layer, hit.head) }</button></th>
                <td>{ hit.side.name() }</td><td>{ hit.k }</td><td>{ three(hit.sigma) }</td><td>{ three(hit.cos) }</td>
                <td>{ three(hit.p) }</td><td>{ three(hit.q) }</td><td>{ three(hit.p_rotation) }</td>
            </tr>
        }
    };
    html! {
        <section class="prompt-set" aria-label="Feature search">
            <h2>{ "Which heads read a feature?" }</h2>
            <form class="controls" {onsubmit}>
                <label class="field"><span>{ "feature" }</span><input type="search" id="feature-search" value={(*typed).clone()} {oninput} placeholder="Mary" /></label>
                <button type="submit" class="primary">{ "find" }</button>
            </form>
            if let Some((label, hits)) = &props.hits {
                <p class="hint">{ format!("Directions nearest to “{}”, best of each side of each head; p is that of the best direction by chance, rotation the same inside the head's own subspace.", label.trim()) }</p>
                <div class="numbers" tabindex="0" role="region" aria-label="Directions nearest to the feature">
                    <table>
                        <thead><tr>{ for ["head", "side", "k", "σ", "cos", "p", "q", "p rotation"].into_iter().map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                        <tbody>{ for hits.iter().take(60).map(row) }</tbody>
                    </table>
                </div>
            }
        </section>
    }
}
