//! What every head did on the prompt that was run last: Attention shows it, and the grid of Heads takes its colours from it.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::circuits::roles::{Role, Share, evenness};
use crate::model::Layers;
use crate::study::prompt::Ran;
use crate::ui::words::role::Shown;

/// One head's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadRoles {
    /// Every role with its share of attention; `None` where the prompt gives it nowhere to look.
    pub shares: [(Role, Option<Share>); Role::ALL.len()],
    evenness: Option<f64>,
}

impl HeadRoles {
    /// One number, and its level of chance.
    pub fn value(&self, shown: Shown) -> (Option<f64>, Option<f64>) {
        match shown {
            Shown::Role(role) => {
                let share = self.shares.iter().find(|(r, _)| *r == role).and_then(|(_, s)| *s);
                (share.map(|s| s.observed), share.map(|s| s.uniform))
            }
            Shown::Evenness => (self.evenness, None),
        }
    }
}

/// All heads on one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptRoles {
    /// The prompt.
    pub ran: Rc<Ran>,
    /// By layer and head.
    pub heads: BTreeMap<(usize, usize), HeadRoles>,
}

impl PromptRoles {
    /// Those of the heads whose patterns are given, by layer, `[n_heads, n, n]`.
    pub fn of(patterns: &BTreeMap<usize, Rc<Vec<f32>>>, ran: &Rc<Ran>, layers: &Layers) -> Self {
        let mut found = BTreeMap::new();
        for (&layer, patterns) in patterns {
            // Between two prompts there is no previous token and no same one.
            let Some(ids) = ran.own_ids(layers.stack(layer)) else { continue };
            let heads = patterns.chunks_exact((ids.len() * ids.len()).max(1));
            found.extend(heads.enumerate().map(|(head, own)| {
                let shares = Role::ALL.map(|role| (role, role.share(ids, own)));
                ((layer, head), HeadRoles { shares, evenness: evenness(ids.len(), own) })
            }));
        }
        Self { ran: ran.clone(), heads: found }
    }

    /// The prompt, short enough for a line.
    pub fn prompt(&self) -> String {
        const WORDS: usize = 6;
        let words: String = self.ran.tokens.iter().take(WORDS).map(String::as_str).collect();
        let more = if self.ran.tokens.len() > WORDS { " …" } else { "" };
        format!("“{}{more}”, {} tokens", words.trim(), self.ran.ids.len())
    }
}
