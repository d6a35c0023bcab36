//! Prepared views: `lock=exports,prompt` in the address takes controls off the page, so that a class sees what matters.
//!
//! A lock hides; it protects nothing, and whoever deletes it from the address has everything back.

use super::keys::LOCK;
use super::route::Route;
use crate::ui::lessons::place::Place;
use crate::ui::words::frame::Word;

/// The names that `lock` knows, and what each of them hides.
pub const LOCKS: [(&str, Word); 6] = [
    ("nav", Word::LockNav),
    ("open", Word::LockOpen),
    ("controls", Word::LockControls),
    ("prompt", Word::LockPrompt),
    ("exports", Word::LockExports),
    ("lesson", Word::LockLesson),
];

/// Whether `route` locks `name`.
pub fn locks(route: &Route, name: &str) -> bool {
    route.read(&LOCK).split(',').any(|locked| locked == name)
}

/// Where a reader at `from` gets who follows a link to `to`: under the lock `nav` no other page, but for a step of a lesson on the page
/// that it is about.
pub fn kept(from: &Route, to: Route) -> Route {
    let same_lock = from.find(&LOCK) == to.find(&LOCK);
    let step = Place::of(&to).and_then(Place::step);
    let is_a_step = step.is_some_and(|step| step.scene.page == to.page);
    let leaves = from.page != to.page && locks(from, "nav") && same_lock && !is_a_step;
    if leaves { from.clone() } else { to }
}

/// The classes of the page's frame that hide what `route` locks; names that are not known lock nothing.
pub fn classes(route: &Route) -> Vec<String> {
    let known = LOCKS.iter().map(|(name, _)| name).filter(|name| locks(route, name));
    known.map(|name| format!("lock-{name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_a_class_and_an_unknown_one_is_nothing() {
        let route = Route::parse("#/heads?lock=exports,door,nav");
        assert_eq!(classes(&route), ["lock-nav", "lock-exports"]);
        assert!(classes(&Route::parse("#/heads")).is_empty());
    }

    #[test]
    fn a_locked_page_is_left_by_the_lesson_alone() {
        let from = Route::parse("#/heads?lock=nav,open&lesson=1.5");
        let to = |hash: &str| kept(&from, Route::parse(hash)).page.slug();
        assert_eq!(to("#/attention?lock=nav,open&lesson=1.5"), "heads");
        assert_eq!(to("#/attention?lock=nav,open&lesson=1.4"), "attention");
        assert_eq!(to("#/attention?lock=nav,open"), "heads");
        assert_eq!(to("#/methods?lock=nav,open&lesson=1.4"), "heads");
        assert_eq!(to("#/toy?lock=nav,open&lesson=1.4"), "heads");
        // Whoever deletes the lock has everything back.
        assert_eq!(to("#/attention?lesson=1.5"), "attention");
        let open = Route::parse("#/heads?lock=open");
        assert_eq!(kept(&open, Route::parse("#/toy?lock=open")).page.slug(), "toy");
    }

    #[test]
    fn every_lock_is_in_the_style_sheet_and_on_the_teachers_page() {
        let css = include_str!("../../../www/style.css");
        for (name, _) in LOCKS {
            assert!(css.contains(&format!(".lock-{name} ")), "{name} hides nothing");
            assert!(
                crate::ui::lessons::shelf::fetched::TEACHERS
                    .contains(&format!("<code>{name}</code>")),
                "{name}"
            );
        }
    }
}
