//! What a reader pinned, with notes: kept while the page is open, saved as one file and opened again, written out as a report.

use serde::{Deserialize, Serialize};

use crate::checkpoint::quoting::percent_encoded;
use crate::ui::words::notebook as words;

/// The form of the file; a later one is refused in words.
const VERSION: u32 = 1;

/// Most pins, figures of a pin, and bytes of a text or of a picture: a notebook is read by people.
const LIMITS: [usize; 4] = [200, 12, 20_000, 4_000_000];

/// One view that was pinned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pin {
    /// Names it within its notebook.
    #[serde(skip)]
    pub id: u32,
    /// Where it was: "model › L1H2 › QK › k = 3".
    pub title: String,
    /// The address that shows it again, from `#`.
    pub address: String,
    /// What the page said of it.
    #[serde(default)]
    pub said: Vec<String>,
    /// What the reader says of it.
    #[serde(default)]
    pub note: String,
    /// Its pictures.
    #[serde(default)]
    pub figures: Vec<PinnedFigure>,
    /// The same in Python.
    #[serde(default)]
    pub python: String,
}

/// A picture as it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PinnedFigure {
    /// What it shows.
    pub caption: String,
    /// Where its numbers come from.
    pub convention: String,
    /// The colour of the page that it was drawn for, as the browser says it.
    #[serde(default)]
    pub ground: String,
    /// The picture, an `svg` that stands alone.
    pub svg: String,
}

/// All pins, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notebook {
    /// The pins.
    pub pins: Vec<Pin>,
    next: u32,
}

#[derive(Serialize, Deserialize)]
struct File {
    omega_lens_notebook: u32,
    pins: Vec<Pin>,
}

impl Notebook {
    /// Adds a pin, and says whether there was room for it.
    pub fn pin(&mut self, pin: Pin) -> bool {
        if self.pins.len() >= LIMITS[0] {
            return false;
        }
        self.next += 1;
        self.pins.push(Pin { id: self.next, ..pin });
        true
    }

    /// Takes a pin away.
    pub fn unpin(&mut self, id: u32) {
        self.pins.retain(|pin| pin.id != id);
    }

    /// What the reader says of a pin.
    pub fn note(&mut self, id: u32, note: String) {
        if let Some(pin) = self.pins.iter_mut().find(|pin| pin.id == id) {
            pin.note = note.chars().take(LIMITS[2]).collect();
        }
    }

    /// The notebook as a file.
    pub fn file(&self) -> String {
        let file = File { omega_lens_notebook: VERSION, pins: self.pins.clone() };
        // Plain values always have a JSON form.
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Reads what [`Notebook::file`] wrote.
    ///
    /// # Errors
    /// Why it is no notebook, in words.
    pub fn of_file(bytes: &[u8]) -> Result<Self, String> {
        let file: File =
            serde_json::from_slice(bytes).map_err(|_| words::NO_NOTEBOOK.to_owned())?;
        if file.omega_lens_notebook > VERSION {
            return Err(words::LATER.into());
        }
        let [pins, figures, text, picture] = LIMITS;
        let mut notebook = Self::default();
        for mut pin in file.pins.into_iter().take(pins) {
            // An address leads into this page and nowhere else.
            if !pin.address.starts_with("#/") {
                return Err(words::NO_NOTEBOOK.into());
            }
            pin.figures
                .retain(|figure| figure.svg.starts_with("<svg") && figure.svg.len() <= picture);
            pin.figures.truncate(figures);
            pin.note = pin.note.chars().take(text).collect();
            notebook.pin(pin);
        }
        Ok(notebook)
    }

    /// Everything as one page that stands alone and prints; `address` is the page's own, without `#`.
    pub fn report(&self, address: &str) -> String {
        let mut out = words::REPORT_HEAD.to_owned();
        for pin in &self.pins {
            let link = escaped(&format!("{address}{}", pin.address));
            out += &format!("<section><h2>{}</h2>", escaped(&pin.title));
            if !pin.note.is_empty() {
                let lines = pin.note.lines().map(escaped).collect::<Vec<_>>().join("<br>");
                out += &format!("<p class=\"note\">{lines}</p>");
            }
            for said in &pin.said {
                out += &format!("<p>{}</p>", escaped(said));
            }
            for figure in &pin.figures {
                out += &format!(
                    "<figure><figcaption>{}</figcaption><img style=\"{}\" alt=\"{}\" src=\"{}\"><p class=\"convention\">{}</p></figure>",
                    escaped(&figure.caption),
                    figure.style(),
                    escaped(&figure.caption),
                    figure.source(),
                    escaped(&figure.convention)
                );
            }
            if !pin.python.is_empty() {
                out += &format!("<pre>{}</pre>", escaped(&pin.python));
            }
            out += &format!("<p class=\"address\"><a href=\"{link}\">{link}</a></p></section>");
        }
        out + &words::report_foot(env!("CARGO_PKG_VERSION")) + "</body></html>\n"
    }
}

impl PinnedFigure {
    /// The ground that its colours were chosen for; nothing where what a file says is no colour.
    pub fn style(&self) -> String {
        let inside = self.ground.strip_prefix("rgb(").and_then(|rest| rest.strip_suffix(')'));
        let is_colour = inside
            .is_some_and(|inside| inside.chars().all(|c| c.is_ascii_digit() || ", ".contains(c)));
        if is_colour { format!("background: {}", self.ground) } else { String::new() }
    }

