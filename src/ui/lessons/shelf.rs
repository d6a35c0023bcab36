//! The texts themselves. Lessons and glossary travel inside the page: at once there, and never older or newer than it. Those that few
//! open lie beside it.

use std::sync::OnceLock;

use super::parse::{Lesson, lesson};

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/lessons/", $name, ".md"))
    };
}

/// The glossary.
pub(super) const GLOSSARY: &str = text!("glossary");

/// The titles of the methods.
pub(super) const METHODS: &str = text!("methods");

const LESSONS: &[&str] = &[
    text!("1-what-a-head-computes"),
    text!("2-omega-and-its-svd"),
    text!("3-superposition"),
    text!("4-alignment-in-the-toy-model"),
    text!("5-why-the-theorems"),
    text!("6-sparse-attention-decomposition"),
    text!("7-a-real-model"),
    text!("8-more-than-chance"),
];

/// Every lesson, in order. A text that is not a lesson would be left out; the tests see to it that there is none.
pub fn lessons() -> &'static [Lesson] {
    static SHELF: OnceLock<Vec<Lesson>> = OnceLock::new();
    SHELF.get_or_init(|| LESSONS.iter().filter_map(|text| lesson(text).ok()).collect())
}

/// The texts that lie beside the page.
#[cfg(test)]
pub(crate) mod fetched {
    macro_rules! beside {
        ($name:literal) => {
            include_str!(concat!(env!("OUT_DIR"), "/lessons/", $name, ".txt"))
        };
    }

    pub(crate) const METHODS: &str = beside!("methods");
    pub(crate) const TEACHERS: &str = beside!("teachers");
    pub(crate) const ANSWERS: &str = beside!("answers");
}

#[cfg(test)]
mod tests {
    use super::fetched::{ANSWERS, TEACHERS};
    use super::*;
    use crate::ui::address::keys::{SIGMA_0, SIGMA_1};
    use crate::ui::address::route::Route;
    use crate::ui::address::toy::PRESET;
    use crate::ui::lessons::prose::{links, words};
    use crate::ui::lessons::{glossary, place::Place, question::Question};

    fn steps() -> impl Iterator<Item = (Place, &'static crate::ui::lessons::parse::Step)> {
        lessons().iter().enumerate().flat_map(|(l, lesson)| {
            lesson
                .steps
                .iter()
                .enumerate()
                .map(move |(s, step)| (Place { lesson: l + 1, step: s + 1 }, step))
        })
    }

    #[test]
    fn every_text_is_a_lesson_of_four_to_six_steps_and_ten_minutes() {
        for text in LESSONS {
            let lesson = lesson(text).unwrap_or_else(|why| panic!("{why}"));
            let n = lesson.steps.len();
            assert!((4..=6).contains(&n), "{}: {n} steps", lesson.title);
            assert!((1..=10).contains(&lesson.minutes), "{}", lesson.title);
        }
    }

    #[test]
    fn every_step_can_be_played() {
        for (place, step) in steps() {
            if let Question::Deed { goal, .. } = &step.question {
                assert!(!step.question.done_at(&step.scene), "{place}: done before it is asked");
                assert!(step.question.done_at(goal), "{place}");
            }
            if let Question::Number { answer, .. } = &step.question {
                assert!(
                    step.question
                        .judge(&answer.to_string(), &|word| word.english().to_owned())
                        .right,
                    "{place}"
                );
            }
            assert!(!step.stage.is_empty() && !step.slide.is_empty(), "{place}: nothing to see");
            if let (Some(guess), Question::Deed { .. }) = (&step.predict, &step.question) {
                // What is to be done may be there to see before.
                let before = ["1.4", "2.5"].contains(&place.to_string().as_str());
                assert_eq!(guess.at_once, before, "{place}: when there is something to see");
            }
            let words = step.slide.split('<').flat_map(|part| part.rsplit('>').take(1));
            let words = words.flat_map(str::split_whitespace).count();
            assert!(words <= 40, "{place}: {words} words on a slide");
            assert!(
                !step.prose.contains("```"),
                "{place}: a block that is neither scene nor question"
            );
        }
    }

    /// Whoever comes meets a picture and no question; after that most pictures are guessed at first.
    #[test]
    fn the_first_picture_is_open_and_most_others_are_guessed_at() {
        let asks: Vec<bool> = steps().map(|(_, step)| step.predict.is_some()).collect();
        assert!(!asks[0]);
        assert!(2 * asks.iter().filter(|asks| **asks).count() > asks.len());
    }

    /// What stands over a guess on the wall does not give it away.
    #[test]
    fn no_title_and_no_slide_says_what_is_to_be_guessed() {
        let spaced = |text: &str| {
            let text = text.to_lowercase();
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            format!(" {} ", words.join(" "))
        };
        for (place, step) in steps() {
            let Some(guess) = &step.predict else { continue };
            let right = spaced(&guess.guesses[guess.right]);
            for said in [&step.title, &step.slide] {
                assert!(!spaced(said).contains(&right), "{place}: {said}");
            }
        }
    }

    /// What lesson 2.3 has guessed and says of the ellipse that it opens.
    #[test]
    fn most_directions_come_out_near_the_long_half_axis() {
        let step = Place { lesson: 2, step: 3 }.step().unwrap();
        let [long, short] = [&SIGMA_0, &SIGMA_1].map(|sigma| step.scene.read(sigma));
        let near = (0..360).filter(|degree| {
            let (sin, cos) = f64::from(*degree).to_radians().sin_cos();
            (short * sin).abs() < (long * cos).abs()
        });
        assert!(near.count() > 270, "within 45 degrees of it");
        let guess = step.predict.as_ref().unwrap();
        assert!(guess.guesses[guess.right].contains("ends of the long half-axis"));
    }

    #[test]
    fn every_preset_and_every_word_that_a_lesson_names_is_there() {
        let presets = crate::toy::presets();
        let known = |route: &Route| {
            route.find(&PRESET).is_none_or(|id| presets.iter().any(|preset| preset.id == id))
        };
        for (place, step) in steps() {
            assert!(known(&step.scene), "{place}: no preset {:?}", step.scene.find(&PRESET));
        }
        let prose = steps().map(|(place, step)| (place.to_string(), step.prose.as_str()));
        let beside = [("teachers".to_owned(), TEACHERS), ("answers".to_owned(), ANSWERS)];
        for (place, text) in prose.chain(beside) {
            assert!(!text.contains("gloss:"), "{place}: a link to the glossary that is none");
            for word in words(text) {
                assert!(glossary::find(word).is_some(), "{place}: no glossary entry for {word}");
            }
            for hash in links(text) {
                let route = Route::parse(&hash);
                assert!(known(&route) && route.to_hash() == hash, "{place}: {hash}");
            }
        }
    }
}
