//! What the toy lab and the theorem bench ask: a run that lives in its worker, whole runs, and single theorems.

use serde::{Deserialize, Serialize};

use super::Plan;
use super::heads::File;
use super::question::questions;
use crate::study::toy::ToySad;
use crate::toy::{Config, Dial, FeatureKind, Isotropy, Outcome, Point, Snapshot, Turn};

/// Start a run from the beginning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Its settings at the beginning.
    pub config: Box<Config>,
    /// What is turned on the way, in the order of its steps.
    pub turns: Vec<Turn>,
}

/// Show the end of a run that is known before it is trained: its parameters come along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownEnd {
    /// Its settings.
    pub config: Box<Config>,
    /// Its parameters after its last step, as [`crate::toy::Params::from_f32`] reads them.
    pub params: Vec<u8>,
}

/// Train the run on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Train {
    /// How many steps at most.
    pub steps: usize,
    /// After how many milliseconds to stop before that.
    pub milliseconds: f64,
    /// What is turned before the first of them.
    pub turned: Vec<Dial>,
}

/// Look at the run as it was at the recorded step nearest to this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookBack {
    /// Which step.
    pub step: usize,
}

/// Decompose the head of the recorded step nearest to this one on sampled tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakeApart {
    /// Which step.
    pub step: usize,
    /// Random rotations per event and control.
    pub draws: usize,
    /// Events at most.
    pub most: usize,
}

/// The run at the recorded step nearest to this one, as files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Files {
    /// Which step.
    pub step: usize,
}

/// A whole run from its beginning to its end, on any worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Whole {
    /// Its settings.
    pub config: Box<Config>,
}

/// Draws `from..to` of the cloud of a seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cloud {
    /// Seed of the cloud.
    pub seed: u32,
    /// First draw.
    pub from: u32,
    /// One past the last draw.
    pub to: u32,
}

/// No question about a toy is about the open model.
macro_rules! plans {
    ($($question:ident),+) => {
        $(impl Plan for $question {
            fn about_model(&self) -> bool {
                false
            }
        })+
    };
}
plans!(KnownEnd, LookBack, TakeApart, Files, Whole, Bench, Cloud);

/// Nor is one that takes the run on.
macro_rules! takes_on {
    ($($question:ident),+) => {
        $(impl Plan for $question {
            fn about_model(&self) -> bool {
                false
            }

            fn moves_on(&self) -> bool {
                true
            }
        })+
    };
}
takes_on!(Start, Train);

questions! { Toy:
    Start => Box<Frame>,
    KnownEnd => Box<Frame>,
    Train => Box<Frame>,
    LookBack => Box<Frame>,
    TakeApart => Box<ToySad>,
    Files => Vec<File>,
    Whole => Box<Outcome>,
    Bench => Box<Worked>,
    Cloud => CloudPiece,
}

/// The answer to [`Cloud`]; its draws travel beside it, four numbers each: ‖E‖₂, sin∠(u₁, x₁), A and the kind's index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudPiece;

/// One step of a run, with what was recorded since the last one. The snapshot's arrays travel beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The toy at this step.
    pub snapshot: Snapshot,
    /// Measures of the run as far as it went; after the last step, losses are means over unseen batches.
    pub outcome: Outcome,
    /// Measures recorded since the last frame.
    pub points: Vec<Point>,
    /// Steps since the last frame that can be looked at again.
    pub kept: Vec<usize>,
    /// Whether the run has had all its steps.
    pub done: bool,
}

/// Theorem 1 on two sets of features in D dimensions, and a target of 1 on the first pair of them and 0 on every other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// What the features are drawn from, both sets alike.
    pub kind: FeatureKind,
    /// N, in each set.
    pub n_features: usize,
    /// D.
    pub d_model: usize,
    /// Strength of the kind.
    pub strength: f64,
    /// Seed of the draw.
    pub seed: u32,
    /// Query features that the reader moved: row and new coordinates.
    pub moved: Vec<(usize, Vec<f64>)>,
}

/// The head that Theorem 1 asks for, found in three ways.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worked {
    /// What was asked.
    pub bench: Bench,
    /// Query and key features, `[N, D]` row-major.
    pub features: [Vec<f64>; 2],
    /// Singular values of Ω*, descending.
    pub sigma: Vec<f64>,
    /// `u₁` and `v₁`, `[D]`, turned towards the features.
    pub vectors: [Vec<f64>; 2],
    /// `Σ u₁` and `Σ v₁`, of length one.
    pub unwhitened: [Vec<f64>; 2],
    /// Cosine of the first feature with its singular vector, per side.
    pub cos: [f64; 2],
    /// The same after unwhitening.
    pub cos_unwhitened: [f64; 2],
    /// `‖Ω − Ω*‖_F / ‖Ω*‖_F` of least squares and of gradient descent.
    pub apart: [f64; 2],
    /// Steps that gradient descent took, and the length of its last gradient over the first.
    pub descent: (usize, f64),
    /// How isotropic each side is.
    pub isotropy: [Isotropy; 2],
    /// Smallest cos(x, Σ⁻¹x) over all query features, and their mean.
    pub all: [f64; 2],
}
