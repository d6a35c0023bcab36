//! What is said to files that are dropped where a lesson's lock forbids it.

/// Files were dropped where opening is locked.
pub const LOCKED: &str = "This view is locked: files are not opened here.";
/// What to do about it.
pub const LOCKED_HINT: &str = "Take `lock=` out of the address to have everything back.";
