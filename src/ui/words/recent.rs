//! What is said of files that were opened before.

use super::format::bytes;
use crate::protocol::Failure;

/// Names of an entry that are told.
const NAMES: usize = 4;

/// What the list is.
pub const RECENT: &str = "Names, sizes and dates lie in this browser alone, ten at most, and nothing leaves the machine. Where the browser can lead \
    back to the files, it asks you before the page reads them again; elsewhere the names say what to look for.";

/// The list's title.
pub fn title(entries: usize) -> String {
    format!("opened before ({entries})")
}

/// What an entry is made of and when it was opened, after its name.
pub fn made_of(named: &str, names: &[String], taken: u64, date: &str, askable: bool) -> String {
    let told = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let files = if told == named { String::new() } else { format!("{told}{more}, ") };
    let look = if askable { "" } else { "; look for it where you keep your files" };
    format!(" ({files}{}, {date}{look}) ", bytes(taken))
}

/// Said where the reader does not let the page read.
pub fn refused(named: &str) -> Failure {
    Failure::new(format!("“{named}” is not opened: the browser was not allowed to read it."))
        .try_this("Click it again and allow it, or drop the files.")
}

/// Said where the files are not there any more.
pub fn gone(named: &str, why: &str) -> Failure {
    Failure::new(format!("“{named}” cannot be read again: {why}.")).try_this(
        "It may have been moved or deleted: drop it from where it lies now, or forget it here.",
    )
}

/// Said where the browser's choice of files fails.
pub fn no_choice(why: &str) -> Failure {
    Failure::new(format!("The browser offers no choice of files: {why}."))
        .try_this("Drop the files anywhere on the page.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_what_to_look_for_and_no_name_twice() {
        let one = ["model.safetensors".to_owned()];
        assert_eq!(made_of(&one[0], &one, 665, "1/2/2026", true), " (665 B, 1/2/2026) ");
        let many: Vec<String> = (0..6).map(|i| format!("{i}.safetensors")).collect();
        let said = made_of("0.safetensors", &many, 1000, "1/2/2026", false);
        assert!(
            said.contains("3.safetensors and 2 more, 1.00 kB, 1/2/2026; look for it"),
            "{said}"
        );
    }
}
