//! Theorem 1 and its corollary as things to compute: the head that least squares asks for, found in three ways.
//!
//! Features are rows: `X [N, D]` on the query side, `Y [M, D']` on the key side, one feature per token. The head that
//! minimises `Σ_ij p_i q_j (x_i Ω y_jᵀ − T_ij)²` over **all** pairs is
//! `Ω* = Σ_X⁻¹ Xᵀ P T Q Y Σ_Y⁻¹` with `Σ_X = Xᵀ P X`; for a target of 1 on one pair and 0 elsewhere, and equal weights,
//! `Ω* = Σ_X⁻¹ x₁ᵀ y₁ Σ_Y⁻¹`: rank one, with `u₁ ∝ Σ_X⁻¹ x₁`. So `Σ_X u₁` points along x₁ exactly (unwhitening), and u₁
//! itself does when Σ_X is a multiple of the identity (Corollary 1). Not the loss of the toy, whose tokens are sums of
//! features; for softmax the key side becomes key-centred least squares, and the query side a weighted one.

use super::error::ToyError;
use crate::math::Mat;

/// A regression problem over all pairs of two sets of features.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    x: Mat,
    y: Mat,
    target: Mat,
    p: Vec<f64>,
    q: Vec<f64>,
}

impl Regression {
    /// Target 1 on the first feature of both sides and 0 on every other pair, all pairs of equal weight.
    ///
    /// # Errors
    /// [`ToyError::Length`] if a side has no features.
    pub fn one_pair(x: Mat, y: Mat) -> Result<Self, ToyError> {
        let mut target = Mat::zeros(x.nrows(), y.nrows());
        match target.get_mut((0, 0)) {
            Some(first) => *first = 1.0,
            None => {
                return Err(ToyError::Length {
                    what: "the features of a side",
                    expected: 1,
                    found: 0,
                });
            }
        }
        Self::new(x, y, target, None)
    }

    /// Any target `[N, M]`, and weights of the features of both sides.
    ///
    /// # Errors
    /// [`ToyError::Length`] if target or weights do not fit, [`ToyError::Setting`] for a weight that is not above 0 or an
    /// input that is not finite.
    pub fn new(
        x: Mat,
        y: Mat,
        target: Mat,
        weights: Option<(Vec<f64>, Vec<f64>)>,
    ) -> Result<Self, ToyError> {
        let (p, q) = weights.unwrap_or_else(|| (vec![1.0; x.nrows()], vec![1.0; y.nrows()]));
        for (what, expected, found) in [
            ("the target's rows", x.nrows(), target.nrows()),
            ("the target's columns", y.nrows(), target.ncols()),
            ("the weights of the queries", x.nrows(), p.len()),
            ("the weights of the keys", y.nrows(), q.len()),
        ] {
            if expected != found {
                return Err(ToyError::Length { what, expected, found });
            }
        }
        let refuse = |setting, found: f64, needed: &str| {
            Err(ToyError::Setting { setting, found: found.to_string(), needed: needed.into() })
        };
        if let Some(&weight) = p.iter().chain(&q).find(|w| !w.is_finite() || **w <= 0.0) {
            return refuse("a weight", weight, "above 0");
        }
        if let Some(&entry) = x.iter().chain(&y).chain(&target).find(|x| !x.is_finite()) {
            return refuse("an entry of features or target", entry, "a finite number");
        }
        Ok(Self { x, y, target, p, q })
    }

    /// `Ω* = Σ_X⁺ Xᵀ P T Q Y Σ_Y⁺` `[D, D']`; of all minimisers the one of least norm.
    pub fn closed_form(&self) -> Mat {
        let (scatter_x, scatter_y) = self.scatters();
        inverse(&scatter_x) * self.moment() * inverse(&scatter_y)
    }

    /// The same by least squares on the features themselves, `(√P X)⁺ √P T √Q ((√Q Y)⁺)ᵀ`, which never forms a scatter
    /// matrix and so keeps twice the digits when features are nearly dependent.
    pub fn least_squares(&self) -> Mat {
        let x = scaled_rows(&self.x, &self.p);
        let y = scaled_rows(&self.y, &self.q);
        let target =
            scaled_rows(&scaled_rows(&self.target, &self.p).transpose(), &self.q).transpose();
        pseudo_inverse(&x) * target * pseudo_inverse(&y).transpose()
    }

