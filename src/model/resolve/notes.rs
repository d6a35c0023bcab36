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
        let attention = a.attentions().next();
        match attention.and_then(|attention| attention.qk_norm.as_ref()) {
            Some(QkNorm::Together { .. }) => {
                note("Queries and keys are normed over all heads; folded weights hold the gains, not the RMS.".into());
            }
            Some(_) => note(
                "Queries and keys are normed per head; folded weights hold the gains, not the RMS."
                    .into(),
            ),
            None => {}
        }
        if let Some(cap) = attention.and_then(|attention| attention.score_cap) {
            note(format!("Scores are soft-capped at {cap}, after the bilinear part."));
        }
        if a.alibi.is_some() {
            note("ALiBi is added to the scores, after the bilinear part.".into());
        }
        let windows: BTreeSet<Window> = a.attentions().filter_map(|a| a.window).collect();
        for window in windows {
            let layers = a.attentions().filter(|a| a.window == Some(window)).count();
            let seen = match window {
                Window::Last(n) => format!("a sliding window of {n} tokens"),
                Window::Block(n) => format!("their own block of {n} tokens only"),
            };
            note(format!("{layers} of {} layers see {seen}.", a.n_layers));
        }
        if attention.is_some_and(|attention| attention.sinks.is_some()) {
            note("Every head has a sink that takes a share of its attention: rows sum to less than 1.".into());
        }
        if attention.is_some_and(|attention| attention.gated) {
            note("A sigmoid gate on what every head writes stays outside OV: it changes with the data.".into());
        }
        let bare: Vec<usize> = (0..a.n_layers).filter(|&l| a.attention(l).is_none()).collect();
        if !bare.is_empty() {
            note(format!("Layers {bare:?} have no attention, so no heads."));
        }
        if let (Some(path), None) = (self.recipe.final_norm, &a.final_norm) {
            note(format!("The final norm ({path}) is not in the files, so there are no logits."));
        }
        if let Some(classifier) = self.classifier().filter(|_| a.unembedding.is_none()) {
            note(format!(
                "The files have a classifier ({classifier}) and no output matrix: there are no logits of tokens."
            ));
        }
        let own = a.unembedding.as_ref().filter(|unembedding| !unembedding.tied);
        if let Some(own) = own.filter(|_| file_config.flag("tie_word_embeddings", false)) {
            note(format!(
                "config.json says that the output matrix is the embedding, but the files have one of its own ({}), which is used.",
                own.linear.weight
            ));
        }
        if let Some(reason) = &a.cannot_run {
            note(format!("Prompts cannot be run: {reason}."));
        }
        notes
    }
}
