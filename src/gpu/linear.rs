//! The products of a forward pass: weights go over as they lie in the file, activations stay in f32.
//!
//! ```text
//! linear   x over, every map's weights over, products, results back
//! mlp      x over, products into one hidden buffer, activate, product, result back
//! ```
//! No shader of its own. CPU twin: [`crate::model::forward::Cpu`].

use super::buffers::Buffer;
use super::commands::Commands;
use super::device::{Gpu, locked};
use super::error::GpuError;
use super::kernels::activate::{self, Activate};
use super::kernels::gemm::{Layout, Product, Raw};
use crate::checkpoint::Dtype;
use crate::model::ModelError;
use crate::model::architecture::Orientation;
use crate::model::forward::{Cpu, LayerWeights, Map, MlpMaps, Products, RowBlock};

/// Most positions of one dispatch: the workgroups of a dimension.
const MOST_ROWS: usize = 65_535;

/// Outputs of one dispatch come in multiples of this, the width of a tile.
const TILE: usize = 64;

impl Gpu {
    /// `x: [n, d_in]` through every map, biases included: `[n, d_out]` each.
    ///
    /// # Errors
    /// [`GpuError::Model`] for weights that cannot be read; [`GpuError::Limit`] for a matrix that cannot be bound,
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn linear(
        &self,
        weights: &LayerWeights<'_>,
        maps: &[Map<'_>],
        x: &[f32],
        d_in: usize,
    ) -> Result<Vec<Vec<f32>>, GpuError> {
        let width: usize = maps.iter().map(|map| map.d_out).sum();
        let mut outputs = vec![Vec::new(); maps.len()];
        for x in x.chunks(self.rows_at_once(d_in.max(width)) * d_in.max(1)) {
            let n = x.len() / d_in.max(1);
            let mut pass = Pass::new(self, weights).await?;
            let [input, output] = self.allocate("activations", [x.len(), n * width]).await?;
            self.write(&input, 0, x);
            let mut column = 0;
            for map in maps {
                let to = Layout::rows(&output, n, width).skip_columns(column);
                pass.product(*map, Layout::rows(&input, n, d_in), to, [n, d_in]).await?;
                column += map.d_out;
            }
            pass.commands.finish().await?;
            let [found] = self.read([(&output, n * width)]).await?;
            let mut column = 0;
            for (map, outputs) in maps.iter().zip(&mut outputs) {
                let bias = bias(weights, map)?;
                for row in found.chunks_exact(width.max(1)) {
                    let row = row[column..column + map.d_out].iter().zip(&bias);
                    outputs.extend(row.map(|(y, b)| y + b));
                }
                column += map.d_out;
            }
        }
        Ok(outputs)
    }

    /// What an MLP makes of `x: [n, d_model]`; its hidden layer leaves the GPU only for an activation that the shader does not
    /// know, or where gate and up come in turns.
    ///
    /// # Errors
    /// As [`Gpu::linear`].
    pub async fn mlp(
        &self,
        weights: &LayerWeights<'_>,
        maps: &MlpMaps<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>, GpuError> {
        if maps.bias.is_some() {
            // Only small models of TransformerLens's own have this one; the kernels have no step for it.
            return Ok(Cpu.mlp(weights, maps, x).await?);
        }
        let (d, d_mlp) = (maps.down.d_out, maps.d_mlp);
        if maps.limit.is_some() || maps.cutoff.is_some() || !activate::knows(&maps.activation) {
            let hidden = maps.hidden(self.linear(weights, &maps.into, x, d).await?);
            let written = self.linear(weights, &[maps.down], &hidden, d_mlp).await?;
            return Ok(written.into_iter().next().unwrap_or_default());
        }
        let stride: usize = maps.into.iter().map(|map| map.d_out).sum();
        let mut written = Vec::with_capacity(x.len());
        for x in x.chunks(self.rows_at_once(stride.max(d)) * d.max(1)) {
            let n = x.len() / d.max(1);
            let mut pass = Pass::new(self, weights).await?;
            let [input, hidden, biases, output] =
                self.allocate("activations", [x.len(), n * stride, stride, n * d]).await?;
            self.write(&input, 0, x);
            let mut column = 0;
            for map in &maps.into {
                self.write(&biases, column, &bias(weights, map)?);
                let to = Layout::rows(&hidden, n, stride).skip_columns(column);
                pass.product(*map, Layout::rows(&input, n, d), to, [n, d]).await?;
                column += map.d_out;
            }
            let (activation, gated) = (&maps.activation, maps.gated);
            let (bias_buffer, hidden_buffer) = (&biases, &hidden);
            let work = Activate {
                activation,
                gated,
                rows: n,
                width: d_mlp,
                bias: bias_buffer,
                hidden: hidden_buffer,
            };
            pass.commands.activate(self, work).await?;
            let to = Layout::rows(&output, n, d);
            pass.product(maps.down, Layout::rows(&hidden, n, stride), to, [n, d_mlp]).await?;
            pass.commands.finish().await?;
            let [found] = self.read([(&output, n * d)]).await?;
            let bias = bias(weights, &maps.down)?;
            let rows = found.chunks_exact(d.max(1));
            written.extend(rows.flat_map(|row| row.iter().zip(&bias).map(|(y, b)| y + b)));
        }
        Ok(written)
    }

    /// Positions whose widest activations fit into one binding and into an eighth of the memory that a job may take.
    fn rows_at_once(&self, width: usize) -> usize {
        let bytes = self.max_binding().min(self.options.memory_budget / 8) as usize;
        (bytes / (4 * width.max(1))).clamp(1, MOST_ROWS)
    }
}

/// A map's bias; zeros where it has none.
fn bias(weights: &LayerWeights<'_>, map: &Map<'_>) -> Result<Vec<f32>, GpuError> {
    Ok(weights.bias(map.linear, map.d_out)?.unwrap_or_else(|| vec![0.0; map.d_out]))
}

/// Products of some positions under way, and the buffer through which the weights come.
struct Pass<'a> {
    gpu: &'a Gpu,
    weights: &'a LayerWeights<'a>,
    commands: Commands<'a>,
    index: Buffer,
    /// Its size in words.
    room: Option<(usize, Buffer)>,
}

impl<'a> Pass<'a> {
    async fn new(gpu: &'a Gpu, weights: &'a LayerWeights<'a>) -> Result<Self, GpuError> {
        let [index] = gpu.allocate("activations", [2]).await?;
        Ok(Self { gpu, weights, commands: gpu.commands().await?, index, room: None })
    }

