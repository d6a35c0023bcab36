//! Prepared views: `lock=exports,prompt` in the address takes controls off the page, so that a class sees what matters.
//!
//! A lock hides; it protects nothing, and whoever deletes it from the address has everything back.

use super::keys::LOCK;
use super::route::Route;

/// The names that `lock` knows, and what each of them hides.
pub const LOCKS: [(&str, &str); 6] = [
    ("nav", "the links to the other pages"),
    ("open", "the line about the model, with its buttons for other files"),
    ("controls", "choices, switches, sliders and buttons above the pictures"),
    ("prompt", "the prompt's text and its examples; its tokens stay"),
    ("exports", "downloads and the same in Python"),
    ("lesson", "the way out of a lesson and to its other steps"),
];

/// The classes of the page's frame that hide what `route` locks; names that are not known lock nothing.
pub fn classes(route: &Route) -> Vec<String> {
    let text = route.read(&LOCK);
    let asked: Vec<&str> = text.split(',').collect();
    let known = LOCKS.iter().map(|(name, _)| name).filter(|name| asked.contains(name));
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
    fn every_lock_is_in_the_style_sheet_and_on_the_teachers_page() {
        let css = include_str!("../../../www/style.css");
        for (name, _) in LOCKS {
            assert!(css.contains(&format!(".lock-{name} ")), "{name} hides nothing");
            assert!(
                crate::ui::lessons::shelf::TEACHERS.contains(&format!("<code>{name}</code>")),
                "{name}"
            );
        }
    }
}