    /// The same by gradient descent, from Ω = 0.
    pub fn descent(&self) -> Descent {
        let (scatter_x, scatter_y) = self.scatters();
        let [(x_low, x_high), (y_low, y_high)] = [&scatter_x, &scatter_y].map(extremes);
        let (low, high) = ((x_low * y_low).sqrt(), (x_high * y_high).sqrt());
        // The best step and momentum for a quadratic with these extreme curvatures (Polyak's heavy ball).
        let (rate, momentum) = (4.0 / (low + high).powi(2), ((high - low) / (high + low)).powi(2));
        let moment = self.moment();
        let omega = Mat::zeros(moment.nrows(), moment.ncols());
        Descent { velocity: omega.clone(), omega, scatter_x, scatter_y, moment, rate, momentum }
    }

    /// The weighted sum of squares that Ω leaves.
    pub fn loss(&self, omega: &Mat) -> f64 {
        let error = &self.x * omega * self.y.transpose() - &self.target;
        let weigh = |i: usize, j: usize| self.p[i] * self.q[j] * error[(i, j)] * error[(i, j)];
        (0..error.nrows())
            .flat_map(|i| (0..error.ncols()).map(move |j| (i, j)))
            .map(|(i, j)| weigh(i, j))
            .sum()
    }

    /// `Σ_X [D, D]` and `Σ_Y [D', D']`, weights included.
    pub fn scatters(&self) -> (Mat, Mat) {
        let (x, y) = (scaled_rows(&self.x, &self.p), scaled_rows(&self.y, &self.q));
        (x.tr_mul(&x), y.tr_mul(&y))
    }

    fn moment(&self) -> Mat {
        let root = |w: &[f64]| w.iter().map(|w| w * w).collect::<Vec<f64>>();
        scaled_rows(&self.x, &root(&self.p)).tr_mul(&self.target)
            * scaled_rows(&self.y, &root(&self.q))
    }
}

/// Gradient descent on a [`Regression`], one step per call.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent {
    omega: Mat,
    velocity: Mat,
    scatter_x: Mat,
    scatter_y: Mat,
    moment: Mat,
    rate: f64,
    momentum: f64,
}

impl Descent {
    /// One step; returns the length of the gradient over its length at Ω = 0, which goes to rounding noise.
    pub fn step(&mut self) -> f64 {
        let gradient = &self.scatter_x * &self.omega * &self.scatter_y - &self.moment;
        self.velocity = &self.velocity * self.momentum - &gradient * self.rate;
        self.omega += &self.velocity;
        let start = self.moment.norm();
        if start > 0.0 { gradient.norm() / start } else { 0.0 }
    }

    /// Where it stands.
    pub fn omega(&self) -> &Mat {
        &self.omega
    }
}

/// `Σ⁺` of a symmetric positive semi-definite matrix; eigenvalues under 10⁻¹² of the largest count as 0.
pub fn inverse(scatter: &Mat) -> Mat {
    let eigen = scatter.clone().symmetric_eigen();
    let floor = 1e-12 * eigen.eigenvalues.max();
    let inverted = eigen.eigenvalues.map(|value| if value > floor { 1.0 / value } else { 0.0 });
    &eigen.eigenvectors * Mat::from_diagonal(&inverted) * eigen.eigenvectors.transpose()
}

/// Smallest non-zero and largest eigenvalue.
fn extremes(scatter: &Mat) -> (f64, f64) {
    let values = scatter.symmetric_eigenvalues();
    let high = values.max();
    (values.iter().copied().filter(|v| *v > 1e-12 * high).fold(high, f64::min), high)
}

/// Row i of `m` times the root of weight i.
fn scaled_rows(m: &Mat, weights: &[f64]) -> Mat {
    Mat::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)] * weights[i].sqrt())
}

/// Moore–Penrose inverse; singular values under 10⁻¹² of the largest count as 0.
fn pseudo_inverse(m: &Mat) -> Mat {
    let svd = m.clone().svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else { return Mat::zeros(m.ncols(), m.nrows()) };
    let floor = 1e-12 * svd.singular_values.max();
    let inverted = svd.singular_values.map(|s| if s > floor { 1.0 / s } else { 0.0 });
    v_t.tr_mul(&Mat::from_diagonal(&inverted)) * u.transpose()
}
