//! Small statistics: mean and spread, quantiles, empirical p, false discovery rate, Kolmogorov–Smirnov.

use crate::order::places;

/// Mean and standard deviation (`n − 1` below the root); NaN where there are too few values.
pub fn mean_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sum_of_squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, (sum_of_squares / (n - 1.0)).sqrt())
}

/// The softmax of `logits`, by the portable `libm::exp`: the same bits on every machine. Empty for an empty slice.
pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|l| libm::exp(l - largest)).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The logarithm of the softmax of `logits`, as portable as [`softmax`].
pub fn ln_softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = libm::log(logits.iter().map(|l| libm::exp(l - largest)).sum());
    logits.iter().map(|l| l - largest - total).collect()
}

/// Places of `keys` from the largest down; equal ones keep their order, NaN comes first.
pub fn largest_first(keys: &[f64]) -> Vec<usize> {
    places(keys.len(), &|a, b| keys[b].total_cmp(&keys[a]))
}

/// How many of `values`, the largest first, it takes for their sum to reach each of `targets`; `None` where it never does.
pub fn largest_reaching<const N: usize>(
    mut values: Vec<f64>,
    targets: [f64; N],
) -> [Option<usize>; N] {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let (mut sum, mut reached) = (0.0, [None; N]);
    for (i, value) in values.iter().enumerate() {
        sum += value;
        for (reached, target) in reached.iter_mut().zip(&targets) {
            if reached.is_none() && sum >= *target {
                *reached = Some(i + 1);
            }
        }
    }
    reached
}

/// `items` from the largest key down; equal ones keep their order.
pub fn ranked<T: Clone>(items: &[T], key: impl Fn(&T) -> f64) -> Vec<T> {
    let keys: Vec<f64> = items.iter().map(key).collect();
    largest_first(&keys).into_iter().map(|i| items[i].clone()).collect()
}

/// `(1 + #{null ≥ observed}) / (B + 1)`: never zero, and exact when observed and null values are exchangeable.
pub fn empirical_p(observed: f64, null: &[f64]) -> f64 {
    let as_large = null.iter().filter(|&&x| x >= observed).count();
    (1 + as_large) as f64 / (null.len() + 1) as f64
}

/// False-discovery-adjusted q of every p, in the order given. NaN stays NaN and is not counted.
///
/// # Source
/// Benjamini & Hochberg, J. R. Stat. Soc. B 57 (1995): `q_(i) = min_{j ≥ i} p_(j) m / j`.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut order = largest_first(p);
    order.retain(|&i| !p[i].is_nan());
    let m = order.len();
    let mut q = vec![f64::NAN; p.len()];
    let mut smallest = 1.0f64;
    for (place, &i) in order.iter().enumerate() {
        smallest = smallest.min(p[i] * m as f64 / (m - place) as f64);
        q[i] = smallest;
    }
    q
}

/// The `q`-quantile (`0 ≤ q ≤ 1`) of ascending values, linear between order statistics as in numpy; NaN for an empty slice.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q.clamp(0.0, 1.0) * (sorted.len().max(1) - 1) as f64;
    let below = place.floor() as usize;
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(a), Some(b)) => a + (place - below as f64) * (b - a),
        (Some(a), None) => *a,
        _ => f64::NAN,
    }
}

/// One Benjamini–Hochberg correction over a family of tests, which answers for any p of the family.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FalseDiscovery {
    /// Ascending.
    p: Vec<f64>,
    q: Vec<f64>,
}

impl FalseDiscovery {
    /// Corrects over `p`; NaN is no test.
    pub fn over(p: impl IntoIterator<Item = f64>) -> Self {
        let mut p: Vec<f64> = p.into_iter().filter(|p| !p.is_nan()).collect();
        p.sort_by(f64::total_cmp);
        let q = benjamini_hochberg(&p);
        Self { p, q }
    }

    /// The adjusted `p`; for one that is not of the family, that of the next larger one, or one if there is none.
    pub fn q(&self, p: f64) -> f64 {
        self.q.get(self.p.partition_point(|&other| other < p)).copied().unwrap_or(1.0)
    }

    /// Number of tests.
    pub fn tests(&self) -> usize {
        self.p.len()
    }
}

