//! What colours the grid of heads: a number of its weights, or what it did on the prompt that was run last.

use super::pictures::OnStage;
use super::role::Shown;
use super::statistic::Statistic;
use crate::circuits::omega::Circuit;
use crate::protocol::heads::HeadSpectra;
use crate::ui::lessons::speech::Speech;
use crate::ui::memory::roles::PromptRoles;
use crate::ui::palette::Scale;
use crate::ui::words::format::three;

sentences! {
    const MEASURED_ON_PROMPT = "What heads do is measured on a prompt. ";
    const RUN_ONE = "run one on Attention";
    fn on(prompt) = "On {prompt}. ";
}

/// What a cell of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A statistic of a circuit.
    Weights(Statistic),
    /// A role on a prompt.
    Prompt(Shown),
}

const N: usize = Statistic::ALL.len() + Shown::ALL.len();

impl Colour {
    /// All of them, those of the weights first.
    pub const ALL: [Self; N] = {
        let mut all = [Self::Weights(Statistic::ALL[0]); N];
        let mut i = 0;
        while i < N {
            all[i] = if i < Statistic::ALL.len() {
                Self::Weights(Statistic::ALL[i])
            } else {
                Self::Prompt(Shown::ALL[i - Statistic::ALL.len()])
            };
            i += 1;
        }
        all
    };

    /// Those that there are for a model with or without position embeddings, before or after a prompt was run.
    pub fn there(positions: bool, prompt: bool) -> impl Iterator<Item = Self> {
        let roles = Shown::ALL.into_iter().filter(move |_| prompt).map(Self::Prompt);
        Statistic::all(positions).map(Self::Weights).chain(roles)
    }

    /// Its name in URLs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Weights(statistic) => statistic.slug(),
            Self::Prompt(shown) => shown.slug(),
        }
    }

    /// Its name on the page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights(statistic) => statistic.name(),
            Self::Prompt(shown) => shown.name(),
        }
    }

    /// What it is called where the circuit has to be said.
    pub fn term(self, speech: &Speech, circuit: Circuit) -> String {
        match self {
            Self::Weights(s) if s.circuit().is_none() => {
                speech.fill(OnStage::OfCircuit, &[&speech.colour(self), circuit.name()])
            }
            _ => speech.colour(self),
        }
    }

    /// What it means, for the "?" beside it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Weights(statistic) => statistic.meaning(),
            Self::Prompt(shown) => shown.meaning(),
        }
    }

    /// Its value for a head, NaN where it is not defined there; `roles` are those of the prompt that was run last.
    pub fn of(self, head: &HeadSpectra, circuit: Circuit, roles: Option<&PromptRoles>) -> f64 {
        match self {
            Self::Weights(statistic) => statistic.of(head, circuit),
            Self::Prompt(shown) => {
                let found = roles.and_then(|roles| roles.heads.get(&(head.layer, head.head)));
                found.and_then(|roles| roles.value(shown).0).unwrap_or(f64::NAN)
            }
        }
    }

    /// The value in words, with its chance where it has one.
    pub fn told(
        self,
        speech: &Speech,
        head: &HeadSpectra,
        circuit: Circuit,
        roles: Option<&PromptRoles>,
    ) -> String {
        let value = self.of(head, circuit, roles);
        let chance = match self {
            Self::Weights(statistic) => statistic.by_chance(speech, head, circuit),
            Self::Prompt(shown) => (roles.and_then(|r| r.heads.get(&(head.layer, head.head))))
                .and_then(|roles| roles.value(shown).1)
                .map(|chance| speech.fill(OnStage::Chance, &[&three(chance)])),
        };
        let value = if value.is_nan() { speech.say(OnStage::NotDefined) } else { three(value) };
        chance.map_or_else(|| value.clone(), |chance| format!("{value}, {chance}"))
    }

    /// The colours for values like these.
    pub fn scale(self, values: &[f64]) -> Scale {
        match self {
            Self::Weights(statistic) => statistic.scale(values),
            Self::Prompt(_) => Scale::Sequential { max: 1.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_colour_has_a_name_of_its_own_in_the_address_and_on_the_page() {
        for name in [Colour::slug, Colour::name] {
            assert_eq!(Colour::ALL.map(name).into_iter().collect::<HashSet<_>>().len(), N);
        }
    }

    #[test]
    fn roles_are_offered_after_a_prompt_and_positions_where_there_are_some() {
        let n = |positions, prompt| Colour::there(positions, prompt).count();
        assert_eq!(n(true, true), N);
        assert_eq!(n(true, false), N - Shown::ALL.len());
        assert_eq!(n(false, false), N - Shown::ALL.len() - 2);
        assert_eq!(Colour::ALL[0], Colour::Weights(Statistic::Copying));
    }
}
