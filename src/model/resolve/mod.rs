//! A recipe meets the tensors: sizes are read off the shapes, names are completed, and what does not fit is an error.

mod attention;
mod geometry;
mod layer;
mod mixture;
mod notes;
mod whole;

use std::collections::BTreeSet;

use super::ModelError;
use super::architecture::{Architecture, Orientation};
use super::config::Config;
use super::known;
use super::names::{Names, in_layer};
use super::recipe::{Family, PerLayer, QkNormPaths, Recipe, Survey};

/// More layers than any model has: a number in a tensor's name must not decide how much memory is taken.
const MOST_LAYERS: usize = 4096;

/// A resolved architecture, and what the reader should know about how it came about.
pub(super) struct Resolved {
    pub(super) architecture: Architecture,
    pub(super) notes: Vec<String>,
}

/// Fills in an [`Architecture`] for a family.
pub(super) fn resolve(
    family: &'static Family,
    names: &Names,
    file_config: &Config,
    n_heads_hint: Option<usize>,
    missing_shards: usize,
) -> Result<Resolved, ModelError> {
    let mut notes = Vec::new();
    let first_look = Builder::new(family, names, file_config, missing_shards)?;
    let mut table_config = None;
    if file_config.n_heads().is_none() {
        let vocab = first_look.d_vocab().unwrap_or(0);
        if let Some((label, config)) =
            known::look_up(family.id, first_look.d_model, first_look.n_layers, vocab)?
        {
            if file_config.is_empty() {
                notes.push(format!(
                    "No config.json: by its sizes this is {label}, and its settings are taken."
                ));
                table_config = Some((config, false));
            } else {
                notes.push(format!(
                    "config.json does not say the head count; by its sizes this is {label}."
                ));
                table_config = Some((config, true));
            }
        } else if file_config.is_empty() {
            notes.push(format!(
                "No config.json: read as {} by its tensor names, with the family's usual settings (rotary base, ε, scale).",
                family.title
            ));
        }
    }
    let heads_from_table = table_config.as_ref().and_then(|(config, _)| config.n_heads());
    let builder = match &table_config {
        Some((config, false)) => Builder::new(family, names, config, missing_shards)?,
        _ => first_look,
    };
    let (n_heads, heads_assumed) =
        builder.n_heads(n_heads_hint, file_config.n_heads(), heads_from_table)?;
    if heads_assumed {
        notes.push(format!("Head count assumed: {n_heads}."));
    }
    let architecture = builder.build(n_heads, heads_assumed)?;
    notes.extend(builder.notes(&architecture, file_config));
    Ok(Resolved { architecture, notes })
}

struct Builder<'a> {
    family: &'static Family,
    names: &'a Names,
    config: &'a Config,
    recipe: Recipe,
    prefix: String,
    n_layers: usize,
    d_model: usize,
    /// `n_heads * d_head`.
    inner: usize,
    missing_shards: usize,
}

impl<'a> Builder<'a> {
    fn new(
        family: &'static Family,
        names: &'a Names,
        config: &'a Config,
        missing_shards: usize,
    ) -> Result<Self, ModelError> {
        let recipe_for = |n_layers| (family.recipe)(&Survey { names, config, n_layers });
        let draft = recipe_for(0)?;
        let output = format!("{}{}.weight", draft.layer, draft.output);
        let prefixes = names.layers(&output);
        let chosen = prefixes
            .iter()
            .max_by_key(|(prefix, layers)| (!prefix.contains("vision"), layers.len()));
        let Some((prefix, layers)) = chosen else {
            let name = in_layer(&output, 0);
            return Err(ModelError::MissingTensor { name, shards: missing_shards });
        };
        let everywhere = draft.attends == PerLayer::All(true);
        let any = if everywhere { BTreeSet::new() } else { names.numbers(prefix, draft.layer) };
        let n_layers =
            count_layers(if everywhere { layers } else { &any }, config, missing_shards)?;
        let recipe = recipe_for(n_layers)?;
        let shape = names.layer_shape(prefix, &output).unwrap_or_default();
        let (inner, d_model) = match (shape, recipe.orientation) {
            (&[out, inner], Orientation::OutIn) | (&[inner, out], Orientation::InOut)
                if inner > 0 && out > 0 =>
            {
                (inner, out)
            }
            _ => {
                let expected = vec![config.d_model().unwrap_or(0), config.d_model().unwrap_or(0)];
                return Err(ModelError::Shape {
                    name: output,
                    family: family.id,
                    expected,
                    found: shape.to_vec(),
                });
            }
        };
        if let Some(said) = config.d_model().filter(|&said| said != d_model) {
            return Err(ModelError::Mismatch {
                what: "width of the residual stream".into(),
                first: format!("{said} in config.json"),
                second: format!("{d_model} in {output}"),
            });
        }
        let prefix = prefix.clone();
        Ok(Self { family, names, config, recipe, prefix, n_layers, d_model, inner, missing_shards })
    }

