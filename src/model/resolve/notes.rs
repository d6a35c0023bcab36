//! What people should know about a model's heads, one sentence each.

use std::collections::BTreeMap;

use super::builder::Builder;
use crate::math::order::set_of;
use crate::model::architecture::*;

/// What people should know about this model's heads.
pub(super) fn of(a: &Architecture, builders: &[Builder<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(text);
    for builder in builders {
        let said = builder.recipe.n_layers.or(builder.config.n_layers());
        let steps = builder.recipe.layer_paths.is_none();
        if let Some(said) = said.filter(|&said| said != builder.n_layers && steps) {
            let of = builder
                .recipe
                .stream
                .name()
                .map_or_else(String::new, |name| format!(" of the {name}"));
            note(format!(
                "config.json says {said} layers{of}; the files have {}.",
                builder.n_layers
            ));
        }
    }
    if a.stacks.len() > 1 {
        let stacks = a
            .stacks
            .iter()
            .map(|s| format!("{} ({} layers)", s.kind.name().unwrap_or("only"), s.layers.len()));
        note(format!("{} stacks: {}.", a.stacks.len(), stacks.collect::<Vec<_>>().join(", ")));
    }
    if a.stacks.iter().any(|s| s.kind == StackKind::Cross) {
        note("In a cross head the destination is the decoder's stream, the source the encoder's last state.".into());
    }
    let mut uses: BTreeMap<usize, usize> = BTreeMap::new();
    a.layers
        .iter()
        .filter_map(|l| l.same_as)
        .for_each(|first| *uses.entry(first).or_insert(1) += 1);
    for (first, times) in uses {
        note(format!("{}: one set of tensors, used {times} times.", a.layer_name(first)));
    }
    for (layer, said) in ragged(a) {
        note(format!("{} has {said}.", a.layer_name(layer)));
    }
    if !a.folds_norms() {
        note(format!(
            "{} has no norm in front of its attention: nothing is folded or centred.",
            a.title
        ));
    }
    let Some(first) = a.layers.first() else { return notes };
    let wants_rms = builders.get(a.main()).is_some_and(|main| main.recipe.norm == NormKind::Rms);
    let is_layer = |layer: &Layer| {
        layer.before_attention.as_ref().is_some_and(|norm| norm.kind == NormKind::Layer)
    };
    if wants_rms && a.layers.iter().any(is_layer) {
        note("Its norms have biases, so they are taken for LayerNorms.".into());
    }
    if first.on_attention.is_some() {
        note(
            "A norm on what the attention writes stays outside OV: it scales with the data.".into(),
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
    if attention.is_some_and(|attention| attention.qkv.latent().is_some()) {
        note("Queries and keys come out of latents. QK here is their part without positions; the rotary part, whose key all heads share, is added to the score. Folded weights hold the gains of the latents' norms, not their RMS.".into());
    }
    if let Some(cap) = attention.and_then(|attention| attention.score_cap) {
        note(format!("Scores are soft-capped at {cap}, after the bilinear part."));
    }
    if a.alibi.is_some() {
        note("ALiBi is added to the scores, after the bilinear part.".into());
    }
    for window in set_of(a.attentions().filter_map(|a| a.window)) {
        let layers = a.attentions().filter(|a| a.window == Some(window)).count();
        let seen = match window {
            Window::Last(n) => format!("a sliding window of {n} tokens"),
            Window::Around(n) => format!("{n} tokens to either side"),
            Window::Block(n) => format!("their own block of {n} tokens only"),
        };
        note(format!("{layers} of {} layers see {seen}.", a.n_layers));
    }
    if attention.is_some_and(|attention| attention.sinks.is_some()) {
        note(
            "Every head has a sink that takes a share of its attention: rows sum to less than 1."
                .into(),
        );
    }
    if attention.is_some_and(|attention| attention.gated) {
        note(
            "A sigmoid gate on what every head writes stays outside OV: it changes with the data."
                .into(),
        );
    }
    let bare: Vec<usize> = (0..a.n_layers).filter(|&l| a.attention(l).is_none()).collect();
    if !bare.is_empty() {
        note(format!("Layers {bare:?} have no attention, so no heads."));
    }
    if a.layers.iter().any(|l| l.attention.is_some() && l.mixer.is_some()) {
        note("Beside its heads every layer has a state space that passes along the prompt: what it writes is none of OV.".into());
    }
    if a.attentions().any(|attention| attention.relative.is_some()) {
        note("Relative positions are added to the scores, after the bilinear part.".into());
    }
    if a.layers.iter().any(|l| l.attention_gain.is_some()) {
        note("A gain per dimension on what the attention adds is part of folded OV.".into());
    }
    if let Some(main) = builders.get(a.main()) {
        of_logits(a, main).into_iter().for_each(&mut note);
    }
    let reads = |front: &Front| match front {
        Front::Patches { .. } => "an image",
        Front::Mel { .. } | Front::Wave(_) => "sound",
    };
    if let Some(what) = a.streams.iter().find_map(|s| s.embedding.front.as_ref().map(reads)) {
        note(format!(
            "It reads {what}, which a prompt of words has not: a file gives it, on the page Attention or to `omega attention --input`."
        ));
    }
    if let Some(reason) = &a.cannot_run {
        note(format!("Prompts cannot be run: {reason}."));
    }
    notes
}

/// Why there are no logits, or whose they are.
fn of_logits(a: &Architecture, main: &Builder<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(path), None) = (main.recipe.final_norm, a.final_norm()) {
        notes.push(format!("The final norm ({path}) is not in the files, so there are no logits."));
    }
    if let Some(classifier) = main.classifier().filter(|_| a.unembedding.is_none()) {
        notes.push(format!(
            "The files have a classifier ({classifier}) and no output matrix: there are no logits of tokens."
        ));
    }
    let own = a.unembedding.as_ref().filter(|unembedding| !unembedding.tied);
    if let Some(own) = own.filter(|_| main.config.flag("tie_word_embeddings", false)) {
        notes.push(format!(
            "config.json says that the output matrix is the embedding, but the files have one of its own ({}), which is used.",
            own.linear.weight
        ));
    }
    notes
}

/// Layers with fewer heads than their stack's largest, in words.
fn ragged(a: &Architecture) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for stack in &a.stacks {
        let n_heads = |layer: &usize| a.n_heads_of(*layer);
        let most = stack.layers.iter().map(n_heads).max().unwrap_or(0);
        let fewer = stack.layers.iter().filter(|l| (1..most).contains(&n_heads(l)));
        found.extend(fewer.map(|&layer| (layer, format!("{} heads of {most}", n_heads(&layer)))));
    }
    found
}
