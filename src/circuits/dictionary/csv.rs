//! The reader's own vectors as text: one feature per line, with or without a column of labels and a line of headings.
//!
//! Commas, semicolons or tabs; quoted cells; labels in any script, in UTF-8. A table is parsed into memory, so its size is capped.

use super::DictionaryError;
use crate::checkpoint::ByteSource;

/// The largest table that is parsed.
const LARGEST: u64 = 256 << 20;

/// Headings that mark the column of labels.
const LABEL_HEADINGS: [&str; 6] = ["label", "name", "token", "feature", "word", "id"];

/// A parsed table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// `[n, d]`, row-major.
    pub(super) rows: Vec<f32>,
    /// One per row, if there is a column of labels.
    pub(super) labels: Option<Vec<String>>,
}

/// One line's cells, how many it has, and where it began. Cells beyond what a feature can have are counted and not kept.
struct Record {
    line: usize,
    cells: Vec<String>,
    n_cells: usize,
}

/// Parses a table whose features have `d` components.
///
/// # Errors
/// [`DictionaryError::Csv`] with the line: not UTF-8, a wrong number of cells, a cell that is no number.
pub(super) fn parse(source: &dyn ByteSource, d: usize) -> Result<Table, DictionaryError> {
    let (file, size) = (source.name(), source.size());
    if size > LARGEST {
        return Err(DictionaryError::TooLarge { file: file.to_owned(), size, cap: LARGEST });
    }
    let refuse =
        |line: usize, reason: String| DictionaryError::Csv { file: file.to_owned(), line, reason };
    let bytes = source.read(0..size)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
        refuse(line, "the text is not UTF-8: save it with that encoding".to_owned())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut records = Records::new(text, d + 1);
    let Some(first) = records.next() else { return Err(refuse(1, "the file is empty".to_owned())) };
    let first = first.map_err(|line| refuse(line, "a quoted cell is never closed".to_owned()))?;
    let has_labels = match first.n_cells {
        n if n == d => false,
        n if n == d + 1 => true,
        n => {
            return Err(refuse(
                first.line,
                format!("{n} cells, but a feature has {d} components (and one label, if you like)"),
            ));
        }
    };
    let headed = is_heading(&first.cells, d);
    let mut label_column =
        has_labels.then(|| headed.then(|| heading_column(&first.cells)).flatten()).flatten();
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    let head = (!headed).then_some(Ok(first));
    for record in head.into_iter().chain(records) {
        let record =
            record.map_err(|line| refuse(line, "a quoted cell is never closed".to_owned()))?;
        let expected = d + usize::from(has_labels);
        if record.n_cells != expected {
            let found = record.n_cells;
            return Err(refuse(
                record.line,
                format!("{found} cells, the lines before have {expected}"),
            ));
        }
        let text_column =
            || record.cells.iter().position(|cell| number(cell).is_none()).unwrap_or(0);
        if has_labels && label_column.is_none() {
            label_column = Some(text_column());
        }
        for (column, cell) in record.cells.iter().enumerate() {
            if Some(column) == label_column {
                labels.push(cell.clone());
                continue;
            }
            let value = number(cell);
            rows.push(value.ok_or_else(|| {
                refuse(
                    record.line,
                    format!("cell {} is {:?}, which is no number", column + 1, clipped(cell)),
                )
            })?);
        }
    }
    Ok(Table { rows, labels: has_labels.then_some(labels) })
}

fn number(cell: &str) -> Option<f32> {
    cell.trim().parse().ok()
}

fn clipped(cell: &str) -> String {
    cell.chars().take(40).collect()
}

/// A line of headings has text where numbers belong, or just numbers the columns.
fn is_heading(cells: &[String], d: usize) -> bool {
    let texts = cells.iter().filter(|cell| number(cell).is_none()).count();
    let counted = cells[cells.len() - d..].iter().enumerate();
    let numbered =
        |from: usize| counted.clone().all(|(i, cell)| cell.trim().parse() == Ok(i + from));
    texts > 1
        || (texts == 1 && cells.len() == d)
        || (texts == 1 && d > 1 && (numbered(0) || numbered(1)))
}

fn heading_column(cells: &[String]) -> Option<usize> {
    cells.iter().position(|cell| LABEL_HEADINGS.contains(&cell.trim().to_lowercase().as_str()))
}

/// Lines split into cells; a quoted cell may hold separators, doubled quotes and line breaks. Empty lines are left out.
struct Records<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    separator: char,
    line: usize,
    /// Cells of a line that are kept.
    most: usize,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, most: usize) -> Self {
        let first = text.lines().next().unwrap_or_default();
        let count = |separator: char| first.matches(separator).count();
        let separator = [',', '\t', ';'].into_iter().max_by_key(|&c| count(c)).unwrap_or(',');
        Self { rest: text.chars().peekable(), separator, line: 1, most }
    }
}