    fn d_vocab(&self) -> Option<usize> {
        let name = self.names.find(&self.prefix, self.recipe.embed)?;
        self.names.shape(&name)?.first().copied()
    }

    /// The head count and whether it is assumed: hint, config, norm of one head, the family's width, table.
    fn n_heads(
        &self,
        hint: Option<usize>,
        config: Option<usize>,
        table: Option<usize>,
    ) -> Result<(usize, bool), ModelError> {
        let one_head = match self.recipe.qk_norm.at(0).flatten() {
            Some((QkNormPaths::Shared(q, _), _)) => {
                self.in_any_layer(&format!("{q}.weight")).and_then(|s| s.first()).copied()
            }
            Some((QkNormPaths::Rows(q, _), _)) => {
                self.in_any_layer(&format!("{q}.weight")).and_then(|s| s.last()).copied()
            }
            _ => None,
        };
        let by_width = one_head
            .or(self.recipe.d_head)
            .filter(|&h| h > 0 && self.inner.is_multiple_of(h))
            .map(|h| self.inner / h);
        let (n_heads, assumed) = match (hint, config, by_width, table) {
            (Some(n), None, None, _) => (n, true),
            (_, Some(n), _, _) | (_, None, Some(n), _) => (n, false),
            (None, None, None, Some(n)) => (n, true),
            (None, None, None, None) => {
                return Err(ModelError::HeadCountNeeded {
                    family: self.family.id,
                    d_model: self.d_model,
                    inner: self.inner,
                    suggestions: known::head_count_suggestions(self.inner),
                });
            }
        };
        if n_heads == 0 || !self.inner.is_multiple_of(n_heads) {
            return Err(ModelError::Mismatch {
                what: "the head count does not divide the width of all heads".into(),
                first: format!("{n_heads} heads"),
                second: format!("width {}", self.inner),
            });
        }
        Ok((n_heads, assumed))
    }

    /// The shape of a path in the first layer that has it.
    fn in_any_layer(&self, path: &str) -> Option<&[usize]> {
        self.names.layer_shape(&self.prefix, &format!("{}{path}", self.recipe.layer))
    }
}

/// Layers in the files, or in the config where files are missing.
fn count_layers(
    found: &BTreeSet<usize>,
    config: &Config,
    missing_shards: usize,
) -> Result<usize, ModelError> {
    let seen = found.last().map_or(0, |&last| last.saturating_add(1));
    let said = config.n_layers();
    // Layers that only predict further tokens in training stand behind the model's own.
    let extra = config.size(&["num_nextn_predict_layers"]).unwrap_or(0);
    let n_layers = match said {
        Some(said) if missing_shards > 0 => seen.max(said),
        Some(said) if said < seen && seen - said <= extra => said,
        _ => seen,
    };
    if n_layers > MOST_LAYERS {
        return Err(ModelError::OutOfRange {
            what: "layer",
            index: n_layers - 1,
            count: MOST_LAYERS,
        });
    }
    Ok(n_layers)
}
