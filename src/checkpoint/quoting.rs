//! Names from files inside code that a reader pastes, and inside addresses: as Python literals, as one POSIX shell word, as a comment, as the
//! text of XML, and percent-encoded.
//!
//! A checkpoint's names are anybody's text. None of them may end the literal, the word or the line that it stands in.

use std::fmt::Write;

/// `text` as a Python string literal, in ASCII.
///
/// ```
/// use omega_lens::checkpoint::quoting::python;
/// assert_eq!(python("h.0.\"e\u{301}\n"), r#""h.0.\"e\u0301\n""#);
/// ```
pub fn python(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '"' | '\\' => write!(literal, "\\{c}"),
            '\n' => write!(literal, "\\n"),
            ' '..='~' => write!(literal, "{c}"),
            '\0'..='\u{ff}' => write!(literal, "\\x{:02x}", u32::from(c)),
            '\0'..='\u{ffff}' => write!(literal, "\\u{:04x}", u32::from(c)),
            _ => write!(literal, "\\U{:08x}", u32::from(c)),
        };
    }
    literal + "\""
}

/// `text` as one word of a POSIX shell, whatever is in it.
///
/// ```
/// use omega_lens::checkpoint::quoting::shell;
/// assert_eq!(shell("x';touch pwned;'.bin"), r"'x'\'';touch pwned;'\''.bin'");
/// ```
pub fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `text` on one line, for a comment: what could end the line, or hide what stands in it, becomes a space.
pub fn comment(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { ' ' } else { c }).collect()
}

/// `text` inside XML; characters that XML does not have are left out.
pub fn xml(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `text` percent-encoded, but for the bytes that `keep` leaves as they are.
pub fn percent_encoded(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_literal_it_stands_in() {
        for (name, literal) in [
            ("wte.weight", "\"wte.weight\""),
            ("a\\", "\"a\\\\\""),
            ("\"); import os  # ", "\"\\\"); import os  # \""),
            ("é\u{1F600}\r", "\"\\xe9\\U0001f600\\x0d\""),
        ] {
            assert_eq!(python(name), literal);
        }
        assert_eq!(xml("a<b>\u{0}&\n"), "a&lt;b&gt;&amp;\n");
        assert_eq!(comment("a\nb\u{2028}c\u{202e}d"), "a b c d");
    }
}
