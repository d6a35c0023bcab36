//! The directions of the head in view: best features at both ends, and how likely that is by chance.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{
    AlignmentReport, DirectionAlignment, Disagreement, Match, Side, SideAlignment,
};
use crate::circuits::dictionary::neuronpedia_url;
use crate::model::Head;
use crate::ui::address::keys;
use crate::ui::app::use_app;
use crate::ui::charts::{Bar, Bars, Density, Figure};
use crate::ui::words::format::{three, token};
use crate::ui::words::table::Table;

/// Properties of [`Directions`].
#[derive(Properties, PartialEq)]
pub(super) struct DirectionsProps {
    /// The comparison of the head in view.
    pub report: Rc<AlignmentReport>,
    /// The dictionary's name.
    pub dictionary: AttrValue,
    /// Neuronpedia's id of the dictionary, if it has one.
    #[prop_or_default]
    pub neuronpedia: Option<String>,
}

/// The chosen side, or the one that lies farthest beyond its null.
pub(super) fn side_in_view(
    report: &AlignmentReport,
    chosen: Option<Side>,
) -> Option<&SideAlignment> {
    let z = |s: &&SideAlignment| s.rotation_null.as_ref().map_or(s.z_isotropic, |n| n.z);
    let named = report.sides.iter().find(|s| Some(s.side) == chosen);
    named.or_else(|| report.sides.iter().max_by(|a, b| z(a).total_cmp(&z(b))))
}

/// Sides as tabs, the null with the observed value on it, the directions.
#[component]
pub(super) fn Directions(props: &DirectionsProps) -> Html {
    let app = use_app();
    let side = side_in_view(&props.report, app.value().route.find(&keys::SIDE));
    let Some(side) = side.cloned() else {
        return html! { <p class="empty">{ "This head has no directions." }</p> };
    };
    let comparison = &props.report.comparison;
    let tab = |s: &SideAlignment| {
        let (app, own) = (app.clone(), s.side);
        let onclick = Callback::from(move |_: MouseEvent| app.put(&keys::SIDE, own));
        html! { <button type="button" role="tab" aria-selected={(s.side == side.side).to_string()} {onclick}>{ s.side.name() }</button> }
    };
    let head = format!("{} {}", Head::new(side.layer, side.head), side.side.name());
    // One direction has no other basis; more have one soon.
    let waits = side.rotation_null.is_none() && side.directions.len() > 1;
    let verdict = match (&side.rotation_null, side.disagreement) {
        (_, Some(Disagreement::SubspaceNotBasis)) => "Far above isotropic chance, yet no better than other bases of the same subspace: the head reads where the features are dense, and its singular vectors single out nothing.".to_owned(),
        (_, Some(Disagreement::BasisNotSubspace)) => "Better than other bases of its subspace, yet no better than isotropic chance.".to_owned(),
        (Some(null), None) if null.p_normal < 0.01 => format!("The singular vectors align with features {} standard deviations better than random bases of the same subspace.", three(null.z)),
        (Some(null), None) => format!("No better than random bases of the same subspace ({} standard deviations).", three(null.z)),
        (None, None) if waits => "The rotations are being drawn.".to_owned(),
        (None, None) => "Too few directions to compare.".to_owned(),
    };
    let bars: Vec<Bar> = side
        .directions
        .iter()
        .map(|d| Bar {
            value: d.best.first().map_or(0.0, |m| m.cos.abs()),
            mark: Some(comparison.critical),
        })
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
                Table::new(["k", "sigma", "best feature", "cos", "z", "p", "q", "p rotation"]),
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
                        d.p_rotation.into(),
                    ])
                },
            )
        })
    };
    let direction = side.directions.iter().find(|d| d.k == k).or(side.directions.first()).cloned();
    let convention = app.value().stamp(app.value().weights());
    let convention = convention.compared(&props.dictionary, comparison).how(format!(
        "chance {} ± {}, 5 % critical {}",
        three(comparison.chance),
        three(comparison.chance_sd),
        three(comparison.critical),
    ));
    let convention = match &side.rotation_null {
        Some(null) => convention.how(format!("{} rotations", null.rotations)).seeded(null.seed),
        None => convention,
    };
    html! {
        <>
            <section class="column" aria-label="Against chance">
                <div class="controls"><h2>{ head.clone() }</h2>
                    <div role="tablist" aria-label="Side">{ for props.report.sides.iter().map(tab) }</div></div>
                <p class="sentence" aria-live="polite" data-testid={if waits { "verdict-waits" } else { "verdict" }}>{ verdict }</p>
                if let Some(null) = &side.rotation_null {
                    <Figure name={format!("{head}-null")} convention={convention.clone()} caption={html! { { format!("MMCS {} against {} random rotations of the same subspace, seed {}.", three(side.mmcs), null.rotations, null.seed) } }}
                        table={{ let (n, mmcs, weighted, z) = (null.clone(), side.mmcs, side.mmcs_weighted, side.z_isotropic); Callback::from(move |()| Table::new(["statistic", "value"])
                            .row(["MMCS".into(), mmcs.into()]).row(["MMCS, σ-weighted".into(), weighted.into()])
                            .row(["rotation mean".into(), n.mean.into()]).row(["rotation sd".into(), n.sd.into()])
                            .row(["z".into(), n.z.into()]).row(["p (rank)".into(), n.p.into()]).row(["p (normal)".into(), n.p_normal.into()])
                            .row(["z, isotropic".into(), z.into()])) }}>
                        <Density label={format!("Rotation null of {head} with the observed MMCS")} mean={null.mean} sd={null.sd} observed={side.mmcs} name="MMCS" />
                    </Figure>
                }
                <Figure name={format!("{head}-best-cosines")} {table} {convention} caption={html! { { "Largest |cosine| of each direction with any feature; the line is what chance exceeds once in twenty." } }}>
                    <Bars label={format!("Largest cosine of each direction of {head}")} {bars} selected={k} y="|cos|" {on_select} />
                </Figure>
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
            <p class="hint">{ format!("z {} · p {} · q {} over what is shown{}", three(d.z), three(d.p), three(d.q), d.p_rotation.map_or_else(String::new, |p| format!(" · against rotations p {}", three(p)))) }</p>
            if d.block.is_some() { <p class="hint">{ "This direction lies in a degenerate block: only its subspace means something." }</p> }
            { end("+", "positive end", &d.positive) }
            { end("−", "negative end", &d.negative) }
        </>
    }
}
