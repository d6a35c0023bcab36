//! JSON as people's files have it: what Python, editors and hands leave in a `config.json` is read, and said.
//!
//! Strict JSON is read by `serde_json`. Where that refuses, a byte-order mark, UTF-16, trailing commas, comments and Python's
//! `NaN` and `Infinity` are mended first, each with a note; `NaN` and infinities become text, since JSON has no such numbers.

use serde_json::Value;

/// What a file holds, and what had to be mended to read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lenient {
    /// The value.
    pub value: Value,
    /// What was mended, to follow the file's name: "has a trailing comma …".
    pub mended: Vec<String>,
}

/// Reads `bytes` as JSON, leniently.
///
/// # Errors
/// What is wrong and where, to follow the file's name.
pub fn parse(bytes: &[u8]) -> Result<Lenient, String> {
    let mut mended = Vec::new();
    let text = decode(bytes, &mut mended)?;
    let strict = match serde_json::from_str(&text) {
        Ok(value) => return Ok(Lenient { value, mended }),
        Err(error) => error,
    };
    let relaxed = relax(&text, &mut mended);
    match serde_json::from_str(&relaxed) {
        Ok(value) => Ok(Lenient { value, mended }),
        Err(_) => Err(format!("is not JSON ({strict})")),
    }
}

/// The text of a file that may begin with a byte-order mark.
fn decode(bytes: &[u8], mended: &mut Vec<String>) -> Result<String, String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).map_err(|_| "is neither UTF-8 nor UTF-16".to_owned())
    };
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => {
            mended.push("begins with a byte-order mark, which was passed over".to_owned());
            rest
        }
        [0xFF, 0xFE, rest @ ..] => {
            mended.push("is in UTF-16, not in UTF-8".to_owned());
            return wide(rest, u16::from_le_bytes);
        }
        [0xFE, 0xFF, rest @ ..] => {
            mended.push("is in UTF-16, not in UTF-8".to_owned());
            return wide(rest, u16::from_be_bytes);
        }
        rest => rest,
    };
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(format!("is not text (byte {} is not UTF-8)", error.valid_up_to())),
    }
}

/// The words that Python writes and JSON does not know.
const NUMBERS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// `text` without trailing commas and comments, and with Python's numbers as text.
fn relax(text: &str, mended: &mut Vec<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    let mut note = |what: String, said: bool| {
        if said {
            mended.push(what);
        }
    };
    let (mut commas, mut comments, mut numbers) = (0, 0, 0);
    while let Some(c) = rest.chars().next() {
        let place = || place(text, text.len() - rest.len());
        if in_string {
            let step = if c == '\\' {
                rest.chars().take(2).map(char::len_utf8).sum()
            } else {
                c.len_utf8()
            };
            in_string = c != '"';
            out.push_str(&rest[..step]);
            rest = &rest[step..];
        } else if let Some(word) = NUMBERS.into_iter().find(|word| rest.starts_with(word)) {
            numbers += 1;
            note(format!("holds {word} ({}), which is no number of JSON", place()), numbers == 1);
            out.push_str(&format!("\"{word}\""));
            rest = &rest[word.len()..];
        } else if rest.starts_with("//") || rest.starts_with("/*") {
            comments += 1;
            note(
                format!("holds comments (the first in {}), which were passed over", place()),
                comments == 1,
            );
            let end = if rest.starts_with("//") {
                rest.find('\n')
            } else {
                rest.find("*/").map(|at| at + 2)
            };
            rest = &rest[end.unwrap_or(rest.len())..];
        } else if c == ',' && closes(&rest[1..]) {
            commas += 1;
            note(format!("has a trailing comma ({}), which was passed over", place()), commas == 1);
            rest = &rest[1..];
        } else {
            in_string = c == '"';
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// True if the next thing in `rest` closes a list or an object.
fn closes(rest: &str) -> bool {
    rest.trim_start().starts_with(['}', ']'])
}

/// Line and column of a byte, as editors count them.
fn place(text: &str, at: usize) -> String {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("line {line}, column {column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Lenient {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn strict_json_is_read_without_a_word() {
        let file = read(r#"{"a": [1, 2.5, "x, }"], "b": null}"#);
        assert_eq!((file.value["a"][2].as_str(), file.mended.len()), (Some("x, }"), 0));
    }

    #[test]
    fn what_hands_and_python_leave_is_mended_and_said() {
        let file = read(
            "\u{feff}{\n \"a\": [1, 2,],\n \"b\": Infinity, // why\n \"c\": \"a \\\"NaN,}\", }",
        );
        assert_eq!(file.value["a"].as_array().unwrap().len(), 2);
        assert_eq!(file.value["b"], "Infinity");
        assert_eq!(file.value["c"], "a \"NaN,}");
        let said = file.mended.join("; ");
        for word in
            ["byte-order mark", "trailing comma (line 2, column 12)", "Infinity", "comments"]
        {
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn utf_16_is_read_too() {
        let text = "{\"n\": 4}";
        let wide: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(parse(&wide).unwrap().value["n"], 4);
    }

    #[test]
    fn what_cannot_be_mended_says_where_it_breaks() {
        for (text, word) in [("{\"a\": }", "line 1"), ("", "not JSON"), ("{\"a\": 1", "not JSON")] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(parse(b"\xff\xfe\x00\xd8").is_err() && parse(b"\x80").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
