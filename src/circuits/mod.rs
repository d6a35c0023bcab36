//! Layer 3, circuits: Ω and OV, and what their singular vectors mean.

pub mod null;
