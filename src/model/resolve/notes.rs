//! What people should know about a model's heads, one sentence each.

use std::collections::BTreeSet;

use super::Builder;
use crate::model::architecture::*;
use crate::model::config::Config;

impl Builder<'_> {
    /// What people should know about this model's heads.
    pub(super) fn notes(&self, a: &Architecture, file_config: &Config) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |text: String| notes.push(text);
        if let Some(said) = file_config.n_layers().filter(|&said| said != a.n_layers) {
            note(format!("config.json says {said} layers; the files have {}.", a.n_layers));
        }
        if !a.folds_norms() {
            note(format!(
                "{} has no norm in front of its attention: nothing is folded or centred.",
                a.title
            ));
        }
        let Some(first) = a.layers.first() else { return notes };
        if first.on_attention.is_some() {
            note(
                "A norm on what the attention writes stays outside OV: it scales with the data."
                    .into(),
            );
        }
        match &first.attention.qk_norm {
            Some(QkNorm::Together { .. }) => {
                note("Queries and keys are normed over all heads; folded weights hold the gains, not the RMS.".into());
            }
            Some(_) => note(
                "Queries and keys are normed per head; folded weights hold the gains, not the RMS."
                    .into(),
            ),
            None => {}
        }
        if let Some(cap) = first.attention.score_cap {
            note(format!("Scores are soft-capped at {cap}, after the bilinear part."));
        }
        if a.alibi.is_some() {
            note("ALiBi is added to the scores, after the bilinear part.".into());
        }
        let windows: BTreeSet<usize> = a.layers.iter().filter_map(|l| l.attention.window).collect();
        if !windows.is_empty() {
            let layers = a.layers.iter().filter(|l| l.attention.window.is_some()).count();
            note(format!(
                "{layers} of {} layers see a sliding window of {windows:?} tokens.",
                a.n_layers
            ));
        }
        if let Some(reason) = &a.cannot_run {
            note(format!("Prompts cannot be run: {reason}."));
        }
        notes
    }
}
