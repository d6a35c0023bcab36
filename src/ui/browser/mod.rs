//! What only a browser can do: files in, files out, time, and our own server.

pub mod capture;
pub mod drop;
pub mod export;
pub mod fetch;
pub mod kept;
pub mod remote;
pub mod time;
