//! The text format of a lesson, and its reader.
//!
//! ```text
//! title: Ω and its SVD
//! minutes: 9
//! about: One sentence for the list of lessons.
//!
//! ## The title of a step
//!
//! Prose in Markdown. Formulae stand between dollar signs, and [a word](gloss:omega) opens its entry in the glossary.
//!
//! ~~~scene
//! #/heads?head=1&layer=0
//! show: spectrum, head-grid
//! slide: What a slide of this step says, in a sentence.
//! predict: What is guessed before the pictures open? | a wrong guess | + the right one
//! seen: What there is to see, said to every guess.
//! ~~~
//!
//! ~~~question
//! choose: What is asked?
//! - a wrong answer | what is said to it
//! + the right one | what is said to it
//! ~~~
//! ```
//!
//! Fences are three backticks in the files; `predict` may be missing. Where the reader has to do something before there is
//! anything to see, `found` stands in place of `seen`, and is said once the question is answered. The other two questions are
//!
//! ```text
//! number: What is asked?            do: What is to be done.
//! answer: 0.61 ± 0.01               goal: #/heads?head=1&layer=0
//! right: what is said               right: what is said
//! hint: what is said otherwise      hint: what is said before
//! ```

use super::question::{Choice, Question, Says};
use super::stage::{self, Picture};
use crate::ui::address::route::Route;

/// A lesson.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// Its title.
    pub title: String,
    /// How long it takes.
    pub minutes: u32,
    /// What it is about, in a sentence.
    pub about: String,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// A step: words, scene, question.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its title.
    pub title: String,
    /// Markdown.
    pub prose: String,
    /// The address that sets the scene.
    pub scene: Route,
    /// What of the page is shown beside the words.
    pub stage: Vec<Picture>,
    /// What the step says on a slide.
    pub slide: String,
    /// What is guessed before the stage opens.
    pub predict: Option<Prediction>,
    /// What is asked.
    pub question: Question,
}

/// What is guessed before the pictures of a step open, and what is said to the guess.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// What is to be guessed.
    pub ask: String,
    /// The guesses to choose from.
    pub guesses: Vec<String>,
    /// Which of them is what comes out.
    pub right: usize,
    /// What there is to see.
    pub says: String,
    /// Whether it is seen as soon as the pictures open, and not only once the question is answered.
    pub at_once: bool,
}

/// Why a text is not a lesson.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LessonError {
    /// A line that every lesson, step or question has is missing.
    #[error("{place}: no {what}")]
    Missing {
        /// Which step.
        place: String,
        /// What is missing.
        what: &'static str,
    },
    /// A value cannot be read.
    #[error("{place}: cannot read {what} in “{text}”")]
    Unreadable {
        /// Which step.
        place: String,
        /// What should be there.
        what: &'static str,
        /// What is there.
        text: String,
    },
}

/// Reads a lesson.
///
/// # Errors
/// [`LessonError`] names the step and what it lacks.
pub fn lesson(text: &str) -> Result<Lesson, LessonError> {
    let mut sections = text.split("\n## ");
    let head = Fields { place: "the first lines", text: sections.next().unwrap_or_default() };
    let steps = sections.map(step).collect::<Result<Vec<_>, _>>()?;
    if steps.is_empty() {
        return Err(missing(head.place, "step"));
    }
    let minutes = head.need("minutes")?;
    let minutes = minutes.parse().map_err(|_| unreadable(head.place, "minutes", minutes))?;
    Ok(Lesson {
        title: head.need("title")?.to_owned(),
        minutes,
        about: head.need("about")?.to_owned(),
        steps,
    })
}

