//! Layer 3, the paper's toy model, with hand-derived gradients and no platform randomness.
