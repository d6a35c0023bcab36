//! Heads whose decomposition is hard in a known way: what the self-test and the tests run on.
//!
//! Each is a pair of factors `[d, h]` rounded to `f32`, so that the GPU and its CPU twin start from the same numbers.

use crate::math::Mat;
use crate::math::qr::Qr;
use crate::math::random::Rng;

/// A kind of head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plant {
    /// Independent normal entries: as easy as real heads mostly are.
    Gauss,
    /// Singular values from 1 down to `1 / κ`, shared evenly between the factors.
    Balanced(f64),
    /// The same, all of it in the left factor. Beyond κ of some `1 / (8 u √d)`, 1e5 at d = 768, f32 factors do not hold
    /// the smallest directions any more and the rank rule takes them for noise.
    OneSided(f64),
    /// Balanced, κ = 1e6, the columns of A scaled by 1e-4 … 1e4 and those of B by the inverse.
    Graded,
    /// Balanced, κ = 1e3, written in an oblique basis of the head's space.
    Oblique,
    /// Singular values `1 / i^1.5`, and a few rows a hundred times larger.
    Outliers,
    /// Groups of eight equal singular values, κ = 1e4.
    Clusters,
    /// All singular values equal.
    Equal,
    /// Half of the columns exactly zero.
    ZeroColumns,
    /// Rank h / 2 up to rounding, in both factors.
    HalfRank,
    /// Every column twice.
    Duplicated,
    /// Nothing at all.
    Zero,
    /// Balanced, κ = 1e6, times the two numbers.
    Scaled(f64, f64),
}

impl Plant {
    /// One of each.
    pub const ALL: [Plant; 18] = [
        Plant::Gauss,
        Plant::Balanced(1e3),
        Plant::Balanced(1e6),
        Plant::OneSided(1e5),
        Plant::Graded,
        Plant::Oblique,
        Plant::Outliers,
        Plant::Clusters,
        Plant::Equal,
        Plant::ZeroColumns,
        Plant::HalfRank,
        Plant::Duplicated,
        Plant::Zero,
        Plant::Scaled(1e4, 1.0),
        Plant::Scaled(1e-6, 1e-6),
        Plant::Scaled(1e4, 1e-6),
        Plant::Scaled(1e18, 1e18),
        Plant::Scaled(1e-18, 1e-18),
    ];

    /// What the reader is told.
    pub fn name(self) -> String {
        match self {
            Plant::Gauss => "random".to_owned(),
            Plant::Balanced(kappa) => format!("condition {kappa:.0e}"),
            Plant::OneSided(kappa) => format!("condition {kappa:.0e}, all in one factor"),
            Plant::Graded => "columns from 1e-4 to 1e4".to_owned(),
            Plant::Oblique => "oblique basis".to_owned(),
            Plant::Outliers => "power law with outlier rows".to_owned(),
            Plant::Clusters => "groups of equal singular values".to_owned(),
            Plant::Equal => "all singular values equal".to_owned(),
            Plant::ZeroColumns => "half of the columns zero".to_owned(),
            Plant::HalfRank => "half rank, hidden by rounding".to_owned(),
            Plant::Duplicated => "every column twice".to_owned(),
            Plant::Zero => "all zero".to_owned(),
            Plant::Scaled(a, b) => format!("factors of size {a:.0e} and {b:.0e}"),
        }
    }

    /// The rank that has to be found.
    pub fn rank(self, h: usize) -> usize {
        match self {
            Plant::ZeroColumns | Plant::HalfRank | Plant::Duplicated => h / 2,
            Plant::Zero => 0,
            _ => h,
        }
    }

