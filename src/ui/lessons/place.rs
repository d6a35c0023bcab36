//! Where a reader is in the lessons: `lesson=2.3` beside the page's own parameters.

use super::parse::{Lesson, Step};
use super::shelf::lessons;
use crate::ui::address::keys::{LANG, LESSON, LOCK, PRESENT};
use crate::ui::address::route::{Page, Route};

/// A step of a lesson; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which lesson.
    pub lesson: usize,
    /// Which of its steps.
    pub step: usize,
}

impl Place {
    /// Reads `2.3`; `2` is the first step of lesson 2.
    pub fn parse(text: &str) -> Option<Self> {
        let (lesson, step) = text.split_once('.').unwrap_or((text, "1"));
        Some(Self { lesson: lesson.parse().ok()?, step: step.parse().ok()? })
    }

    /// The place in a route, on a page that lessons stand beside.
    pub fn of(route: &Route) -> Option<Self> {
        if matches!(route.page, Page::Learn | Page::Methods) {
            return None;
        }
        Self::parse(&route.find(&LESSON)?).filter(|place| place.step().is_some())
    }

    /// The lesson here.
    pub fn lesson(self) -> Option<&'static Lesson> {
        lessons().get(self.lesson.checked_sub(1)?)
    }

    /// The step here.
    pub fn step(self) -> Option<&'static Step> {
        self.lesson()?.steps.get(self.step.checked_sub(1)?)
    }

    /// The step after this one, in this lesson.
    pub fn next(self) -> Option<Self> {
        Some(Self { step: self.step + 1, ..self }).filter(|place| place.step().is_some())
    }

    /// The step before this one, in this lesson.
    pub fn back(self) -> Option<Self> {
        Some(Self { step: self.step.checked_sub(1)?, ..self })
            .filter(|place| place.step().is_some())
    }

    /// The address that opens this step on its scene, shown as `from` is shown.
    pub fn address(self, from: &Route) -> Option<Route> {
        let scene = self.step()?.scene.clone();
        Some(keep(scene, from).put(&LESSON, self.to_string()))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.lesson, self.step)
    }
}

/// `to`, shown as `from` is shown: how the page is shown stays whatever else changes.
pub fn keep(to: Route, from: &Route) -> Route {
    let to = from.find(&LOCK).into_iter().fold(to, |to, lock| to.put(&LOCK, lock));
    let to = from.find(&LANG).into_iter().fold(to, |to, lang| to.put(&LANG, lang));
    from.find(&PRESENT).into_iter().fold(to, |to, on| to.put(&PRESENT, on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_address() {
        let place = Place { lesson: 1, step: 2 };
        let from = Route::parse("#/toy?lang=de&present=1&seed=4");
        let address = place.address(&from).unwrap();
        assert_eq!(Place::of(&address), Some(place));
        assert_eq!(address.to_hash().matches("present=1").count(), 1);
        assert!(address.to_hash().contains("lang=de"));
        assert!(!address.to_hash().contains("seed"));
    }

    #[test]
    fn a_place_that_is_not_there_is_none() {
        for text in ["0.1", "1.0", "1.99", "99", "x", ""] {
            let route = Route::parse("#/heads").put(&LESSON, text.to_owned());
            assert_eq!(Place::of(&route), None, "{text}");
        }
    }
}
