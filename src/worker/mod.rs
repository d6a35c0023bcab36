//! Layer 6, workers: the protocol with the page, transport, serving.
