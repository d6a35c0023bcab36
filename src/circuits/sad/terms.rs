//! Where a score comes from: its terms over singular vectors, and relative attention, in which one source is set against
//! the others.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::circuits::error::CircuitError;
use crate::math::{Mat, ProductSvd, layout};
use crate::model::architecture::Window;

/// What turns a head's queries and keys into coefficients on its singular vectors.
///
/// With Ω = W_Q W_Kᵀ = U S Vᵀ, `q G_dest` holds `σ_k (x·u_k)` and `k G_src` holds `y·v_k` (biases, rotary and norms
/// included, because they are in q and k already). For a head of full rank `G_dest G_srcᵀ = I`, so nothing is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct TermBasis {
    /// `[d_head, d_head]`: from a query to its coefficient per singular vector, σ included.
    pub g_dest: Mat,
    /// `[d_head, d_head]`: from a key to its coefficient per singular vector.
    pub g_src: Mat,
    /// Singular values, descending, `[d_head]`; zero in null directions.
    pub s: Vec<f64>,
}

impl TermBasis {
    /// A basis from the head-space matrices of an SVD.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] unless both matrices are `[d_head, d_head]` for `d_head = s.len()`.
    pub fn new(g_dest: Mat, g_src: Mat, s: Vec<f64>) -> Result<Self, CircuitError> {
        let expected = (s.len(), s.len());
        expect_shape("G_dest", &g_dest, expected)?;
        expect_shape("G_src", &g_src, expected)?;
        Ok(Self { g_dest, g_src, s })
    }

    /// The basis that an SVD of `W_Q W_Kᵀ` gives.
    pub fn of(svd: &ProductSvd) -> Self {
        Self { g_dest: svd.g_left.clone(), g_src: svd.g_right.clone(), s: svd.s.clone() }
    }

    /// `d_head`, the number of singular vectors, null directions included.
    pub fn d_head(&self) -> usize {
        self.s.len()
    }
}

/// What a destination can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Only sources up to itself.
    pub causal: bool,
    /// Those that a window leaves.
    pub window: Option<Window>,
}

impl View {
    /// The sources, of `n`, that `dest` sees.
    pub fn visible(self, dest: usize, n: usize) -> Range<usize> {
        let end = if self.causal { n.min(dest + 1) } else { n };
        let seen = self.window.map_or(0..n, |window| window.visible(dest, n));
        seen.start.min(end)..seen.end.min(end)
    }
}

/// One head on one prompt: every score, and every position's coefficients on the singular vectors.
///
/// A score is what the bilinear part gives, `scale · q·k`: before soft-cap, ALiBi and mask. Term `k` of the pair (dest,
/// src) is `scale · dest_coefficient_k · src_coefficient_k`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadTerms {
    /// Width of the head: the number of terms of every score.
    pub d_head: usize,
    /// Number of destination positions (rows).
    pub n_dest: usize,
    /// Number of source positions (columns).
    pub n_src: usize,
    /// What `q·k` is multiplied with; inside every term.
    pub scale: f64,
    /// `[n_dest, d_head]`, row-major: `σ_k (x·u_k)`.
    pub dest_coefficients: Vec<f64>,
    /// `[n_src, d_head]`, row-major: `y·v_k`.
    pub src_coefficients: Vec<f64>,
    /// `[n_dest, n_src]`, row-major: `scale · q·k`, for hidden pairs too.
    pub scores: Vec<f64>,
}

impl HeadTerms {
    /// Decomposes all pairs of a prompt: `q` `[n_dest, d_head]`, `k` `[n_src, d_head]`, as the forward pass multiplies them.
    ///
    /// Cost: `O(n d_head² + n² d_head)`, whatever d_model is.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when q or k is not `d_head` wide.
    pub fn new(basis: &TermBasis, q: &Mat, k: &Mat, scale: f64) -> Result<Self, CircuitError> {
        let d_head = basis.d_head();
        expect_shape("queries", q, (q.nrows(), d_head))?;
        expect_shape("keys", k, (k.nrows(), d_head))?;
        Ok(Self {
            d_head,
            n_dest: q.nrows(),
            n_src: k.nrows(),
            scale,
            dest_coefficients: layout::to_row_major(&(q * &basis.g_dest)),
            src_coefficients: layout::to_row_major(&(k * &basis.g_src)),
            scores: layout::to_row_major(&(q * k.transpose() * scale)),
        })
    }

    /// As [`HeadTerms::new`], from what a forward pass leaves: `[n, d_head]` in `f32`, row-major.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when the values do not fill whole rows.
    pub fn from_f32(
        basis: &TermBasis,
        q: &[f32],
        k: &[f32],
        scale: f64,
    ) -> Result<Self, CircuitError> {
        let rows = |what, values: &[f32]| {
            let width = basis.d_head().max(1);
            if !values.len().is_multiple_of(width) {
                let (expected, found) = ((values.len() / width, width), (1, values.len()));
                return Err(CircuitError::Shape { what, expected, found });
            }
            let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
            Ok(layout::from_row_major(values.len() / width, width, &values))
        };
        Self::new(basis, &rows("queries", q)?, &rows("keys", k)?, scale)
    }

