//! Sides of heads against a dictionary: both ends of every direction, rotated bases, degenerate blocks.
//!
//! ```text
//! coordinates = features · directionsᵀ      product, a side a batch
//! both ends   top_k of ± the unit axes      in coordinates, cosines by the axes' scales
//! rotations   top_k of their axes, k = 1    in the same coordinates
//! blocks      product with their bases, span_norms, top_k of unit axes; the whole side likewise
//! ```
//! CPU twin: circuits::alignment, `Alignment::step`.

use super::buffers::Buffer;
use super::commands::Commands;
use super::device::Gpu;
use super::error::GpuError;
use super::kernels::gemm::{Layout, Product};
use super::kernels::span_norms::SpanNorms;
use super::kernels::top_k::{Lists, Matches, Plan, Rows};
use crate::circuits::alignment::{LONGEST, SideFound, SideOperands};
use crate::math::top_k::Ranked;

/// Sides of one rank, and what to find for each.
#[derive(Debug, Clone, Copy)]
pub struct AlignBatch<'a> {
    /// The sides; all have the rank of the first.
    pub sides: &'a [SideOperands],
    /// Axes of the rotations, `[rotations · rank, rank]` row-major; empty for none.
    pub rotated_axes: &'a [f32],
    /// Width of the residual stream.
    pub d_model: usize,
    /// Features kept at each end, at most [`crate::gpu::MAX_K`].
    pub top: usize,
}

/// A comparison under way: push the dictionary block by block, then finish.
pub struct AlignSearch<'g> {
    gpu: &'g Gpu,
    commands: Commands<'g>,
    n_sides: usize,
    rank: usize,
    d: usize,
    directions: Buffer,
    /// For each side two words: the features are everybody's, the directions its own.
    index: Buffer,
    ends: Lists<'g>,
    rotated: Option<Lists<'g>>,
    /// Degenerate blocks, and whole sides.
    spans: [Option<Spans<'g>>; 2],
    block: Option<Block>,
}

/// Subspaces of all sides.
struct Spans<'g> {
    /// Subspaces of each side; the number of the side with most.
    of_side: Vec<usize>,
    most: usize,
    /// Rows of the bases that a side has room for.
    width: usize,
    bases: Buffer,
    runs: Buffer,
    lists: Lists<'g>,
}

/// Room for a block of features and what is made of it.
struct Block {
    rows: usize,
    features: Buffer,
    ones: Buffer,
    coordinates: Buffer,
    inside: [Option<[Buffer; 2]>; 2],
}

