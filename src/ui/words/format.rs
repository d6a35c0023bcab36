//! Numbers as the page writes them: three significant digits, a real minus sign.

/// `x` with three significant digits: `0.0421`, `4.15`, `1 230`, `2.1e-15`.
pub fn three(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return if x.is_nan() { "–".into() } else { "∞".into() };
    }
    // Of the rounded number: 0.9996 is written as 1.00, not as 1.000.
    let rounded: f64 = format!("{:.2e}", x.abs()).parse().unwrap_or(x.abs());
    let magnitude = rounded.log10().floor();
    let text = if (-3.0..6.0).contains(&magnitude) {
        let decimals = (2.0 - magnitude).clamp(0.0, 6.0) as usize;
        format!("{x:.decimals$}")
    } else {
        short_exponent(x)
    };
    text.replace('-', "−").replace("e−", "e-")
}

/// `x` as a power of ten with two digits: `2.1e-15`.
pub fn short_exponent(x: f64) -> String {
    format!("{x:.1e}")
}

/// A share between 0 and 1 as a percentage with at most two digits.
pub fn percent(x: f64) -> String {
    let x = 100.0 * x;
    if x != 0.0 && x.abs() < 1.0 { format!("{x:.1} %") } else { format!("{x:.0} %") }
}

/// Bytes in units of 1000, as file managers count.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut x = n as f64;
    let mut unit = 0;
    while x >= 1000.0 && unit + 1 < UNITS.len() {
        x /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{} {}", three(x), UNITS[unit]) }
}

/// Seconds in words for a progress line: `2 s`, `1 min 20 s`.
pub fn duration(seconds: f64) -> String {
    if seconds < 0.95 {
        return format!("{:.1} s", seconds.max(0.1));
    }
    let s = seconds.round() as u64;
    if s < 60 { format!("{s} s") } else { format!("{} min {} s", s / 60, s % 60) }
}

/// `text` in at most `most` letters.
pub fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// `text` with a capital in front.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A token with its spaces and control characters made visible.
pub fn token(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| match c {
            ' ' => '␣',
            '\n' => '⏎',
            '\t' => '⇥',
            c if c.is_control() => '�',
            c => c,
        })
        .collect();
    if shown.is_empty() { "∅".into() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        for (x, text) in [
            (0.0, "0"),
            (0.04213, "0.0421"),
            (4.1499, "4.15"),
            (-41.52, "−41.5"),
            (1234.4, "1234"),
            (0.9996, "1.00"),
            (-9.996, "−10.0"),
            (999.7, "1000"),
            (2.13e-15, "2.1e-15"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(three(x), text);
        }
    }

    #[test]
    fn spaces_in_tokens_are_visible() {
        assert_eq!(token(" Mary"), "␣Mary");
        assert_eq!(token(""), "∅");
    }

    #[test]
    fn sizes_are_counted_in_thousands() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(90_868_376), "90.9 MB");
    }
}