    /// The coefficients `[d_head]` of destination `dest`, σ included; `None` past the last position.
    pub fn dest(&self, dest: usize) -> Option<&[f64]> {
        row(&self.dest_coefficients, self.d_head, dest)
    }

    /// The coefficients `[d_head]` of source `src`; `None` past the last position.
    pub fn src(&self, src: usize) -> Option<&[f64]> {
        row(&self.src_coefficients, self.d_head, src)
    }

    /// The score of a pair; `None` past the last position.
    pub fn score(&self, dest: usize, src: usize) -> Option<f64> {
        row(&self.scores, self.n_src, dest)?.get(src).copied()
    }

    /// The `d_head` terms of a pair's score; `None` past the last position.
    pub fn terms(&self, dest: usize, src: usize) -> Option<Vec<f64>> {
        Some(products(self.dest(dest)?, self.src(src)?, self.scale))
    }

    /// The part of a score that no singular vector carries: score minus all terms.
    ///
    /// Rounding for a head of full rank; for a rank-deficient one also what a bias or a rotation puts outside the row space
    /// of W_Q or W_K (queries under a LayerNorm of their own have such a head).
    pub fn remainder(&self, dest: usize, src: usize) -> Option<f64> {
        Some(self.score(dest, src)? - self.terms(dest, src)?.iter().sum::<f64>())
    }

    /// The largest |remainder| over all pairs, as a share of the largest |score|: how far the terms are from adding up.
    pub fn remainder_share(&self) -> f64 {
        let largest = self.scores.iter().fold(0.0_f64, |most, l| most.max(l.abs()));
        let pairs = (0..self.n_dest).flat_map(|i| (0..self.n_src).map(move |j| (i, j)));
        let worst = pairs
            .filter_map(|(dest, src)| self.remainder(dest, src))
            .fold(0.0_f64, |most, r| most.max(r.abs()));
        if largest > 0.0 { worst / largest } else { 0.0 }
    }

    /// Sets source `src` against the other sources that `dest` sees.
    ///
    /// `visible` are the sources in sight: `0..dest + 1` for a causal head, shorter under a window. `None` when fewer than
    /// two are visible, when `src` is not among them, or when a position does not exist.
    pub fn relative(
        &self,
        dest: usize,
        visible: Range<usize>,
        src: usize,
    ) -> Option<RelativeAttention> {
        if visible.len() < 2 || visible.end > self.n_src || !visible.contains(&src) {
            return None;
        }
        let n_visible = visible.len();
        let scores = row(&self.scores, self.n_src, dest)?.get(visible.clone())?;
        let score = contrast(*scores.get(src - visible.start)?, scores.iter().sum(), n_visible);
        let mut sums = vec![0.0; self.d_head];
        for other in visible {
            for (sum, b) in sums.iter_mut().zip(self.src(other)?) {
                *sum += b;
            }
        }
        let dest_coefficients = self.dest(dest)?.to_vec();
        let src_contrast: Vec<f64> =
            self.src(src)?.iter().zip(sums).map(|(&b, sum)| contrast(b, sum, n_visible)).collect();
        let terms = products(&dest_coefficients, &src_contrast, self.scale);
        let remainder = score - terms.iter().sum::<f64>();
        let scale = self.scale;
        Some(RelativeAttention {
            dest,
            src,
            n_visible,
            scale,
            score,
            terms,
            remainder,
            dest_coefficients,
            src_contrast,
        })
    }
}

/// How much one source's score exceeds the mean of the other visible sources, `ℓ̃_j = ℓ_j − 1/(m−1) Σ_{i≠j} ℓ_i`, and
/// where that comes from. Whatever shifts all scores of a destination alike, a key bias for one, cancels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelativeAttention {
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
    /// How many sources the destination sees, m.
    pub n_visible: usize,
    /// The score scale inside the terms.
    pub scale: f64,
    /// `ℓ̃`, remainder included.
    pub score: f64,
    /// `[d_head]`: the same contrast, singular vector by singular vector.
    pub terms: Vec<f64>,
    /// `ℓ̃` minus all terms; see [`HeadTerms::remainder`].
    pub remainder: f64,
    /// `[d_head]`: the destination's coefficients, σ included.
    pub dest_coefficients: Vec<f64>,
    /// `[d_head]`: the source's coefficients minus the mean of the other sources'.
    pub src_contrast: Vec<f64>,
}

/// `x − mean of the others`, from the sum over all `n`, x included.
fn contrast(x: f64, sum: f64, n: usize) -> f64 {
    x - (sum - x) / (n as f64 - 1.0)
}

/// `scale · a_k · b_k` for every k.
pub(super) fn products(a: &[f64], b: &[f64], scale: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| scale * a * b).collect()
}

fn row(values: &[f64], width: usize, index: usize) -> Option<&[f64]> {
    values.get(index.checked_mul(width)?..index.checked_add(1)?.checked_mul(width)?)
}

fn expect_shape(what: &'static str, m: &Mat, expected: (usize, usize)) -> Result<(), CircuitError> {
    let found = m.shape();
    if found == expected { Ok(()) } else { Err(CircuitError::Shape { what, expected, found }) }
}
