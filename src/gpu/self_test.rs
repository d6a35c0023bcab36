//! The self-test: this device in f32 against the CPU in f64 on planted heads, errors beside tolerances, and its speed.

use serde::{Deserialize, Serialize};

use crate::math::qr::Qr;
use crate::math::random::Rng;
use crate::math::{Mat, ProductSvd, product_svd};

use super::device::{Gpu, GpuDescription};
use super::error::GpuError;
use super::factors::Factors;
use super::gemm::Raw;
use super::peak::Peak;
use super::planted::Plant;
use super::svd::{HeadSvd, SvdBatch};

/// The shape of the quick test, and of the heads whose speed is measured: `[d_model, d_head]`.
const QUICK: [usize; 2] = [256, 64];

/// The shapes of the thorough test, and how many kinds of planted heads each gets: a tall one takes long on the CPU.
const THOROUGH: [([usize; 2], Kinds); 9] = [
    (QUICK, Kinds::Every),
    ([64, 16], Kinds::Every),
    ([384, 32], Kinds::Every),
    ([768, 64], Kinds::Every),
    ([300, 80], Kinds::Every),
    ([512, 128], Kinds::Every),
    ([512, 256], Kinds::Hard),
    ([4096, 64], Kinds::Hard),
    ([4096, 256], Kinds::Hard),
];

/// Which planted heads.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kinds {
    /// One of each.
    Every,
    /// Condition 1e6.
    Hard,
}

impl Kinds {
    fn plants(self) -> &'static [Plant] {
        match self {
            Kinds::Every => &Plant::ALL,
            Kinds::Hard => &Plant::ALL[2..3],
        }
    }
}

/// Half a unit in the last place of an `f32` 1.
const U: f64 = 5.960_464_477_539_063e-8;

/// One error and what it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was compared, in words.
    pub what: String,
    /// How far off it was.
    pub error: f64,
    /// How far off it may be.
    pub tolerance: f64,
}

impl Check {
    fn new(what: &str, error: f64, tolerance: f64) -> Self {
        Check { what: what.to_owned(), error, tolerance }
    }

    /// Whether the error is within the tolerance; NaN is not.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// The checks of one planted head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlantedHead {
    /// What is hard about it.
    pub name: String,
    /// `[d_model, d_head]`.
    pub shape: [usize; 2],
    /// One for each demand.
    pub checks: Vec<Check>,
}

/// How fast one kernel ran, in operations per second where a multiply-add counts as two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Which, and at what size.
    pub what: String,
    /// Heads or dot products per second.
    pub per_second: f64,
    /// What is counted.
    pub unit: String,
    /// Operations per second.
    pub flops: f64,
}

/// What the self-test found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// On what.
    pub gpu: GpuDescription,
    /// Seed of the planted heads.
    pub seed: u32,
    /// The planted heads.
    pub heads: Vec<PlantedHead>,
    /// What the device does at most.
    pub peak: Peak,
    /// What the kernels do of that.
    pub speeds: Vec<Speed>,
}

impl SelfTest {
    /// Whether every check passed.
    pub fn passed(&self) -> bool {
        self.heads.iter().flat_map(|head| &head.checks).all(Check::passed)
    }
}

/// Runs the self-test; a few seconds on a GPU, longer on a software adapter. A thorough one goes through every width of head
/// that the kernels have, up to 4096 rows. `step` hears how many shapes are done, and of how many.
///
/// # Errors
/// Those of [`Gpu::svd`] and [`Gpu::top_k`]; a wrong result is no error, it is in the report.
pub async fn self_test(
    gpu: &Gpu,
    seed: u32,
    thorough: bool,
    mut step: impl FnMut(usize, usize),
) -> Result<SelfTest, GpuError> {
    let mut rng = Rng::new(seed);
    let shapes = if thorough { &THOROUGH[..] } else { &THOROUGH[..1] };
    let mut heads = Vec::new();
    for (i, (shape, kinds)) in shapes.iter().enumerate() {
        heads.extend(planted_heads(gpu, *shape, kinds.plants(), &mut rng).await?);
        step(i + 1, shapes.len());
    }
    let (peak, speeds) = (gpu.peak().await?, speeds(gpu, &mut rng).await?);
    Ok(SelfTest { gpu: gpu.description().clone(), seed, heads, peak, speeds })
}

