//! Every head that was compared, coloured by how surprising it is, given its rotations.

use std::collections::HashMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, Family, Side, SideAlignment};
use crate::protocol::gpu::GpuReport;
use crate::ui::address::keys;
use crate::ui::app::{use_app, use_dark};
use crate::ui::nothing::nothing;
use crate::ui::palette::Scale;
use crate::ui::widgets::glossary::Gloss;
use crate::ui::widgets::head_grid::{HeadCell, Label, Rows, head_grid};
use crate::ui::widgets::select::Select;
use crate::ui::words::chance::{evidence, over};
use crate::ui::words::features as words;
use crate::ui::words::format::three;
use crate::ui::words::text::compared_line;

/// Properties of [`AlignGrid`].
#[derive(Properties, PartialEq)]
pub(super) struct AlignGridProps {
    /// One report per head that was compared.
    pub reports: HashMap<(usize, usize), Rc<AlignmentReport>>,
    /// All of them, corrected as one.
    pub family: Rc<Family>,
    /// Compares the heads of a layer, or all.
    pub on_compare: Callback<Option<usize>>,
    /// How long that takes, once a head was compared.
    pub estimate: Option<String>,
    /// Who compared them, where the GPU was asked.
    pub gpu: Option<GpuReport>,
}

/// The most surprising side of a head, or the side that the reader picked.
fn of(report: &AlignmentReport, side: Option<Side>) -> Option<&SideAlignment> {
    let p = |s: &&SideAlignment| s.rotation_null.as_ref().map_or(1.0, |n| n.p);
    report
        .sides
        .iter()
        .filter(|s| side.is_none_or(|side| s.side == side))
        .min_by(|a, b| p(a).total_cmp(&p(b)))
}

/// The grid of heads by `−log₁₀ q`.
#[component]
pub(super) fn AlignGrid(props: &AlignGridProps) -> Html {
    let app = use_app();
    let dark = use_dark();
    let state = app.value();
    let (Some(model), Some(at)) = (state.model.clone(), state.at()) else { return nothing() };
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
    let compare = |layer| props.on_compare.reform(move |_: MouseEvent| layer);
    let scale = Scale::Range { min: 0.0, max: 6.0 };
    let cell = |layer: usize, head: usize| {
        let report = props.reports.get(&(layer, head));
        let side = report.and_then(|r| of(r, side));
        let Some(q) = side.and_then(|side| props.family.q(side)) else {
            return HeadCell::waiting(words::NOT_COMPARED_YET.into());
        };
        let shown = three(evidence(q));
        HeadCell::coloured(
            shown.clone(),
            format!("−log₁₀ q {shown}: q {} over {}", three(q), over(&props.family)),
            evidence(q),
            scale,
            dark,
        )
    };
    html! {
        <section class="column" aria-label={words::HEADS_ALIGNMENT}>
            <div class="controls">
                <Select label="side" {options} value={slug} on_change={choose} />
                <button type="button" onclick={compare(Some(at.layer))} data-testid="align-layer">{ format!("compare layer {}", model.summary.layers.name(at.layer).trim_start_matches('L')) }</button>
                <button type="button" onclick={compare(None)} data-testid="align-all">{ words::compare_all_heads(&model.summary.heads_in(&model.summary.own_layers()).len()) }</button>
            </div>
            if let Some(estimate) = &props.estimate { <p class="hint">{ estimate }</p> }
            if props.gpu.is_some() { <p class="hint" data-testid="compared-by">{ compared_line(props.gpu.as_ref()) }</p> }
            <Gloss term="−log₁₀ q" meaning={words::HOW_SURPRISING_HEADS_MOST} />
            { head_grid(&app, Label(words::ALIGNMENT_EVERY_HEAD_AGAINST, None), Rows { layers: &model.summary.layers, shown: &model.summary.layers.own() }, Some((at.layer, at.head)), &[], cell) }
        </section>
    }
}
