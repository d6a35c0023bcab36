//! The numbers behind a picture: rounded for readers, whole in files.

use super::format::three;
use crate::checkpoint::quoting::comment;
use crate::study::stamp::Stamp;

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// How many, or which.
    Count(u64),
    /// A measure; three digits on the page, all of them in files.
    Number(f64),
    /// A measure that was computed or sent in `f32`.
    Single(f32),
    /// Nothing is known.
    Empty,
}

impl Cell {
    /// As the reader sees it.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(n) => n.to_string(),
            Self::Number(x) => three(*x),
            Self::Single(x) => three(f64::from(*x)),
            Self::Empty => String::new(),
        }
    }

    /// The number to its last digit, where this is a measure.
    pub fn exact(&self) -> Option<String> {
        matches!(self, Self::Number(_) | Self::Single(_)).then(|| self.csv())
    }

    /// As a field of a CSV file (RFC 4180): numbers to their last digit; words quoted where they must be, and with a quotation
    /// mark in front where a spreadsheet would take them for a formula.
    fn csv(&self) -> String {
        match self {
            Self::Text(text) => {
                let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
                let text = if formula { format!("'{text}") } else { text.clone() };
                if text.contains([',', '"', '\n', '\r']) {
                    format!("\"{}\"", text.replace('"', "\"\""))
                } else {
                    text
                }
            }
            Self::Count(n) => n.to_string(),
            Self::Number(x) if x.is_nan() => "nan".to_owned(),
            Self::Single(x) if x.is_nan() => "nan".to_owned(),
            Self::Number(x) if exponent(*x) => format!("{x:e}"),
            Self::Number(x) => x.to_string(),
            Self::Single(x) if exponent(f64::from(*x)) => format!("{x:e}"),
            Self::Single(x) => x.to_string(),
            Self::Empty => String::new(),
        }
    }
}

/// Whether a number is better read with an exponent.
fn exponent(x: f64) -> bool {
    x.is_finite() && x != 0.0 && !(1e-5..1e16).contains(&x.abs())
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Cell {
    fn from(n: usize) -> Self {
        Self::Count(n as u64)
    }
}

impl From<f64> for Cell {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<f32> for Cell {
    fn from(x: f32) -> Self {
        Self::Single(x)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

/// The numbers behind a chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Column names, with units.
    pub header: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these columns.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// This table with one more row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// The table as comma-separated values (RFC 4180), its stamp in front.
    pub fn csv(&self, stamp: &Stamp) -> String {
        let line = |cells: &[Cell]| cells.iter().map(Cell::csv).collect::<Vec<_>>().join(",");
        let header: Vec<Cell> = self.header.iter().map(|name| name.as_str().into()).collect();
        let stamped = stamp.lines().into_iter().map(|line| format!("# {}", comment(&line)));
        let lines: Vec<String> =
            stamped.chain([line(&header)]).chain(self.rows.iter().map(|row| line(row))).collect();
        lines.join("\r\n") + "\r\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_every_digit_and_no_formula() {
        let table = Table::new(["a", "=b"])
            .row(["@cmd".into(), 0.1_f64.into()])
            .row(["−1, \"x\"\r".into(), 0.1_f32.into()])
            .row(["-2".into(), (-2.5_f64).into()])
            .row([3_usize.into(), 1.234_567_890_123_4e-9_f64.into()])
            .row([Cell::Empty, f64::NAN.into()]);
        let csv = table.csv(&Stamp::new("a\nmodel", &[1]));
        let lines: Vec<&str> = csv.split("\r\n").collect();
        assert!(lines[0].starts_with("# a model · omega-lens ") && lines[1] == "# [1]", "{csv}");
        assert_eq!(
            lines[2..],
            [
                "a,'=b",
                "'@cmd,0.1",
                "\"−1, \"\"x\"\"\r\",0.1",
                "'-2,-2.5",
                "3,1.2345678901234e-9",
                ",nan",
                ""
            ]
        );
        assert_eq!(table.rows[3][1].shown(), "1.2e-9");
    }
}