    /// The factors, `d` at least `h`.
    pub fn factors(self, d: usize, h: usize, rng: &mut Rng) -> (Mat, Mat) {
        let (a, b) = match self {
            Plant::Gauss => (rng.normal_matrix(d, h), rng.normal_matrix(d, h)),
            Plant::Balanced(kappa) => balanced(d, h, rng, |i| kappa.powf(-i / 2.0)),
            Plant::OneSided(kappa) => {
                let (a, b) = balanced(d, h, rng, |_| 1.0);
                let q = rng.haar_rotation(h);
                (scaled_columns(&(a * &q), h, |i| kappa.powf(-i)) * q.transpose(), b)
            }
            Plant::Graded => {
                let (a, b) = balanced(d, h, rng, |i| 1e6f64.powf(-i / 2.0));
                let grade = |i: f64| 10f64.powf(8.0 * i - 4.0);
                (scaled_columns(&a, h, grade), scaled_columns(&b, h, |i| 1.0 / grade(i)))
            }
            Plant::Oblique => {
                let (a, b) = balanced(d, h, rng, |i| 1e3f64.powf(-i / 2.0));
                let (left, right) = (rng.haar_rotation(h), rng.haar_rotation(h));
                let tilt = |i: f64| 200f64.powf(-i);
                let there = scaled_columns(&left, h, tilt) * right.transpose();
                let back = scaled_columns(&left, h, |i| 1.0 / tilt(i)) * right.transpose();
                (a * there, b * back)
            }
            Plant::Outliers => {
                let law = |i: f64| (1.0 + i * (h as f64 - 1.0)).powf(-0.75);
                let (mut a, b) = balanced(d, h, rng, law);
                for row in 0..3 {
                    a.row_mut(row * (d / 3)).scale_mut(100.0);
                }
                (a, b)
            }
            Plant::Clusters => balanced(d, h, rng, |i| {
                let group = (i * (h as f64 - 1.0) / 8.0).floor();
                1e4f64.powf(-0.5 * group / (h as f64 / 8.0 - 1.0).max(1.0))
            }),
            Plant::Equal => balanced(d, h, rng, |_| 1.0),
            Plant::ZeroColumns => {
                let even = |i: f64| (i * (h as f64 - 1.0)).round() % 2.0 == 0.0;
                let keep = |i: f64| f64::from(u8::from(even(i)));
                (scaled_columns(&rng.normal_matrix(d, h), h, keep), rng.normal_matrix(d, h))
            }
            Plant::HalfRank => {
                let mut low = || rng.normal_matrix(d, h / 2) * rng.normal_matrix(h / 2, h);
                (low(), low())
            }
            Plant::Duplicated => {
                let mut twice = || {
                    let half = rng.normal_matrix(d, h / 2);
                    Mat::from_fn(d, h, |i, j| half[(i, j / 2)])
                };
                (twice(), twice())
            }
            Plant::Zero => (Mat::zeros(d, h), Mat::zeros(d, h)),
            Plant::Scaled(left, right) => {
                let (a, b) = balanced(d, h, rng, |i| 1e6f64.powf(-i / 2.0));
                (a * left, b * right)
            }
        };
        let round = |m: Mat| m.map(|x| f64::from(x as f32));
        (round(a), round(b))
    }
}

/// `m` with column k times `scale(k / (h - 1))`.
fn scaled_columns(m: &Mat, h: usize, scale: impl Fn(f64) -> f64) -> Mat {
    let mut m = m.clone();
    for (k, mut column) in m.column_iter_mut().enumerate() {
        column.scale_mut(scale(k as f64 / (h.max(2) - 1) as f64));
    }
    m
}

/// `A = U S^½ Q`, `B = V S^½ Q` with orthonormal U and V and a random rotation Q; `root(k / (h - 1)) = √σ_k`.
fn balanced(d: usize, h: usize, rng: &mut Rng, root: impl Fn(f64) -> f64) -> (Mat, Mat) {
    let q = rng.haar_rotation(h);
    let mut factor = || {
        let frame = Qr::new(&rng.normal_matrix(d, h)).q_times(&Mat::identity(h, h));
        scaled_columns(&frame, h, &root) * &q
    };
    (factor(), factor())
}
