//! Features: do singular vectors point at features, and is it more than chance?

use std::rc::Rc;

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::circuits::alignment::Side;
use crate::protocol::features::{AboutDictionary, Source};
use crate::protocol::model::ModelSummary;
use crate::ui::address::route::{Page, Route};
use crate::ui::address::{compared, keys};
use crate::ui::app::{App, use_app};
use crate::ui::browser::drop::listed;
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::remembered::use_memory;
use crate::ui::widgets::glossary::{self, Gloss};
use crate::ui::widgets::python::Python;
use crate::ui::widgets::select::{Select, Switch};
use crate::ui::words::features as words;
use crate::ui::words::format::{duration, three};
use crate::worker::pool::Files;
use asker::{Asker, DRAWN};
use setting::{Answers, Setting, source_of};

mod asker;
mod channel_graph;
mod channels;
mod cosines;
mod directions;
mod grid;
mod own;
mod search;
mod setting;
mod training;

/// The page: dictionary, grid, directions, search, matching, composition.
#[component]
pub fn Features() -> Html {
    let app = use_app();
    let state = app.value();
    let answers = use_memory::<Answers>();
    let files = use_state(Files::default);
    let slug = state.route.read(&keys::DICTIONARY);
    let at = state.at();
    let setting = Setting {
        generation: state.model.as_ref().map(|m| m.generation),
        source: source_of(
            &state.route,
            at.map_or(0, |a| a.layer),
            state.model.as_ref().map_or(0, |m| m.summary.layers.0.len()),
        ),
        weights: state.weights(),
        remove_mean: state.route.read(&keys::MEAN),
        whiten: state.route.read(&keys::WHITEN),
        files: (*files).clone(),
    };
    let asker = Asker { app: app.clone(), answers: answers.clone(), setting: setting.clone() };
    {
        let asker = asker.clone();
        use_effect_with(setting.clone(), move |_| asker.fresh());
    }
    {
        let asker = asker.clone();
        // A page that is hidden stays mounted, and asks nothing.
        let in_view = state.route.page == Page::Features;
        let head = at.map(|a| (a.layer, a.head)).filter(|_| in_view);
        use_effect_with((setting.clone(), head), move |(setting, head)| {
            if let (Some(head), true) = (*head, setting.ready()) {
                asker.head(head);
            }
        });
    }
    // The heads that the address names beside it. Out of view nothing new is asked; what was found stays.
    let named = use_mut_ref(|| None);
    if let (Page::Features, Some(model)) = (state.route.page, &state.model) {
        let layers = compared::layers(&state.route, &model.summary.own_layers());
        *named.borrow_mut() = Some((setting.clone(), layers));
    }
    {
        let asker = asker.clone();
        use_effect_with(named.borrow().clone(), move |named| {
            if let Some((setting, layers)) = named
                && setting.ready()
            {
                asker.layers(layers);
            }
        });
    }
    let (Some(model), Some(at)) = (state.model.clone(), at) else {
        return html! { <p class="empty">{ words::NO_MODEL_OPEN }</p> };
    };
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.go(alone(&app).choose(&keys::DICTIONARY, &slug)))
    };
    let set_mean = {
        let app = app.clone();
        Callback::from(move |on: bool| app.go(alone(&app).put(&keys::MEAN, on)))
    };
    let set_whiten = {
        let app = app.clone();
        Callback::from(move |on: bool| app.go(alone(&app).put(&keys::WHITEN, on)))
    };
    let chosen = {
        let (files, app) = (files.clone(), app.clone());
        Callback::from(move |event: Event| {
            if let Some(list) = event.target_dyn_into::<HtmlInputElement>().and_then(|i| i.files())
            {
                files.set(Files::new(listed(&list)));
                let route = alone(&app).put(&keys::DICTIONARY, "own");
                app.go(own::unanswered(route));
            }
        })
    };
    let compare = {
        let (asker, own) = (asker.clone(), model.summary.own_layers());
        Callback::from(move |layer: Option<usize>| {
            let now = &asker.app.value().route;
            let wanted = compared::with(now.clone(), layer);
            asker.app.press(wanted, || asker.layers(&compared::layers(now, &own)));
        })
    };
    let search = {
        let (asker, layers) = (asker.clone(), model.summary.own_layers());
        Callback::from(move |feature: String| asker.find(&layers, &feature))
    };
    let report = answers.reports.get(&(at.layer, at.head)).map(|report| {
        let mut report = (**report).clone();
        report.adjust_to(&answers.family);
        Rc::new(report)
    });
    let side = report
        .as_ref()
        .and_then(|r| directions::side_in_view(r, state.route.find(&keys::SIDE)))
        .map_or(Side::Dest, |s| s.side);
    let match_side = {
        let asker = asker.clone();
        let head = (at.layer, at.head);
        Callback::from(move |_: MouseEvent| asker.cosines(head, side))
    };
    let drawing = state.running.iter().any(|job| job.what == DRAWN);
    let draw = {
        let asker = asker.clone();
        Callback::from(move |_: MouseEvent| asker.head((at.layer, at.head)))
    };
    let estimate = answers.seconds.map(|s| {
        let heads = model.summary.heads_in(&model.summary.own_layers()).len();
        words::one_head_took_all(
            &duration(s),
            &heads,
            &duration(s * heads as f64 / app.session.jobs.size() as f64),
        )
    });
    let dictionary = answers.about.as_ref().map(|about| about.name.clone()).unwrap_or_default();
    let of_heads = match setting.source {
        Source::Heads { layer, .. } => Some(layer),
        _ => None,
    };
    let mean = if setting.remove_mean && of_heads.is_none() {
        words::COMMON_DIRECTION_REMOVED
    } else {
        words::COMMON_DIRECTION_KEPT
    };
    let compared = state.stamp(setting.weights).how(format!("cosines with {dictionary}, {mean}"));
    let cosines = answers.cosines.clone().filter(|c| c.head == (at.layer, at.head));
    html! {
        <>
            <section class="prompt" aria-label="Dictionary">
                <div class="controls">
                    <Select label="dictionary" options={options(&model.summary, !files.list().is_empty())} value={slug} on_change={choose} />
                    if let Some(of) = of_heads { { of_layer(&app, &model.summary, of) } }
                    <label class="field"><span>{ words::MY_OWN_SAFETENSORS_NPY }</span>
                        <input type="file" multiple=true onchange={chosen} data-testid="dictionary-file" /></label>
                    <Switch label={words::REMOVE_COMMON_DIRECTION} on={setting.remove_mean} on_change={set_mean} />
                    <Switch label="whiten" on={setting.whiten} on_change={set_whiten} />
                </div>
                if setting.whiten { <p class="hint">{ words::WHITENED_COMPARED_INSTEAD_THEOREM }{ " " }<glossary::Method of="whitening" /></p> }
                if let Some(failure) = &answers.failed { <own::Broken failure={failure.clone()} /> }
                if let Some(about) = &answers.about {
                    { described(about) }
                    if about.n_parts > 0 { <own::Part n_parts={about.n_parts} /> }
                }
            </section>
            <div class="columns features">
                <Staged picture={Picture::AlignGrid}><grid::AlignGrid reports={answers.reports.clone()} family={answers.family.clone()} on_compare={compare} {estimate} gpu={answers.gpu.clone()} /></Staged>
                if let Some(report) = report {
                    <directions::Directions {report} {drawing} on_draw={draw} family={answers.family.clone()} dictionary={dictionary.clone()} neuronpedia={answers.about.as_ref().and_then(|a| a.neuronpedia.clone())} />
                } else if answers.failed.is_none() {
                    <p class="empty" role="status">{ words::HEAD_VIEW_BEING_COMPARED }</p>
                }
            </div>
            if let Some(python) = answers.about.as_ref().map(|a| a.python.clone()).filter(|p| !p.is_empty()) {
                <Python name="features.py" {python} />
            }
            <search::SearchBox convention={compared.clone()} on_search={search} hits={answers.hits.clone()} />
            <cosines::CosineView head={state.head_name(at.layer, at.head)} slug={state.head_slug(at.layer, at.head)} {cosines} convention={compared} on_ask={match_side} />
            <channels::ChannelView />
            if model.built_in.is_some() && !matches!(setting.source, Source::Own(_)) {
                <training::Training {dictionary} asker={asker.clone()} shape={[model.summary.n_layers, model.summary.n_heads]} at={(at.layer, at.head, side)} />
            }
        </>
    }
}

