//! What the Trace page is asked, as the address says it.

use super::keys;
use super::route::Route;
use crate::circuits::trace::{Rule, TraceOptions};
use crate::protocol::trace::Question;
use crate::study::trace::SeedRule;
use crate::ui::layered::Grouping;

/// The name of a way to find seeds, as files have it.
pub(super) fn seeding(rule: SeedRule) -> &'static str {
    match rule {
        SeedRule::Contrast => "linear",
        SeedRule::Probability => "prob",
        SeedRule::Reading => "reading",
    }
}

/// The name of a way to remove parts of keys, as files have it.
pub(super) fn removal(rule: Rule) -> &'static str {
    match rule {
        Rule::Accpp => "accpp",
        Rule::Key => "key",
    }
}

/// The name of what nodes stand for.
pub(super) fn nodes(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Positions => "positions",
        Grouping::Components => "components",
    }
}

/// The question of an address.
pub fn question(route: &Route) -> Question {
    let word = |key| route.find(&key).filter(|word: &String| !word.is_empty());
    let seeding = route.read(&keys::SEEDING);
    Question {
        answer: word(keys::ANSWER),
        wrong: word(keys::AGAINST).filter(|_| seeding == SeedRule::Contrast),
        seeding: Some(seeding),
        options: TraceOptions {
            tau: route.read(&keys::TAU),
            threshold_scale: route.read(&keys::THRESHOLD),
            rule: route.read(&keys::REMOVAL),
            at: route.find(&keys::AFTER),
        },
        reading: route.find(&keys::READING).and_then(|name| name.parse().ok()),
    }
}

/// A set of prompts: its name, and the reader's lines where it is the reader's own.
pub type Set = (&'static str, String);

/// The set that an address asks for.
pub fn set(route: &Route) -> Option<Set> {
    let name = route.find(&keys::SET)?;
    Some((name, if name == "own" { route.read(&keys::SET_LINES) } else { String::new() }))
}

/// `route`, asking for a set, or for none.
pub fn with_set(route: Route, set: Option<Set>) -> Route {
    let route = route.clear(&keys::SET).clear(&keys::SET_LINES);
    let Some((name, lines)) = set else { return route };
    let route = route.put(&keys::SET, name);
    if name == "own" { route.put(&keys::SET_LINES, lines) } else { route }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::trace::Node;

    #[test]
    fn an_address_asks_what_it_says() {
        let asked = question(&Route::parse(
            "#/trace?answer=+Mary&against=%2313&threshold=1.5&removal=key&after=3",
        ));
        assert_eq!((asked.answer.as_deref(), asked.wrong.as_deref()), (Some(" Mary"), Some("#13")));
        assert_eq!((asked.options.threshold_scale, asked.options.rule), (1.5, Rule::Key));
        assert_eq!((asked.options.at, asked.seeding), (Some(3), Some(SeedRule::Contrast)));
    }

    #[test]
    fn a_reading_is_asked_for_by_its_name() {
        let reading = |hash: &str| question(&Route::parse(hash)).reading.map(|f| f.node());
        assert_eq!(reading("#/trace?reading=L1H3:14-2"), Some(Node::head(1, 3, 14, 2)));
        for hash in ["#/trace", "#/trace?reading=L1H3", "#/trace?reading=mlp1:3"] {
            assert_eq!(reading(hash), None, "{hash}");
        }
    }

    #[test]
    fn a_set_survives_the_address_and_one_that_is_none_asks_for_nothing() {
        let lines = "When Mary & John went [[John]] => Mary | #13\n\n50 % of = ?".to_owned();
        for asked in [("greater", String::new()), ("own", lines), ("own", String::new())] {
            let route = with_set(Route::parse("#/trace?tau=0.5"), Some(asked.clone()));
            let again = Route::parse(&route.to_hash());
            assert_eq!(set(&again), Some(asked), "{}", route.to_hash());
            assert_eq!(with_set(again, None).to_hash(), "#/trace?tau=0.5");
        }
        let long = "x".repeat(keys::SET_LINES.longest + 1);
        for (hash, asked) in [
            ("#/trace".to_owned(), None),
            ("#/trace?set=".to_owned(), None),
            ("#/trace?set=ioi,own".to_owned(), None),
            ("#/trace?set-lines=a".to_owned(), None),
            // Lines belong to a list of the reader's own.
            ("#/trace?set=ioi&set-lines=a".to_owned(), Some(("ioi", String::new()))),
            (format!("#/trace?set=own&set-lines={long}"), Some(("own", String::new()))),
        ] {
            assert_eq!(set(&Route::parse(&hash)), asked);
        }
    }

    #[test]
    fn an_address_without_sense_asks_as_everybody_does() {
        let asked =
            question(&Route::parse("#/trace?tau=x&threshold=NaN&after=x&seeding=prob&against=b"));
        assert_eq!(asked.options, TraceOptions::default());
        assert_eq!((asked.wrong, asked.seeding), (None, Some(SeedRule::Probability)));
    }
}
