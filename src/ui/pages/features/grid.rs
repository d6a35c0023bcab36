//! Every head that was compared, coloured by how far its alignment lies beyond the rotation null.

use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, Side, SideAlignment};
use crate::ui::app::{use_app, use_dark};
use crate::ui::format::three;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::select::Select;

/// Properties of [`AlignGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct AlignGridProps {
    /// One report per head that was compared.
    pub reports: Vec<Rc<AlignmentReport>>,
    /// Compares all heads.
    pub on_all: Callback<MouseEvent>,
}

/// The strongest side of a head, or the side that the reader picked.
fn of(report: &AlignmentReport, side: Option<Side>) -> Option<&SideAlignment> {
    let z = |s: &&SideAlignment| s.rotation_null.as_ref().map_or(f64::NEG_INFINITY, |n| n.z);
    report
        .sides
        .iter()
        .filter(|s| side.is_none_or(|side| s.side == side))
        .max_by(|a, b| z(a).total_cmp(&z(b)))
}

/// The grid of heads by MMCS against rotations.
#[component]
pub(super) fn AlignGrid(props: &AlignGridProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.clone(), state.at()) else { return Html::default() };
    let slug = state.route.text("side").unwrap_or("any").to_owned();
    let side = Side::ALL.into_iter().find(|s| s.name() == slug);
    let choose = {
        let app = app.clone();
        Callback::from(move |s: String| app.set("side", s))
    };
    let mut options: Vec<(AttrValue, AttrValue)> = vec![("any".into(), "strongest side".into())];
    options.extend(
        Side::ALL.into_iter().map(|s| (AttrValue::from(s.name()), AttrValue::from(s.name()))),
    );
    let scale = Scale::Diverging { max: 10.0 };
    let cell = |layer: usize, head: usize| {
        let report = props
            .reports
            .iter()
            .find(|r| r.sides.first().is_some_and(|s| (s.layer, s.head) == (layer, head)));
        let z =
            report.and_then(|r| of(r, side)).and_then(|s| s.rotation_null.as_ref()).map(|n| n.z);
        let selected = (at.layer, at.head) == (layer, head);
        let style =
            z.map(|z| format!("background: {}; color: {}", scale.css(z, dark), scale.ink(z, dark)));
        let shown = z.map_or_else(|| "…".into(), three);
        let label = format!("L{layer}H{head}: {shown} standard deviations beyond rotations");
        let app = app.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            app.go(app.value().route.clone().with("layer", layer).with("head", head))
        });
        html! {
            <td key={head} class={selected.then_some("selected")}>
                <button type="button" {style} {onclick} title={label.clone()} aria-label={label} aria-pressed={selected.to_string()}>{ shown }</button>
            </td>
        }
    };
    html! {
        <section class="column" aria-label="Heads by alignment">
            <div class="controls">
                <Select label="side" {options} value={slug} on_change={choose} />
                <button type="button" onclick={props.on_all.clone()} data-testid="align-all">{ format!("compare all {} heads", model.summary.complete_layers.len() * model.summary.n_heads) }</button>
            </div>
            <Gloss term="MMCS, σ beyond rotations" meaning="The mean over singular directions of the largest |cosine| with a feature, in standard deviations above what random rotations of the same subspace give. Rotations keep every property of the head and of the dictionary except the basis, so this says whether the singular vectors themselves are special." />
            <div class="grid-frame">
                <table class="grid" aria-label="Alignment of every head against rotations">
                    <thead><tr><td></td>{ for (0..model.summary.n_heads).map(|h| html! { <th scope="col">{ format!("H{h}") }</th> }) }</tr></thead>
                    <tbody>{ for (0..model.summary.n_layers).map(|l| html! {
                        <tr key={l}><th scope="row">{ format!("L{l}") }</th>{ for (0..model.summary.n_heads).map(|h| cell(l, h)) }</tr>
                    }) }</tbody>
                </table>
            </div>
        </section>
    }
}
