//! The patterns of `alpha_pattern`: ends of module names, now and then as simple regular expressions.
//!
//! PEFT matches `(.*\.)?(pattern)$`. Understood here: letters, `.`, `\.`, `.*`, `.+`, `\d`, `\d+`, `^` in front, `$` behind, and
//! `(a|b)` once around choices. That is what files hold; the `regex` crate would cost the page more than the rest of this layer.

/// One thing that a pattern asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Char(char),
    Any,
    Digit,
}

/// Whether `pattern` fits the end of `name`, from a dot on; `None` for a pattern that is not understood.
pub(super) fn fits(pattern: &str, name: &str) -> Option<bool> {
    let (from_start, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let pattern = pattern.strip_suffix('$').unwrap_or(pattern);
    let spelled = alternatives(pattern)?;
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
    let starts: Vec<usize> = if from_start { vec![0] } else { starts.collect() };
    let mut fits = false;
    for pattern in spelled {
        let pieces = pieces(&pattern)?;
        fits |= starts.iter().any(|&at| matches(&pieces, &name[at..]));
    }
    Some(fits)
}

/// `a(b|c)d` as `abd`, `acd`.
fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let Some((before, rest)) = pattern.split_once('(') else {
        return (!pattern.contains([')', '|'])).then(|| vec![pattern.to_owned()]);
    };
    let (choices, after) = rest.split_once(')')?;
    if choices.contains('(')
        || after.contains(['(', ')', '|'])
        || after.starts_with(['*', '+', '?'])
    {
        return None;
    }
    Some(
        choices
            .trim_start_matches("?:")
            .split('|')
            .map(|choice| format!("{before}{choice}{after}"))
            .collect(),
    )
}

/// Each piece, and whether it may repeat: from no time on, from once on, or not.
fn pieces(pattern: &str) -> Option<Vec<(Piece, Option<usize>)>> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let piece = match c {
            '.' => Piece::Any,
            '\\' => match rest.next()? {
                'd' => Piece::Digit,
                c if !c.is_alphanumeric() => Piece::Char(c),
                _ => return None,
            },
            c if c.is_alphanumeric() || "_-".contains(c) => Piece::Char(c),
            _ => return None,
        };
        let least = match rest.peek() {
            Some('*') => Some(0),
            Some('+') => Some(1),
            _ => None,
        };
        if least.is_some() {
            rest.next();
        }
        pieces.push((piece, least));
    }
    Some(pieces)
}

/// Whether `pieces` fit the whole of `text`: the set of pieces reached after each character.
fn matches(pieces: &[(Piece, Option<usize>)], text: &str) -> bool {
    // `reached[i]` after some characters: they fit pieces `..i`.
    let pass = |reached: &mut Vec<bool>| {
        for (i, (_, least)) in pieces.iter().enumerate() {
            if reached[i] && *least == Some(0) {
                reached[i + 1] = true;
            }
        }
    };
    let mut reached = vec![false; pieces.len() + 1];
    reached[0] = true;
    pass(&mut reached);
    for c in text.chars() {
        let mut next = vec![false; pieces.len() + 1];
        for (i, &(piece, least)) in pieces.iter().enumerate() {
            let takes = match piece {
                Piece::Char(own) => own == c,
                Piece::Any => true,
                Piece::Digit => c.is_ascii_digit(),
            };
            // A repeating piece takes another character where it stands; it was passed only if it may be.
            let stands = reached[i] || least.is_some() && reached[i + 1];
            next[i + 1] |= takes && stands;
        }
        reached = next;
        pass(&mut reached);
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_names_fit_from_a_dot_on() {
        let name = "model.layers.11.self_attn.q_proj";
        for (pattern, fit) in [
            ("q_proj", Some(true)),
            ("proj", Some(false)),
            ("layers.1.self_attn.q_proj", Some(false)),
            ("^model.layers.11.self_attn.q_proj", Some(true)),
            ("^layers.11.self_attn.q_proj", Some(false)),
            (".*q_proj$", Some(true)),
            (r"layers\.\d+\.self_attn\.(q|k)_proj", Some(true)),
            (r"layers\.\d\.self_attn\.(q|k)_proj", Some(false)),
            ("self_attn.(v|k)_proj", Some(false)),
            ("layers.[0-9].q", None),
            ("(a", None),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern}");
        }
    }

    #[test]
    fn a_repeat_from_once_on_needs_one() {
        assert_eq!(fits(r"a\d+", "a"), Some(false));
        assert_eq!(fits(r"a\d*", "a"), Some(true));
        assert_eq!(fits(r"a.+b", "axxb"), Some(true));
    }
}