/// Planted heads of one shape, decomposed together and checked.
async fn planted_heads(
    gpu: &Gpu,
    shape: [usize; 2],
    plants: &[Plant],
    rng: &mut Rng,
) -> Result<Vec<PlantedHead>, GpuError> {
    let [d, h] = shape;
    let (mut left, mut right) = (Factors::new(d, h)?, Factors::new(d, h)?);
    let mut planted = Vec::new();
    for plant in plants {
        let (a, b) = plant.factors(d, h, rng);
        left.push(&a)?;
        right.push(&b)?;
        planted.push((plant, a, b));
    }
    let pairs: Vec<(usize, usize)> = (0..planted.len()).map(|i| (i, i)).collect();
    let batch = SvdBatch { left: &left, right: &right, heads: &pairs, vectors: true };
    let found = gpu.svd(&batch).await?;
    let head = |(svd, (plant, a, b)): (&HeadSvd, &(&Plant, Mat, Mat))| PlantedHead {
        name: plant.name(),
        shape,
        checks: checks(svd, a, b, plant.rank(h)),
    };
    Ok(found.iter().zip(&planted).map(head).collect())
}

/// How fast the kernels run on heads of the quick test's shape.
async fn speeds(gpu: &Gpu, rng: &mut Rng) -> Result<Vec<Speed>, GpuError> {
    let [d, h] = QUICK;
    let mut left = Factors::new(d, h)?;
    for _ in 0..4 {
        left.push(&Plant::Gauss.factors(d, h, rng).0)?;
    }
    let (factors, directions) = (&left, left.factor(0));
    let svd = async |times: usize| {
        let many: Vec<(usize, usize)> = (0..times).map(|i| (i % factors.len(), 0)).collect();
        gpu.svd(&SvdBatch { left: factors, right: factors, heads: &many, vectors: false }).await?;
        Ok(times as f64)
    };
    let heads_per_second = gpu.rate(50.0, 4, 512, svd).await?;
    let scales = vec![1.0; 16_384];
    let dictionary: Vec<f32> = (0..16_384 * h).map(|i| directions[i % directions.len()]).collect();
    let top_k = async |times: usize| {
        let mut search = gpu.top_k(directions, h, 10, None).await?;
        for _ in 0..times {
            search.push(Raw::F32(&dictionary), &scales).await?;
        }
        search.finish().await?;
        Ok((times * d * scales.len()) as f64)
    };
    let products_per_second = gpu.rate(50.0, 1, 64, top_k).await?;
    let per_head = (20 * d * h * h + 100 * h * h * h) as f64;
    let speed = |what: &str, per_second, unit: &str, operations: f64| {
        let (what, unit) = (what.to_owned(), unit.to_owned());
        Speed { what, per_second, unit, flops: per_second * operations }
    };
    Ok(vec![
        speed("SVD of 256 × 64 heads", heads_per_second, "heads", per_head),
        speed("top 10 of 64-dimensional rows", products_per_second, "dot products", 2.0 * h as f64),
    ])
}

/// One head against the CPU in f64, every demand with its tolerance for `f32`.
///
/// The tolerances are those found by simulating WGSL's arithmetic on 432 worst-case heads, with a factor of 2 to 3 to
/// spare. `kt` in them is the condition of the factors after their columns were brought to one length: what rounding the
/// factors to `f32` alone does to small singular values.
pub fn checks(svd: &HeadSvd, a: &Mat, b: &Mat, rank: usize) -> Vec<Check> {
    let Ok(reference) = product_svd(a, b) else {
        return vec![Check::new("the CPU's own result", f64::INFINITY, 0.0)];
    };
    let h = a.ncols();
    let wide = |values: &[f32]| {
        Mat::from_row_iterator(values.len() / h.max(1), h, values.iter().map(|&x| f64::from(x)))
    };
    let (u, v) = (wide(&svd.u), wide(&svd.v));
    let scale = (h as f64 / 64.0).max(1.0).sqrt();
    let orthogonality = orthogonality(&u, svd.rank).max(orthogonality(&v, svd.rank));
    let norm = reference.s.iter().map(|s| s * s).sum::<f64>().sqrt();
    let pair = |(x, y): (f64, f64)| x / norm * y;
    let lengths = |m: &Mat| m.column_iter().map(|column| column.norm()).collect::<Vec<f64>>();
    let pairs: f64 = lengths(a).into_iter().zip(lengths(b)).map(pair).sum();
    let gauge = if norm > 0.0 { pairs / (h as f64).sqrt() } else { 0.0 };
    let first = reference.s.first().copied().unwrap_or(0.0);
    // Planted rank below what f64 sees: the rest is the rounding of the factors, and what f32 takes for it is a choice.
    let hidden = reference.rank > rank;
    let noise = if hidden { 8.0 * U * (a.nrows() as f64).sqrt() } else { 0.0 };
    let line = if hidden { 0.1 * first } else { 0.0 };
    let relative = |(x, y): (&f64, &f64), of: f64| if x == y { 0.0 } else { (x - y).abs() / of };
    let pairs = || svd.s.iter().zip(&reference.s);
    let absolute = pairs().map(|pair| relative(pair, first)).fold(0.0, f64::max);
    let above = pairs().take(svd.rank).filter(|pair| *pair.1 >= line);
    let small = above.map(|pair| relative(pair, *pair.1)).fold(0.0, f64::max);
    let kt = equilibrated_condition(a).max(equilibrated_condition(b));
    vec![
        Check::new("rank", svd.rank.abs_diff(rank) as f64, if hidden { 2.0 } else { 0.0 }),
        Check::new("vectors orthonormal", orthogonality, 1e-5 * scale),
        Check::new("product rebuilt", residual(a, b, &u, &svd.s, &v), 1e-5 * gauge.max(1.0)),
        Check::new(
            "residual as certified",
            svd.certificate.residual,
            svd.certificate.residual_limit,
        ),
        Check::new("singular values, against the largest", absolute, 1e-5),
        Check::new(
            "singular values, each against itself",
            small,
            2e-5 + 0.5 * U * kt + 10.0 * noise,
        ),
        Check::new(
            "vectors, for their gaps",
            vector_error([&u, &v], svd.rank.min(rank), &reference, [kt, noise]),
            1.0,
        ),
        Check::new("sweeps", svd.certificate.sweeps as f64, 12.0),
    ]
}

