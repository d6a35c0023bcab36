//! The thin SVD of `A Bᵀ` for many heads at once: tall QRs, two pivoted QRs and Jacobi on the core, two tall products.
//!
//! ```text
//! A = Q_A R_A,  B = Q_B R_B            tall QR with a rank rule
//! R_A D = Q₁ T,  R_B Tᵀ = Q₂ R₂        pivoted QR, twice; D: the columns' powers of two
//! R₂ᵀ W = G                            one-sided Jacobi; σ are the lengths of G's columns
//! U = Q_A Q₁ (G / σ),  V = Q_B Q₂ W    sorted, signs fixed
//! ```
//! Relative accuracy of small singular values is that of the QRs, some 1e-6; no Gram matrix of the data is formed. Every
//! head comes with a certificate; one that fails is for the caller to compute again on the CPU. CPU twin:
//! `math::product_svd`.
//!
//! # Source
//! Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm I, II", SIAM J. Matrix Anal. Appl. 29 (2008).

use super::device::{Gpu, locked};
use super::error::GpuError;
use super::factors::{Factors, power_of_two};
use super::kernels::certify::Certificate;
use crate::math::order::distinct;

/// Heads to decompose: pairs of factors, each factor as often as it is needed (grouped queries share keys).
#[derive(Debug, Clone, Copy)]
pub struct SvdBatch<'a> {
    /// The factors `A`, `[d_left, d_head]` each.
    pub left: &'a Factors,
    /// The factors `B`, `[d_right, d_head]` each.
    pub right: &'a Factors,
    /// For each head which `A` and which `B`.
    pub heads: &'a [(usize, usize)],
    /// Whether U and V are wanted; without them only spectra and certificates are read back.
    pub vectors: bool,
}

/// The thin SVD of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadSvd {
    /// Singular values, `[d_head]`, descending; exactly zero for null directions.
    pub s: Vec<f64>,
    /// Left vectors, `[d_left, d_head]` row-major, largest entry of each positive; empty if not wanted.
    pub u: Vec<f32>,
    /// Right vectors, `[d_right, d_head]` row-major; empty if not wanted.
    pub v: Vec<f32>,
    /// How many singular values are not zero.
    pub rank: usize,
    /// How good it is.
    pub certificate: Certificate,
}

/// The heads of one pass through the GPU and the factors they need.
pub(super) struct Chunk<'a> {
    pub(super) batch: &'a SvdBatch<'a>,
    pub(super) heads: &'a [(usize, usize)],
    /// The numbers of the factors, each once.
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
}

impl<'a> Chunk<'a> {
    fn new(batch: &'a SvdBatch<'a>, heads: &'a [(usize, usize)]) -> Self {
        let left = distinct(heads.iter().map(|head| head.0));
        let right = distinct(heads.iter().map(|head| head.1));
        Chunk { batch, heads, left, right }
    }

    /// For each head the place of its factor and its own number.
    pub(super) fn pairs(
        &self,
        numbers: &[usize],
        of: impl Fn(&(usize, usize)) -> usize,
    ) -> Vec<u32> {
        let place = |number| numbers.binary_search(&number).unwrap_or(0) as u32;
        self.heads
            .iter()
            .enumerate()
            .flat_map(|(head, pair)| [place(of(pair)), head as u32])
            .collect()
    }
}

/// Bytes that one head with factors of its own takes on the GPU.
fn bytes_per_head(d_left: usize, d_right: usize, h: usize) -> u64 {
    4 * (3 * (d_left + d_right) * h + 48 * d_left.max(d_right) + 9 * h * h + 64 * h) as u64
}

