//! One pass of a chunk of heads through the GPU: every dispatch of the decomposition, in order, and one readback.

use super::buffers::Buffer;
use super::device::Gpu;
use super::error::GpuError;
use super::factors::weights;
use super::kernels::certify::{Certify, WORDS, Weigh, probes};
use super::kernels::gemm::{Layout, Product};
use super::kernels::jacobi::Jacobi;
use super::kernels::pivoted_qr::{Cores, Pairing};
use super::kernels::qr::{Dots, Qr};
use super::svd::{Chunk, HeadSvd, unpack};

impl Gpu {
    /// Decomposes the heads of one chunk; `Gpu::svd` says what is computed.
    pub(super) async fn svd_chunk(&self, chunk: &Chunk<'_>) -> Result<Vec<HeadSvd>, GpuError> {
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
                    2 * n,
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

        let cores = |work, steps, round| Cores { count: n, h, work, steps, limits: &limits, round };
        let (first, second) = (cores(&work1, &steps1, 0), cores(&work2, &steps2, 1));
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
                &scales[i],
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
