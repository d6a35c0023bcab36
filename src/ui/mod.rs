//! Layer 7, the page.
