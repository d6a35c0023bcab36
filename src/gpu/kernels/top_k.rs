//! The dictionary rows that many directions are closest to, by |cosine|, and the sums their statistics need.
//!
//! The dictionary streams through in blocks, in the format it has in its file; the scores are never written anywhere.
//! CPU twin: `math::top_k`.

use super::gemm::Raw;
use super::half::with_half;
use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::{Gpu, locked};
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

const SOURCE: &str = with_half!("top_k.wgsl");
pub(in crate::gpu) const SEARCH: Kernel = Kernel { name: "top_k", source: SOURCE, entry: "search" };
pub(in crate::gpu) const MERGE: Kernel = Kernel { name: "top_k", source: SOURCE, entry: "merge" };

/// Most matches per direction: the lists have to fit into workgroup memory.
pub const MAX_K: usize = 16;

/// Rows and directions of a tile.
const TILE_ROWS: usize = 128;
const TILE_DIRECTIONS: usize = 64;
/// Workgroups that keep a large GPU busy.
const WORKGROUPS: usize = 1024;
/// Loop iterations a thread may make in one dispatch; llvmpipe stops at 65 000 without a word.
const ITERATIONS: usize = 32_000;

/// The matches of one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Matches {
    /// Row of the dictionary and score with its sign, by falling |score|; fewer than k if fewer scores differ from zero.
    pub best: Vec<(u32, f32)>,
    /// Mean score over all rows.
    pub mean: f64,
    /// Mean of the squared scores.
    pub mean_square: f64,
}

/// Which searches run side by side, and what they look for.
#[derive(Debug, Clone, Copy)]
pub(in crate::gpu) struct Plan {
    /// Searches, each with rows of its own.
    pub(in crate::gpu) searches: usize,
    /// Directions of each.
    pub(in crate::gpu) n: usize,
    pub(in crate::gpu) d: usize,
    pub(in crate::gpu) k: usize,
    /// Whether all searches have the same directions.
    pub(in crate::gpu) shared: bool,
    /// Whether only positive scores count.
    pub(in crate::gpu) by_value: bool,
}

impl Plan {
    fn columns(&self) -> usize {
        self.searches * self.n
    }
}

/// Rows to search, in GPU memory.
pub(in crate::gpu) struct Rows<'a> {
    /// `[searches, count, d]`
    pub(in crate::gpu) buffer: &'a Buffer,
    /// The shader's name for their format.
    pub(in crate::gpu) kind: u32,
    pub(in crate::gpu) count: usize,
    /// `[count]`
    pub(in crate::gpu) scales: &'a Buffer,
}

/// The running lists of many directions.
pub(in crate::gpu) struct Lists<'g> {
    gpu: &'g Gpu,
    plan: Plan,
    stretches: usize,
    rows_seen: usize,
    directions: Buffer,
    offsets: Buffer,
    found: [Buffer; 3],
    running: [Buffer; 4],
}