fn step(section: &str) -> Result<Step, LessonError> {
    let (title, body) = section.split_once('\n').unwrap_or((section, ""));
    let title = title.trim();
    let (prose, scene) = cut(body, "scene").ok_or_else(|| missing(title, "scene"))?;
    let (prose, block) = cut(&prose, "question").ok_or_else(|| missing(title, "question"))?;
    let (hash, _) = scene.trim().split_once('\n').unwrap_or((scene.trim(), ""));
    let fields = Fields { place: title, text: &scene };
    let scene = address(title, hash.trim())?;
    let stage = stage::parse(fields.need("show")?);
    let stage = stage.map_err(|name| unreadable(title, "a picture", &name))?;
    if let Some(other) = stage.iter().find(|picture| picture.page() != scene.page) {
        return Err(unreadable(title, "a picture of this page", other.name()));
    }
    let predict = fields.get("predict").map(|text| prediction(&fields, text)).transpose()?;
    Ok(Step {
        title: title.to_owned(),
        prose: prose.trim().to_owned(),
        scene,
        stage,
        slide: fields.need("slide")?.to_owned(),
        predict,
        question: question(title, &block)?,
    })
}

fn prediction(fields: &Fields<'_>, text: &str) -> Result<Prediction, LessonError> {
    let mut guesses: Vec<String> = text.split(" | ").map(str::to_owned).collect();
    let ask = guesses.remove(0);
    let marked = |guess: &String| guess.starts_with("+ ");
    let right = guesses.iter().position(marked).filter(|_| guesses.len() > 1);
    let right = right.ok_or_else(|| missing(fields.place, "two guesses of which one is right"))?;
    guesses[right].drain(..2);
    if guesses.iter().any(marked) {
        return Err(missing(fields.place, "two guesses of which one is right"));
    }
    let seen = fields.get("seen");
    let says = seen.map_or_else(|| fields.need("found"), Ok)?.to_owned();
    Ok(Prediction { ask, guesses, right, says, at_once: seen.is_some() })
}

/// Takes the fenced block `name` out of `text`: what is left, and what was in it.
fn cut(text: &str, name: &str) -> Option<(String, String)> {
    let open = format!("```{name}\n");
    let start = text.find(&open)?;
    let inside = &text[start + open.len()..];
    let end = inside.find("```")?;
    let rest = format!("{}{}", &text[..start], &inside[end + 3..]);
    Some((rest, inside[..end].to_owned()))
}

/// An address that says the same when it is written again, so that a slip of the pen does not open another page.
fn address(place: &str, text: &str) -> Result<Route, LessonError> {
    let route = Route::parse(text);
    if route.to_hash() == text { Ok(route) } else { Err(unreadable(place, "an address", text)) }
}

fn question(place: &str, block: &str) -> Result<Question, LessonError> {
    let fields = Fields { place, text: block };
    let says = || -> Result<Says, LessonError> {
        Ok(Says { right: fields.need("right")?.to_owned(), hint: fields.need("hint")?.to_owned() })
    };
    if let Some(ask) = fields.get("choose") {
        let options = block
            .lines()
            .filter_map(|line| {
                let (right, rest) = match line.trim_start().split_at_checked(2)? {
                    ("- ", rest) => (false, rest),
                    ("+ ", rest) => (true, rest),
                    _ => return None,
                };
                let (text, says) = rest.split_once(" | ")?;
                Some(Choice { text: text.trim().into(), right, says: says.trim().into() })
            })
            .collect::<Vec<_>>();
        if options.len() < 2 || options.iter().filter(|o| o.right).count() != 1 {
            return Err(missing(place, "two answers of which one is right"));
        }
        return Ok(Question::Choice { ask: ask.to_owned(), options });
    }
    if let Some(ask) = fields.get("number") {
        let text = fields.need("answer")?;
        let (answer, tolerance) = text.split_once('±').unwrap_or((text, "0"));
        let read = |x: &str| x.trim().parse().map_err(|_| unreadable(place, "a number", text));
        let (answer, tolerance) = (read(answer)?, read(tolerance)?);
        return Ok(Question::Number { ask: ask.to_owned(), answer, tolerance, says: says()? });
    }
    let ask = fields.get("do").ok_or_else(|| missing(place, "choose, number or do"))?;
    let goal = address(place, fields.need("goal")?)?;
    Ok(Question::Deed { ask: ask.to_owned(), goal, says: says()? })
}

