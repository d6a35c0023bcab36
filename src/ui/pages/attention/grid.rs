//! Every head's look from one token, as coloured cells: how hard, how sparse, against which chance.

use std::collections::BTreeMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::sad::run::HeadSad;
use crate::protocol::attention::Ran;
use crate::ui::address::keys;
use crate::ui::app::{use_app, use_dark};
use crate::ui::lessons::place::Place;
use crate::ui::nothing::nothing;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid};
use crate::ui::widgets::select::Select;
use crate::ui::words::attention as words;
use crate::ui::words::format::three;
use crate::ui::words::measure::Measure;
use crate::ui::words::pictures::OnStage;
use crate::ui::words::text;

/// Properties of [`LookGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct LookGridProps {
    /// Every head's look from the chosen destination.
    pub looks: Vec<HeadSad>,
    /// Patterns by layer.
    pub patterns: BTreeMap<usize, Rc<Vec<f32>>>,
    /// The head in view.
    pub head: Option<(usize, usize)>,
    /// Who looks.
    pub dest: usize,
    /// What the cell in view looks at.
    pub src: Option<usize>,
    /// The prompt.
    pub tokens: Rc<Ran>,
}

/// The grid of looks.
#[component]
pub(super) fn LookGrid(props: &LookGridProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let Some(model) = app.value().model.clone() else { return nothing() };
    let speech = app.speech();
    let measure = app.value().route.read(&keys::MEASURE);
    let name = speech.measure(measure);
    let choose = {
        let app = app.clone();
        Callback::from(move |slug: String| app.choose(&keys::MEASURE, &slug))
    };
    let in_lesson = Place::of(&app.value().route).is_some();
    let shade = |look| measure.shade(measure.of(look, 0.0));
    let values: Vec<f64> = props.looks.iter().map(shade).collect();
    let scale = measure.scale(&values);
    let cell = |layer: usize, head: usize| {
        let Some(look) = props.looks.iter().find(|l| (l.layer, l.head) == (layer, head)) else {
            return HeadCell::waiting(format!("{name} …"));
        };
        let [dests, srcs] = props.tokens.sides(model.summary.layers.stack(layer));
        let (n, n_src) = (dests.len(), srcs.len());
        let src = props.src.filter(|_| measure == Measure::ToSource).unwrap_or(look.src);
        let place = (head * n + props.dest.min(n.saturating_sub(1))) * n_src + src;
        let to_source = props.patterns.get(&layer).and_then(|p| p.get(place));
        let value = measure.of(look, to_source.map_or(0.0, |&p| f64::from(p)));
        let to = srcs.get(src).map_or("", |t| t.trim());
        // Where nobody can rest a pointer on a cell, the word stands in it.
        if in_lesson {
            let shown = format!("{to} {}", measure.short(value));
            let label = format!("{shown}, {name}");
            return HeadCell::coloured(shown, label, measure.shade(value), scale, dark);
        }
        let label = speech.fill(OnStage::LooksAt, &[&name, &three(value), to]);
        HeadCell::coloured(three(value), label, measure.shade(value), scale, dark)
    };
    let option = |m: Measure| (m.slug().into(), speech.measure(m).into());
    let options = Measure::ALL.into_iter().map(option).collect::<Vec<_>>();
    // Stacks that read something else than this prompt are not drawn.
    let layers = &model.summary.layers;
    let all: Vec<usize> = (0..model.summary.n_layers).collect();
    let ran = |layers: &[usize]| layers.iter().any(|l| props.patterns.contains_key(l));
    let mut stacks = layers.by_stack(&all);
    if stacks.iter().any(|(_, layers)| ran(layers)) {
        stacks.retain(|(_, layers)| ran(layers));
    }
    let shown: Vec<usize> = stacks.into_iter().flat_map(|(_, layers)| layers).collect();
    html! {
        <section class="column" aria-label={words::HEADS_PROMPT}>
            <div class="controls"><Select lang={speech.own()} label={speech.say(OnStage::ColourBy)} {options} value={measure.slug()} on_change={choose} /></div>
            <Gloss term={measure.name()} own={name.clone()} meaning={measure.meaning()} />
            { head_grid(&app, Label(&speech.fill(OnStage::EveryHead, &[&name]), speech.own()), Rows { layers, shown: &shown }, props.head, &[keys::SRC], cell) }
            if shown.len() < all.len() { <p class="hint">{ text::NOT_RUN }</p> }
        </section>
    }
}
