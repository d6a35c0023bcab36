//! The words that prompts are made of; which of them are single tokens is up to the model's tokenizer.

/// Given names with the pronoun they usually take; the pronoun set measures that convention, nothing about people.
pub(super) const NAMES: [(&str, Pronoun); 48] = {
    use Pronoun::{He, She};
    [
        ("Mary", She),
        ("John", He),
        ("Alice", She),
        ("Bob", He),
        ("Anna", She),
        ("Tom", He),
        ("Emma", She),
        ("James", He),
        ("Kate", She),
        ("Paul", He),
        ("Lucy", She),
        ("Mark", He),
        ("Sara", She),
        ("Peter", He),
        ("Jane", She),
        ("David", He),
        ("Sarah", She),
        ("Michael", He),
        ("Lisa", She),
        ("Robert", He),
        ("Susan", She),
        ("William", He),
        ("Laura", She),
        ("Richard", He),
        ("Amy", She),
        ("Daniel", He),
        ("Rachel", She),
        ("Steven", He),
        ("Jessica", She),
        ("Brian", He),
        ("Emily", She),
        ("Kevin", He),
        ("Karen", She),
        ("Jason", He),
        ("Elizabeth", She),
        ("Matthew", He),
        ("Jennifer", She),
        ("Andrew", He),
        ("Rebecca", She),
        ("Joseph", He),
        ("Michelle", She),
        ("Thomas", He),
        ("Maria", She),
        ("Charles", He),
        ("Linda", She),
        ("George", He),
        ("Helen", She),
        ("Simon", He),
    ]
};

/// A pronoun in the nominative.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pronoun {
    She,
    He,
}

impl Pronoun {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::She => "she",
            Self::He => "he",
        }
    }
}

pub(super) const PLACES: [&str; 12] = [
    "store",
    "park",
    "school",
    "garden",
    "office",
    "beach",
    "library",
    "museum",
    "hospital",
    "station",
    "restaurant",
    "house",
];

pub(super) const OBJECTS: [&str; 12] = [
    "drink", "book", "ring", "ball", "letter", "flower", "cake", "key", "bone", "basket", "ticket",
    "computer",
];

pub(super) const EVENTS: [&str; 14] = [
    "war",
    "campaign",
    "conflict",
    "expedition",
    "journey",
    "strike",
    "trial",
    "project",
    "program",
    "voyage",
    "siege",
    "reign",
    "construction",
    "contract",
];

/// `{io}` and `{s}` are the two names: the one who receives, the one who gives. Each opening comes in both orders.
pub(super) const INDIRECT_OBJECT: [&str; 8] = [
    "When {first} and {second} went to the {place}, {s} gave a {object} to",
    "After {first} and {second} went to the {place}, {s} gave a {object} to",
    "When {first} and {second} went to the {place}, {s} handed a {object} to",
    "After {first} and {second} went to the {place}, {s} passed a {object} to",
    "Then, {first} and {second} went to the {place}. {s} gave a {object} to",
    "Then, {first} and {second} had a long talk at the {place}. {s} decided to give a {object} to",
    "While {first} and {second} were working at the {place}, {s} gave a {object} to",
    "Friends {first} and {second} found a {object} at the {place}. {s} gave it to",
];

pub(super) const PRONOUN: [&str; 4] = [
    "{name} went to the {place} because",
    "So {name} is such a good friend,",
    "Yesterday {name} was late for work, because",
    "So {name} is a really great friend, isn't",
];

pub(super) const GREATER_THAN: &str =
    "The {event} lasted from the year {century}{year} to the year {century}";
