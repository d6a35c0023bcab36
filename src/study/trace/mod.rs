//! An answer traced back to its circuit: one prompt, one clean run, then the firings of a layer at a time.
//!
//! ```text
//! clean      the prompt run through the model, everything kept that a trace reads
//! question   which answer, against which, under which rules
//! run        the stepper: seeds, then the shares of one layer after the other
//! alone      the model run with the circuit alone, beside random circuits
//! set        every prompt of a set traced
//! consensus  their circuits laid together, beside sets in which heads have no names
//! compare    the circuits of two prompts side by side
//! ends       edges without positions
//! effect     the model run with one edge or one reading changed
//! report     the graph as it leaves the program: JSON with its convention, GraphML, the stamp
//! ```

pub mod alone;
pub mod clean;
pub mod compare;
pub mod consensus;
pub mod effect;
mod ends;
mod graphml;
pub mod question;
pub mod report;
pub mod run;
pub mod set;

pub use alone::{Alone, AloneOptions, AloneRun};
pub use clean::CleanPrompt;
pub use effect::{Changing, Effect, EffectRun};
pub use question::{Question, SeedRule};
pub use report::Report;
pub use run::{TraceRun, Traced};
