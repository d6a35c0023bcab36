//! Every head that was compared, coloured by how far its alignment lies beyond the rotation null.

use std::collections::HashMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, Side, SideAlignment};
use crate::protocol::gpu::GpuReport;
use crate::ui::address::keys;
use crate::ui::app::{use_app, use_dark};
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, head_grid};
use crate::ui::widgets::select::Select;
use crate::ui::words::format::three;
use crate::ui::words::text::compared_line;

/// Properties of [`AlignGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct AlignGridProps {
    /// One report per head that was compared.
    pub reports: HashMap<(usize, usize), Rc<AlignmentReport>>,
    /// Compares all heads.
    pub on_all: Callback<MouseEvent>,
    /// Compares the heads of the layer in view.
    pub on_layer: Callback<MouseEvent>,
    /// How long that takes, once a head was compared.
    pub estimate: Option<String>,
    /// Who compared them, where the GPU was asked.
    pub gpu: Option<GpuReport>,
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
    let side = state.route.find(&keys::SIDE);
    let slug = side.map_or("any", Side::name);
    let choose = {
        let app = app.clone();
        Callback::from(move |s: String| app.choose(&keys::SIDE, &s))
    };
    let mut options: Vec<(AttrValue, AttrValue)> = vec![("any".into(), "strongest side".into())];
    options.extend(
        Side::ALL.into_iter().map(|s| (AttrValue::from(s.name()), AttrValue::from(s.name()))),
    );
    let scale = Scale::Diverging { max: 10.0 };
    let cell = |layer: usize, head: usize| {
        let report = props.reports.get(&(layer, head));
        let z =
            report.and_then(|r| of(r, side)).and_then(|s| s.rotation_null.as_ref()).map(|n| n.z);
        let label = |shown: &str| format!("{shown} standard deviations beyond rotations");
        z.map_or_else(
            || HeadCell::waiting("not compared yet".into()),
            |z| HeadCell::coloured(three(z), label(&three(z)), z, scale, dark),
        )
    };
    html! {
        <section class="column" aria-label="Heads by alignment">
            <div class="controls">
                <Select label="side" {options} value={slug} on_change={choose} />
                <button type="button" onclick={props.on_layer.clone()} data-testid="align-layer">{ format!("compare layer {}", at.layer) }</button>
                <button type="button" onclick={props.on_all.clone()} data-testid="align-all">{ format!("compare all {} heads", model.summary.complete_layers.len() * model.summary.n_heads) }</button>
            </div>
            if let Some(estimate) = &props.estimate { <p class="hint">{ estimate }</p> }
            if props.gpu.is_some() { <p class="hint" data-testid="compared-by">{ compared_line(props.gpu.as_ref()) }</p> }
            <Gloss term="MMCS, σ beyond rotations" meaning="The mean over singular directions of the largest |cosine| with a feature, in standard deviations above what random rotations of the same subspace give. Rotations keep every property of the head and of the dictionary except the basis, so this says whether the singular vectors themselves are special." />
            { head_grid(&app, "Alignment of every head against rotations", [model.summary.n_layers, model.summary.n_heads], Some((at.layer, at.head)), &[], cell) }
        </section>
    }
}
