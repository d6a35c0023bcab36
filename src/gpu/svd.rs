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

use super::buffers::Buffer;
use super::certify::{Certificate, Certify, WORDS, Weigh, probes};
use super::device::{Gpu, locked};
use super::error::GpuError;
use super::factors::{Factors, power_of_two, weights};
use super::gemm::{Layout, Product};
use super::jacobi::Jacobi;
use super::pivoted_qr::{Cores, Pairing};
use super::qr::{Dots, Qr};

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
struct Chunk<'a> {
    batch: &'a SvdBatch<'a>,
    heads: &'a [(usize, usize)],
    /// The numbers of the factors, each once.
    left: Vec<usize>,
    right: Vec<usize>,
}

/// Each number once, and the place of each of the given ones among them.
fn distinct(numbers: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    let mut sorted: Vec<usize> = numbers.collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

impl<'a> Chunk<'a> {
    fn new(batch: &'a SvdBatch<'a>, heads: &'a [(usize, usize)]) -> Self {
        let left = distinct(heads.iter().map(|head| head.0));
        let right = distinct(heads.iter().map(|head| head.1));
        Chunk { batch, heads, left, right }
    }

    /// For each head the place of its factor and its own number.
    fn pairs(&self, numbers: &[usize], of: impl Fn(&(usize, usize)) -> usize) -> Vec<u32> {
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

    async fn svd_chunk(&self, chunk: &Chunk<'_>) -> Result<Vec<HeadSvd>, GpuError> {
        let (left, right) = (chunk.batch.left, chunk.batch.right);
        let (h, dl, dr) = (left.width, left.d, right.d);
        let (n, nl, nr) = (chunk.heads.len(), chunk.left.len(), chunk.right.len());
        let core = n * h * h;
        let panel = 16 * (nl * dl).max(nr * dr).max(n * dl);

        let [a, qa, b, qb, u, v] = self
            .allocate(
                "factors and vectors",
                [nl * dl * h, nl * dl * h, nr * dr * h, nr * dr * h, n * dl * h, n * dr * h],
            )
            .await?;
        let [ra, rb, work1, t, work2, g, w, u_core, v_core] = self
            .allocate("cores", [nl * h * h, nr * h * h, core, core, core, core, core, core, core])
            .await?;
        let [p1, p2, s, z, bz, dbz, vz] = self
            .allocate(
                "panels",
                [
                    panel,
                    panel,
                    16 * h * n.max(nl).max(nr),
                    16 * dr,
                    16 * nr * h,
                    16 * n * h,
                    16 * n * h,
                ],
            )
            .await?;
        let [
            same,
            of_left,
            of_right,
            weight,
            limits,
            steps1,
            steps2,
            state1,
            state2,
            sigma,
            certificates,
        ] = self
            .allocate(
                "sizes and flags",
                [
                    2 * n.max(nl).max(nr),
                    2 * n,
                    2 * n,
                    n * h,
                    n,
                    4 * n * h,
                    4 * n * h,
                    4 * n,
                    4 * n,
                    n * h,
                    n * WORDS,
                ],
            )
            .await?;

        for (place, &number) in chunk.left.iter().enumerate() {
            self.write(&a, place * dl * h, left.factor(number));
        }
        for (place, &number) in chunk.right.iter().enumerate() {
            self.write(&b, place * dr * h, right.factor(number));
        }
        let twice: Vec<u32> = (0..n.max(nl).max(nr) as u32).flat_map(|i| [i, i]).collect();
        self.write(&same, 0, &twice);
        self.write(&of_left, 0, &chunk.pairs(&chunk.left, |head| head.0));
        self.write(&of_right, 0, &chunk.pairs(&chunk.right, |head| head.1));
        let scales: Vec<(Vec<f32>, i32)> =
            chunk.heads.iter().map(|&(a, b)| weights(left, a, right, b)).collect();
        for (head, (weights, _)) in scales.iter().enumerate() {
            self.write(&weight, head * h, weights);
        }
        self.write(&z, 0, &probes(dr));

        let mut commands = self.commands().await?;
        let panels = [&p1, &p2];
        let index = &same;
        commands
            .qr(self, Qr { count: nl, d: dl, h, a: &a, q: &qa, r: &ra, panels, s: &s, index })
            .await?;
        commands
            .qr(self, Qr { count: nr, d: dr, h, a: &b, q: &qb, r: &rb, panels, s: &s, index })
            .await?;

        let cores = |work, steps| Cores { count: n, h, work, steps, limits: &limits };
        let (first, second) = (cores(&work1, &steps1), cores(&work2, &steps2));
        let pairing = Pairing {
            r_left: &ra,
            r_right: &rb,
            weight: &weight,
            left: &of_left,
            right: &of_right,
        };
        commands.prepare(self, first, pairing).await?;
        commands.pivoted_qr(self, first, &t, &w).await?;
        let square = |buffer| Layout::rows(buffer, h, h);
        let (t_transposed, m) = (square(&t).transposed(), square(&work2));
        commands
            .product(self, plain([h, h, h], n, square(&rb), t_transposed, m, &of_right))
            .await?;
        commands.pivoted_qr(self, second, &g, &w).await?;
        let states = [&state1, &state2];
        let (u_core, v_core) = (&u_core, &v_core);
        let jacobi = Jacobi { count: n, h, g: &g, v: &w, states, sigma: &sigma, u_core, v_core };
        commands.jacobi(self, jacobi).await?;
        commands.apply_q(self, first, u_core).await?;
        commands.apply_q(self, second, v_core).await?;
        let (tall_u, tall_v) = (Layout::rows(&u, dl, h), Layout::rows(&v, dr, h));
        let (tall_qa, tall_qb) = (Layout::rows(&qa, dl, h), Layout::rows(&qb, dr, h));
        commands
            .product(self, plain([dl, h, h], n, tall_qa, square(u_core), tall_u, &of_left))
            .await?;
        commands
            .product(self, plain([dr, h, h], n, tall_qb, square(v_core), tall_v, &of_right))
            .await?;

        // The cores of the first half are no longer needed: T and G make room for the Gram matrices.
        commands
            .product(self, plain([h, h, dl], n, tall_u.transposed(), tall_u, square(&t), &same))
            .await?;
        commands
            .product(self, plain([h, h, dr], n, tall_v.transposed(), tall_v, square(&g), &same))
            .await?;
        let y = Layout { batch: 0, ..Layout::rows(&z, dr, 16) };
        let none = (&s, None);
        let dots = Dots {
            count: nr,
            d: dr,
            h,
            columns: h,
            x: Layout::rows(&b, dr, h),
            y,
            s: &bz,
            r: none,
        };
        commands.dots(self, dots).await?;
        let dots = Dots { count: n, d: dr, h, columns: h, x: tall_v, y, s: &vz, r: none };
        commands.dots(self, dots).await?;
        let weigh = Weigh {
            count: n,
            h,
            sigma: &sigma,
            weight: &weight,
            right: &of_right,
            b_z: &bz,
            weighted_b_z: &dbz,
            weighted_v_z: &vz,
        };
        commands.weigh(self, weigh).await?;
        let thin = |buffer| Layout::rows(buffer, h, 16);
        let [rest_a, rest] = [&p1, &p2].map(|buffer| Layout::rows(buffer, dl, 16));
        let tall_a = Layout::rows(&a, dl, h);
        commands.product(self, plain([dl, 16, h], n, tall_a, thin(&dbz), rest_a, &of_left)).await?;
        let minus = Product {
            plus: Some((1.0, rest_a)),
            alpha: -1.0,
            ..plain([dl, 16, h], n, tall_u, thin(&vz), rest, &same)
        };
        commands.product(self, minus).await?;
        let certify = Certify {
            count: n,
            h,
            d: dl,
            sigma: &sigma,
            gram_u: &t,
            gram_v: &g,
            rest: &p2,
            states: &state1,
            certificates: &certificates,
        };
        commands.certify(self, certify).await?;
        commands.finish().await?;

        let tall = |d: usize| if chunk.batch.vectors { n * d * h } else { 0 };
        let [sigma, certificates, u, v] = self
            .read([(&sigma, n * h), (&certificates, n * WORDS), (&u, tall(dl)), (&v, tall(dr))])
            .await?;
        let head = |i: usize| {
            let part = |values: &[f32], d: usize| {
                values.get(i * d * h..(i + 1) * d * h).map(<[f32]>::to_vec)
            };
            unpack(
                chunk,
                i,
                &sigma[i * h..(i + 1) * h],
                scales[i].1,
                &certificates[i * WORDS..(i + 1) * WORDS],
            )
            .with_vectors(part(&u, dl), part(&v, dr), left.d_head, h)
        };
        Ok((0..n).map(head).collect())
    }
}

fn plain<'a>(
    shape: [usize; 3],
    batches: usize,
    a: Layout<'a>,
    b: Layout<'a>,
    c: Layout<'a>,
    index: &'a Buffer,
) -> Product<'a> {
    Product { shape, batches, a, b, c, plus: None, alpha: 1.0, index }
}

/// One head's numbers: the powers of two go back onto σ.
fn unpack(
    chunk: &Chunk<'_>,
    head: usize,
    sigma: &[f32],
    whole: i32,
    certificate: &[f32],
) -> HeadSvd {
    let (left, right) = (chunk.batch.left, chunk.batch.right);
    let (a, b) = chunk.heads[head];
    // Two factors, since their product alone may leave the range of the doubles.
    let (half, other) = (power_of_two(whole / 2), power_of_two(whole - whole / 2));
    let s: Vec<f64> =
        sigma.iter().take(left.d_head).map(|&s| f64::from(s) * half * other).collect();
    let norm = s.iter().map(|s| (s / half / other).powi(2)).sum::<f64>().sqrt();
    let gauge = left.norms[a] / half * (right.norms[b] / other) / norm;
    let gauge = if norm > 0.0 { gauge } else { 0.0 };
    let rank = s.iter().filter(|&&s| s > 0.0).count();
    let certificate = Certificate::new(certificate, left.d_head, gauge);
    HeadSvd { s, u: Vec::new(), v: Vec::new(), rank, certificate }
}

impl HeadSvd {
    /// Drops the padding and fixes the signs: in each pair the largest entry of `u` is positive.
    fn with_vectors(
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