impl<'g> Lists<'g> {
    pub(in crate::gpu) async fn new(
        gpu: &'g Gpu,
        plan: Plan,
        directions: &[f32],
    ) -> Result<Lists<'g>, GpuError> {
        if plan.k > MAX_K || plan.k == 0 {
            let (needed, limit) = (plan.k as u64, MAX_K as u64);
            return Err(GpuError::Limit { what: "a top-k search", needed, limit, unit: "matches" });
        }
        let (n, k) = (plan.columns(), plan.k);
        let expected = plan.d * if plan.shared { plan.n } else { n };
        if expected != directions.len() {
            let (what, found) = ("numbers in the directions", directions.len());
            return Err(GpuError::Shape { what, expected, found });
        }
        let tiles = plan.searches * plan.n.div_ceil(TILE_DIRECTIONS);
        let stretches = WORKGROUPS.div_ceil(tiles.max(1)).min(256);
        let [direction_buffer, offsets] = gpu.allocate("directions", [expected, n]).await?;
        let found = gpu
            .allocate("matches", [stretches * k * n, stretches * k * n, stretches * 4 * n])
            .await?;
        let running = gpu.allocate("matches", [k * n, k * n, 4 * n, k * n]).await?;
        gpu.write(&direction_buffer, 0, directions);
        let directions = direction_buffer;
        Ok(Lists { gpu, plan, stretches, rows_seen: 0, directions, offsets, found, running })
    }

    /// Records the search of the next rows.
    pub(in crate::gpu) async fn search(
        &mut self,
        commands: &mut Commands<'_>,
        rows: Rows<'_>,
    ) -> Result<(), GpuError> {
        let (gpu, Plan { searches, n, d, k, .. }) = (self.gpu, self.plan);
        let columns = self.plan.columns();
        let per_row = 2.0 * (columns * d) as f64;
        let longest = (ITERATIONS / (d + d / 8 + 160) * TILE_ROWS).max(TILE_ROWS);
        let constants =
            [("K", k as u32), ("BY_VALUE", u32::from(self.plan.by_value)), ("ROW_TYPE", rows.kind)];
        let search = gpu.pipeline(&SEARCH, &constants).await?;
        let merge = gpu.pipeline(&MERGE, &constants[..2]).await?;
        let directions_step = if self.plan.shared { 0 } else { n * d };
        let mut begin = 0;
        while begin < rows.count {
            let by_time = (locked(&gpu.pace).target() / per_row) as usize;
            let stretch =
                (by_time / self.stretches).next_multiple_of(TILE_ROWS).clamp(TILE_ROWS, longest);
            let by_time = by_time.div_ceil(stretch).clamp(1, self.stretches) * stretch;
            let end = (begin + by_time).min(rows.count);
            let stretches = (end - begin).div_ceil(stretch);
            let params = [
                n,
                begin,
                end,
                d,
                stretch,
                stretches,
                self.rows_seen,
                columns,
                directions_step,
                rows.count * d,
            ]
            .map(|x| x as u32);
            let [scores, places, sums] = &self.found;
            let [all_scores, all_places, all_sums, bounds] = &self.running;
            commands
                .dispatch(Dispatch {
                    pipeline: &search,
                    params: &params,
                    buffers: &[
                        (1, &self.directions),
                        (2, rows.buffer),
                        (3, &self.offsets),
                        (4, rows.scales),
                        (5, scores),
                        (6, places),
                        (7, sums),
                        (8, bounds),
                    ],
                    groups: [n.div_ceil(TILE_DIRECTIONS), stretches, searches],
                    cost: per_row * (end - begin) as f64,
                })
                .await?;
            commands
                .dispatch(Dispatch {
                    pipeline: &merge,
                    params: &params,
                    buffers: &[
                        (9, scores),
                        (10, places),
                        (11, sums),
                        (12, all_scores),
                        (13, all_places),
                        (14, all_sums),
                        (15, bounds),
                    ],
                    groups: [columns.div_ceil(64), 1, 1],
                    cost: (columns * stretches * k) as f64,
                })
                .await?;
            begin = end;
        }
        self.rows_seen += rows.count;
        Ok(())
    }

    /// The matches of every direction, in the order of the directions. What was recorded has to be done.
    pub(in crate::gpu) async fn read(&self) -> Result<Vec<Matches>, GpuError> {
        let (n, k) = (self.plan.columns(), self.plan.k);
        let [scores, places, sums, _] = &self.running;
        let [scores, places, sums] =
            self.gpu.read([(scores, k * n), (places, k * n), (sums, 4 * n)]).await?;
        let matches = |i: usize| {
            let best = (0..k).map(|rank| (places[rank * n + i].to_bits(), scores[rank * n + i]));
            let [total, squares, rows] = [0, 1, 2].map(|word| f64::from(sums[4 * i + word]));
            Matches {
                best: best.filter(|&(_, score)| score != 0.0).collect(),
                mean: total / rows.max(1.0),
                mean_square: squares / rows.max(1.0),
            }
        };
        Ok((0..n).map(matches).collect())
    }
}

/// A search under way: push the dictionary block by block, then finish.
pub struct TopKSearch<'g> {
    gpu: &'g Gpu,
    commands: Commands<'g>,
    lists: Lists<'g>,
    /// Words of rows and of scales that fit, and the buffers.
    block: Option<([usize; 2], [Buffer; 2])>,
}

