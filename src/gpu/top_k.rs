//! The dictionary rows that many directions are closest to, by |cosine|, and the sums their statistics need.
//!
//! The dictionary streams through in blocks, in the format it has in its file; the scores are never written anywhere.
//! CPU twin: `math::top_k`.

use super::buffers::Buffer;
use super::commands::{Commands, Dispatch};
use super::device::{Gpu, locked};
use super::error::GpuError;
use super::gemm::Raw;
use super::kernel::Kernel;

const SOURCE: &str = include_str!("top_k.wgsl");
pub(super) const SEARCH: Kernel = Kernel { name: "top_k", source: SOURCE, entry: "search" };
pub(super) const MERGE: Kernel = Kernel { name: "top_k", source: SOURCE, entry: "merge" };

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

/// A search under way: push the dictionary block by block, then finish.
pub struct TopKSearch<'g> {
    gpu: &'g Gpu,
    commands: Commands<'g>,
    n: usize,
    d: usize,
    k: usize,
    rows_seen: usize,
    stretches: usize,
    directions: Buffer,
    offsets: Buffer,
    found: [Buffer; 3],
    running: [Buffer; 4],
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
        if k > MAX_K || k == 0 {
            let (needed, limit) = (k as u64, MAX_K as u64);
            return Err(GpuError::Limit { what: "a top-k search", needed, limit, unit: "matches" });
        }
        let n = directions.len() / d.max(1);
        for (what, expected, found) in [
            ("numbers in the directions", n * d, directions.len()),
            ("offsets", n, offsets.map_or(n, <[f32]>::len)),
        ] {
            if expected != found {
                return Err(GpuError::Shape { what, expected, found });
            }
        }
        let stretches = WORKGROUPS.div_ceil(n.div_ceil(TILE_DIRECTIONS).max(1)).min(256);
        let [direction_buffer, offset_buffer] = self.allocate("directions", [n * d, n]).await?;
        let found = self
            .allocate("matches", [stretches * k * n, stretches * k * n, stretches * 4 * n])
            .await?;
        let running = self.allocate("matches", [k * n, k * n, 4 * n, k * n]).await?;
        self.write(&direction_buffer, 0, directions);
        if let Some(offsets) = offsets {
            self.write(&offset_buffer, 0, offsets);
        }
        Ok(TopKSearch {
            gpu: self,
            commands: self.commands().await?,
            n,
            d,
            k,
            rows_seen: 0,
            stretches,
            directions: direction_buffer,
            offsets: offset_buffer,
            found,
            running,
            block: None,
        })
    }
}

impl Raw<'_> {
    /// Rows `begin..end` of `d` numbers each.
    fn rows(&self, begin: usize, end: usize, d: usize) -> Raw<'_> {
        match self {
            Raw::F32(values) => Raw::F32(&values[begin * d..end * d]),
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
        let (expected, found) = (scales.len() * self.d, rows.len());
        if expected != found {
            return Err(GpuError::Shape {
                what: "numbers in the dictionary's rows",
                expected,
                found,
            });
        }
        let bytes = self.gpu.max_binding().min(self.gpu.options.memory_budget / 4);
        let most = (bytes as usize / (4 * self.d.max(1))).max(1);
        for begin in (0..scales.len()).step_by(most) {
            let end = (begin + most).min(scales.len());
            self.push_block(rows.rows(begin, end, self.d), &scales[begin..end]).await?;
        }
        Ok(())
    }

    async fn push_block(&mut self, rows: Raw<'_>, scales: &[f32]) -> Result<(), GpuError> {
        let gpu = self.gpu;
        let Self { n, d, k, .. } = *self;
        let words = [rows.words(), scales.len()];
        let (fits, [row_buffer, scale_buffer]) = match self.block.take() {
            Some((fits, buffers)) if fits[0] >= words[0] && fits[1] >= words[1] => (fits, buffers),
            _ => (words, gpu.allocate("a block of the dictionary", words).await?),
        };
        rows.write(gpu, &row_buffer);
        gpu.write(&scale_buffer, 0, scales);

        let per_row = 2.0 * (n * d) as f64;
        let longest = (ITERATIONS / (d + d / 8 + 160) * TILE_ROWS).max(TILE_ROWS);
        let constants = [("K", k as u32), ("ROW_TYPE", rows.kind())];
        let search = gpu.pipeline(&SEARCH, &constants).await?;
        let merge = gpu.pipeline(&MERGE, &constants[..1]).await?;
        let mut begin = 0;
        while begin < scales.len() {
            let by_time = (locked(&gpu.pace).target() / per_row) as usize;
            let stretch =
                (by_time / self.stretches).next_multiple_of(TILE_ROWS).clamp(TILE_ROWS, longest);
            let by_time = by_time.div_ceil(stretch).clamp(1, self.stretches) * stretch;
            let end = (begin + by_time).min(scales.len());
            let stretches = (end - begin).div_ceil(stretch);
            let params = [n, begin, end, d, stretch, stretches, self.rows_seen].map(|x| x as u32);
            let [scores, places, sums] = &self.found;
            let [all_scores, all_places, all_sums, bounds] = &self.running;
            self.commands
                .dispatch(Dispatch {
                    pipeline: &search,
                    params: &params,
                    buffers: &[
                        (1, &self.directions),
                        (2, &row_buffer),
                        (3, &self.offsets),
                        (4, &scale_buffer),
                        (5, scores),
                        (6, places),
                        (7, sums),
                        (8, bounds),
                    ],
                    groups: [n.div_ceil(TILE_DIRECTIONS), stretches, 1],
                    cost: per_row * (end - begin) as f64,
                })
                .await?;
            self.commands
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
                    groups: [n.div_ceil(64), 1, 1],
                    cost: (n * stretches * k) as f64,
                })
                .await?;
            begin = end;
        }
        // The next block overwrites this one's buffers: what reads them has to be in the queue before.
        self.commands.submit().await?;
        self.rows_seen += scales.len();
        self.block = Some((fits, [row_buffer, scale_buffer]));
        Ok(())
    }

    /// The matches of every direction, in the order of the directions.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn finish(self) -> Result<Vec<Matches>, GpuError> {
        let TopKSearch { gpu, commands, n, k, running, .. } = self;
        commands.finish().await?;
        let [scores, places, sums, _] = &running;
        let [scores, places, sums] =
            gpu.read([(scores, k * n), (places, k * n), (sums, 4 * n)]).await?;
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
