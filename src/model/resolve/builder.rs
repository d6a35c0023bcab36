//! One stream of a checkpoint: where its layers are, and how wide its residual stream and its heads are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Given, MOST_LAYERS};
use crate::model::ModelError;
use crate::model::architecture::Orientation;
use crate::model::config::Config;
use crate::model::known;
use crate::model::names::{Names, in_layer};
use crate::model::recipe::{Family, PerLayer, QkNormPaths, QkvPaths, Recipe};

/// A stream's recipe beside the tensors.
pub(super) struct Builder<'a> {
    pub(super) family: &'static Family,
    pub(super) names: &'a Names,
    /// The part of the config that describes this stream.
    pub(super) config: Cow<'a, Config>,
    pub(super) recipe: Recipe,
    pub(super) prefix: String,
    pub(super) n_layers: usize,
    pub(super) d_model: usize,
    /// Width of all heads together, in the layer where it is largest.
    pub(super) inner: usize,
    pub(super) missing_shards: usize,
}

impl<'a> Builder<'a> {
    /// The prefix of a stream's names, and the number of its layers.
    pub(super) fn place(given: &Given<'_>, recipe: &Recipe) -> Result<(String, usize), ModelError> {
        let missing = given.missing_shards;
        let output = recipe.layer.to_owned() + &weight_of(recipe.output);
        let prefixes = given.names.layers(&output);
        let within = |prefix: &str| recipe.within.is_some_and(|end| prefix.ends_with(end));
        let chosen = prefixes.iter().max_by_key(|(prefix, layers)| {
            (within(prefix), !prefix.contains("vision"), layers.len())
        });
        let Some((prefix, layers)) = chosen else {
            let name = in_layer(&output, 0);
            return Err(ModelError::MissingTensor { name, shards: missing });
        };
        if let Some(paths) = &recipe.layer_paths {
            return Ok((prefix.clone(), paths.len().min(MOST_LAYERS)));
        }
        let said = recipe.n_layers.or(given.config.n_layers());
        let reaches = |layers: &BTreeSet<usize>| layers.last().map_or(0, |&last| last + 1);
        let everywhere = recipe.attends == PerLayer::All(true);
        let is_all = everywhere && said.is_none_or(|said| said <= reaches(layers));
        let any = if is_all { BTreeSet::new() } else { given.names.numbers(prefix, recipe.layer) };
        // The last layers may have lost their attention; what else has numbers beyond the model's own is none of it.
        let found = match everywhere {
            true if said.is_none_or(|said| is_all || reaches(&any) != said) => layers,
            _ => &any,
        };
        Ok((prefix.clone(), count_layers(found, given.config, said, missing)?))
    }

    /// Finds a stream's tensors.
    pub(super) fn new(given: Given<'a>, recipe: Recipe) -> Result<Self, ModelError> {
        let Given { family, names, missing_shards, .. } = given;
        let part = recipe.part.and_then(|part| given.whole.part(part));
        let config = part.map_or(Cow::Borrowed(given.config), Cow::Owned);
        let (prefix, n_layers) = Self::place(&Given { config: &config, ..given }, &recipe)?;
        let output = recipe.layer.to_owned() + &weight_of(recipe.output);
        let shape = names.layer_shape(&prefix, &output).unwrap_or_default();
        let d_model = match (shape, recipe.orientation) {
            (&[out, inner], Orientation::OutIn) | (&[inner, out], Orientation::InOut)
                if inner > 0 && out > 0 =>
            {
                out
            }
            (&[heads, width, out], Orientation::InOut) if heads * width > 0 && out > 0 => out,
            _ => {
                let expected = vec![config.d_model().unwrap_or(0), config.d_model().unwrap_or(0)];
                let (family, found) = (family.id, shape.to_vec());
                return Err(ModelError::Shape { name: output, family, expected, found });
            }
        };
        if let Some(said) = config.d_model().filter(|&said| said != d_model) {
            return Err(ModelError::Mismatch {
                what: "width of the residual stream".into(),
                first: format!("{said} in config.json"),
                second: format!("{d_model} in {output}"),
            });
        }
        let mut builder = Self {
            family,
            names,
            config,
            recipe,
            prefix,
            n_layers,
            d_model,
            inner: 0,
            missing_shards,
        };
        let output = builder.recipe.output;
        let widths = (0..n_layers).filter(|&l| builder.has(l, output));
        let widths = widths.filter_map(|l| builder.rows_in(l, output, true).ok());
        builder.inner = widths.max().unwrap_or(0);
        if builder.inner == 0 {
            builder.inner = builder.rows_in(0, output, true)?;
        }
        Ok(builder)
    }

