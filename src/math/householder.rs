//! Householder reflectors in compact WY form: an orthogonal `Q` that is applied, never written out.
//!
//! Reflector `k` is `I − τ_k v_k v_kᵀ` with `v_k` zero above row `k` and one at it, so the first `rank` columns of `Q`
//! are an orthonormal basis of what has been eliminated. Blocks of [`BLOCK`] reflectors act together as
//! `I − V T Vᵀ` (Schreiber & Van Loan, SISSC 10, 1989), which turns the work into matrix products.

use super::Mat;
use super::kernels::{Columns, Packed, add_product, axpy, dot};

/// How many reflectors act together.
pub(super) const BLOCK: usize = 8;

/// A product of Householder reflectors on vectors of `n_rows` entries.
pub(super) struct Reflectors {
    n_rows: usize,
    v: Vec<f64>,
    tau: Vec<f64>,
    blocks: Vec<Block>,
}

struct Block {
    first: usize,
    t: Mat,
}

impl Reflectors {
    pub(super) fn new(n_rows: usize) -> Self {
        Reflectors { n_rows, v: Vec::new(), tau: Vec::new(), blocks: Vec::new() }
    }

    /// How many reflectors there are.
    pub(super) fn rank(&self) -> usize {
        self.tau.len()
    }

    /// Eliminates `x`, the rows of a column from row `rank` down: `x` becomes `[β, 0, …]`, `|β| = norm = ‖x‖ > 0`.
    pub(super) fn eliminate(&mut self, x: &mut [f64], norm: f64) {
        let beta = if x[0] > 0.0 { -norm } else { norm };
        let head = x[0] - beta;
        self.tau.push(-head / beta);
        self.v.resize(self.v.len() + self.n_rows - x.len(), 0.0);
        self.v.push(1.0);
        self.v.extend(x[1..].iter().map(|x| x / head));
        x.fill(0.0);
        x[0] = beta;
    }

    /// The last reflector applied to `y`, the rows of a column from the reflector's own row down.
    pub(super) fn reflect_last(&self, y: &mut [f64]) {
        let Some(tau) = self.tau.last() else { return };
        let v = &self.v[self.v.len() - y.len()..];
        axpy(-tau * dot(v, y), v, y);
    }

    /// Makes one block of all reflectors since the last block, and applies its `Qᵀ` to the columns in `behind`.
    pub(super) fn close_block(&mut self, behind: &mut [f64]) {
        let first = self.blocks.last().map_or(0, |block| block.first + block.t.nrows());
        let n = self.rank() - first;
        if n == 0 {
            return;
        }
        let columns = self.columns(first);
        let packed = Packed::new(columns, n);
        let gram = packed.upper_products(columns);
        let mut t = Mat::zeros(n, n);
        for k in 0..n {
            let tau = self.tau[first + k];
            for i in 0..k {
                t[(i, k)] = -tau * (i..k).map(|l| t[(i, l)] * gram[(l, k)]).sum::<f64>();
            }
            t[(k, k)] = tau;
        }
        let block = Block { first, t };
        self.apply_packed(&block, &packed, behind, true);
        self.blocks.push(block);
    }

    fn columns(&self, first: usize) -> Columns<'_> {
        Columns::new(&self.v[first * self.n_rows..], self.n_rows, first)
    }

    fn apply(&self, block: &Block, c: &mut [f64], transposed: bool) {
        self.apply_packed(
            block,
            &Packed::new(self.columns(block.first), block.t.nrows()),
            c,
            transposed,
        );
    }

    fn apply_packed(&self, block: &Block, packed: &Packed, c: &mut [f64], transposed: bool) {
        let n_cols = c.len() / self.n_rows.max(1);
        if n_cols == 0 {
            return;
        }
        let products = packed.transposed_times(Columns::new(c, self.n_rows, block.first), n_cols);
        let t = -&block.t;
        let weights = if transposed { t.transpose() * products } else { t * products };
        add_product(c, self.n_rows, block.first, self.columns(block.first), &weights);
    }

    /// `Q x` for the first `rank` columns of `Q`; `x: [rank, n]`, the result `[n_rows, n]`.
    pub(super) fn times(&self, x: &Mat) -> Mat {
        let mut c = Mat::zeros(self.n_rows, x.ncols());
        c.rows_mut(0, self.rank()).copy_from(x);
        for block in self.blocks.iter().rev() {
            self.apply(block, c.as_mut_slice(), false);
        }
        c
    }

    /// `Qᵀ x` for the first `rank` columns of `Q`; `x: [n_rows, n]`, the result `[rank, n]`.
    pub(super) fn transposed_times(&self, x: &Mat) -> Mat {
        let mut c = x.clone();
        for block in &self.blocks {
            self.apply(block, c.as_mut_slice(), true);
        }
        c.rows(0, self.rank()).into_owned()
    }
}
