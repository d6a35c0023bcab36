//! The address of everything: a page and what it shows, as the part of the URL behind `#`.

pub mod bench;
pub mod lock;
pub mod route;
pub mod toy;
