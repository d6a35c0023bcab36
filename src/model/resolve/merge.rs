//! The streams of a checkpoint become one architecture: their layers in one list, in the order in which they run.

use std::collections::BTreeMap;

use super::builder::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::recipe::{AlibiKind, Family};

/// One architecture of all streams; `heads` has the head count of each and whether it is assumed.
pub(super) fn merge(
    family: &'static Family,
    builders: &[Builder<'_>],
    heads: &[(usize, bool)],
) -> Result<Architecture, ModelError> {
    let (mut layers, mut stacks, mut streams) = (Vec::new(), Vec::new(), Vec::new());
    let mut cannot_run = None;
    for (stream, (builder, &(n_heads, _))) in builders.iter().zip(heads).enumerate() {
        let recipe = &builder.recipe;
        let own = stacks.len();
        let stack = |kind, source| Stack { kind, stream, source, layers: Vec::new() };
        stacks.push(stack(recipe.stream, stream));
        let source = stream.saturating_sub(1);
        if recipe.cross.is_some() {
            stacks.push(stack(StackKind::Cross, source));
        }
        let first = layers.len();
        for number in 0..builder.n_layers {
            let mut parts = vec![builder.layer(number, n_heads)?];
            if let Some(cross) = &recipe.cross {
                let norm = streams.get(source).and_then(|s: &Stream| s.final_norm.clone());
                let second = builder.cross(
                    &mut parts[0],
                    number,
                    n_heads,
                    *cross,
                    Source { stream: source, norm },
                )?;
                parts.push(second);
            }
            let n_parts = parts.len();
            for (place, mut layer) in parts.into_iter().enumerate() {
                (layer.stack, layer.number) = (own + place, number);
                if let Some(attention) = &mut layer.attention {
                    // The recipe counts a stream's layers, the list everybody's.
                    attention.keys_of = attention.keys_of.map(|of| first + of * n_parts);
                }
                stacks[own + place].layers.push(layers.len());
                layers.push(layer);
            }
        }
        let found = builder.stream()?;
        cannot_run = cannot_run.or_else(|| builder.cannot_run(&found, &layers[first..]));
        streams.push(found);
    }
    mark_shared(&mut layers);
    let sizes = || layers.iter().filter_map(|l| l.attention.as_ref()).map(|a| a.sizes);
    let most = |of: fn(Sizes) -> usize| sizes().map(of).max().unwrap_or(0);
    let (n_heads, n_kv_heads, d_head) =
        (most(|s| s.n_heads), most(|s| s.n_kv_heads), most(|s| s.d_head));
    let mut architecture = Architecture {
        family: family.id,
        title: family.title,
        prefix: builders.last().map(|b| b.prefix.clone()).unwrap_or_default(),
        n_layers: layers.len(),
        d_model: 0,
        n_heads,
        n_kv_heads,
        d_head,
        d_vocab: None,
        heads_assumed: heads.iter().any(|(_, assumed)| *assumed),
        prepend_bos: builders.last().is_some_and(|b| b.recipe.prepend_bos),
        layers,
        stacks,
        streams,
        alibi: None,
        unembedding: None,
        cannot_run,
    };
    if let Some(main) = builders.get(architecture.main()) {
        let tokens = architecture.embedding().and_then(|e| e.tokens.clone());
        architecture.d_model = main.d_model;
        architecture.d_vocab = main.d_vocab().filter(|_| tokens.is_some());
        // Without it the output matrix would be given something else than it was trained on.
        let is_read = main.recipe.final_norm.is_none() || architecture.final_norm().is_some();
        architecture.unembedding = main.unembedding(tokens.as_deref()).filter(|_| is_read);
        architecture.alibi = main.recipe.alibi.map(|kind| alibi(kind, n_heads, d_head));
    }
    Ok(architecture)
}

/// Finds the layers that have the tensors of an earlier one.
fn mark_shared(layers: &mut [Layer]) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (index, layer) in layers.iter_mut().enumerate() {
        let Some(attention) = &layer.attention else { continue };
        let earlier = *first.entry(attention.output.weight.clone()).or_insert(index);
        layer.same_as = (earlier < index).then_some(earlier);
    }
}

/// ALiBi's slopes, also where the head count is no power of two.
///
/// # Source
/// Press, Smith & Lewis, arXiv:2108.12409, and the authors' code for other head counts.
fn alibi(kind: AlibiKind, n_heads: usize, d_head: usize) -> Alibi {
    let power = 1usize << n_heads.max(1).ilog2();
    let slope = |of: usize, i: usize| 2f64.powf(-8.0 * i as f64 / of as f64);
    let mut slopes: Vec<f64> = (1..=power).map(|i| slope(power, i)).collect();
    slopes.extend((0..n_heads.saturating_sub(power)).map(|i| slope(2 * power, 2 * i + 1)));
    if kind == AlibiKind::Mpt && n_heads > power {
        // Every second slope of the next power of two first, then the rest.
        let all = (1..=power).map(|i| 2 * i).chain((0..power).map(|i| 2 * i + 1));
        slopes = all.map(|i| slope(2 * power, i)).take(n_heads).collect();
    }
    match kind {
        AlibiKind::Plain | AlibiKind::Mpt => Alibi { slopes, rounded: false, factor: 1.0 },
        AlibiKind::RoundedAndScaled => {
            Alibi { slopes, rounded: true, factor: 1.0 / (d_head as f64).sqrt() }
        }
    }
}
