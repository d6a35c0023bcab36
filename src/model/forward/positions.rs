//! What positions do to the scores of a layer through tables in the file.

use super::linear;
use super::products::Map;
use super::weights::LayerWeights;
use crate::math::streamed::product;
use crate::model::ModelError;
use crate::model::architecture::{Orientation, Sizes};
use crate::model::relative::{Disentangled, Relative, grid_row};

/// The tables of a layer, ready for prompts.
pub(super) enum Positions {
    /// Numbers that are added to the scaled score.
    Added {
        /// `[n_rows, n_heads]`.
        table: Vec<f32>,
        /// How rows are found.
        relative: Relative,
    },
    /// Keys and queries of distances, `[2 span, n_heads · d_head]` each.
    Met {
        /// Which queries meet.
        keys: Option<Vec<f32>>,
        /// Which keys meet.
        queries: Option<Vec<f32>>,
        /// How rows are found.
        relative: Box<Disentangled>,
        /// Half of the rows.
        span: usize,
    },
}

impl Positions {
    /// Reads what a layer needs.
    pub(super) fn read(
        weights: &LayerWeights<'_>,
        relative: &Relative,
        sizes: Sizes,
    ) -> Result<Self, ModelError> {
        let model = weights.model;
        match relative {
            Relative::Buckets { table: name, .. } | Relative::Grid { table: name } => {
                let table = model.read(name, &[None, Some(sizes.n_heads)])?.f32s()?;
                Ok(Self::Added { table, relative: relative.clone() })
            }
            Relative::Disentangled(relative) => {
                let (d, inner) = (sizes.d_model, sizes.n_heads * sizes.d_head);
                let tensor = model.read(&relative.table, &[None, Some(d)])?;
                let span = tensor.shape[0] / 2;
                let mut vectors = tensor.f32s()?;
                if let Some(norm) = &relative.norm {
                    let (gains, bias) = model.read_norm(norm, d)?;
                    super::norm::rows_in_place(
                        &mut vectors,
                        norm.kind,
                        norm.eps,
                        &gains,
                        bias.as_deref(),
                    );
                }
                let through = |linear: &Option<_>| {
                    let map = linear.as_ref().map(|linear| Map { linear, d_out: inner });
                    map.map(|map| linear::apply(weights, map, &vectors, d)).transpose()
                };
                let (keys, queries) = (through(&relative.keys)?, through(&relative.queries)?);
                Ok(Self::Met { keys, queries, relative: relative.clone(), span })
            }
        }
    }

    /// What is added to the scaled scores of a head, `[n, n]` (dest, src); `q` and `k` are its `[n, d_head]`.
    pub(super) fn of_head(
        &self,
        (head, sizes): (usize, Sizes),
        (q, k): (&[f32], &[f32]),
        scale: f64,
        grid: Option<[usize; 2]>,
    ) -> Result<Vec<f32>, ModelError> {
        let d_head = sizes.d_head;
        let n = q.len() / d_head.max(1);
        let mut added = vec![0.0; n * n];
        match self {
            Self::Added { table, relative } => {
                let n_rows = table.len() / sizes.n_heads;
                let row = |dest: usize, src: usize| match (relative, grid) {
                    (Relative::Buckets { buckets, .. }, _) => {
                        Some(buckets.of(src as isize - dest as isize, n_rows))
                    }
                    (Relative::Grid { .. }, Some(grid)) => Some(grid_row(dest, src, grid)),
                    _ => None,
                };
                for (at, place) in added.iter_mut().enumerate() {
                    let found =
                        row(at / n, at % n).and_then(|row| table.get(row * sizes.n_heads + head));
                    *place = *found.ok_or_else(|| ModelError::Mismatch {
                        what: "size of the table of relative positions".into(),
                        first: format!("{n_rows} rows"),
                        second: format!("an image of {:?} patches", grid.unwrap_or_default()),
                    })?;
                }
            }
            Self::Met { keys, queries, relative, span } => {
                let inner = sizes.n_heads * d_head;
                let own = |all: &[f32]| -> Vec<f32> {
                    let rows = all.chunks_exact(inner);
                    rows.flat_map(|row| &row[head * d_head..(head + 1) * d_head]).copied().collect()
                };
                let mut meet = |positions: &Option<Vec<f32>>, x: &[f32], by_dest: bool| {
                    let Some(positions) = positions else { return };
                    let met = product(x, &own(positions), Orientation::OutIn, d_head, 2 * span);
                    for (at, place) in added.iter_mut().enumerate() {
                        let (dest, src) = (at / n, at % n);
                        let row = if by_dest { dest } else { src };
                        *place += met[row * 2 * span + relative.row(dest, src, *span)];
                    }
                };
                meet(keys, q, true);
                meet(queries, k, false);
                added.iter_mut().for_each(|x| *x *= scale as f32);
            }
        }
        Ok(added)
    }
}
