//! Small controls that more than one page uses.

pub mod asked;
pub mod glossary;
pub mod head_grid;
pub mod head_table;
pub mod header;
mod kept;
mod listed;
pub mod loading;
mod named;
pub mod notices;
pub mod python;
pub mod qr;
mod recent;
pub mod select;
pub mod theme;
pub mod typed;
