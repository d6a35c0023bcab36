//! The command line: the same core, native.

fn main() {}
