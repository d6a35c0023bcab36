//! The directions of the head in view: best features at both ends, and how likely that is by chance.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{
    AlignmentReport, DirectionAlignment, Family, Match, Side, SideAlignment,
};
use crate::circuits::dictionary::neuronpedia_url;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::{Bar, Bars, Density, Figure};
use crate::ui::lessons::stage::{Picture, Staged};
use crate::ui::widgets::glossary::Method;
use crate::ui::words::chance::{line, method, over, verdict};
use crate::ui::words::features as words;
use crate::ui::words::format::{three, token};
use crate::ui::words::table::Table;

/// Properties of [`Directions`].
#[derive(Properties, PartialEq)]
pub(super) struct DirectionsProps {
    /// The comparison of the head in view.
    pub report: Rc<AlignmentReport>,
    /// All that was compared with the same dictionary; the report's q are of this family.
    pub family: Rc<Family>,
    /// The dictionary's name.
    pub dictionary: AttrValue,
    /// Whether the rotations of the head in view are being drawn.
    pub drawing: bool,
    /// Draws them.
    pub on_draw: Callback<MouseEvent>,
    /// Neuronpedia's id of the dictionary, if it has one.
    #[prop_or_default]
    pub neuronpedia: Option<String>,
}

/// The chosen side, or the most surprising one: by its rotations, before they are there by the isotropic z.
pub(super) fn side_in_view(
    report: &AlignmentReport,
    chosen: Option<Side>,
) -> Option<&SideAlignment> {
    let surprise = |s: &&SideAlignment| {
        let p = s.rotation_null.as_ref().map(|null| -null.p);
        (p.unwrap_or(f64::NEG_INFINITY), s.z_isotropic.unwrap_or(f64::NEG_INFINITY))
    };
    let named = report.sides.iter().find(|s| Some(s.side) == chosen);
    named.or_else(|| {
        report.sides.iter().max_by(|a, b| {
            let (a, b) = (surprise(a), surprise(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    })
}

/// Sides as tabs, the null with the observed value on it, the directions.
#[component]
pub(super) fn Directions(props: &DirectionsProps) -> Html {
    let app = use_app();
    let side = side_in_view(&props.report, app.value().route.find(&keys::SIDE));
    let Some(side) = side.cloned() else {
        return html! { <p class="empty">{ words::HEAD_NO_DIRECTIONS }</p> };
    };
    let comparison = &props.report.comparison;
    let tab = |s: &SideAlignment| {
        let (app, own) = (app.clone(), s.side);
        let onclick = Callback::from(move |_: MouseEvent| {
            let route = app.value().route.clone().put(&keys::SIDE, own);
            app.go(route.put(&keys::CIRCUIT, own.circuit()));
        });
        html! { <button type="button" role="tab" aria-selected={(s.side == side.side).to_string()} {onclick}>{ s.side.name() }</button> }
    };
    let head = format!("{} {}", app.value().head_name(side.layer, side.head), side.side.name());
    let (said, waits) = match verdict(&side) {
        Some(said) => (said, false),
        None if props.drawing => (words::ROTATIONS_BEING_DRAWN.to_owned(), true),
        None => (words::ROTATIONS_WERE_NOT_DRAWN.to_owned(), true),
    };
    let (critical, whose) = line(&side, comparison.isotropic.as_ref()).unzip();
    let bars: Vec<Bar> = side
        .directions
        .iter()
        .map(|d| Bar { value: d.best.first().map_or(0.0, |m| m.cos.abs()), mark: critical })
        .collect();
    let k = app.value().k();
    let on_select = {
        let app = app.clone();
        Callback::from(move |k: usize| app.put(&keys::K, k))
    };
    let table = {
        let directions = side.directions.clone();
        Callback::from(move |()| {
            directions.iter().fold(
                Table::new(["k", "sigma", "best feature", "cos", "z", "p", "q", "p if isotropic"]),
                |table, d| {
                    let best = d.best.first();
                    table.row([
                        d.k.into(),
                        d.sigma.into(),
                        best.map(|m| token(&m.label)).into(),
                        best.map(|m| m.cos).into(),
                        d.z.into(),
                        d.p.into(),
                        d.q.into(),
                        d.isotropic.map(|isotropic| isotropic.p).into(),
                    ])
                },
            )
        })
    };
    let direction = side.directions.iter().find(|d| d.k == k).or(side.directions.first()).cloned();
    let convention = app.value().stamp(app.value().weights());
    let convention = convention.compared(&props.dictionary, comparison);
    let convention = match &comparison.isotropic {
        Some(level) => convention.how(words::isotropic_chance_critical(
            &three(level.mean),
            &three(level.sd),
            &three(level.critical),
        )),
        None => convention,
    };
    let convention = match &side.rotation_null {
        Some(null) => convention
            .how(format!("{} rotations", null.rotations))
            .how(format!("q over {}", over(&props.family)))
            .seeded(null.seed),
        None => convention,
    };
    html! {
        <>
            <section class="column" aria-label="Against chance">
                <div class="controls"><h2>{ head.clone() }</h2>
                    <div role="tablist" aria-label="Side">{ for props.report.sides.iter().map(tab) }</div></div>
                <Staged picture={Picture::Verdict}><p class="sentence" aria-live="polite" data-testid={if waits { "verdict-waits" } else { "verdict" }}>{ said }{ " " }<Method of="rotation null" /></p></Staged>
                if waits && !props.drawing { <div class="controls"><button type="button" onclick={props.on_draw.clone()} data-testid="draw">{ words::DRAW_ROTATIONS }</button></div> }
                if side.rotation_null.is_some() { <p class="hint" data-testid="family">{ words::over_were_compared_dictionary(&over(&props.family)) }{ " " }<Method of="q" /></p> }
                if let Some(null) = &side.rotation_null {
                    <Staged picture={Picture::RotationNull}><Figure name={format!("{head}-null")} convention={convention.clone()} caption={html! { { words::mmcs_against_random_rotations(&three(side.mmcs), &null.rotations, &null.seed) } }}
                        table={{ let (n, mmcs, weighted, z) = (null.clone(), side.mmcs, side.mmcs_weighted, side.z_isotropic); Callback::from(move |()| Table::new(["statistic", "value"])
                            .row(["MMCS".into(), mmcs.into()]).row(["MMCS, σ-weighted".into(), weighted.into()])
                            .row(["rotation mean".into(), n.mean.into()]).row(["rotation sd".into(), n.sd.into()])
                            .row(["z".into(), n.z.into()])
                            .row(["p, all forms".into(), n.p.into()]).row([words::HOW_OBTAINED.into(), method(&n).into()])
                            .row([words::IF_FEATURES_WERE_ISOTROPIC.into(), z.into()])) }}>
                        <Density label={words::rotation_null_observed_mmcs(&head)} mean={null.mean} sd={null.sd} observed={side.mmcs} name="MMCS" />
                    </Figure></Staged>
                }
                <Staged picture={Picture::BestCosines}><Figure name={format!("{head}-best-cosines")} {table} {convention} caption={html! { { words::largest_cosine_direction_any(&whose.map_or_else(String::new, |whose| format!("; {whose}"))) } }}>
                    <Bars label={words::largest_cosine_direction(&head)} {bars} selected={k} y="|cos|" {on_select} />
                </Figure></Staged>
            </section>
            <section class="column" aria-label="Best features">
                if let Some(d) = direction { { ends(&d, props.neuronpedia.as_deref()) } }
            </section>
        </>
    }
}

fn ends(d: &DirectionAlignment, neuronpedia: Option<&str>) -> Html {
    let name = |m: &Match| {
        let text = html! { <code>{ token(&m.label) }</code> };
        match neuronpedia {
            Some(id) => {
                html! { <a href={neuronpedia_url(id, m.index)} rel="noreferrer" target="_blank">{ text }</a> }
            }
            None => text,
        }
    };
    let end = |mark: &'static str, spoken: &'static str, list: &[Match]| {
        html! {
            <div class="end">
                <h3 aria-label={spoken}>{ mark }</h3>
                <ol>{ for list.iter().map(|m| html! { <li>{ name(m) }<span class="cosine">{ three(m.cos) }</span></li> }) }</ol>
            </div>
        }
    };
    html! {
        <>
            <h2>{ format!("k = {}, σ {}", d.k, three(d.sigma)) }</h2>
            <p class="hint">{ against_chance(d) }{ " " }<Method of="direction" /></p>
            if d.block.is_some() { <p class="hint">{ words::DIRECTION_LIES_DEGENERATE_BLOCK }</p> }
            { end("+", "positive end", &d.positive) }
            { end("−", "negative end", &d.negative) }
        </>
    }
}

/// What a direction is worth: the rotations' numbers lead, the isotropic ones stand behind.
fn against_chance(d: &DirectionAlignment) -> String {
    let rotated = match (d.z, d.p, d.q) {
        (Some(z), Some(p), Some(q)) => {
            format!("z {} · p {} · q {} against rotations", three(z), three(p), three(q))
        }
        _ => "no rotations".to_owned(),
    };
    match d.isotropic {
        Some(isotropic) => words::if_features_were_isotropic(&rotated, &three(isotropic.p)),
        None => rotated,
    }
}
