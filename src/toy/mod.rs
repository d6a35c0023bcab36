//! Layer 3, the paper's toy model, with hand-derived gradients and no platform randomness.
//!
//! Tokens are sparse sums of features, a tied autoencoder must read the features back, and one head must attend as a template
//! says. The paper's claim is that the head's singular vectors then align with the features it serves.
//!
//! # Source
//! Franco, Loughridge & Crovella, arXiv:2602.13524; the model without a head is that of Elhage et al., "Toy Models of
//! Superposition", 2022. Where the paper is silent the choice is ours, and the documentation of the setting says so.

mod adam;
mod attention;
mod batch;
mod config;
mod error;
mod gradients;
mod isotropy;
mod kernels;
mod metrics;
mod model;
mod recon;
mod snapshot;
mod template;
mod theorems;
mod trainer;

pub use batch::Batch;
pub use config::{AttentionLoss, Config, FeatureInit, HeadInit, ReconOn, Schedule, Trained};
pub use error::ToyError;
pub use gradients::Losses;
pub use isotropy::{
    CloudPoint, FeatureKind, Isotropy, alignment_with_inverse, cloud_point, isotropy,
};
pub use metrics::{Metrics, PairFit};
pub use model::Params;
pub use snapshot::Snapshot;
pub use template::{Entry, Template};
pub use theorems::{Descent, Regression, inverse};
pub use trainer::{State, StepReport, Trainer};