    /// Rows of its token embedding.
    pub(super) fn d_vocab(&self) -> Option<usize> {
        let name = self.names.find(&self.prefix, self.recipe.embed)?;
        self.names.shape(&name)?.first().copied()
    }

    /// The head count that the config gives for this stream.
    pub(super) fn said_heads(&self) -> Option<usize> {
        self.recipe.n_heads.or(self.config.n_heads())
    }

    /// The head count and whether it is assumed: hint, config, norm of one head, the family's width, table.
    pub(super) fn n_heads(
        &self,
        hint: Option<usize>,
        config: Option<usize>,
        table: Option<usize>,
    ) -> Result<(usize, bool), ModelError> {
        // Where layers differ, a width is that of the first and divides what is written there.
        let first = self.recipe.widths_vary.then(|| self.rows_in(0, self.recipe.output, true).ok());
        let inner = first.flatten().unwrap_or(self.inner);
        let by_width = self
            .one_head()
            .or(self.recipe.d_head)
            .filter(|&h| h > 0 && inner.is_multiple_of(h))
            .map(|h| inner / h);
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
        if n_heads == 0 {
            return Err(self.heads_do_not_divide(n_heads));
        }
        Ok((n_heads, assumed))
    }

    /// The width of one head where a tensor says it: gains of a norm of one head, or one matrix per head.
    fn one_head(&self) -> Option<usize> {
        if let Some(&[_, width, _]) = self.in_any_layer(&weight_of(self.recipe.output)) {
            return Some(width);
        }
        match self.recipe.qk_norm.at(0).flatten()? {
            (QkNormPaths::Shared(q, _), _) => {
                self.in_any_layer(&format!("{q}.weight"))?.first().copied()
            }
            (QkNormPaths::Rows(q, _), _) => {
                self.in_any_layer(&format!("{q}.weight"))?.last().copied()
            }
            _ => None,
        }
    }

    pub(super) fn heads_do_not_divide(&self, n_heads: usize) -> ModelError {
        ModelError::Mismatch {
            what: "the head count does not divide the width of all heads".into(),
            first: format!("{n_heads} heads"),
            second: format!("width {}", self.inner),
        }
    }

    /// The shape of a path in the first layer that has it.
    pub(super) fn in_any_layer(&self, path: &str) -> Option<&[usize]> {
        self.names.layer_shape(&self.prefix, &format!("{}{path}", self.recipe.layer))
    }

    /// The whole name of a path in a layer.
    pub(super) fn name_in_layer(&self, l: usize, path: &str) -> String {
        let own = self.recipe.layer_paths.as_ref().and_then(|paths| paths.get(l));
        let layer = own.map_or_else(|| Cow::Owned(in_layer(self.recipe.layer, l)), Cow::from);
        format!("{}{layer}{path}", self.prefix)
    }

    /// True if a layer is in the files and nothing of its attention is: it was taken out.
    pub(super) fn lacks_attention(&self, l: usize) -> bool {
        let q = match self.recipe.qkv {
            QkvPaths::Separate(q, ..) | QkvPaths::Fused(q, _) => q,
            QkvPaths::Latent(paths) => paths.kv_latent[0],
        };
        self.missing_shards == 0
            && self.recipe.layer_paths.is_none()
            && !self.has(l, self.recipe.output)
            && !self.has(l, q)
            && self.names.numbers(&self.prefix, self.recipe.layer).contains(&l)
    }

    /// True if a layer has the weight of `path`.
    pub(super) fn has(&self, l: usize, path: &str) -> bool {
        self.names.shape(&self.name_in_layer(l, &weight_of(path))).is_some()
    }
}

/// The name of a path's weight: `.weight` is added, or a `W` put where the path has `{}`.
pub(super) fn weight_of(path: &str) -> String {
    if path.contains("{}") { path.replace("{}", "W") } else { format!("{path}.weight") }
}

/// The name of a path's bias, likewise with a `b`.
pub(super) fn bias_of(path: &str) -> String {
    if path.contains("{}") { path.replace("{}", "b") } else { format!("{path}.bias") }
}

/// Layers in the files, or in the config where files are missing.
fn count_layers(
    found: &BTreeSet<usize>,
    config: &Config,
    said: Option<usize>,
    missing_shards: usize,
) -> Result<usize, ModelError> {
    let seen = found.last().map_or(0, |&last| last.saturating_add(1));
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
