//! The address of everything: a page and what it shows, as the part of the URL behind `#`.

pub mod bench;
pub mod change;
pub mod checkpoint;
pub mod compared;
pub mod key;
pub mod keys;
pub mod lock;
pub mod route;
pub mod said;
pub mod sweep;
pub mod toy;
pub mod trace;
pub mod turns;
