//! The inverse question: which heads read, or write, this feature?
//!
//! For one feature inside a head's subspace the rotation null has a closed form: a random basis gives the feature's coordinates
//! as a random direction of the subspace, so `cos / ‖projection‖` is compared with chance in `h` dimensions instead of `d`.

use serde::{Deserialize, Serialize};

use super::{HeadSide, Side};
use crate::circuits::dictionary::{Frame, UnitBlock};
use crate::circuits::null::{ln_p_of_best, ln_p_subspace};
use crate::math::statistics::benjamini_hochberg;
use crate::math::statistics::ranked;
use crate::math::wide::dot;

/// One side of one head beside the features that are searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureHit {
    /// Layer of the head.
    pub layer: usize,
    /// Head in the layer.
    pub head: usize,
    /// Which side.
    pub side: Side,
    /// The direction with the largest |cosine|, by σ.
    pub k: usize,
    /// Its singular value.
    pub sigma: f64,
    /// Which of the features, in the order given.
    pub feature: usize,
    /// Their signed cosine.
    pub cos: f64,
    /// Norm of that feature's projection on all the side's directions: how much of it the head can see at all.
    pub projection: f64,
    /// Probability that the best |cosine| of this side with these features is so large by isotropic chance.
    pub p: f64,
    /// False-discovery-adjusted `p` over all sides searched, those of other searches too once they are [`joined`].
    pub q: f64,
    /// Probability that a random basis of the same subspace has so large a |cosine| (Boole's bound over directions and features).
    pub p_rotation: f64,
}

/// A few features on their way through the heads of a model; the caller owns the loop.
#[derive(Debug, Clone)]
pub struct FeatureSearch {
    frame: Frame,
    features: UnitBlock,
    hits: Vec<FeatureHit>,
}

impl FeatureSearch {
    /// Searches for `features`, prepared in `frame`: one vector, or a set such as all spellings of a word.
    pub fn new(frame: Frame, features: UnitBlock) -> Self {
        Self { frame, features, hits: Vec::new() }
    }

    /// Looks at one side of one head. A side of another width, or without directions, adds nothing.
    pub fn step(&mut self, side: &HeadSide) {
        let d = self.frame.d_model;
        if side.basis.nrows() != d || self.features.d != d || side.sigma.is_empty() {
            return;
        }
        let directions = self.frame.unit_directions(&side.basis);
        let mut best: Option<FeatureHit> = None;
        for (feature, row) in self.features.rows.chunks_exact(d.max(1)).enumerate() {
            let cosines: Vec<f64> =
                directions.chunks_exact(d.max(1)).map(|u| dot(u, row)).collect();
            let projection = cosines.iter().map(|c| c * c).sum::<f64>().sqrt().min(1.0);
            let largest = cosines.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let Some((k, &cos)) = largest else { continue };
            if best.as_ref().is_none_or(|hit| cos.abs() > hit.cos.abs()) {
                let (layer, head, side_name) = (side.layer, side.head, side.side);
                let (p, p_rotation) = self.chance(cos.abs(), projection, side.sigma.len());
                best = Some(FeatureHit {
                    layer,
                    head,
                    side: side_name,
                    k,
                    sigma: side.sigma[k],
                    feature,
                    cos: cos.clamp(-1.0, 1.0),
                    projection,
                    p,
                    q: 1.0,
                    p_rotation,
                });
            }
        }
        self.hits.extend(best);
    }

    fn chance(&self, cos: f64, projection: f64, h: usize) -> (f64, f64) {
        let tries = (self.features.len() - self.features.skipped.len()).max(1) * h;
        let isotropic = ln_p_of_best(ln_p_subspace(self.frame.dimensions(), 1, cos), tries).exp();
        let inside = if projection > 0.0 { (cos / projection).min(1.0) } else { 0.0 };
        (isotropic, (ln_p_subspace(h, 1, inside).exp() * tries as f64).min(1.0))
    }

    /// All sides seen so far, the largest |cosine| first.
    pub fn hits(&self) -> Vec<FeatureHit> {
        joined(self.hits.clone())
    }
}

/// All hits of one or several searches for the same features: q over all of them, the largest |cosine| first.
pub fn joined(mut hits: Vec<FeatureHit>) -> Vec<FeatureHit> {
    let q = benjamini_hochberg(&hits.iter().map(|hit| hit.p).collect::<Vec<_>>());
    hits.iter_mut().zip(q).for_each(|(hit, q)| hit.q = q);
    ranked(&hits, |hit| hit.cos.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Mat;
    use crate::math::random::Rng;

    #[test]
    fn the_head_that_reads_a_feature_comes_first() {
        let (d, h) = (32, 4);
        let mut rng = Rng::new(1);
        let sides: Vec<HeadSide> = (0..10)
            .map(|head| {
                let basis: Mat = rng.normal_matrix(d, h).qr().q();
                HeadSide::new(2, head, Side::Src, &basis, &[4.0, 3.0, 2.0, 1.0])
            })
            .collect();
        let frame = Frame::plain(d, false);
        let (word, other) = (sides[7].basis.column(2) * -5.0, rng.normal_matrix(d, 1));
        let rows = other.iter().chain(word.iter()).map(|&x| x as f32).collect();
        let mut search = FeatureSearch::new(frame.clone(), frame.unit_block(0, rows));
        sides.iter().for_each(|side| search.step(side));
        let hits = search.hits();
        assert_eq!((hits.len(), hits[0].head, hits[0].k, hits[0].feature), (10, 7, 2, 1));
        assert!((hits[0].cos + 1.0).abs() < 1e-6 && hits[0].q < 1e-10 && hits[0].p_rotation < 1e-6);
        assert!(hits[1..].iter().all(|hit| hit.q > 0.01 && hit.p_rotation > 1e-3));
        // Two searches of five heads each are one search of ten once they are joined, and by themselves they are not.
        let half = |sides: &[HeadSide]| {
            let mut search = FeatureSearch::new(search.frame.clone(), search.features.clone());
            sides.iter().for_each(|side| search.step(side));
            search.hits()
        };
        let halves = [half(&sides[..5]), half(&sides[5..])];
        assert!(halves.concat().iter().any(|alone| !hits.contains(alone)));
        assert_eq!(joined(halves.concat()), hits);
    }
}
