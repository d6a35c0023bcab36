//! How many heads a layer has, and how wide they are: read off that layer's own tensors.

use super::builder::{Builder, weight_of};
use crate::model::ModelError;
use crate::model::architecture::{Orientation, Sizes};
use crate::model::recipe::{LatentPaths, QkvPaths};

impl Builder<'_> {
    /// The sizes of a layer's attention.
    pub(super) fn sizes(&self, layer: usize, n_heads: usize) -> Result<Sizes, ModelError> {
        self.sizes_of(layer, n_heads, self.recipe.qkv, self.recipe.output)
    }

    /// The sizes of an attention in a layer with these paths.
    pub(super) fn sizes_of(
        &self,
        layer: usize,
        n_heads: usize,
        qkv: QkvPaths,
        output: &str,
    ) -> Result<Sizes, ModelError> {
        let d_model = self.d_model;
        let inner = self.rows_in(layer, output, true)?;
        let (n_heads, d_value) = self.heads_in(layer, inner, n_heads)?;
        let (d_head, n_kv_heads) = match qkv {
            QkvPaths::Fused(path, _) => {
                let rows = self.rows_in(layer, path, false)?;
                let n_kv = (rows / d_value).saturating_sub(n_heads) / 2;
                self.fits(path, rows, (n_heads + 2 * n_kv) * d_value, [n_heads, n_kv, d_value])?;
                (d_value, n_kv)
            }
            QkvPaths::Separate(q, k, v) => {
                let per_head = if self.recipe.gated { 2 } else { 1 };
                let rows = self.rows_in(layer, q, false)?;
                let d_head = self.share(rows, per_head * n_heads, q)?;
                let source = self.recipe.keys_of.at(layer).flatten().unwrap_or(layer);
                let keys = self.rows_in(source, k, false)?;
                let values = self.rows_in(source, self.values_of(source, k, v), false);
                let n_kv = keys / d_head;
                self.fits(k, keys, n_kv * d_head, [n_heads, n_kv, d_head])?;
                self.fits(v, values.unwrap_or(keys), n_kv * d_value, [n_heads, n_kv, d_value])?;
                (d_head, n_kv)
            }
            QkvPaths::Latent(paths) => {
                let [_, _, q_up] = paths.q_latent;
                let q = if self.queries_are_latent(paths) { q_up } else { paths.q };
                let d_head = self.share(self.length(layer, q)?, n_heads, q)?;
                let [_, _, up] = paths.kv_latent;
                let plain = d_head.saturating_sub(self.d_rotary(layer, paths)?);
                let (rows, width) = (self.length(layer, up)?, plain + d_value);
                self.fits(up, rows, n_heads * width, [n_heads, n_heads, width])?;
                (d_head, n_heads)
            }
        };
        if let Some(said) = self.said_width().filter(|&said| said != d_head) {
            return Err(ModelError::Mismatch {
                what: format!("width of a head in layer {layer}"),
                first: format!("{said} in config.json"),
                second: format!("{d_head}, for {n_heads} heads"),
            });
        }
        Ok(Sizes { d_model, n_heads, n_kv_heads, d_head, d_value })
    }

    /// What makes the values of a layer: where it has keys and no values of its own, its keys (Gemma 4's full layers).
    pub(super) fn values_of<'p>(&self, layer: usize, k: &'p str, v: &'p str) -> &'p str {
        if self.has(layer, v) || !self.has(layer, k) { v } else { k }
    }

    /// The width of a head as config.json says it, in families where it is the same everywhere.
    fn said_width(&self) -> Option<usize> {
        // What latent attention calls so is the part of a head that turns.
        let latent = matches!(self.recipe.qkv, QkvPaths::Latent(_));
        let said = self.recipe.d_head.or(self.config.size(&["head_dim"]));
        said.filter(|_| !latent && !self.recipe.widths_vary && !self.config.is_empty())
    }

    /// The heads of a layer whose matrices are `inner` wide, and the width of each. Pruned layers have fewer heads of the same
    /// width, so only a model whose layers all agree is divided by the head count.
    fn heads_in(
        &self,
        layer: usize,
        inner: usize,
        n_heads: usize,
    ) -> Result<(usize, usize), ModelError> {
        let pruned = self.config.get("pruned_heads").and_then(|p| p.as_object());
        let pruned = pruned.is_some_and(|layers| !layers.is_empty());
        let whole = self.d_model.is_multiple_of(n_heads).then_some(self.d_model / n_heads.max(1));
        let width = match self.said_width() {
            Some(width) => width,
            None if self.recipe.widths_vary => self.share(inner, n_heads, self.recipe.output)?,
            None if pruned && whole.is_some() => whole.unwrap_or(0),
            None if self.inner.is_multiple_of(n_heads) => self.inner / n_heads,
            None => return Err(self.heads_do_not_divide(n_heads)),
        };
        let heads = inner / width.max(1);
        if heads == 0 || heads * width != inner || heads > n_heads {
            return Err(ModelError::Mismatch {
                what: format!("heads of layer {layer}"),
                first: format!("{n_heads} of width {width}"),
                second: format!("matrices {inner} wide"),
            });
        }
        Ok((heads, width))
    }

    /// The side of a matrix that is not the residual stream's: its inputs if it writes there, its outputs if it reads.
    pub(super) fn rows_in(
        &self,
        layer: usize,
        path: &str,
        writes: bool,
    ) -> Result<usize, ModelError> {
        let weight = weight_of(path);
        let own = self.name_in_layer(layer, &weight);
        let shape = self.names.shape(&own).or_else(|| self.in_any_layer(&weight));
        let Some(shape) = shape else {
            return Err(ModelError::MissingTensor { name: own, shards: self.missing_shards });
        };
        let outputs_first = self.recipe.orientation == Orientation::OutIn;
        match *shape {
            [rows, columns] if outputs_first != writes && columns == self.d_model => Ok(rows),
            [rows, columns] if outputs_first == writes && rows == self.d_model => Ok(columns),
            // One matrix per head, which reads or writes the stream.
            [heads, d_in, width] if !outputs_first && !writes && d_in == self.d_model => {
                Ok(heads * width)
            }
            [heads, width, d_out] if !outputs_first && writes && d_out == self.d_model => {
                Ok(heads * width)
            }
            _ => Err(ModelError::Mismatch {
                what: format!("{weight} does not split into heads"),
                first: format!("shape {shape:?}"),
                second: format!("d_model {}", self.d_model),
            }),
        }
    }

    /// Dimensions of a latent attention's rotary part: what its first matrix makes beside the latent.
    pub(super) fn d_rotary(&self, layer: usize, paths: LatentPaths) -> Result<usize, ModelError> {
        let [down, norm, _] = paths.kv_latent;
        let (both, latent) = (self.length(layer, down)?, self.length(layer, norm)?);
        both.checked_sub(latent).ok_or_else(|| ModelError::Mismatch {
            what: format!("{down} is narrower than its norm"),
            first: format!("{both} rows"),
            second: format!("{latent} gains"),
        })
    }

    /// True if queries come out of a latent too.
    pub(super) fn queries_are_latent(&self, paths: LatentPaths) -> bool {
        self.in_any_layer(&weight_of(paths.q_latent[0])).is_some()
    }

    /// The first axis of a weight: outputs of a matrix that lies output by output, or gains of a norm.
    pub(super) fn length(&self, layer: usize, path: &str) -> Result<usize, ModelError> {
        let path = format!("{path}.weight");
        let own = self.name_in_layer(layer, &path);
        let shape = self.names.shape(&own).or_else(|| self.in_any_layer(&path));
        shape
            .and_then(|shape| shape.first())
            .copied()
            .ok_or(ModelError::MissingTensor { name: own, shards: self.missing_shards })
    }

    fn share(&self, rows: usize, n: usize, path: &str) -> Result<usize, ModelError> {
        if n == 0 || rows == 0 || !rows.is_multiple_of(n) {
            return Err(ModelError::Mismatch {
                what: format!("{path} does not split into heads"),
                first: format!("{rows} rows"),
                second: format!("{n} heads"),
            });
        }
        Ok(rows / n)
    }

    fn fits(
        &self,
        path: &str,
        rows: usize,
        expected: usize,
        [n_heads, n_kv_heads, width]: [usize; 3],
    ) -> Result<(), ModelError> {
        if n_kv_heads > 0 && rows == expected && n_heads.is_multiple_of(n_kv_heads) {
            return Ok(());
        }
        Err(ModelError::Mismatch {
            what: format!("{path}.weight does not split into heads"),
            first: format!("{rows} rows"),
            second: format!("{n_heads} heads of width {width}, d_model {}", self.d_model),
        })
    }
}