/// Lines of `name: value`.
struct Fields<'a> {
    place: &'a str,
    text: &'a str,
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ").map(str::trim);
        self.text.lines().find_map(value)
    }

    fn need(&self, name: &'static str) -> Result<&'a str, LessonError> {
        self.get(name).ok_or_else(|| missing(self.place, name))
    }
}

fn missing(place: &str, what: &'static str) -> LessonError {
    LessonError::Missing { place: place.to_owned(), what }
}

fn unreadable(place: &str, what: &'static str, text: &str) -> LessonError {
    LessonError::Unreadable { place: place.to_owned(), what, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::address::keys::LAYER;

    const TEXT: &str = "title: T\nminutes: 5\nabout: A.\n\n## One\n\nWords $x$.\n\n```scene\n#/heads?layer=1\nshow: spectrum\nslide: S.\n```\n\nMore.\n\n\
                        ```question\nnumber: How many?\nanswer: 16 ± 0.5\nright: Yes.\nhint: Count.\n```\n";

    #[test]
    fn a_lesson_is_read_into_words_scene_and_question() {
        let lesson = lesson(TEXT).unwrap();
        let step = &lesson.steps[0];
        assert_eq!((lesson.minutes, step.title.as_str()), (5, "One"));
        assert!(step.prose.starts_with("Words $x$.") && step.prose.ends_with("More."));
        assert_eq!(step.scene.find(&LAYER), Some(1));
        assert!(step.question.judge("16.4", &|word| word.english().to_owned()).right);
    }

    #[test]
    fn what_is_missing_is_named_with_its_step() {
        let error = |from: &str, to: &str| lesson(&TEXT.replace(from, to)).unwrap_err().to_string();
        assert_eq!(error("hint: Count.", ""), "One: no hint");
        assert_eq!(error("```scene", "```"), "One: no scene");
        assert_eq!(error("show: spectrum\n", ""), "One: no show");
        assert_eq!(error("slide: S.\n", ""), "One: no slide");
        assert!(error("show: spectrum", "show: spectre").contains("a picture in “spectre”"));
        assert!(error("show: spectrum", "show: gram").contains("a picture of this page in “gram”"));
        assert!(error("#/heads", "#/haeds").contains("an address"));
        assert!(error("16 ±", "many ±").contains("a number"));
        assert_eq!(error("title: T\n", ""), "the first lines: no title");
    }

    #[test]
    fn a_guess_has_a_right_answer_and_a_reply() {
        let read = |lines: &str| lesson(&TEXT.replace("slide: S.", &format!("slide: S.\n{lines}")));
        let guess = |lines: &str| read(lines).unwrap().steps[0].predict.clone().unwrap();
        let seen = guess("predict: Which? | a | + b\nseen: Look at b.");
        assert_eq!(
            (seen.ask.as_str(), &seen.guesses[..]),
            ("Which?", &["a", "b"].map(str::to_owned)[..])
        );
        assert_eq!((seen.right, seen.says.as_str(), seen.at_once), (1, "Look at b.", true));
        assert!(!guess("predict: Which? | + a | b\nfound: There it is.").at_once);
        for (lines, why) in [
            ("predict: Which? | a | b\nseen: S.", "One: no two guesses of which one is right"),
            ("predict: Which? | + a | + b\nseen: S.", "One: no two guesses of which one is right"),
            ("predict: Which? | + a\nseen: S.", "One: no two guesses of which one is right"),
            ("predict: Which? | + a | b", "One: no found"),
        ] {
            assert_eq!(read(lines).unwrap_err().to_string(), why);
        }
    }
}
