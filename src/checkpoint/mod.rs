//! Layer 1, checkpoints: bytes to tensors, never the whole file in memory.
//!
//! The order of things: read the first bytes of each file and parse the header; gather the files into a
//! checkpoint; then read exactly the tensors, or the rows of a tensor, that a question needs.