/// `max |MᵀM - I|` over the first `rank` columns.
fn orthogonality(m: &Mat, rank: usize) -> f64 {
    let kept = m.columns(0, rank.min(m.ncols()));
    (kept.tr_mul(&kept) - Mat::identity(kept.ncols(), kept.ncols())).amax()
}

/// `‖A Bᵀ - U S Vᵀ‖ / ‖A Bᵀ‖` from Gram matrices of the four factors: in f64 good to some 1e-8.
fn residual(a: &Mat, b: &Mat, u: &Mat, s: &[f64], v: &Mat) -> f64 {
    let (size_a, size_b) = (a.amax(), b.amax());
    if size_a == 0.0 || size_b == 0.0 {
        return s.iter().copied().fold(0.0, f64::max);
    }
    let h = a.ncols();
    let join = |x: &Mat, y: Mat| {
        Mat::from_fn(x.nrows(), 2 * h, |i, j| if j < h { x[(i, j)] } else { y[(i, j - h)] })
    };
    let scaled = |i: usize, j: usize| -u[(i, j)] * (s[j] / size_a / size_b);
    let p = join(&(a / size_a), Mat::from_fn(u.nrows(), h, scaled));
    let q = join(&(b / size_b), v.clone());
    let (gram_p, gram_q) = (p.tr_mul(&p), q.tr_mul(&q));
    let whole = gram_p.view((0, 0), (h, h)).dot(&gram_q.view((0, 0), (h, h)));
    (gram_p.dot(&gram_q).max(0.0) / whole).sqrt()
}

/// Condition number after the columns were brought to length 1, over what is above f32 rounding.
fn equilibrated_condition(m: &Mat) -> f64 {
    let mut m = m.clone();
    for mut column in m.column_iter_mut() {
        let norm = column.norm();
        if norm > 0.0 {
            column.unscale_mut(norm);
        }
    }
    let r = Qr::new(&m);
    if r.rank() == 0 {
        return 1.0;
    }
    let values = r.r().singular_values();
    let first = values.max();
    let noise = first * 2.0 * U * (m.nrows() as f64).sqrt();
    values.iter().copied().filter(|&s| s > noise).fold(1.0, |worst, s| f64::max(worst, first / s))
}

/// Largest ratio of a vector's error to its tolerance `(5e-6 + u min(kt, σ₁ / σ)) / relative gap`; values closer than 1e-3
/// count as one subspace. The QR of a factor errs by `u` of each column's length, so by `u min(kt, σ₁ / σ)` of σ, and a
/// gap divides what a perturbation does to a vector. `noise`, relative to σ₁, is one more perturbation.
fn vector_error(
    [u, v]: [&Mat; 2],
    rank: usize,
    reference: &ProductSvd,
    [kt, noise]: [f64; 2],
) -> f64 {
    let s = &reference.s;
    let gap = |i: usize| {
        let next = s.get(i + 1).copied().unwrap_or(0.0);
        if i + 1 >= rank { 1.0 } else { (s[i] - next) / s[i] }
    };
    let (mut worst, mut start, mut before) = (0f64, 0, 1.0);
    while start < rank {
        let mut end = start;
        while gap(end) < 1e-3 {
            end += 1;
        }
        let (count, after) = (end + 1 - start, gap(end));
        let below = s[0] / s[end];
        let sensitivity = U * f64::min(kt, below) + noise * below;
        let tolerance = (5e-6 + sensitivity) / f64::min(before, after);
        for (found, known) in [(u, &reference.u), (v, &reference.v)] {
            let (found, known) = (found.columns(start, count), known.columns(start, count));
            let outside = found - known * known.tr_mul(&found);
            let sine = outside.column_iter().map(|column| column.norm()).fold(0.0, f64::max);
            worst = worst.max(sine / tolerance);
        }
        (start, before) = (end + 1, after);
    }
    worst
}
