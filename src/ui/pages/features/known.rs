//! What the Features page has heard so far, as one value.

use std::collections::HashMap;
use std::rc::Rc;

use yew::prelude::*;

use crate::circuits::alignment::{AlignmentReport, Family, FeatureHit, Side, joined};
use crate::circuits::dictionary::{Along, Builtin, FileChoice};
use crate::circuits::matching::{MatchingNull, Pair};
use crate::model::Weights;
use crate::protocol::Failure;
use crate::protocol::features::{AboutDictionary, AlignPart, Hits, Source};
use crate::protocol::gpu::GpuReport;
use crate::ui::address::keys;
use crate::ui::address::route::Route;
use crate::worker::pool::Files;

/// Everything that an answer depends on, beside the head.
#[derive(Clone, PartialEq)]
pub(super) struct Setting {
    pub generation: Option<u32>,
    pub source: Source,
    pub weights: Weights,
    pub remove_mean: bool,
    pub whiten: bool,
    /// The reader's own dictionary.
    pub files: Files,
}

impl Setting {
    /// Whether there is something to compare with.
    pub(super) fn ready(&self) -> bool {
        let own = matches!(self.source, Source::Own(_));
        self.generation.is_some() && (!own || !self.files.list().is_empty())
    }
}

/// The dictionary of a name in the URL, with what the reader said of a file of their own.
pub(super) fn source_of(route: &Route, layer: usize) -> Source {
    match route.read(&keys::DICTIONARY) {
        "unembed" => Source::Model(Builtin::Unembed),
        "positions" => Source::Model(Builtin::Positions),
        "mlp-in" => Source::Model(Builtin::MlpIn { layer }),
        "mlp-out" => Source::Model(Builtin::MlpOut { layer }),
        "own" => Source::Own(FileChoice {
            tensor: route.find(&keys::MATRIX),
            along: match route.find(&keys::FEATURES_ARE) {
                Some("rows") => Some(Along::Rows),
                Some("columns") => Some(Along::Columns),
                _ => None,
            },
            head: route.find(&keys::PART),
        }),
        _ => Source::Model(Builtin::Embed),
    }
}

/// Every cosine of one side with a small dictionary.
#[derive(Clone, PartialEq)]
pub(super) struct Cosines {
    pub head: (usize, usize),
    pub side: Side,
    pub n_features: usize,
    pub values: Rc<Vec<f32>>,
    pub matching: Vec<(Pair, String)>,
    pub null: Option<MatchingNull>,
}

/// What is known about the dictionary and the heads.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Known {
    /// What all of it is about.
    setting: Option<Setting>,
    pub about: Option<Rc<AboutDictionary>>,
    /// One report per head that was compared; every q in them is that of the head alone.
    pub reports: HashMap<(usize, usize), Rc<AlignmentReport>>,
    /// All that was compared with this dictionary, corrected as one.
    pub family: Rc<Family>,
    /// How long one head took, seconds.
    pub seconds: Option<f64>,
    /// What the GPU made of the last job that it was offered.
    pub gpu: Option<GpuReport>,
    pub cosines: Option<Cosines>,
    pub hits: Option<(String, Vec<FeatureHit>)>,
    pub failed: Option<Failure>,
}

/// What can change it.
pub(super) enum Heard {
    Fresh(Setting),
    FreshHits,
    Aligned(AlignPart),
    Hits(Hits),
    Cosines(Cosines),
    Took(f64),
    Gpu(GpuReport),
    Failed(Failure),
}

/// Whether rotations were drawn for any side.
fn has_null(report: &AlignmentReport) -> bool {
    report.sides.iter().any(|side| side.rotation_null.is_some())
}

impl Known {
    /// Whether a head has been compared under this setting.
    pub(super) fn has(&self, setting: &Setting, head: (usize, usize)) -> bool {
        self.setting.as_ref() == Some(setting) && self.reports.contains_key(&head)
    }
}

impl Reducible for Known {
    type Action = Heard;

    fn reduce(self: Rc<Self>, heard: Heard) -> Rc<Self> {
        let mut next = (*self).clone();
        match heard {
            Heard::Fresh(setting) => next = Self { setting: Some(setting), ..Self::default() },
            Heard::FreshHits => next.hits = None,
            Heard::Aligned(AlignPart::About(about)) => next.about = Some(Rc::from(about)),
            Heard::Aligned(AlignPart::Report(report)) => {
                if let Some(side) = report.sides.first() {
                    let at = (side.layer, side.head);
                    // What has a null is not replaced by what has none.
                    if has_null(&report) || !next.reports.contains_key(&at) {
                        next.reports.insert(at, Rc::from(report));
                        next.family = Rc::new(Family::of(next.reports.values().map(Rc::as_ref)));
                    }
                }
            }
            Heard::Hits(Hits { label, hits }) => {
                let (_, mut all) = next.hits.take().unwrap_or_default();
                all.extend(hits);
                next.hits = Some((label, joined(all)));
            }
            Heard::Aligned(AlignPart::Broken(failure)) | Heard::Failed(failure) => {
                next.failed = Some(failure);
            }
            Heard::Cosines(cosines) => next.cosines = Some(cosines),
            // A resumed job is still on the GPU that kept it.
            Heard::Gpu(GpuReport::Resumed { .. }) => {}
            Heard::Gpu(report) => next.gpu = Some(report),
            Heard::Took(seconds) => next.seconds = Some(seconds),
        }
        Rc::new(next)
    }
}