/// Largest distance between the empirical distribution of `values` and the uniform one on `[0, 1]`, and its p-value.
///
/// The p-value is Kolmogorov's series with Stephens' correction, good to about a percent from ten values on.
///
/// # Source
/// Stephens, J. R. Stat. Soc. B 32 (1970).
pub fn kolmogorov_smirnov_uniform(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted.iter().enumerate().fold(0.0f64, |largest, (i, &x)| {
        let i = i as f64;
        largest.max(x - i / n).max((i + 1.0) / n - x)
    });
    let root = n.sqrt();
    let lambda = (root + 0.12 + 0.11 / root) * distance;
    let series: f64 = (1..=100)
        .map(|j| {
            let j = f64::from(j);
            let sign = if j % 2.0 == 1.0 { 2.0 } else { -2.0 };
            sign * (-2.0 * j * j * lambda * lambda).exp()
        })
        .sum();
    // The alternating series does not converge at the origin, where the answer is one.
    (distance, if lambda < 0.2 { 1.0 } else { series.clamp(0.0, 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_go_down_and_keep_the_order_of_equals() {
        assert_eq!(largest_first(&[1.0, -2.0, 3.0, 1.0]), [2, 0, 3, 1]);
        assert_eq!(ranked(&["a", "bb", "cc", ""], |s| s.len() as f64), ["bb", "cc", "a", ""]);
        assert!(largest_first(&[]).is_empty());
    }

    #[test]
    fn the_softmax_is_its_logarithm_raised() {
        let logits = [1000.0, 998.0, -3.0, 1001.5];
        let ln = ln_softmax(&logits);
        let raised: Vec<f64> = ln.iter().map(|&l| libm::exp(l)).collect();
        let close = |(a, b): (&f64, f64)| (a - b).abs() <= 1e-15;
        assert!(raised.iter().zip(softmax(&logits)).all(close), "{raised:?}");
        // Where a share vanishes, its logarithm does not.
        assert!((ln[2] - (ln[0] - 1003.0)).abs() < 1e-9);
    }

    #[test]
    fn mean_sd_and_quantiles_of_a_small_sample() {
        let (mean, sd) = mean_sd(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((sd - (5.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn an_empirical_p_is_never_zero() {
        assert_eq!(empirical_p(9.0, &[1.0, 2.0, 3.0]), 0.25);
        assert_eq!(empirical_p(2.0, &[1.0, 2.0, 3.0]), 0.75);
    }

    #[test]
    fn benjamini_hochberg_matches_r_p_adjust() {
        let q = benjamini_hochberg(&[0.01, 0.04, 0.03, f64::NAN, 0.5]);
        let expected = [0.04, 0.16 / 3.0, 0.16 / 3.0, f64::NAN, 0.5];
        for (q, e) in q.iter().zip(expected) {
            assert!((q - e).abs() < 1e-15 || (q.is_nan() && e.is_nan()));
        }
    }

    #[test]
    fn a_family_answers_for_each_of_its_tests() {
        let family = FalseDiscovery::over([0.04, 0.01, f64::NAN, 0.5, 0.03]);
        assert_eq!(family.tests(), 4);
        assert!(
            (family.q(0.01) - 0.04).abs() < 1e-15 && (family.q(0.03) - 0.16 / 3.0).abs() < 1e-15
        );
        assert_eq!((family.q(0.9), FalseDiscovery::default().q(0.1)), (1.0, 1.0));
    }

    #[test]
    fn kolmogorov_smirnov_accepts_a_grid_and_rejects_a_lump() {
        let grid: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
        assert!(kolmogorov_smirnov_uniform(&grid).1 > 0.99);
        let lump: Vec<f64> = grid.iter().map(|x| x * x).collect();
        assert!(kolmogorov_smirnov_uniform(&lump).1 < 0.01);
        // The 5 % point at n = 100 is D = 0.134 (Stephens, table 1).
        let shifted: Vec<f64> = grid.iter().map(|x| (x + 0.128).min(1.0)).collect();
        let (distance, p) = kolmogorov_smirnov_uniform(&shifted);
        assert!((distance - 0.133).abs() < 1e-9 && (p - 0.054).abs() < 0.01, "{distance} {p}");
    }
}
