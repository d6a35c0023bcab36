//! A recipe meets the tensors: sizes are read off the shapes, names are completed, and what does not fit is an error.

mod attention;
mod builder;
mod geometry;
mod layer;
mod merge;
mod mixer;
mod mixture;
mod notes;
mod outside;
mod side_streams;
mod stream;

use super::ModelError;
use super::architecture::Architecture;
use super::config::Config;
use super::names::Names;
use super::recipe::{Family, Recipe, Survey};
use super::{families, known};
use builder::Builder;

/// More layers than any model has: a number in a tensor's name must not decide how much memory is taken.
pub(super) const MOST_LAYERS: usize = 4096;

/// A resolved architecture, and what the reader should know about how it came about.
pub(super) struct Resolved {
    pub(super) architecture: Architecture,
    pub(super) notes: Vec<String>,
}

/// What is known of a checkpoint before its family looks at it.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) family: &'static Family,
    pub(super) names: &'a Names,
    /// The config as it is in the file.
    pub(super) whole: &'a Config,
    /// Its part for words, where it has one; else the same.
    pub(super) config: &'a Config,
    pub(super) n_heads_hint: Option<usize>,
    pub(super) missing_shards: usize,
}

/// Fills in an [`Architecture`] for a family.
pub(super) fn resolve(given: Given<'_>) -> Result<Resolved, ModelError> {
    let Given { family, config, .. } = given;
    let mut notes = Vec::new();
    let first_look = streams(given)?;
    let Some(main) = first_look.last() else {
        return Err(ModelError::UnknownFamily {
            reason: format!("{} has no stream", family.title),
            known: String::new(),
        });
    };
    let mut table_config = None;
    // A part for words is written without what its class takes for granted.
    let usual = given.whole.part("text_config").and_then(|_| known::usual_heads(family.id));
    let usual = usual.filter(|_| given.n_heads_hint.is_none());
    let usual = usual.filter(|&n| main.said_heads().is_none() && main.inner.is_multiple_of(n));
    if let Some(n) = usual {
        notes.push(format!(
            "config.json's text_config does not say the head count; {n} is what transformers takes for a {} then.",
            family.title
        ));
    } else if main.said_heads().is_none() {
        let vocab = main.d_vocab().unwrap_or(0);
        if let Some((label, table)) = known::look_up(family.id, main.d_model, main.n_layers, vocab)?
        {
            if config.is_empty() {
                notes.push(format!(
                    "No config.json: by its sizes this is {label}, and its settings are taken."
                ));
                table_config = Some((table, false));
            } else {
                notes.push(format!(
                    "config.json does not say the head count; by its sizes this is {label}."
                ));
                table_config = Some((table, true));
            }
        } else if config.is_empty() {
            notes.push(format!(
                "No config.json: read as {} by its tensor names, with the family's usual settings (rotary base, ε, scale).",
                family.title
            ));
            notes.extend(main.recipe.doubt.map(str::to_owned));
        }
    }
    notes.extend(main.recipe.unsaid.map(str::to_owned));
    // Families that no library of config.json writes are known by their names alone.
    let typed = [given.whole, config].iter().any(|config| config.model_type().is_some());
    if !config.is_empty() && !typed && !family.model_types.is_empty() {
        let (by, doubt) = match families::named_by_class(given.whole) {
            true => ("the class that it names", None),
            false => ("its tensor names", main.recipe.doubt),
        };
        notes.push(format!("config.json says no model_type: read as {} by {by}.", family.title));
        notes.extend(doubt.map(str::to_owned));
    }
    let heads_from_table =
        usual.or_else(|| table_config.as_ref().and_then(|(table, _)| table.n_heads()));
    let builders = match &table_config {
        Some((table, false)) => streams(Given { config: table, whole: table, ..given })?,
        _ => first_look,
    };
    let mut heads = Vec::new();
    for builder in &builders {
        // What a table of well-known checkpoints says is not what the file says.
        let said = builder.said_heads().filter(|_| !config.is_empty());
        heads.push(builder.n_heads(given.n_heads_hint, said, heads_from_table)?);
    }
    let mut assumed: Vec<usize> =
        heads.iter().filter(|(_, assumed)| *assumed).map(|(n, _)| *n).collect();
    assumed.dedup();
    if let Some(first) = assumed.first() {
        let all: Vec<String> = assumed.iter().map(usize::to_string).collect();
        let several = if assumed.len() > 1 { all.join(", ") } else { first.to_string() };
        notes.push(format!("Head count assumed: {several}."));
    }
    let architecture = merge::merge(family, &builders, &heads)?;
    notes.extend(notes::of(&architecture, &builders));
    Ok(Resolved { architecture, notes })
}

/// A builder for every stream of a checkpoint, the main one last.
fn streams<'a>(given: Given<'a>) -> Result<Vec<Builder<'a>>, ModelError> {
    let recipe_for = |n_layers| -> Result<Recipe, ModelError> {
        let Given { family, names, whole, config, .. } = given;
        (family.recipe)(&Survey { names, config, whole, n_layers })
    };
    let draft = recipe_for(0)?;
    let n_layers = Builder::place(&given, &draft)?.1;
    let mut main = recipe_for(n_layers)?;
    let recipes = std::mem::take(&mut main.others).into_iter().chain([main]);
    recipes.map(|recipe| Builder::new(given, recipe)).collect()
}
