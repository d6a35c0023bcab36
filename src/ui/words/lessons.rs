//! What is said to files that are dropped where a lesson's lock forbids it, and where a text does not come.

/// Files were dropped where opening is locked.
pub const LOCKED: &str = "This view is locked: files are not opened here.";
/// What to do about it.
pub const LOCKED_HINT: &str = "Take `lock=` out of the address to have everything back.";

/// A text that lies beside the page does not come.
pub fn no_text(why: &str) -> String {
    format!(
        "This text could not be fetched ({why}). Everything else works; reload the page to try again."
    )
}
