//! Checkpoints that lie elsewhere: named on a hub, at an address, or in a folder beside the page, and read in pieces.
//!
//! Nothing here knows a network: names are read ([`reference`]), addresses made and listings understood ([`hub`], [`folder`]), hosts
//! allowed ([`hosts`]), and what comes back is judged, asked for again or refused in words ([`source`]).

pub mod folder;
pub mod hosts;
pub mod hub;
pub mod reference;
pub mod source;