    /// The picture as the source of an image: what is in it can be looked at and cannot run.
    pub fn source(&self) -> String {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b" .-_/=:;,()".contains(&byte);
        format!("data:image/svg+xml;charset=utf-8,{}", percent_encoded(&self.svg, keep))
    }
}

/// Text inside HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin() -> Pin {
        let figure = PinnedFigure {
            caption: "Singular values".into(),
            convention: "folded".into(),
            ground: "rgb(20, 24, 29)".into(),
            svg: "<svg><text>σ & \"</text></svg>".into(),
        };
        Pin {
            title: "built-in › L1H3".into(),
            address: "#/heads?layer=1&head=3".into(),
            said: vec!["k = 0 <b>".into()],
            figures: vec![figure],
            python: "a < b".into(),
            ..Pin::default()
        }
    }

    #[test]
    fn a_notebook_is_what_was_saved() {
        let mut notebook = Notebook::default();
        assert!(notebook.pin(pin()) && notebook.pin(Pin { title: "second".into(), ..pin() }));
        notebook.note(2, "note\n<script>".into());
        let again = Notebook::of_file(notebook.file().as_bytes()).unwrap();
        assert_eq!(again, notebook);
        let mut again = again;
        again.unpin(1);
        assert_eq!(again.pins.len(), 1);
        assert!(again.pin(pin()) && again.pins[1].id == 3, "a number is given once");
    }

    #[test]
    fn a_file_of_another_kind_or_from_later_is_refused_in_words() {
        for text in
            ["", "{}", "[]", "{\"pins\": []}", "{\"omega_lens_notebook\": 1, \"pins\": [{}]}"]
        {
            assert!(Notebook::of_file(text.as_bytes()).is_err(), "{text}");
        }
        let later = "{\"omega_lens_notebook\": 9, \"pins\": []}";
        assert_eq!(Notebook::of_file(later.as_bytes()).unwrap_err(), words::LATER);
        let mut away = Notebook::default();
        away.pin(Pin { address: "https://evil.example/".into(), ..pin() });
        assert!(Notebook::of_file(away.file().as_bytes()).is_err());
        let mut many = Notebook::default();
        assert_eq!((0..300).filter(|_| many.pin(pin())).count(), 200);
    }

    #[test]
    fn nothing_in_a_report_can_run() {
        let mut notebook = Notebook::default();
        notebook.pin(Pin {
            title: "<script>alert(1)</script>".into(),
            note: "\"><img onerror=x>".into(),
            ..pin()
        });
        let report = notebook.report("https://page.example/omega/");
        assert!(
            !report.contains("<script")
                && !report.contains("<img onerror")
                && !report.contains("<text>")
        );
        assert!(
            report.contains("&lt;script&gt;")
                && report.contains("k = 0 &lt;b&gt;")
                && report.contains("a &lt; b")
        );
        assert!(report.contains("href=\"https://page.example/omega/#/heads?layer=1&amp;head=3\""));
        assert!(report.contains("%3Csvg%3E%3Ctext%3E%CF%83 %26 %22"), "{report}");
        assert!(report.contains("style=\"background: rgb(20, 24, 29)\""));
        let hostile =
            PinnedFigure { ground: "rgb(0);x:url(//a)".into(), ..PinnedFigure::default() };
        assert_eq!(hostile.style(), "");
        assert!(report.starts_with("<!doctype html>") && report.trim_end().ends_with("</html>"));
    }
}
