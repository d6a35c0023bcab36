//! Which questions the reader has answered: a short text in the browser's storage, and nowhere else.

use std::collections::BTreeSet;

use super::place::Place;

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

    /// The same with one more answered.
    #[must_use]
    pub fn with(mut self, place: Place) -> Self {
        self.0.insert(place);
        self
    }
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
    fn progress_survives_the_storage() {
        let progress = Progress::parse("2.4 1.1 nonsense 1.2");
        assert_eq!(progress.to_string(), "1.1 1.2 2.4");
        assert_eq!(Progress::parse(&progress.to_string()), progress);
        assert_eq!(progress.answered(1), 2);
        assert!(progress.with(Place { lesson: 3, step: 1 }).has(Place { lesson: 3, step: 1 }));
    }
}