impl Gpu {
    /// Decomposes every head of the batch, in its order.
    ///
    /// Costs about `20 d h² + 100 h³` operations a head. Not worth starting for a handful of small heads.
    ///
    /// # Errors
    /// [`GpuError::Shape`] if the factors do not fit, [`GpuError::Limit`] if a single head exceeds the device's limits,
    /// [`GpuError::OutOfMemory`], [`GpuError::Lost`], [`GpuError::Shader`], [`GpuError::Device`].
    pub async fn svd(&self, batch: &SvdBatch<'_>) -> Result<Vec<HeadSvd>, GpuError> {
        let (left, right) = (batch.left, batch.right);
        if left.d_head != right.d_head {
            let (expected, found) = (left.d_head, right.d_head);
            return Err(GpuError::Shape { what: "columns of B", expected, found });
        }
        for &(a, b) in batch.heads {
            for (what, number, factors) in [("factors A", a, left), ("factors B", b, right)] {
                if number >= factors.len() {
                    return Err(GpuError::Shape {
                        what,
                        expected: number + 1,
                        found: factors.len(),
                    });
                }
            }
        }
        let (h, d) = (left.width, left.d.max(right.d));
        let one = bytes_per_head(left.d, right.d, h);
        let by_binding = (self.max_binding() / (4 * d * h.max(16)) as u64).max(1) as usize;
        let mut budget = self.options.memory_budget;
        let mut results = Vec::with_capacity(batch.heads.len());
        while results.len() < batch.heads.len() {
            // The costliest single dispatch is a sweep or a tall product; no dispatch may outlast a submission.
            let costliest = (9 * h * h * h).max(2 * d * h * h) as f64;
            let by_time = (locked(&self.pace).target() / costliest) as usize;
            let by_memory = (budget / one) as usize;
            let count =
                by_time.min(by_memory).min(by_binding).clamp(1, batch.heads.len() - results.len());
            let heads = &batch.heads[results.len()..results.len() + count];
            match self.svd_chunk(&Chunk::new(batch, heads)).await {
                Ok(done) => results.extend(done),
                // The driver has less than we were told: smaller pieces, until one head alone is too much.
                Err(GpuError::OutOfMemory { .. }) if count > 1 => {
                    budget = one * (count as u64 / 2).max(1)
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }
}

/// One head's numbers: the powers of two, `scale`, go back onto σ.
pub(super) fn unpack(
    chunk: &Chunk<'_>,
    head: usize,
    sigma: &[f32],
    scale: &(Vec<f32>, i32),
    certificate: &[f32],
) -> HeadSvd {
    let (left, right) = (chunk.batch.left, chunk.batch.right);
    let (a, b) = chunk.heads[head];
    // Two factors, since their product alone may leave the range of the doubles.
    let (weights, whole) = scale;
    let (half, other) = (power_of_two(whole / 2), power_of_two(whole - whole / 2));
    let s: Vec<f64> =
        sigma.iter().take(left.d_head).map(|&s| f64::from(s) * half * other).collect();
    let norm = sigma.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>().sqrt();
    let lengths = left.lengths(a).iter().zip(right.lengths(b));
    let pairs: f64 = lengths.zip(weights).map(|((a, b), &weight)| a * b * f64::from(weight)).sum();
    let gauge = if norm > 0.0 { pairs / norm } else { 0.0 };
    let rank = s.iter().filter(|&&s| s > 0.0).count();
    let certificate = Certificate::new(certificate, left.d_head, gauge);
    HeadSvd { s, u: Vec::new(), v: Vec::new(), rank, certificate }
}

impl HeadSvd {
    /// Drops the padding and fixes the signs: in each pair the largest entry of `u` is positive.
    pub(super) fn with_vectors(
        mut self,
        u: Option<Vec<f32>>,
        v: Option<Vec<f32>>,
        d_head: usize,
        width: usize,
    ) -> Self {
        let (Some(mut u), Some(mut v)) = (u, v) else { return self };
        let mut largest = vec![0f32; width];
        for row in u.chunks_exact(width) {
            for (best, &x) in largest.iter_mut().zip(row) {
                if x.abs() > best.abs() {
                    *best = x;
                }
            }
        }
        for row in u.chunks_exact_mut(width).chain(v.chunks_exact_mut(width)) {
            for (x, best) in row.iter_mut().zip(&largest) {
                if *best < 0.0 {
                    *x = -*x;
                }
            }
        }
        let trim = |values: Vec<f32>| {
            if d_head == width {
                return values;
            }
            values.chunks_exact(width).flat_map(|row| row[..d_head].iter().copied()).collect()
        };
        self.u = trim(u);
        self.v = trim(v);
        self
    }
}
