//! Layer 2, models: tensors to transformers.
