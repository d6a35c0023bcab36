//! Which questions the reader has answered: a short text in the browser's storage, and nowhere else.

use std::collections::BTreeSet;

use super::place::Place;
use super::shelf::lessons;
use crate::ui::words::frame::Word;

/// The answered steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress(BTreeSet<Place>);

impl Progress {
    /// Reads `1.1 1.2 2.4`; what it cannot read it leaves out.
    pub fn parse(text: &str) -> Self {
        Self(text.split_whitespace().filter_map(Place::parse).collect())
    }

    /// Whether the question at `place` was answered.
    pub fn has(&self, place: Place) -> bool {
        self.0.contains(&place)
    }

    /// How many questions of a lesson were answered.
    pub fn answered(&self, lesson: usize) -> usize {
        self.0.iter().filter(|place| place.lesson == lesson && place.step().is_some()).count()
    }

    /// The answers as a code to hand in: a number in base 16 for each lesson, its bits the steps, and a letter against slips.
    pub fn code(&self) -> String {
        let mask = |lesson: usize| {
            let steps = self.0.iter().filter(|place| place.lesson == lesson);
            steps.fold(0_u32, |mask, place| mask | 1 << (place.step - 1).min(31))
        };
        let masks: Vec<u32> = (1..=lessons().len()).map(mask).collect();
        let digits: Vec<String> = masks.iter().map(|mask| format!("{mask:x}")).collect();
        format!("{}-{}", digits.join("-"), check(&masks))
    }

    /// Reads a code back.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_code(code: &str) -> Result<Self, Word> {
        let mut parts: Vec<&str> = code.trim().split('-').collect();
        let letter = parts.pop().unwrap_or_default().to_lowercase();
        let masks = parts.iter().map(|part| u32::from_str_radix(part, 16));
        let masks: Vec<u32> = masks.collect::<Result<_, _>>().map_err(|_| Word::NoCode)?;
        if masks.len() != lessons().len() {
            return Err(Word::NoCode);
        }
        if letter != check(&masks).to_string() {
            return Err(Word::Slip);
        }
        let places = masks.iter().enumerate().flat_map(|(i, mask)| {
            let steps = (1..=32).filter(move |step| mask >> (step - 1) & 1 == 1);
            steps.map(move |step| Place { lesson: i + 1, step })
        });
        Ok(Self(places.filter(|place| place.step().is_some()).collect()))
    }

    /// The same with one more answered.
    #[must_use]
    pub fn with(mut self, place: Place) -> Self {
        self.0.insert(place);
        self
    }
}

/// A letter that changes when one digit does, or when two change places.
fn check(masks: &[u32]) -> char {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz";
    let weighed = masks.iter().enumerate().map(|(i, mask)| (i + 2) * (*mask as usize + 1));
    char::from(LETTERS[weighed.sum::<usize>() % LETTERS.len()])
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places: Vec<String> = self.0.iter().map(Place::to_string).collect();
        f.write_str(&places.join(" "))
    }
}

#[cfg(target_arch = "wasm32")]
mod stored {
    use super::{Place, Progress};

    const KEY: &str = "omega-lessons";

    fn storage() -> Option<web_sys::Storage> {
        web_sys::window()?.local_storage().ok().flatten()
    }

    impl Progress {
        /// What the browser remembers.
        pub fn load() -> Self {
            let text = storage().and_then(|s| s.get_item(KEY).ok().flatten());
            Self::parse(&text.unwrap_or_default())
        }

        /// Remembers one more answer; where there is no storage, until the page is closed nothing is lost but the tick.
        pub fn answer(place: Place) {
            let next = Self::load().with(place).to_string();
            if let Some(storage) = storage() {
                let _ = storage.set_item(KEY, &next);
            }
        }

        /// Forgets everything.
        pub fn forget() {
            if let Some(storage) = storage() {
                let _ = storage.remove_item(KEY);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_and_a_slip_is_noticed() {
        let progress = Progress::parse("1.1 1.2 2.4 8.5");
        let code = progress.code();
        assert_eq!(Progress::of_code(&format!(" {} ", code.to_uppercase())), Ok(progress));
        let slip = code.replacen('3', "1", 1);
        assert_ne!(slip, code);
        assert_eq!(Progress::of_code(&slip), Err(Word::Slip));
        for none in ["", "hello", "1-2", "-"] {
            assert_eq!(Progress::of_code(none), Err(Word::NoCode), "{none}");
        }
        assert_eq!(Progress::of_code(&Progress::default().code()), Ok(Progress::default()));
    }

    #[test]
    fn progress_survives_the_storage() {
        let progress = Progress::parse("2.4 1.1 nonsense 1.2");
        assert_eq!(progress.to_string(), "1.1 1.2 2.4");
        assert_eq!(Progress::parse(&progress.to_string()), progress);
        assert_eq!(progress.answered(1), 2);
        assert!(progress.with(Place { lesson: 3, step: 1 }).has(Place { lesson: 3, step: 1 }));
    }
}