impl Gpu {
    /// Starts a search for the `k` best rows for each of the `[n, d]` row-major `directions`.
    ///
    /// The score of row x for direction t is `(t · x - offset(t)) scale(x)`: with scales `1 / |x|` and unit directions it
    /// is the cosine; with centred scales and offsets `t · mean`, the centred cosine.
    ///
    /// # Errors
    /// [`GpuError::Shape`], [`GpuError::Limit`] if `k` exceeds [`MAX_K`] or the directions one binding,
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`].
    pub async fn top_k(
        &self,
        directions: &[f32],
        d: usize,
        k: usize,
        offsets: Option<&[f32]>,
    ) -> Result<TopKSearch<'_>, GpuError> {
        let n = directions.len() / d.max(1);
        if let Some(found) = offsets.map(<[f32]>::len).filter(|&found| found != n) {
            return Err(GpuError::Shape { what: "offsets", expected: n, found });
        }
        let plan = Plan { searches: 1, n, d, k, shared: true, by_value: false };
        let lists = Lists::new(self, plan, directions).await?;
        if let Some(offsets) = offsets {
            self.write(&lists.offsets, 0, offsets);
        }
        Ok(TopKSearch { gpu: self, commands: self.commands().await?, lists, block: None })
    }
}

impl Raw<'_> {
    /// Rows `begin..end` of `d` numbers each.
    fn rows(&self, begin: usize, end: usize, d: usize) -> Raw<'_> {
        match self {
            Raw::F32(values) => Raw::F32(&values[begin * d..end * d]),
            Raw::F32Bytes(bytes) => Raw::F32Bytes(&bytes[4 * begin * d..4 * end * d]),
            Raw::Bf16(bytes) => Raw::Bf16(&bytes[2 * begin * d..2 * end * d]),
            Raw::F16(bytes) => Raw::F16(&bytes[2 * begin * d..2 * end * d]),
        }
    }
}

impl TopKSearch<'_> {
    /// Searches the next rows of the dictionary, `[scales.len(), d]` row-major.
    ///
    /// # Errors
    /// [`GpuError::Shape`], [`GpuError::Limit`], [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn push(&mut self, rows: Raw<'_>, scales: &[f32]) -> Result<(), GpuError> {
        let d = self.lists.plan.d;
        let (expected, found) = (scales.len() * d, rows.len());
        if expected != found {
            let what = "numbers in the dictionary's rows";
            return Err(GpuError::Shape { what, expected, found });
        }
        let bytes = self.gpu.max_binding().min(self.gpu.options.memory_budget / 4);
        let most = (bytes as usize / (4 * d.max(1))).max(1);
        for begin in (0..scales.len()).step_by(most) {
            let end = (begin + most).min(scales.len());
            self.push_block(rows.rows(begin, end, d), &scales[begin..end]).await?;
        }
        Ok(())
    }

    async fn push_block(&mut self, rows: Raw<'_>, scales: &[f32]) -> Result<(), GpuError> {
        let gpu = self.gpu;
        let words = [rows.words(), scales.len()];
        let (fits, [row_buffer, scale_buffer]) = match self.block.take() {
            Some((fits, buffers)) if fits[0] >= words[0] && fits[1] >= words[1] => (fits, buffers),
            _ => (words, gpu.allocate("a block of the dictionary", words).await?),
        };
        rows.write(gpu, &row_buffer);
        gpu.write(&scale_buffer, 0, scales);
        let (kind, count) = (rows.kind(), scales.len());
        let rows = Rows { buffer: &row_buffer, kind, count, scales: &scale_buffer };
        self.lists.search(&mut self.commands, rows).await?;
        // The next block overwrites this one's buffers: what reads them has to be in the queue before.
        self.commands.submit().await?;
        self.block = Some((fits, [row_buffer, scale_buffer]));
        Ok(())
    }

    /// The matches of every direction, in the order of the directions.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn finish(self) -> Result<Vec<Matches>, GpuError> {
        self.commands.finish().await?;
        self.lists.read().await
    }
}
