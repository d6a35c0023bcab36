//! What a step asks, and how an answer is judged. A wrong answer earns a hint, never a locked door.

use crate::ui::address::route::Route;
use crate::ui::words::frame::Word;

/// A question and what is said about each answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// One of several sentences is right.
    Choice {
        /// What is asked.
        ask: String,
        /// The answers to choose from, in the order they are shown.
        options: Vec<Choice>,
    },
    /// A number that can be read off the page.
    Number {
        /// What is asked.
        ask: String,
        /// The right number.
        answer: f64,
        /// How far from it still counts as right.
        tolerance: f64,
        /// What is said to a right answer and to a wrong one.
        says: Says,
    },
    /// Something to do: right as soon as the page's address has everything that `goal` has.
    Deed {
        /// What is asked.
        ask: String,
        /// The page and the parameters that must be reached.
        goal: Route,
        /// What is said when it is reached, and as a hint before.
        says: Says,
    },
}

/// One answer to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Whether it is the right one.
    pub right: bool,
    /// What is said to whoever chooses it.
    pub says: String,
}

/// What is said to a right answer and to a wrong one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Says {
    /// To a right one.
    pub right: String,
    /// To a wrong one: a hint.
    pub hint: String,
}

/// Whether an answer is right, and what is said to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is right.
    pub right: bool,
    /// What is said to it; inline Markdown.
    pub says: String,
}

impl Question {
    /// What is asked; inline Markdown.
    pub fn ask(&self) -> &str {
        match self {
            Self::Choice { ask, .. } | Self::Number { ask, .. } | Self::Deed { ask, .. } => ask,
        }
    }

    /// Judges what was typed, or the number of the option that was chosen. What cannot be read has a reply too, which `say` words.
    pub fn judge(&self, answer: &str, say: &dyn Fn(Word) -> String) -> Verdict {
        let unread = |word: Word| Verdict { right: false, says: say(word) };
        match self {
            Self::Choice { options, .. } => {
                let chosen = answer.trim().parse::<usize>().ok().and_then(|i| options.get(i));
                chosen.map_or_else(
                    || unread(Word::Choose),
                    |choice| Verdict { right: choice.right, says: choice.says.clone() },
                )
            }
            Self::Number { answer: wanted, tolerance, says, ask } => {
                let Some(given) = number(answer) else {
                    return unread(if answer.trim().is_empty() {
                        Word::Empty
                    } else {
                        Word::Unread
                    });
                };
                let near = |x: f64| (x - wanted).abs() <= tolerance + 1e-9;
                if !near(given)
                    && near(100.0 * given)
                    && PER_CENT.iter().any(|word| ask.contains(word))
                {
                    return unread(Word::Share);
                }
                says.to(near(given))
            }
            Self::Deed { says, .. } => says.to(false),
        }
    }

    /// Whether the page is where a [`Question::Deed`] wants it.
    pub fn done_at(&self, route: &Route) -> bool {
        let Self::Deed { goal, .. } = self else { return false };
        route.reaches(goal)
    }
}

impl Says {
    fn to(&self, right: bool) -> Verdict {
        Verdict { right, says: if right { &self.right } else { &self.hint }.clone() }
    }
}

/// Units that people write behind a number.
const UNITS: [&str; 10] =
    ["%", "per cent", "percent", "prozent", "degrees", "degree", "grad", "°", "bars", "balken"];

/// How a question asks for per cent.
const PER_CENT: [&str; 2] = ["per cent", "Prozent"];

/// A number as people type it: a decimal comma, a real minus sign, a unit behind it.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let bare = UNITS.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
    let bare = bare.trim().replace(',', ".").replace('−', "-");
    bare.parse::<f64>().ok().filter(|x| x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(word: Word) -> String {
        word.english().to_owned()
    }

    fn says() -> Says {
        Says { right: "yes".into(), hint: "look again".into() }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let question =
            Question::Number { ask: "?".into(), answer: -0.42, tolerance: 0.01, says: says() };
        for (answer, right) in [("-0.42", true), ("−0,43", true), (" -0.44 ", false), ("42", false)]
        {
            assert_eq!(question.judge(answer, &english).right, right, "{answer}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_has_a_reply() {
        let ask = "How many per cent?".to_owned();
        let german = Question::Number {
            ask: "Wie viel Prozent?".into(),
            answer: 92.0,
            tolerance: 1.0,
            says: says(),
        };
        assert_eq!(german.judge("91,9 Prozent", &english).says, "yes");
        assert_eq!(german.judge("0,92", &english).says, Word::Share.english());
        let question = Question::Number { ask, answer: 92.0, tolerance: 1.0, says: says() };
        for (answer, reply) in [
            ("92 per cent", "yes"),
            ("92 %", "yes"),
            ("0.92", Word::Share.english()),
            ("ninety two", Word::Unread.english()),
            ("9 2", Word::Unread.english()),
            ("  ", Word::Empty.english()),
            ("17", "look again"),
        ] {
            assert_eq!(question.judge(answer, &english).says, reply, "{answer}");
        }
    }

    #[test]
    fn a_deed_is_done_when_the_address_has_all_it_needs() {
        let goal = Route::parse("#/heads?head=1&layer=0");
        let question = Question::Deed { ask: "?".into(), goal, says: says() };
        assert!(question.done_at(&Route::parse("#/heads?layer=0&head=1&k=3")));
        assert!(!question.done_at(&Route::parse("#/heads?layer=0")));
        assert!(!question.done_at(&Route::parse("#/features?layer=0&head=1")));
    }

    #[test]
    fn each_choice_has_its_own_word() {
        let choice = |text: &str, right| Choice { text: text.into(), right, says: text.into() };
        let options = vec![choice("a", false), choice("b", true)];
        let question = Question::Choice { ask: "?".into(), options };
        assert_eq!(question.judge("1", &english), Verdict { right: true, says: "b".into() });
        for nothing in ["2", ""] {
            assert_eq!(question.judge(nothing, &english).says, Word::Choose.english());
        }
    }
}
