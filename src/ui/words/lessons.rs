//! What the frame of a lesson says: replies to answers that cannot be read, guesses, locks.

use super::format::percent;

/// Nothing was chosen.
pub const CHOOSE: &str = "Choose one of the answers first.";
/// Nothing was written.
pub const EMPTY: &str = "Write a number first, such as 12 or −0.5.";
/// What was written is no number.
pub const UNREAD: &str = "I can read numbers in digits, such as 92 or −4.27, and not this.";
/// A share was written where per cent are asked for.
pub const SHARE: &str =
    "That is the share of one. The question asks for per cent: a hundred times as many.";

/// Files were dropped where opening is locked.
pub const LOCKED: &str = "This view is locked: files are not opened here.";
/// What to do about it.
pub const LOCKED_HINT: &str = "Take `lock=` out of the address to have everything back.";

/// A text that is no progress code.
pub const NO_CODE: &str = "That is no progress code: one looks like 1f-3-0-0-0-0-0-0-d.";
/// A progress code with a slip of the pen.
pub const SLIP: &str = "The letter at the end does not fit the rest: one sign was copied wrongly.";

/// What a progress code says of each lesson: how many answered of how many.
pub fn progress(answered: &[(usize, usize)]) -> String {
    let lessons = answered.iter().enumerate().filter(|(_, (done, _))| *done > 0);
    let parts: Vec<String> =
        lessons.map(|(i, (done, of))| format!("lesson {}: {done} of {of}", i + 1)).collect();
    if parts.is_empty() {
        "Nothing is answered yet.".into()
    } else {
        format!("Answered: {}.", parts.join(", "))
    }
}

/// What the arcs show.
pub fn arcs(looks: &str, most: Option<(&str, f64)>, head: &str) -> String {
    match most {
        Some((word, share)) => format!(
            "{head}: where “{looks}” looks. Most of all at “{word}”, with {} of its attention. Pick another word to let it look.",
            percent(share)
        ),
        None => format!("{head}: “{looks}” sees itself alone. Pick another word to let it look."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_said_lesson_by_lesson() {
        assert_eq!(progress(&[(0, 5), (2, 6)]), "Answered: lesson 2: 2 of 6.");
        assert!(progress(&[(0, 5)]).starts_with("Nothing"));
    }

    #[test]
    fn the_arcs_name_the_word_that_is_looked_at_most() {
        assert!(arcs("to", Some(("John", 0.92)), "L1H3").contains("at “John”, with 92 %"));
        assert!(arcs("When", None, "L1H3").contains("sees itself alone"));
    }
}
