//! The texts of one more language: one file, set by the build as the English ones are, fetched when somebody wants it.
//!
//! `build.rs` joins `www/lessons/CODE/*.md` under lines `=== NAME`. A language need not have everything: what it
//! lacks is said in English.

use std::collections::{BTreeMap, HashMap};

use super::glossary::{Entry, parse as entries};
use super::parse::{Lesson, LessonError, lesson};
use crate::ui::words::language::Language;

/// What stands before the name of each file.
const MARK: &str = "\n=== ";

/// The texts of a language.
#[derive(Debug, Clone)]
pub struct Texts {
    /// Which language.
    pub language: Language,
    /// Texts of the frame, by name.
    pub words: HashMap<String, String>,
    /// Lessons, by number.
    pub lessons: BTreeMap<usize, Lesson>,
    /// Entries of the glossary; one of the names of each is English.
    pub glossary: Vec<Entry>,
}

impl PartialEq for Texts {
    /// A language has one file.
    fn eq(&self, other: &Self) -> bool {
        self.language == other.language
    }
}

impl Texts {
    /// Reads the file of a language.
    ///
    /// # Errors
    /// [`LessonError`] names the step of a lesson that cannot be read, and what it lacks.
    pub fn read(language: Language, text: &str) -> Result<Self, LessonError> {
        let mut texts = Self {
            language,
            words: HashMap::new(),
            lessons: BTreeMap::new(),
            glossary: Vec::new(),
        };
        for file in text.split(MARK).skip(1) {
            let (name, text) = file.split_once('\n').unwrap_or((file, ""));
            let number = name.split('-').next().and_then(|number| number.parse().ok());
            match (number, name) {
                (Some(number), _) => {
                    texts.lessons.insert(number, lesson(text)?);
                }
                (None, "glossary") => texts.glossary = entries(text),
                (None, "words") => {
                    let pairs = text.lines().filter_map(|line| line.split_once(": "));
                    let owned = |(name, said): (&str, &str)| (name.to_owned(), said.to_owned());
                    texts.words = pairs.map(owned).collect();
                }
                // A file that this version does not know says nothing in it.
                _ => {}
            }
        }
        if texts.words.is_empty() {
            let place = language.name().to_owned();
            return Err(LessonError::Missing { place, what: "words" });
        }
        Ok(texts)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::ui::address::lock::LOCKS;
    use crate::ui::address::route::Page;
    use crate::ui::lessons::parse::Step;
    use crate::ui::lessons::prose::{links, words};
    use crate::ui::lessons::question::Question;
    use crate::ui::lessons::shelf::lessons;
    use crate::ui::lessons::{glossary, stage::Picture};
    use crate::ui::words::colour::Colour;
    use crate::ui::words::frame::Word;
    use crate::ui::words::language::Text;
    use crate::ui::words::measure::Measure;
    use crate::ui::words::pictures::OnStage;

    /// Every language but English, with its file as this build has set it.
    const FILES: [(Language, &str); 1] =
        [(Language::German, include_str!(concat!(env!("OUT_DIR"), "/lessons/de.txt")))];

    pub(crate) fn german() -> Rc<Texts> {
        let (language, text) = FILES[0];
        Rc::new(Texts::read(language, text).unwrap())
    }

    fn all() -> impl Iterator<Item = Texts> {
        FILES.into_iter().map(|(language, text)| Texts::read(language, text).unwrap())
    }

    #[test]
    fn every_language_but_english_has_a_file() {
        let have = FILES.map(|(language, _)| language).to_vec();
        let want = Language::ALL.into_iter().filter(|language| *language != Language::English);
        assert_eq!(have, want.collect::<Vec<_>>());
    }

    /// The marks that words of a text light.
    fn lit(html: &str) -> Vec<&str> {
        let mut marks = crate::ui::lessons::prose::lights(html);
        marks.sort_unstable();
        marks
    }

    /// What a question asks, apart from its words.
    fn bones(question: &Question) -> String {
        match question {
            Question::Choice { options, .. } => {
                format!("{:?}", options.iter().map(|option| option.right).collect::<Vec<_>>())
            }
            Question::Number { answer, tolerance, .. } => format!("{answer} ± {tolerance}"),
            Question::Deed { goal, .. } => goal.to_hash(),
        }
    }

    /// Every sentence of a step that a reader may see.
    fn sentences(step: &Step) -> Vec<&str> {
        let mut all = vec![step.title.as_str(), &step.prose, &step.slide, step.question.ask()];
        if let Some(guess) = &step.predict {
            all.extend([guess.ask.as_str(), &guess.says]);
            all.extend(guess.guesses.iter().map(String::as_str));
        }
        match &step.question {
            Question::Choice { options, .. } => {
                all.extend(options.iter().flat_map(|o| [o.text.as_str(), &o.says]));
            }
            Question::Number { says, .. } | Question::Deed { says, .. } => {
                all.extend([says.right.as_str(), &says.hint]);
            }
        }
        all
    }

    #[test]
    fn a_translated_lesson_is_the_same_lesson() {
        for texts in all() {
            assert!(!texts.lessons.is_empty());
            for (number, told) in &texts.lessons {
                let english = &lessons()[number - 1];
                assert_eq!(told.minutes, english.minutes, "lesson {number}");
                assert_ne!(told.about, english.about);
                assert_eq!(told.steps.len(), english.steps.len(), "lesson {number}");
                for (i, (step, like)) in told.steps.iter().zip(&english.steps).enumerate() {
                    let place = format!("{} {number}.{}", texts.language.code(), i + 1);
                    assert_eq!(step.scene, like.scene, "{place}");
                    assert_eq!(step.stage, like.stage, "{place}");
                    assert_eq!(bones(&step.question), bones(&like.question), "{place}");
                    let guesses = |step: &Step| {
                        step.predict.as_ref().map(|p| (p.guesses.len(), p.right, p.at_once))
                    };
                    assert_eq!(guesses(step), guesses(like), "{place}");
                    assert_eq!(words(&step.prose), words(&like.prose), "{place}");
                    assert_eq!(links(&step.prose), links(&like.prose), "{place}");
                    assert_eq!(lit(&step.prose), lit(&like.prose), "{place}: what its words light");
                    let formulae = |html: &str| html.matches("display=\"block\"").count();
                    assert_eq!(formulae(&step.prose), formulae(&like.prose), "{place}");
                    let (told, english) = (sentences(step), sentences(like));
                    assert_eq!(told.len(), english.len(), "{place}");
                    let left = told.iter().zip(&english).find(|(a, b)| a == b && b.len() > 20);
                    assert!(left.is_none(), "{place}: still in English: {left:?}");
                    let slide = step.slide.split('<').flat_map(|part| part.rsplit('>').take(1));
                    let n = slide.flat_map(str::split_whitespace).count();
                    assert!(n <= 40, "{place}: {n} words on a slide");
                }
            }
        }
    }

    #[test]
    fn what_translated_lessons_link_is_in_the_glossary_of_their_language() {
        for texts in all() {
            let steps = texts.lessons.values().flat_map(|lesson| &lesson.steps);
            for word in steps.flat_map(|step| words(&step.prose)) {
                let there = texts.glossary.iter().any(|entry| entry.is(word));
                assert!(there, "{}: no entry for {word}", texts.language.code());
            }
            for entry in &texts.glossary {
                let english = entry.names.iter().find_map(|name| glossary::find(name));
                let english = english.unwrap_or_else(|| panic!("{} is no word", entry.name()));
                // One name leads to one meaning in either language.
                for name in &entry.names {
                    let same = glossary::find(name).is_none_or(|other| other == english);
                    assert!(same, "{name} means two things");
                }
            }
        }
    }

    /// Every text that has a name of its own.
    fn all_words() -> impl Iterator<Item = Text> {
        let pictures = OnStage::ALL.iter().map(|&word| Text::from(word));
        Word::ALL.iter().map(|&word| Text::from(word)).chain(pictures)
    }

    #[test]
    fn no_two_texts_have_one_name() {
        let mut names: Vec<&str> = all_words().map(|text| text.name).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn no_key_is_missing_and_none_is_unknown() {
        let places = |text: &str| {
            let mut places: Vec<&str> =
                text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
            places.sort_unstable();
            places.join(" ")
        };
        for texts in all() {
            let code = texts.language.code();
            let all: Vec<Text> = all_words().collect();
            let mut keys: Vec<String> = all.iter().map(|w| w.name.to_owned()).collect();
            for Text { name, english } in all {
                let said = texts.words.get(name).unwrap_or_else(|| panic!("{code}: no {name}"));
                assert_eq!(places(said), places(english), "{code}: {name}");
                assert!(
                    said != english || english.len() <= 20,
                    "{code}: {name} is still in English"
                );
            }
            keys.extend(Colour::ALL.map(|colour| format!("colour-{}", colour.slug())));
            keys.extend(Measure::ALL.map(|measure| format!("measure-{}", measure.slug())));
            keys.extend(Page::ALL.map(|page| format!("page-{}", page.slug())));
            let steps = texts.lessons.values().flat_map(|lesson| &lesson.steps);
            let shown = |picture: &Picture| steps.clone().any(|s| s.stage.contains(picture));
            let shown: Vec<&Picture> = Picture::ALL.iter().filter(|p| shown(p)).collect();
            keys.extend(shown.iter().map(|picture| format!("picture-{}", picture.name())));
            for key in &keys {
                assert!(texts.words.contains_key(key), "{code}: no {key}");
            }
            for key in texts.words.keys() {
                assert!(keys.contains(key), "{code}: {key} is asked for nowhere");
            }
            for (name, _) in LOCKS {
                assert!(texts.words.contains_key(&format!("lock-{name}")), "{code}: {name}");
            }
        }
    }

    #[test]
    fn half_a_file_is_an_error_in_words() {
        let (language, text) = FILES[0];
        let cut = text.replacen("```question", "```quest", 1);
        assert!(Texts::read(language, &cut).unwrap_err().to_string().contains("no question"));
        let none = Texts::read(language, "<!doctype html>").unwrap_err();
        assert_eq!(none.to_string(), "Deutsch: no words");
    }
}
