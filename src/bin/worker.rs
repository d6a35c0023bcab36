//! A worker of the page.

fn main() {}
