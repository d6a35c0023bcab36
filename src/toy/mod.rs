//! Layer 1, the paper's toy model, with hand-derived gradients and no platform randomness.
//!
//! Tokens are sparse sums of features, a tied autoencoder must read the features back, and one head must attend as a template
//! says. The paper's claim is that the head's singular vectors then align with the features it serves.
//!
//! # Source
//! Franco, Loughridge & Crovella, arXiv:2602.13524; the model without a head is that of Elhage et al., "Toy Models of
//! Superposition", 2022. Where the paper is silent the choice is ours, and the documentation of the setting says so.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test says by panicking what is wrong"
    )
)]

use omega_math as math;

mod adam;
mod attention;
mod batch;
mod claims;
mod config;
mod error;
mod gradients;
mod history;
mod isotropy;
mod metrics;
mod model;
mod presets;
mod recon;
mod snapshot;
mod sweep;
mod template;
mod theorems;
mod trainer;
mod turn;

pub use batch::Batch;
pub use claims::{Claim, EVALUATION, Origin, Outcome, Quantity, Verdict};
pub use config::{AttentionLoss, Config, FeatureInit, HeadInit, ReconOn, Schedule, Trained};
pub use error::ToyError;
pub use gradients::{Losses, Problem};
pub use history::{ALIGNED, History, ORTHOGONAL, Point};
pub use isotropy::{
    CloudPoint, FeatureKind, Isotropy, alignment_with_inverse, cloud_point, isotropy,
};
pub use metrics::{Metrics, PairFit};
pub use model::{Params, common_direction};
pub use presets::{Preset, presets};
pub use snapshot::Snapshot;
pub use sweep::{Setting, Spread, Sweep, SweepRun};
pub use template::{Entry, Rows, Template};
pub use theorems::{Descent, Regression, inverse};
pub use trainer::{State, StepReport, Trainer, UNSEEN};
pub use turn::{Dial, Turn, in_force, steps_in_all, with_turn};
