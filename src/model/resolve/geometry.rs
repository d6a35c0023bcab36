//! How many heads a layer has, and how wide they are: read off that layer's own tensors.

use super::Builder;
use crate::model::ModelError;
use crate::model::architecture::{Orientation, Sizes};
use crate::model::names::in_layer;
use crate::model::recipe::QkvPaths;

impl Builder<'_> {
    /// The sizes of a layer's attention.
    pub(super) fn sizes(&self, layer: usize, n_heads: usize) -> Result<Sizes, ModelError> {
        let d_model = self.d_model;
        let inner = self.rows_in(layer, self.recipe.output, true)?;
        let d_value = self.share(inner, n_heads, self.recipe.output)?;
        let (d_head, n_kv_heads) = match self.recipe.qkv {
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
                let (keys, values) =
                    (self.rows_in(source, k, false)?, self.rows_in(source, v, false));
                let n_kv = keys / d_head;
                self.fits(k, keys, n_kv * d_head, [n_heads, n_kv, d_head])?;
                // Where a layer has no values of its own, its keys stand in for them.
                self.fits(v, values.unwrap_or(keys), n_kv * d_value, [n_heads, n_kv, d_value])?;
                (d_head, n_kv)
            }
        };
        Ok(Sizes { d_model, n_heads, n_kv_heads, d_head, d_value })
    }

    /// The side of a matrix that is not the residual stream's: its inputs if it writes there, its outputs if it reads.
    fn rows_in(&self, layer: usize, path: &str, writes: bool) -> Result<usize, ModelError> {
        let path = format!("{path}.weight");
        let own = format!("{}{}", self.prefix, in_layer(self.recipe.layer, layer)) + &path;
        let shape = self.names.shape(&own).or_else(|| self.in_any_layer(&path));
        let Some(shape) = shape else {
            return Err(ModelError::MissingTensor { name: own, shards: self.missing_shards });
        };
        let outputs_first = self.recipe.orientation == Orientation::OutIn;
        match *shape {
            [rows, columns] if outputs_first != writes && columns == self.d_model => Ok(rows),
            [rows, columns] if outputs_first == writes && rows == self.d_model => Ok(columns),
            _ => Err(ModelError::Mismatch {
                what: format!("{path} does not split into heads"),
                first: format!("shape {shape:?}"),
                second: format!("d_model {}", self.d_model),
            }),
        }
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
