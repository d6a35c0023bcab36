//! An answer traced back to its circuit: one prompt, one clean run, then the firings of a layer at a time.
//!
//! ```text
//! clean      the prompt run through the model, everything kept that a trace reads
//! question   which answer, against which, under which rules
//! run        the stepper: seeds, then the shares of one layer after the other
//! ```

pub mod clean;
pub mod question;
pub mod run;

pub use clean::CleanPrompt;
pub use question::{Question, SeedRule};
pub use run::{TraceRun, Traced};
