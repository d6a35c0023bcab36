//! Layer 5, the engine: CPU or GPU behind one set of functions; the only part that knows there are two.
