//! What the page says to a reader in their language, and in English where there is no translation yet.

use std::rc::Rc;

use super::glossary::{self, Entry};
use super::parse::{Lesson, Step};
use super::place::Place;
use super::stage::Picture;
use super::texts::Texts;
use crate::ui::address::route::Page;
use crate::ui::words::colour::Colour;
use crate::ui::words::frame::{Word, filled};
use crate::ui::words::language::{Language, Text};
use crate::ui::words::measure::Measure;

/// A language to speak in; English until its texts have come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Speech(pub Option<Rc<Texts>>);

impl Speech {
    /// The language that is spoken.
    pub fn language(&self) -> Language {
        self.0.as_ref().map_or(Language::English, |texts| texts.language)
    }

    /// What marks a text that is in English among others that are not: `lang="en"`.
    pub fn foreign(&self) -> Option<&'static str> {
        self.0.as_ref().map(|_| Language::English.code())
    }

    /// What marks a text in this language among English ones.
    pub fn own(&self) -> Option<&'static str> {
        self.0.as_ref().map(|texts| texts.language.code())
    }

    /// A text of the frame or of a picture.
    pub fn say(&self, word: impl Into<Text>) -> String {
        let Text { name, english } = word.into();
        self.named(name).unwrap_or(english).to_owned()
    }

    /// Such a text with what stands in its places.
    pub fn fill(&self, word: impl Into<Text>, with: &[&str]) -> String {
        filled(&self.say(word), with)
    }

    /// What a page is called in the navigation.
    pub fn title(&self, page: Page) -> String {
        let name = format!("page-{}", page.slug());
        self.named(&name).unwrap_or(page.title()).to_owned()
    }

    /// What the colours of a grid of heads show.
    pub fn colour(&self, colour: Colour) -> String {
        let name = format!("colour-{}", colour.slug());
        self.named(&name).unwrap_or(colour.name()).to_owned()
    }

    /// What the cells of a grid of looks show.
    pub fn measure(&self, measure: Measure) -> String {
        let name = format!("measure-{}", measure.slug());
        self.named(&name).unwrap_or(measure.name()).to_owned()
    }

    /// What stands above a picture on the stage: what it shows, where its own words are in another language.
    pub fn label(&self, picture: Picture) -> Option<String> {
        self.named(&format!("picture-{}", picture.name())).map(str::to_owned)
    }

    fn named(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.words.get(name).map(String::as_str)
    }

    /// A lesson, by number, and the mark of one that is not translated.
    pub fn lesson(&self, number: usize) -> Option<(&Lesson, Option<&'static str>)> {
        match self.0.as_ref().and_then(|texts| texts.lessons.get(&number)) {
            Some(lesson) => Some((lesson, None)),
            None => Some((Place { lesson: number, step: 1 }.lesson()?, self.foreign())),
        }
    }

    /// A step of a lesson.
    pub fn step(&self, place: Place) -> Option<&Step> {
        self.lesson(place.lesson)?.0.steps.get(place.step.checked_sub(1)?)
    }

    /// The glossary's entry for a word, and the language that it is in.
    pub fn entry(&self, word: &str) -> Option<(&Entry, &'static str)> {
        let own = self.0.as_ref().and_then(|texts| texts.glossary.iter().find(|e| e.is(word)));
        match own {
            Some(entry) => Some((entry, self.language().code())),
            None => Some((glossary::find(word)?, Language::English.code())),
        }
    }

    /// What a progress code says of each lesson: how many answered of how many.
    pub fn progress(&self, answered: &[(usize, usize)]) -> String {
        let lessons = answered.iter().enumerate().filter(|(_, (done, _))| *done > 0);
        let part = |(i, (done, of)): (usize, &(usize, usize))| {
            let [i, done, of] = [i + 1, *done, *of].map(|n| n.to_string());
            self.fill(Word::AnsweredOf, &[&i, &done, &of])
        };
        let parts: Vec<String> = lessons.map(part).collect();
        match parts.as_slice() {
            [] => self.say(Word::NothingYet),
            parts => self.fill(Word::AnsweredAre, &[&parts.join(", ")]),
        }
    }

    /// What the arcs show: who looks, the word looked at most with its share as written, the head's name.
    pub fn arcs(&self, looks: &str, most: Option<(&str, &str)>, head: &str) -> String {
        match most {
            Some((word, share)) => self.fill(Word::ArcsMost, &[head, looks, word, share]),
            None => self.fill(Word::ArcsNone, &[head, looks]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::lessons::texts::tests::german;

    #[test]
    fn progress_is_said_lesson_by_lesson() {
        let english = Speech::default();
        assert_eq!(english.progress(&[(0, 5), (2, 6)]), "Answered: lesson 2: 2 of 6.");
        assert!(english.progress(&[(0, 5)]).starts_with("Nothing"));
    }

    #[test]
    fn the_arcs_name_the_word_that_is_looked_at_most() {
        let english = Speech::default();
        assert!(
            english.arcs("to", Some(("John", "92 %")), "L1H3").contains("at “John”, with 92 %")
        );
        assert!(english.arcs("When", None, "L1H3").contains("sees itself alone"));
    }

    #[test]
    fn what_is_not_translated_is_english_and_marked() {
        let speech = Speech(Some(german()));
        let (first, mark) = speech.lesson(1).unwrap();
        assert_eq!((first.title.as_str(), mark), ("Was ein Kopf berechnet", None));
        let (eighth, mark) = speech.lesson(8).unwrap();
        assert_eq!((eighth.title.as_str(), mark), ("Is it more than chance?", Some("en")));
        assert!(speech.lesson(9).is_none() && speech.lesson(0).is_none());
        assert_eq!(
            speech.entry("rank").map(|(entry, lang)| (entry.name(), lang)),
            Some(("Rang", "de"))
        );
        assert_eq!(speech.entry("MMCS").map(|(_, lang)| lang), Some("en"));
        assert_eq!(speech.title(Page::Learn), "Lernen");
        assert!(speech.label(Picture::Arcs).is_some() && speech.label(Picture::Cloud).is_none());
        assert!(Speech::default().lesson(1).unwrap().1.is_none());
    }
}
