//! What a head does on a prompt: names, meanings, and the sentence about one head.

use super::format::percent;
use crate::circuits::roles::{Role, Share};

/// What the map of roles can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The share of attention that goes where a role looks.
    Role(Role),
    /// How evenly attention is spread.
    Evenness,
}

impl Shown {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Role(Role::Previous),
        Self::Role(Role::First),
        Self::Role(Role::Itself),
        Self::Role(Role::Duplicate),
        Self::Role(Role::Induction),
        Self::Role(Role::Next),
        Self::Evenness,
    ];

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Role(Role::Previous) => "previous",
            Self::Role(Role::Next) => "next",
            Self::Role(Role::First) => "first",
            Self::Role(Role::Itself) => "self",
            Self::Role(Role::Duplicate) => "duplicate",
            Self::Role(Role::Induction) => "induction",
            Self::Evenness => "evenness",
        }
    }

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Role(Role::Previous) => "previous token",
            Self::Role(Role::Next) => "next token",
            Self::Role(Role::First) => "first token",
            Self::Role(Role::Itself) => "itself",
            Self::Role(Role::Duplicate) => "same token elsewhere",
            Self::Role(Role::Induction) => "after the same token (induction)",
            Self::Evenness => "evenness",
        }
    }

    /// What it means, for the "?" beside it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Role(Role::Previous) => {
                "The attention that goes to the token before, averaged over the prompt's tokens. Heads that do this carry what stood before to the next place."
            }
            Self::Role(Role::Next) => {
                "The attention that goes to the token behind, averaged over the prompt's tokens; only models that see both ways have any."
            }
            Self::Role(Role::First) => {
                "The attention that goes to the very first token, averaged over the others. Many heads rest there when they find nothing."
            }
            Self::Role(Role::Itself) => {
                "The attention that a token gives itself, averaged over the prompt's tokens."
            }
            Self::Role(Role::Duplicate) => {
                "The attention that goes to other places where the same token stands, averaged over the tokens that have one in sight. A prompt without repetition has none."
            }
            Self::Role(Role::Induction) => {
                "The attention that goes to what came after the same token elsewhere, averaged over the tokens that have one in sight: “A B … A” looks at B. A random list, twice, shows it best, because nothing else repeats there."
            }
            Self::Evenness => {
                "The entropy of a token's attention by the entropy of equal attention, averaged: 0 looks at one token, 1 at all alike."
            }
        }
    }
}

/// What is said of one head: the role in which it exceeds equal attention most, with both numbers.
pub fn sentence(name: &str, shares: &[(Role, Option<Share>)]) -> String {
    let known = shares.iter().filter_map(|(role, share)| Some((*role, (*share)?)));
    let strongest = known.max_by(|a, b| a.1.beyond_chance().total_cmp(&b.1.beyond_chance()));
    let Some((role, share)) = strongest else {
        return format!("This prompt is too short to say what {name} does.");
    };
    if share.observed <= share.uniform {
        return format!("{name} exceeds equal attention in none of these roles.");
    }
    format!(
        "{name} exceeds equal attention most towards “{}”: {} of its attention goes there, {} if it did not choose (over {} tokens of this one prompt).",
        Shown::Role(role).name(),
        percent(share.observed),
        percent(share.uniform),
        share.n_dest
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_role_that_exceeds_chance_most_and_no_role_where_none_does() {
        let share = |observed, uniform| Some(Share { observed, uniform, n_dest: 9 });
        let all = [
            (Role::First, share(0.5, 0.4)),
            (Role::Induction, share(0.45, 0.1)),
            (Role::Duplicate, None),
        ];
        let said = sentence("L1H2", &all);
        assert!(
            said.contains("induction") && said.contains("45 %") && said.contains("10 %"),
            "{said}"
        );
        assert!(sentence("L1H2", &[(Role::First, share(0.1, 0.4))]).contains("in none"));
        assert!(sentence("L1H2", &[(Role::First, None)]).contains("too short"));
    }
}