/// The address with the head in view alone: with another dictionary nothing more is compared before it is asked for.
fn alone(app: &App) -> Route {
    app.value().route.clone().clear(&keys::COMPARED).clear(&keys::ALIGNED_STEPS)
}

/// The dictionaries that this model has.
fn options(summary: &ModelSummary, own: bool) -> Vec<(AttrValue, AttrValue)> {
    let offered = [
        ("embed", "token embeddings", true),
        ("unembed", "unembeddings", summary.has_unembedding),
        ("positions", "positions", !summary.rotary),
        ("mlp-in", words::MLP_INPUT_NEURONS_LAYER, true),
        ("mlp-out", words::MLP_OUTPUT_NEURONS_LAYER, true),
        ("heads-qk", words::OTHER_HEADS_QK, true),
        ("heads-ov", words::OTHER_HEADS_OV, true),
        ("own", "my own", own),
    ];
    let there = offered.into_iter().filter(|(.., there)| *there);
    there.map(|(slug, name, _)| (slug.into(), name.into())).collect()
}

/// The layer whose heads' vectors are the dictionary.
fn of_layer(app: &App, summary: &ModelSummary, of: usize) -> Html {
    let app = app.clone();
    let on_change = Callback::from(move |layer: String| app.choose(&keys::OF_LAYER, &layer));
    let option = |layer: usize| (layer.to_string().into(), summary.layers.name(layer).into());
    let options: Vec<_> = summary.own_layers().into_iter().map(option).collect();
    html! { <Select label={words::DICTIONARY_OF_HEADS_OF} {options} value={of.to_string()} {on_change} /> }
}

fn described(about: &AboutDictionary) -> Html {
    let left_out = match about.n_skipped {
        0 => String::new(),
        n => words::zero_not_finite_left(&n),
    };
    html! {
        <>
            <p class="hint" data-testid="dictionary">{ words::features_mean_cosine_between(&about.name, &about.n_features, &left_out, &three(about.mean_cosine)) }
                { for about.notes.iter().map(|note| html! { <span>{ format!(" {note}") }</span> }) }</p>
            if let Some(a) = &about.anisotropy {
                <Gloss term={words::average_alignment_participation_dimensions(&three(a.norm), &three(a.alignment), &three(a.participation), &a.dimensions)}
                    meaning={words::HOW_FAR_DICTIONARY_POINTING} />
                <p class="hint">{ words::ridge_times_mean_eigenvalue(&three(a.ridge)) }</p>
            }
        </>
    }
}
