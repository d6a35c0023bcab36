//! Layer 4, the studies: what is computed for one question, whoever asks it.
//!
//! Two doors open on every study. The page's engine adds memory and telling; the command line adds arguments, threads and
//! printing. Neither decides anything that changes a number:
//! `tests/two_doors.rs` asks both the same questions and compares all that they say.
//!
//! A study of many parts is a stepper: `new`, `step` (or an iterator) for one part, `finish`. The caller owns the loop, so
//! progress, cancelling and sharing out come free. What is one part by itself, such as a cell, a head's spectra or an answer's
//! shares, is a plain function. What a study needs that costs time to make (a surveyed dictionary, a head's basis,
//! a prompt's traces) is handed in, so that whoever asks decides what to keep.

pub mod alignment;
pub mod attribution;
pub mod cell;
pub mod change;
pub mod channels;
pub mod compare;
pub mod dictionary;
pub mod distance;
pub mod error;
pub mod input;
pub mod lone_adapter;
pub mod looks;
pub mod pairs;
pub mod positions;
pub mod prompt;
pub mod prompt_set;
pub mod python;
mod ran;
pub mod spectra;
pub mod stamp;
pub mod toy;
pub mod trace;
pub mod vectors;

pub use error::StudyError;