impl Gpu {
    /// Starts a comparison of sides with a dictionary.
    ///
    /// # Errors
    /// [`GpuError::Shape`] if the sides differ in rank, [`GpuError::Limit`], [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn align(&self, batch: AlignBatch<'_>) -> Result<AlignSearch<'_>, GpuError> {
        let AlignBatch { sides, rotated_axes, d_model: d, top } = batch;
        let rank = sides.first().map_or(0, |side| side.rank);
        if let Some(side) = sides.iter().find(|s| s.rank != rank || s.directions.len() != rank * d)
        {
            let (what, expected) = ("numbers in a side's directions", rank * d);
            return Err(GpuError::Shape { what, expected, found: side.directions.len() });
        }
        let n_sides = sides.len();
        let [directions, index] =
            self.allocate("directions of heads", [n_sides * rank * d, 2 * n_sides]).await?;
        for (i, side) in sides.iter().enumerate() {
            self.write(&directions, i * rank * d, &side.directions);
        }
        let pairs: Vec<u32> = (0..n_sides as u32).flat_map(|side| [0, side]).collect();
        self.write(&index, 0, &pairs);
        let plan =
            Plan { searches: n_sides, n: 2 * rank, d: rank, k: top, shared: false, by_value: true };
        let ends = Lists::new(self, plan, &both_ends(sides, rank)).await?;
        let rotated = if rotated_axes.is_empty() || rank < 2 {
            None
        } else {
            let n = rotated_axes.len() / rank;
            let plan = Plan { n, k: 1, shared: true, by_value: false, ..plan };
            Some(Lists::new(self, plan, rotated_axes).await?)
        };
        Ok(AlignSearch {
            gpu: self,
            commands: self.commands().await?,
            n_sides,
            rank,
            d,
            directions,
            index,
            ends,
            rotated,
            spans: [
                self.spans(&sides.iter().map(blocks).collect::<Vec<_>>(), d, top).await?,
                self.spans(&sides.iter().map(whole).collect::<Vec<_>>(), d, LONGEST).await?,
            ],
            block: None,
        })
    }

    async fn spans(
        &self,
        sides: &[Subspaces<'_>],
        d: usize,
        top: usize,
    ) -> Result<Option<Spans<'_>>, GpuError> {
        let of_side: Vec<usize> = sides.iter().map(|side| side.sizes.len()).collect();
        let most = of_side.iter().copied().max().unwrap_or(0);
        let width = sides.iter().map(|side| side.sizes.iter().sum::<usize>()).max().unwrap_or(0);
        if most == 0 || width == 0 {
            return Ok(None);
        }
        let [bases, runs] = self
            .allocate("subspaces of heads", [sides.len() * width * d, 2 * sides.len() * most])
            .await?;
        for (i, side) in sides.iter().enumerate() {
            self.write(&bases, i * width * d, side.bases);
            let mut first = 0;
            let words: Vec<u32> = side
                .sizes
                .iter()
                .flat_map(|&size| {
                    first += size;
                    [(first - size) as u32, size as u32]
                })
                .collect();
            self.write(&runs, 2 * i * most, &words);
        }
        let plan =
            Plan { searches: sides.len(), n: most, d: most, k: top, shared: true, by_value: true };
        let axis = |i: usize| (0..most).map(move |j| f32::from(u8::from(i == j)));
        let axes: Vec<f32> = (0..most).flat_map(axis).collect();
        let lists = Lists::new(self, plan, &axes).await?;
        Ok(Some(Spans { of_side, most, width, bases, runs, lists }))
    }
}

/// Subspaces of one side: their bases as rows, one after the other, and their dimensions.
struct Subspaces<'a> {
    bases: &'a [f32],
    sizes: Vec<usize>,
}

fn blocks(side: &SideOperands) -> Subspaces<'_> {
    Subspaces { bases: &side.bases, sizes: side.spans.clone() }
}

fn whole(side: &SideOperands) -> Subspaces<'_> {
    let d = side.directions.len() / side.rank.max(1);
    let sizes = if side.whole.is_empty() { Vec::new() } else { vec![side.whole.len() / d.max(1)] };
    Subspaces { bases: &side.whole, sizes }
}

/// Twice the unit axes of every side's coordinates, with both signs, scaled to give cosines: `[sides, 2 rank, rank]`.
fn both_ends(sides: &[SideOperands], rank: usize) -> Vec<f32> {
    let mut axes = vec![0.0; sides.len() * 2 * rank * rank];
    for (axes, side) in axes.chunks_exact_mut((2 * rank * rank).max(1)).zip(sides) {
        for (k, &scale) in side.scales.iter().enumerate() {
            axes[k * rank + k] = scale;
            axes[(rank + k) * rank + k] = -scale;
        }
    }
    axes
}

