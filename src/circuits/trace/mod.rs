//! From an answer to its circuit: which components carry it, which heads moved them there, and why those heads looked where they did.
//!
//! A *firing* is a head that attends from a destination to one source. Its scores split exactly into *cells*: what each component
//! of the stream contributes through each singular vector of the head, at the query or at the keys. Cells are zeroed in a fixed
//! order until the attention is gone; the components they belong to are the firing's edges, and those that are heads are
//! firings themselves. Everything is frozen at its value in one clean run: nothing is rerun.
//!
//! ```text
//! seeds      the components of the last stream that carry the answer
//! layer      the firings of one layer: a head's images of all writers, then its cells
//! tracer     from the seeds down, layer by layer
//! edge       one edge by itself: what it adds to scores
//! reader     one head by itself: what any vector of the stream adds to its scores
//! directions its singular vectors beside as many random directions
//! rows       what a rerun of the model keeps of a circuit
//! attribution what every component adds to the answer's logit, circuit or not
//! written    what a head writes by reading one token, by singular pairs of its OV
//! ```
//! In the spaces of the heads: a cell costs `d_head` numbers, not `d_model`, ordering needs no cell at every key, and memory is that
//! of one layer. Weaknesses: only why a head attends is traced, not what it moves, and nothing through an MLP.
//!
//! # Source
//! Franco, Loughridge and Crovella, ACC++, arXiv:2602.13483, and their program accpp-tracer 0.3.0, which rule
//! [`Rule::Accpp`](options::Rule) meets cell by cell (`tests/trace.rs`). Differs: a destination that sees two tokens is not traced at
//! the default scale (threshold 1); soft-caps, ALiBi, windows, rotary in adjacent pairs, norms of queries and keys, models that
//! see both ways and norms of the whole stream are taken as the model has them.

pub mod attribution;
pub mod directions;
pub mod edge;
mod firing;
pub mod graph;
mod head;
mod images;
pub mod jitter;
pub mod layer;
pub mod options;
pub mod reader;
pub mod rows;
pub mod run;
pub mod seeds;
pub mod tracer;
mod walk;
pub mod writers;
pub mod written;

pub use graph::{Circuit, Firing, Node, Side};
pub use options::{Objective, Rule, TraceOptions};
pub use run::CleanRun;
