//! What the Features page knows of a dictionary and the heads that were compared with it, and the one function that changes it. Knows no
//! browser.

use std::collections::HashMap;
use std::rc::Rc;

use super::Memory;
use crate::circuits::alignment::{AlignmentReport, Family, FeatureHit, Side, joined};
use crate::circuits::matching::{MatchingNull, Pair};
use crate::protocol::Failure;
use crate::protocol::features::{AboutDictionary, AlignPart, Hits};
use crate::protocol::gpu::GpuReport;

/// Every cosine of one side with a small dictionary.
#[derive(Debug, Clone, PartialEq)]
pub struct Cosines {
    /// Layer and head.
    pub head: (usize, usize),
    /// Which side.
    pub side: Side,
    /// Features of the dictionary.
    pub n_features: usize,
    /// `[n_directions, n_features]` row-major.
    pub values: Rc<Vec<f32>>,
    /// The best one-to-one matching, with the features' labels.
    pub matching: Vec<(Pair, String)>,
    /// What random bases of the same subspace match.
    pub null: Option<MatchingNull>,
}

/// What is known about a dictionary and the heads, under a setting `S`: all that an answer depends on beside the head.
#[derive(Debug, Clone, PartialEq)]
pub struct DictionaryAnswers<S> {
    setting: Option<S>,
    /// The dictionary as a whole.
    pub about: Option<Rc<AboutDictionary>>,
    /// One report per head that was compared; every q in them is that of the head alone.
    pub reports: HashMap<(usize, usize), Rc<AlignmentReport>>,
    /// All that was compared with this dictionary, corrected as one.
    pub family: Rc<Family>,
    /// How long one head took, seconds.
    pub seconds: Option<f64>,
    /// What the GPU made of the last job that it was offered.
    pub gpu: Option<GpuReport>,
    /// The cosines that were asked for last.
    pub cosines: Option<Cosines>,
    /// A feature's label, and the directions that point at it so far.
    pub hits: Option<(String, Vec<FeatureHit>)>,
    /// What went wrong last, until the same question has an answer.
    pub failed: Option<Failure>,
    /// Whose question that was.
    failed_of: &'static str,
}

/// Whose question the search for a feature is.
pub const FIND: &str = "features/find";
/// Whose question every cosine of a side is.
pub const COSINES: &str = "features/cosines";

/// What the page hears.
#[derive(Debug, Clone, PartialEq)]
pub enum News<S> {
    /// Another setting.
    Fresh(S),
    /// Another feature is being looked for.
    FreshHits,
    /// Part of a comparison.
    Aligned(AlignPart),
    /// Directions of a layer that point at the feature.
    Hits(Hits),
    /// Every cosine of a side.
    Cosines(Cosines),
    /// How long a head took, seconds.
    Took(f64),
    /// What the GPU made of a job.
    Gpu(GpuReport),
    /// Whose question has no answer, and why.
    Failed(&'static str, Failure),
}

impl<S> Default for DictionaryAnswers<S> {
    fn default() -> Self {
        Self {
            setting: None,
            about: None,
            reports: HashMap::new(),
            family: Rc::default(),
            seconds: None,
            gpu: None,
            cosines: None,
            hits: None,
            failed: None,
            failed_of: "",
        }
    }
}

/// Whether rotations were drawn for any side.
fn has_null(report: &AlignmentReport) -> bool {
    report.sides.iter().any(|side| side.rotation_null.is_some())
}

impl<S: PartialEq> DictionaryAnswers<S> {
    /// Whether a head has been compared under this setting.
    pub fn has(&self, setting: &S, head: (usize, usize)) -> bool {
        self.setting.as_ref() == Some(setting) && self.reports.contains_key(&head)
    }

    /// Whether that comparison has its rotations.
    pub fn has_null(&self, setting: &S, head: (usize, usize)) -> bool {
        self.has(setting, head) && self.reports.get(&head).is_some_and(|report| has_null(report))
    }
}

impl<S> DictionaryAnswers<S> {
    /// What failed of `of` is answered now, or asked anew.
    fn answered(&mut self, of: &str) {
        if self.failed_of == of {
            self.failed = None;
        }
    }
}

impl<S: Clone> Memory for DictionaryAnswers<S> {
    type News = News<S>;

