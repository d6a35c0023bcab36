//! What moved when: measures recorded along a run, and the steps from which they stay past a threshold.

use super::error::ToyError;
use super::gradients::Losses;
use super::metrics::Metrics;
use super::trainer::Trainer;
use serde::{Deserialize, Serialize};

/// The measures of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Steps done.
    pub step: usize,
    /// Losses on the batch of the next step.
    pub losses: Losses,
    /// Smallest cosine of a served feature with its singular vector.
    pub least_cos: f64,
    /// Mean of those cosines.
    pub mean_cos: f64,
    /// Per pair of the template, the smaller of its two cosines.
    pub pairs: Vec<f64>,
    /// Interference of the attended features.
    pub interference: f64,
    /// Interference of all others.
    pub interference_others: f64,
    /// ‖E‖₂ of the features.
    pub anisotropy: f64,
    /// Singular values of Ω, descending.
    pub sigma: Vec<f64>,
}

/// A run's measures, in the order of its steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The points recorded so far.
    pub points: Vec<Point>,
}

/// Cosine above which a pair counts as aligned, in the order of events.
pub const ALIGNED: f64 = 0.9;
/// Interference below which attended features count as orthogonal, in the order of events.
pub const ORTHOGONAL: f64 = 0.1;

impl History {
    /// Records where `trainer` stands.
    ///
    /// # Errors
    /// [`ToyError::Math`] if the run has diverged.
    pub fn record(&mut self, trainer: &mut Trainer) -> Result<(), ToyError> {
        let losses = trainer.losses();
        let metrics = Metrics::of(trainer.config(), trainer.params())?;
        self.points.push(Point {
            step: trainer.state().step,
            losses,
            least_cos: metrics.least_cos,
            mean_cos: metrics.mean_cos,
            pairs: metrics.pairs.iter().map(|p| p.cos_u.min(p.cos_v)).collect(),
            interference: metrics.interference,
            interference_others: metrics.interference_others,
            anisotropy: metrics.anisotropy,
            sigma: metrics.sigma,
        });
        Ok(())
    }

    /// The first recorded step from which every served feature stays aligned; none if it is not at the end.
    pub fn aligned_from(&self) -> Option<usize> {
        self.from(|point| point.least_cos > ALIGNED)
    }

    /// The first recorded step from which the attended features stay orthogonal to all; none if they are not at the end.
    pub fn orthogonal_from(&self) -> Option<usize> {
        self.from(|point| point.interference < ORTHOGONAL)
    }

    /// The first recorded step from which `holds` is true to the end.
    pub fn from(&self, holds: impl Fn(&Point) -> bool) -> Option<usize> {
        self.points.iter().rev().take_while(|point| holds(point)).last().map(|point| point.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn for_good_means_to_the_end() {
        let mut trainer = Trainer::new(Config::default()).unwrap();
        let mut history = History::default();
        for _ in 0..4 {
            history.record(&mut trainer).unwrap();
            trainer.step();
        }
        for (point, cos) in history.points.iter_mut().zip([0.95, 0.5, 0.95, 0.96]) {
            (point.least_cos, point.interference) = (cos, 0.5);
        }
        assert_eq!((history.aligned_from(), history.orthogonal_from()), (Some(2), None));
    }
}
