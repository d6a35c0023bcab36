//! Ends of runs that lessons open with: known before they are trained, so that a step shows them at once.
//!
//! `www/models/toys/ID.f32` holds the parameters after the last step of a preset; a test below trains each again and
//! holds the file against it.

use crate::toy::{Config, presets};

/// The presets whose end is stored.
const STORED: [&str; 6] =
    ["no-head", "one-pair", "threshold-below", "eight-pairs", "large-start", "frozen-random"];

/// Where the end of this run lies, from the page; `None` where it must be trained, or is not wanted to the end.
pub fn name(config: &Config, until: usize) -> Option<String> {
    let ends = until == config.steps;
    let preset = presets().into_iter().find(|p| STORED.contains(&p.id) && p.config == *config);
    preset.filter(|_| ends).map(|preset| format!("models/toys/{}.f32", preset.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toy::{Params, Trainer};
    use crate::ui::address::toy;
    use crate::ui::lessons::shelf::lessons;

    #[test]
    fn every_run_that_a_lesson_opens_with_is_known() {
        for step in lessons().iter().flat_map(|lesson| &lesson.steps) {
            let (until, config) = (step.scene.read(&toy::AT), toy::read(&step.scene).1);
            if until > 0 {
                assert!(name(&config, until).is_some(), "{}", step.title);
                assert!(name(&Config { seed: 77, ..config }, until).is_none());
            }
        }
    }

    /// `OMEGA_WRITE=1 cargo test --lib stored` writes the files, after a change of the presets.
    #[test]
    fn stored_ends_are_what_training_gives() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/www/models/toys");
        let is_stored = |id: &str| {
            let config = presets().into_iter().find(|p| p.id == id).unwrap().config;
            let mut trainer = Trainer::new(config.clone()).unwrap();
            while !trainer.is_done() {
                trainer.step();
            }
            let (path, trained) = (format!("{folder}/{id}.f32"), trainer.params().to_f32());
            if std::env::var_os("OMEGA_WRITE").is_some() {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(&path, &trained).unwrap();
            }
            let stored = std::fs::read(&path).unwrap();
            assert_eq!(stored, trained, "{id}");
            assert_eq!(Params::from_f32(&config, &stored).unwrap().to_f32(), stored, "{id}");
            assert!(Params::from_f32(&config, &stored[4..]).is_err(), "{id}");
        };
        std::thread::scope(|scope| {
            for id in STORED {
                scope.spawn(move || is_stored(id));
            }
        });
    }
}