impl Iterator for Records<'_> {
    /// The line on which an unclosed quote began is the error.
    type Item = Result<Record, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.rest.peek().is_some_and(|&c| c == '\n' || c == '\r') {
            self.line += usize::from(self.rest.next() == Some('\n'));
        }
        self.rest.peek()?;
        let line = self.line;
        let (mut cells, mut n_cells) = (Vec::new(), 0);
        let (mut cell, mut quoted) = (String::new(), false);
        let most = self.most;
        let mut keep = |cell: String| {
            n_cells += 1;
            if n_cells <= most {
                cells.push(cell);
            }
            n_cells
        };
        while let Some(c) = self.rest.next() {
            self.line += usize::from(c == '\n');
            match c {
                '"' if quoted && self.rest.peek() == Some(&'"') => {
                    self.rest.next();
                    cell.push('"');
                }
                '"' if quoted || cell.is_empty() => quoted = !quoted,
                '\n' if !quoted => {
                    let n_cells = keep(cell);
                    return Some(Ok(Record { line, cells, n_cells }));
                }
                '\r' if !quoted && self.rest.peek() == Some(&'\n') => {}
                c if c == self.separator && !quoted => {
                    keep(std::mem::take(&mut cell));
                }
                c => cell.push(c),
            }
        }
        if quoted {
            return Some(Err(line));
        }
        let n_cells = keep(cell);
        Some(Ok(Record { line, cells, n_cells }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::MemorySource;

    fn table(text: &str, d: usize) -> Result<Table, String> {
        parse(&MemorySource::new("mine.csv", text.as_bytes().to_vec()), d)
            .map_err(|error| error.to_string())
    }

    fn labels(text: &str, d: usize) -> Vec<String> {
        table(text, d).unwrap().labels.unwrap()
    }

    #[test]
    fn labels_in_any_script_survive_quotes_and_line_ends() {
        let text = "\u{feff}label,x,y\r\n\"Мария, королева\",1,2\r\n日本語,3,4e-1\r\n\"say \"\"hi\"\"\nthere\",-5,6\r\n";
        let found = table(text, 2).unwrap();
        assert_eq!(found.rows, [1.0, 2.0, 3.0, 0.4, -5.0, 6.0]);
        assert_eq!(found.labels.unwrap(), ["Мария, королева", "日本語", "say \"hi\"\nthere"]);
    }

    #[test]
    fn headings_and_label_columns_are_told_from_numbers() {
        assert_eq!(
            table("1,2\n3,4", 2).unwrap(),
            Table { rows: vec![1.0, 2.0, 3.0, 4.0], labels: None }
        );
        assert_eq!(table("a,b\n3,4", 2).unwrap().rows, [3.0, 4.0]);
        assert_eq!(labels(",0,1\n0,5,6\n1,7,8", 2), ["0", "1"]);
        assert_eq!(labels("x;y;word\n1;2;cat\n", 2), ["cat"]);
        assert_eq!(labels("1\t2\tcat\n3\t4\tdog", 2), ["cat", "dog"]);
        assert_eq!(labels("7,1,2\n8,3,4", 2), ["7", "8"]);
    }

    #[test]
    fn ragged_rows_and_words_among_numbers_are_refused_with_their_line() {
        assert!(table("1,2\n\n3,4,5", 2).unwrap_err().contains("line 3: 3 cells"));
        assert!(table("1,2\n3,four", 2).unwrap_err().contains("line 2: cell 2 is \"four\""));
        assert!(table(&",".repeat(1 << 20), 2).unwrap_err().contains("line 1: 1048577 cells"));
        assert!(table(&format!("1,2\n{}", ";,".repeat(9)), 2).unwrap_err().contains("10 cells"));
        assert!(table("1,2,3,4", 2).unwrap_err().contains("line 1: 4 cells"));
        assert!(table("cat,1,2\n\"dog,3,4\n", 2).unwrap_err().contains("line 2: a quoted cell"));
        assert!(table("", 2).unwrap_err().contains("empty"));
        assert!(table("1,nan\n2,", 2).unwrap_err().contains("line 2"));
        assert!(table("1,nan", 2).unwrap().rows[1].is_nan());
        let latin = MemorySource::new("l.csv", b"a,1,2\n\xe9,3,4".to_vec());
        assert!(
            parse(&latin, 2).unwrap_err().to_string().contains("line 2: the text is not UTF-8")
        );
    }
}