    fn after(&self, news: News<S>) -> Self {
        let mut next = self.clone();
        match news {
            News::Fresh(setting) => next = Self { setting: Some(setting), ..Self::default() },
            News::FreshHits => {
                next.answered(FIND);
                next.hits = None;
            }
            News::Aligned(AlignPart::About(about)) => next.about = Some(Rc::from(about)),
            News::Aligned(AlignPart::Report(report)) => {
                if let Some(side) = report.sides.first() {
                    let at = (side.layer, side.head);
                    // What has a null is not replaced by what has none.
                    if has_null(&report) || !next.reports.contains_key(&at) {
                        next.reports.insert(at, Rc::from(report));
                        next.family = Rc::new(Family::of(next.reports.values().map(Rc::as_ref)));
                    }
                }
            }
            News::Hits(Hits { label, hits }) => {
                let (_, mut all) = next.hits.take().unwrap_or_default();
                all.extend(hits);
                next.hits = Some((label, joined(all)));
            }
            News::Aligned(AlignPart::Broken(failure)) => {
                (next.failed, next.failed_of) = (Some(failure), "");
            }
            News::Failed(of, failure) => (next.failed, next.failed_of) = (Some(failure), of),
            News::Cosines(cosines) => {
                next.answered(COSINES);
                next.cosines = Some(cosines);
            }
            // A resumed job is still on the GPU that kept it.
            News::Gpu(GpuReport::Resumed { .. }) => {}
            News::Gpu(report) => next.gpu = Some(report),
            News::Took(seconds) => next.seconds = Some(seconds),
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Answers = DictionaryAnswers<&'static str>;

    fn under(setting: &'static str) -> Answers {
        Answers::default().after(News::Fresh(setting))
    }

    /// A report on one side of a head, with the p of its rotations where they were drawn.
    fn report(head: usize, p: Option<f64>) -> News<&'static str> {
        let rotations = p.map(|p| {
            json!({
                "mean": 0.1, "sd": 0.01, "z": 2.0, "p": p, "rotations": 100, "seed": 0, "resolution": 0.01,
                "method": "counted", "form": "few", "carried_by": []
            })
        });
        let side = json!({
            "layer": 0, "head": head, "side": "dest", "mmcs": 0.2, "mmcs_weighted": 0.2, "rotation_null": rotations,
            "n_null": 0, "directions": [], "blocks": []
        });
        let comparison = json!({
            "rows_done": 9, "n_rows": 9, "n_features": 9, "d_null": 3, "centred": false, "mean_removed": false,
            "whitened": false
        });
        let report = json!({ "comparison": comparison, "sides": [side] });
        News::Aligned(AlignPart::Report(serde_json::from_value(report).expect("a report")))
    }

    fn q(known: &Answers, head: usize) -> Option<f64> {
        known.family.q(&known.reports[&(0, head)].sides[0])
    }

    fn hit(layer: usize, cos: f64, p: f64) -> FeatureHit {
        FeatureHit {
            layer,
            head: 0,
            side: Side::Src,
            k: 0,
            sigma: 1.0,
            feature: 0,
            cos,
            projection: 0.9,
            p,
            q: p,
            p_rotation: p,
        }
    }

    fn hits(hits: &[FeatureHit]) -> News<&'static str> {
        News::Hits(Hits { label: " Mary".into(), hits: hits.to_vec() })
    }

    #[test]
    fn another_setting_forgets_what_was_compared_under_the_last_one() {
        let known = under("embed").after(report(0, None));
        assert!(known.has(&"embed", (0, 0)));
        assert!(!known.has(&"unembed", (0, 0)) && !known.has(&"embed", (0, 1)));
        assert_eq!(known.after(News::Fresh("unembed")), under("unembed"));
        assert!(!Answers::default().after(report(0, None)).has(&"embed", (0, 0)));
    }

    #[test]
    fn a_report_with_rotations_stays_whether_it_came_before_or_after_the_one_without() {
        let with = under("embed").after(report(0, Some(0.01)));
        assert!(q(&with, 0).is_some() && with.has_null(&"embed", (0, 0)));
        assert!(!with.has_null(&"unembed", (0, 0)) && !with.has_null(&"embed", (0, 1)));
        assert_eq!(with.after(report(0, None)), with);
        let without = under("embed").after(report(0, None));
        assert_eq!((q(&without, 0), without.has_null(&"embed", (0, 0))), (None, false));
        assert_eq!(without.after(report(0, Some(0.01))), with);
    }

    #[test]
    fn every_head_that_is_compared_counts_once_among_those_corrected_together() {
        let one = under("embed").after(report(0, Some(0.01)));
        assert_eq!(q(&one, 0), Some(0.01));
        assert_eq!(q(&one.after(report(0, Some(0.01))), 0), Some(0.01));
        let two = one.after(report(1, Some(0.5)));
        assert_eq!((q(&two, 0), q(&two, 1)), (Some(0.02), Some(0.5)));
    }

    #[test]
    fn hits_of_all_layers_are_corrected_as_one_search_and_leave_with_it() {
        let layers = [hits(&[hit(0, -0.3, 0.2)]), hits(&[hit(1, 0.8, 0.01)])];
        let [forth, back] = [[0, 1], [1, 0]].map(|order| {
            let heard = order.map(|i: usize| layers[i].clone());
            heard.into_iter().fold(under("embed"), |known, news| known.after(news))
        });
        assert_eq!(forth, back);
        let (label, all) = forth.hits.clone().expect("hits");
        assert_eq!(label, " Mary");
        assert_eq!(
            all.iter().map(|hit| (hit.layer, hit.q)).collect::<Vec<_>>(),
            [(1, 0.02), (0, 0.2)]
        );
        assert_eq!(forth.after(News::FreshHits), under("embed"));
    }

    #[test]
    fn a_failure_stays_until_the_same_question_has_an_answer() {
        let failed = under("embed").after(News::Failed(FIND, Failure::new("no such feature")));
        let other = failed.after(report(0, None)).after(hits(&[hit(0, 0.3, 0.2)]));
        assert!(other.failed.is_some(), "neither a head's answer nor another layer's hits are one");
        assert!(other.after(News::FreshHits).failed.is_none(), "it is looked for anew");
        let broken = failed.after(News::Aligned(AlignPart::Broken(Failure::new("no head 1"))));
        assert!(broken.after(News::FreshHits).failed.is_some());
    }

    #[test]
    fn a_head_that_cannot_be_compared_leaves_the_others_and_a_resumed_job_its_gpu() {
        let kept = GpuReport::Kept { name: "GPU".into(), ms: None };
        let known = under("embed").after(report(0, None)).after(News::Gpu(kept.clone()));
        let broken = known.after(News::Aligned(AlignPart::Broken(Failure::new("no head 1"))));
        assert_eq!((&broken.reports, broken.failed.is_some()), (&known.reports, true));
        let resumed = broken.after(News::Gpu(GpuReport::Resumed { why: "lost".into() }));
        assert_eq!(resumed.gpu, Some(kept));
    }
}
