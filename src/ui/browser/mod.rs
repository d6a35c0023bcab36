//! What only a browser can do: files in, files out, time, the reader's language, and our own server.

pub mod capture;
pub mod drop;
pub mod export;
pub mod fetch;
pub mod kept;
pub mod language;
pub mod recent;
pub mod remote;
mod script;
pub mod time;
