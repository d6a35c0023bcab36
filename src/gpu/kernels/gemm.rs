//! Batched matrix products; a transpose is a pair of strides. CPU twin: nalgebra's product.
//!
//! A 128 × 64 tile per workgroup for wide results, 128 × 32 and 256 × 16 for narrow ones, so that no thread idles on
//! the tall, thin products of the QR and the certificate.

use super::half::with_half;
use crate::gpu::buffers::Buffer;
use crate::gpu::commands::{Commands, Dispatch};
use crate::gpu::device::Gpu;
use crate::gpu::error::GpuError;
use crate::gpu::kernel::Kernel;

pub(in crate::gpu) const KERNEL: Kernel =
    Kernel { name: "gemm", source: with_half!("gemm.wgsl"), entry: "product" };

/// `[BN, BM, BK, TM4]` of the three tile shapes.
const TILES: [[usize; 4]; 3] = [[16, 256, 8, 1], [32, 128, 16, 1], [64, 128, 16, 2]];

/// The sizes put into the shader.
fn constants([bn, bm, bk, tm4]: [usize; 4], kinds: [u32; 2]) -> [(&'static str, u32); 6] {
    [
        ("BN", bn as u32),
        ("BM", bm as u32),
        ("BK", bk as u32),
        ("TM4", tm4 as u32),
        ("A_TYPE", kinds[0]),
        ("B_TYPE", kinds[1]),
    ]
}

/// Every set of sizes.
pub(in crate::gpu) fn variants() -> Vec<[(&'static str, u32); 6]> {
    let kinds = (0..9).map(|i| [i / 3, i % 3]);
    kinds.flat_map(|kinds| TILES.map(|tile| constants(tile, kinds))).collect()
}

/// Numbers as they lie in a file or in memory.
#[derive(Debug, Clone, Copy)]
pub enum Raw<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// Little-endian 32-bit floats as they lie in a file, four bytes each.
    F32Bytes(&'a [u8]),
    /// Little-endian bfloat16, two bytes each.
    Bf16(&'a [u8]),
    /// Little-endian IEEE half precision, two bytes each.
    F16(&'a [u8]),
}

impl Raw<'_> {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Raw::F32(values) => values.len(),
            Raw::F32Bytes(bytes) => bytes.len() / 4,
            Raw::Bf16(bytes) | Raw::F16(bytes) => bytes.len() / 2,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shader's name for the format.
    pub(in crate::gpu) fn kind(&self) -> u32 {
        match self {
            Raw::F32(_) | Raw::F32Bytes(_) => 0,
            Raw::Bf16(_) => 1,
            Raw::F16(_) => 2,
        }
    }

    /// Size on the GPU in 4-byte words.
    pub(in crate::gpu) fn words(&self) -> usize {
        match self {
            Raw::F32(values) => values.len(),
            Raw::F32Bytes(bytes) | Raw::Bf16(bytes) | Raw::F16(bytes) => bytes.len().div_ceil(4),
        }
    }

    pub(in crate::gpu) fn write(&self, gpu: &Gpu, buffer: &Buffer) {
        match self {
            Raw::F32(values) => gpu.write(buffer, 0, values),
            Raw::F32Bytes(bytes) | Raw::Bf16(bytes) | Raw::F16(bytes) => {
                gpu.write_bytes(buffer, bytes)
            }
        }
    }
}

/// Where a batch of matrices lies in a buffer: element `(i, j)` of matrix `b` is at `start + b batch + i row + j col`.
#[derive(Debug, Clone, Copy)]
pub(in crate::gpu) struct Layout<'a> {
    pub(in crate::gpu) buffer: &'a Buffer,
    pub(in crate::gpu) start: usize,
    pub(in crate::gpu) row: usize,
    pub(in crate::gpu) col: usize,
    pub(in crate::gpu) batch: usize,
}

impl<'a> Layout<'a> {
    /// Row-major matrices of `n_rows` rows of `n_cols`, one after the other.
    pub(in crate::gpu) fn rows(buffer: &'a Buffer, n_rows: usize, n_cols: usize) -> Self {
        Layout { buffer, start: 0, row: n_cols, col: 1, batch: n_rows * n_cols }
    }

    /// The same matrices, transposed.
    pub(in crate::gpu) fn transposed(self) -> Self {
        Layout { row: self.col, col: self.row, ..self }
    }

    /// The same matrices without their first `columns` columns.
    pub(in crate::gpu) fn skip_columns(self, columns: usize) -> Self {
        Layout { start: self.start + columns * self.col, ..self }
    }

    fn words(&self) -> [u32; 4] {
        [self.start, self.row, self.col, self.batch].map(|x| x as u32)
    }
}

/// `c = alpha a b + beta c0` for every product of a batch.
pub(in crate::gpu) struct Product<'a> {
    /// `[m, n, k]`: `a` is `[m, k]`, `b` is `[k, n]`.
    pub(in crate::gpu) shape: [usize; 3],
    pub(in crate::gpu) batches: usize,
    pub(in crate::gpu) a: Layout<'a>,
    pub(in crate::gpu) b: Layout<'a>,
    pub(in crate::gpu) c: Layout<'a>,
    /// `beta` and `c0`; `c0` must not be `c`'s buffer.
    pub(in crate::gpu) plus: Option<(f32, Layout<'a>)>,
    pub(in crate::gpu) alpha: f32,
    /// For each product two words: which matrix of `a`, which of `b`.
    pub(in crate::gpu) index: &'a Buffer,
}

impl Commands<'_> {
    /// Records a batch of products of f32 matrices.
    pub(in crate::gpu) async fn product(
        &mut self,
        gpu: &Gpu,
        work: Product<'_>,
    ) -> Result<(), GpuError> {
        self.product_of(gpu, work, [0, 0]).await
    }

    /// As [`Commands::product`], for matrices in the formats that [`Raw::kind`] names.
    pub(in crate::gpu) async fn product_of(
        &mut self,
        gpu: &Gpu,
        work: Product<'_>,
        kinds: [u32; 2],
    ) -> Result<(), GpuError> {
        let [m, n, k] = work.shape;
        let tile = if n <= 16 { TILES[0] } else { TILES[if n <= 32 { 1 } else { 2 }] };
        let pipeline = gpu.pipeline(&KERNEL, &constants(tile, kinds)).await?;
        // Without a c0 its binding still needs a buffer, and that may not be the one written to.
        let (beta, c0) = work.plus.unwrap_or((0.0, work.b));
        let mut params = vec![m as u32, n as u32, k as u32, work.alpha.to_bits()];
        for layout in [work.a, work.b, work.c, c0] {
            params.extend(layout.words());
        }
        params.extend([beta.to_bits(), 0, 0, 0]);
        let buffers = [
            (1, work.a.buffer),
            (2, work.b.buffer),
            (3, c0.buffer),
            (4, work.c.buffer),
            (5, work.index),
        ];
        self.dispatch(Dispatch {
            pipeline: &pipeline,
            params: &params,
            buffers: &buffers,
            groups: [m.div_ceil(tile[1]), n.div_ceil(tile[0]), work.batches],
            cost: 2.0 * (work.batches * m * n) as f64 * k.max(1) as f64,
        })
        .await
    }
}

/// A stack of row-major matrices `[count, n_rows, n_cols]` as an operand of [`Gpu::gemm`].
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// The numbers, `count * n_rows * n_cols` of them.
    pub values: Raw<'a>,
    /// Rows of each matrix as stored.
    pub n_rows: usize,
    /// Columns of each matrix as stored.
    pub n_cols: usize,
    /// Whether its transpose is meant.
    pub transposed: bool,
}