    /// `to = from W` for `from: [n, d_in]`, without the bias.
    async fn product(
        &mut self,
        Map { linear, d_out }: Map<'_>,
        from: Layout<'_>,
        to: Layout<'_>,
        [n, d_in]: [usize; 2],
    ) -> Result<(), GpuError> {
        let by_output = linear.orientation == Orientation::OutIn;
        // A matrix with an input a row is needed whole; one with an output a row can come in pieces.
        let most = if by_output { self.piece() } else { u64::MAX };
        for block in self.weights.blocks(linear, (d_in, d_out), most)? {
            let block = block?;
            let row = (block.tensor.bytes.len() / block.n_rows.max(1)).max(1);
            let at_once = usize::try_from(most / row as u64).unwrap_or(usize::MAX).max(1);
            for first in (0..block.n_rows).step_by(at_once) {
                let rows = first..block.n_rows.min(first.saturating_add(at_once));
                let count = rows.len();
                let kind = self.upload(&block, rows).await?;
                let Some((_, buffer)) = &self.room else { continue };
                let piece = Layout::rows(buffer, count, block.n_columns);
                let (weights, outputs) = if by_output {
                    (piece.transposed(), block.first + first..block.first + first + count)
                } else {
                    (piece, 0..d_out)
                };
                let target = locked(&self.gpu.pace).target();
                let wide = (target / (2.0 * (n * d_in) as f64)) as usize / TILE * TILE;
                for column in (0..outputs.len()).step_by(wide.max(TILE)) {
                    let width = wide.max(TILE).min(outputs.len() - column);
                    let work = Product {
                        shape: [n, width, d_in],
                        batches: 1,
                        a: from,
                        b: weights.skip_columns(column),
                        c: to.skip_columns(outputs.start + column),
                        plus: None,
                        alpha: 1.0,
                        index: &self.index,
                    };
                    self.commands.product_of(self.gpu, work, [0, kind]).await?;
                }
                // The next piece overwrites this one: what reads it has to be in the queue before.
                self.commands.submit().await?;
            }
        }
        Ok(())
    }

    /// Bytes of weights that go over at a time.
    fn piece(&self) -> u64 {
        self.gpu.max_binding().min(self.gpu.options.memory_budget / 8)
    }

    /// Brings rows of a block over; returns the shader's name for their format.
    async fn upload(
        &mut self,
        block: &RowBlock<'_>,
        rows: std::ops::Range<usize>,
    ) -> Result<u32, GpuError> {
        let tensor = &block.tensor;
        let numbers = rows.start * block.n_columns..rows.end * block.n_columns;
        let bytes = |width: usize| {
            tensor.bytes.get(width * numbers.start..width * numbers.end).unwrap_or_default()
        };
        let decoded;
        let raw = match tensor.dtype {
            Dtype::F32 => Raw::F32Bytes(bytes(4)),
            Dtype::Bf16 => Raw::Bf16(bytes(2)),
            Dtype::F16 => Raw::F16(bytes(2)),
            _ => {
                decoded = tensor.f32s_of(numbers.clone()).map_err(ModelError::from)?;
                Raw::F32(&decoded)
            }
        };
        let words = raw.words();
        if self.room.as_ref().is_none_or(|(room, _)| *room < words) {
            let [buffer] = self.gpu.allocate("weights", [words]).await?;
            self.room = Some((words, buffer));
        }
        if let Some((_, buffer)) = &self.room {
            raw.write(self.gpu, buffer);
        }
        Ok(raw.kind())
    }
}

/// The GPU alone: what it cannot do is an error.
impl Products for &Gpu {
    async fn linear(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &[Map<'_>],
        x: &[f32],
        d_in: usize,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        Gpu::linear(self, weights, maps, x, d_in).await.map_err(reason)
    }

    async fn mlp(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &MlpMaps<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        Gpu::mlp(self, weights, maps, x).await.map_err(reason)
    }
}

fn reason(error: GpuError) -> ModelError {
    match error {
        GpuError::Model(error) => error,
        other => ModelError::CannotRun { reason: other.to_string() },
    }
}