impl AlignSearch<'_> {
    /// Compares the next features, unit rows `[rows, d_model]`; a row of zeros is no feature.
    ///
    /// # Errors
    /// [`GpuError::Shape`], [`GpuError::Limit`], [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn push(&mut self, features: &[f32]) -> Result<(), GpuError> {
        if !features.len().is_multiple_of(self.d.max(1)) {
            let (what, expected) = ("numbers in the features", self.d);
            return Err(GpuError::Shape { what, expected, found: features.len() });
        }
        if self.n_sides == 0 || self.rank == 0 {
            return Ok(());
        }
        let wide = self.spans.iter().flatten().map(|spans| spans.width.max(spans.most));
        let width = wide.max().unwrap_or(0);
        let words = (self.n_sides * self.rank.max(width)).max(self.d);
        let bytes = self.gpu.max_binding().min(self.gpu.options.memory_budget / 4) as usize;
        let most = (bytes / (4 * words)).max(1);
        for part in features.chunks(most * self.d) {
            self.push_block(part).await?;
        }
        Ok(())
    }

    async fn push_block(&mut self, features: &[f32]) -> Result<(), GpuError> {
        let (gpu, n, rank, d) = (self.gpu, self.n_sides, self.rank, self.d);
        let rows = features.len() / d;
        let block = match self.block.take() {
            Some(block) if block.rows >= rows => block,
            _ => self.room(rows).await?,
        };
        gpu.write(&block.features, 0, features);
        let index = &self.index;
        let product = |width: usize, bases, result| Product {
            shape: [rows, width, d],
            batches: n,
            a: Layout::rows(&block.features, rows, d),
            b: Layout::rows(bases, width, d).transposed(),
            c: Layout::rows(result, rows, width),
            plus: None,
            alpha: 1.0,
            index,
        };
        let found = |buffer| Rows { buffer, kind: 0, count: rows, scales: &block.ones };
        let commands = &mut self.commands;
        let work = product(rank, &self.directions, &block.coordinates);
        commands.product(gpu, work).await?;
        self.ends.search(commands, found(&block.coordinates)).await?;
        if let Some(rotated) = &mut self.rotated {
            rotated.search(commands, found(&block.coordinates)).await?;
        }
        for (spans, inside) in self.spans.iter_mut().zip(&block.inside) {
            let (Some(spans), Some([inside, norms])) = (spans, inside) else { continue };
            let work = product(spans.width, &spans.bases, inside);
            commands.product(gpu, work).await?;
            let work = SpanNorms {
                sides: n,
                rows,
                width: spans.width,
                spans: spans.most,
                coordinates: inside,
                runs: &spans.runs,
                norms,
            };
            commands.span_norms(gpu, work).await?;
            spans.lists.search(commands, found(norms)).await?;
        }
        // The next block overwrites the features: what reads them has to be in the queue before.
        commands.submit().await?;
        self.block = Some(block);
        Ok(())
    }

    async fn room(&self, rows: usize) -> Result<Block, GpuError> {
        let (gpu, n) = (self.gpu, self.n_sides);
        let words = [rows * self.d, rows, n * rows * self.rank];
        let [features, ones, coordinates] = gpu.allocate("a block of features", words).await?;
        gpu.write(&ones, 0, &vec![1f32; rows]);
        let mut inside = [None, None];
        for (inside, spans) in inside.iter_mut().zip(&self.spans) {
            if let Some(spans) = spans {
                let words = [n * rows * spans.width, n * rows * spans.most];
                *inside = Some(gpu.allocate("a block of features in subspaces", words).await?);
            }
        }
        Ok(Block { rows, features, ones, coordinates, inside })
    }

    /// What was found for every side, in the order of the sides.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn finish(self) -> Result<Vec<SideFound>, GpuError> {
        self.commands.finish().await?;
        let (n, rank) = (self.n_sides, self.rank);
        let ends = self.ends.read().await?;
        let rotated = match &self.rotated {
            Some(lists) => lists.read().await?,
            None => Vec::new(),
        };
        let mut found = [Vec::new(), Vec::new()];
        for (found, spans) in found.iter_mut().zip(&self.spans) {
            if let Some(spans) = spans {
                *found = spans.lists.read().await?;
            }
        }
        let axes = rotated.len() / n.max(1);
        let largest = |m: &Matches| m.best.first().map_or(0.0, |&(_, score)| score.abs());
        let side = |i: usize| {
            let ends = ends.get(2 * rank * i..2 * rank * (i + 1)).unwrap_or_default();
            let (positive, negative) = ends.split_at(ends.len() / 2);
            let [spans, longest] = [0, 1].map(|which| {
                let (first, count) = match &self.spans[which] {
                    Some(spans) => (i * spans.most, spans.of_side[i]),
                    None => (0, 0),
                };
                found[which][first..first + count].iter().map(|m| ranked(m, 1.0)).collect()
            });
            SideFound {
                positive: positive.iter().map(|m| ranked(m, 1.0)).collect(),
                negative: negative.iter().map(|m| ranked(m, -1.0)).collect(),
                spans,
                longest: longest.into_iter().next().unwrap_or_default(),
                rotated: rotated[i * axes..(i + 1) * axes].iter().map(largest).collect(),
            }
        };
        Ok((0..n).map(side).collect())
    }
}

fn ranked(matches: &Matches, sign: f32) -> Vec<Ranked> {
    let entry = |&(row, score): &(u32, f32)| Ranked { index: row as usize, score: sign * score };
    matches.best.iter().map(entry).collect()
}