impl Operand<'_> {
    fn shape(&self) -> (usize, usize) {
        if self.transposed { (self.n_cols, self.n_rows) } else { (self.n_rows, self.n_cols) }
    }
}

impl Gpu {
    /// `count` products `op(A) op(B)`, row-major one after the other; f32 accumulation whatever the inputs' format.
    ///
    /// # Errors
    /// [`GpuError::Shape`] if the operands do not fit; [`GpuError::Limit`], [`GpuError::OutOfMemory`],
    /// [`GpuError::Lost`], [`GpuError::Device`].
    pub async fn gemm(
        &self,
        count: usize,
        a: Operand<'_>,
        b: Operand<'_>,
    ) -> Result<Vec<f32>, GpuError> {
        let ((m, k), (b_rows, n)) = (a.shape(), b.shape());
        if b_rows != k {
            return Err(GpuError::Shape {
                what: "rows of B against columns of A",
                expected: k,
                found: b_rows,
            });
        }
        for (what, operand) in [("numbers in A", &a), ("numbers in B", &b)] {
            let (expected, found) = (count * operand.n_rows * operand.n_cols, operand.values.len());
            if found != expected {
                return Err(GpuError::Shape { what, expected, found });
            }
        }
        let words = [a.values.words(), b.values.words(), count * m * n, 2 * count];
        let [a_buffer, b_buffer, c_buffer, index] =
            self.allocate("a matrix product", words).await?;
        a.values.write(self, &a_buffer);
        b.values.write(self, &b_buffer);
        let pairs: Vec<u32> = (0..count as u32).flat_map(|i| [i, i]).collect();
        self.write(&index, 0, &pairs);
        let layout = |operand: &Operand<'_>, buffer| {
            let rows = Layout::rows(buffer, operand.n_rows, operand.n_cols);
            if operand.transposed { rows.transposed() } else { rows }
        };
        let mut commands = self.commands().await?;
        let work = Product {
            shape: [m, n, k],
            batches: count,
            a: layout(&a, &a_buffer),
            b: layout(&b, &b_buffer),
            c: Layout::rows(&c_buffer, m, n),
            plus: None,
            alpha: 1.0,
            index: &index,
        };
        commands.product_of(self, work, [a.values.kind(), b.values.kind()]).await?;
        commands.finish().await?;
        let [product] = self.read([(&c_buffer, count * m * n)]).await?;
        Ok(product)
    }
}
