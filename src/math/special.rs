//! Special functions of the null models: log-gamma, the incomplete beta function in logarithms, normal and Student tails.

/// Terms of a continued fraction before it is taken as it stands; a few dozen are enough everywhere it is called.
const MAX_TERMS: usize = 10_000;

/// Where Stirling's series, cut after the term in `z⁻¹⁵`, is exact to the last bit of an `f64`.
const STIRLING_FROM: f64 = 10.0;

/// `ln Γ(z) − [(z − ½) ln z − z + ½ ln 2π]` for `z ≥ STIRLING_FROM`.
fn stirling_remainder(z: f64) -> f64 {
    const SERIES: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1_260.0,
        -1.0 / 1_680.0,
        1.0 / 1_188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
        -3_617.0 / 122_400.0,
    ];
    let step = 1.0 / (z * z);
    SERIES.iter().rev().fold(0.0, |sum, c| sum * step + c) / z
}

/// `ln Γ(z)` for `z > 0`, to about 2e-15 relative; NaN for anything else.
pub fn ln_gamma(z: f64) -> f64 {
    if z.is_nan() || z <= 0.0 {
        return f64::NAN;
    }
    let (mut z, mut product) = (z, 1.0);
    while z < STIRLING_FROM {
        product *= z;
        z += 1.0;
    }
    let half_ln_two_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
    (z - 0.5) * z.ln() - z + half_ln_two_pi + stirling_remainder(z) - product.ln()
}

/// `ln B(a, b) = ln Γ(a) + ln Γ(b) − ln Γ(a + b)` for `a, b > 0`, to about 1e-14 absolute.
///
/// The two large log-gammas are subtracted inside Stirling's formula, so nothing of size `a ln a` ever cancels.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (mut a, b) = if a < b { (b, a) } else { (a, b) };
    let mut shift = 0.0;
    while a < STIRLING_FROM {
        shift += (b / a).ln_1p();
        a += 1.0;
    }
    let sum = a + b;
    let rise = (a - 0.5) * (b / a).ln_1p() + b * sum.ln() - b + stirling_remainder(sum)
        - stirling_remainder(a);
    ln_gamma(b) - rise + shift
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let guard = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let (mut c, mut fraction) = (1.0, d);
    for m in 1..MAX_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// `ln I_{1−y}(a, b)`, the logarithm of the regularised incomplete beta function, given the complement `y = 1 − x`.
///
/// Taking `y` keeps full precision where it matters here: `y = t²` for a cosine `t` is known exactly, `1 − t²` is not.
/// `y` is clamped to `[0, 1]`. Accurate to about 1e-13 relative, down to logarithms of any size; NaN for NaN.
pub fn ln_beta_inc(a: f64, b: f64, y: f64) -> f64 {
    let y = y.clamp(0.0, 1.0);
    ln_beta_between(a, b, 1.0 - y, y, (-y).ln_1p(), y.ln())
}

/// `ln I_x(a, b)` given `x` itself: full precision for the smallest `x`, where [`ln_beta_inc`] has it for `x` next to one.
pub fn ln_beta_inc_from_zero(a: f64, b: f64, x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    ln_beta_between(a, b, x, 1.0 - x, x.ln(), (-x).ln_1p())
}

/// `ln I_x(a, b)` from `x`, `y = 1 − x` and their logarithms, each as exact as the caller has it.
fn ln_beta_between(a: f64, b: f64, x: f64, y: f64, ln_x: f64, ln_y: f64) -> f64 {
    if x.is_nan() || y == 0.0 {
        return if y == 0.0 { 0.0 } else { f64::NAN };
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    let ln_front = a * ln_x + b * ln_y - ln_beta(a, b);
    if x < (a + 1.0) / (a + b + 2.0) {
        ln_front - a.ln() + beta_fraction(a, b, x).ln()
    } else {
        ln_one_minus_exp(ln_front - b.ln() + beta_fraction(b, a, y).ln())
    }
}

/// `P(T > t)` for Student's `T` with `df` degrees of freedom (DLMF 8.17.E8), to about 1e-13 relative.
pub fn student_tail(t: f64, df: f64) -> f64 {
    let beyond = 0.5 * ln_beta_inc(0.5 * df, 0.5, t * t / (df + t * t)).exp();
    if t < 0.0 { 1.0 - beyond } else { beyond }
}

/// `ln(1 − eˣ)` for `x ≤ 0`, without cancellation at either end.
pub fn ln_one_minus_exp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// `P(Z > z)` for a standard normal `Z`, to about 1e-14 relative until it underflows near `z = 38`.
pub fn normal_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_tail(-z);
    }
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 3.0 {
        // Φ(z) − ½ = φ(z) Σ z^(2n+1) / (2n+1)!!
        let (mut term, mut sum, mut n) = (z, z, 1.0);
        while term > sum * 1e-17 {
            term *= z * z / (2.0 * n + 1.0);
            sum += term;
            n += 1.0;
        }
        return 0.5 - density * sum;
    }
    // Mills' ratio: φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))), from the inside out.
    let fraction = (1..200).rev().fold(z, |inner, n| z + f64::from(n) / inner);
    density / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_gamma_knows_factorials_and_halves() {
        assert!((ln_gamma(11.0) - 3_628_800f64.ln()).abs() < 1e-13);
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-14);
        assert!(ln_gamma(1.0).abs() < 1e-14);
        assert!(ln_gamma(0.0).is_nan());
    }

    #[test]
    fn ln_beta_agrees_with_its_definition() {
        for (a, b) in [(0.5, 0.5), (3.0, 4.5), (2047.5, 0.5), (300.0, 32.0)] {
            let direct = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
            assert!((ln_beta(a, b) - direct).abs() < 1e-11, "{a} {b}");
        }
        assert!((ln_beta(0.5, 0.5) - std::f64::consts::PI.ln()).abs() < 1e-14);
    }

    #[test]
    fn the_incomplete_beta_and_its_mirror_sum_to_one() {
        for (a, b, y) in [(31.5, 0.5, 0.2), (8.0, 4.0, 0.4), (100.0, 16.0, 0.1)] {
            let sum = ln_beta_inc(a, b, y).exp() + ln_beta_inc(b, a, 1.0 - y).exp();
            assert!((sum - 1.0).abs() < 1e-13, "{a} {b} {y}");
        }
    }

    #[test]
    fn a_tiny_argument_of_the_incomplete_beta_keeps_its_digits() {
        // I_x(1, n) = 1 − (1 − x)ⁿ and I_x(n, 1) = xⁿ.
        for x in [1e-200f64, 1e-30, 1e-5] {
            assert!((ln_beta_inc_from_zero(1.0, 16.0, x) - (16.0 * x).ln()).abs() < 8e-5);
            assert!((ln_beta_inc_from_zero(4.0, 1.0, x) / (4.0 * x.ln()) - 1.0).abs() < 1e-13);
        }
        assert!((ln_beta_inc_from_zero(3.0, 4.0, 0.7) - ln_beta_inc(3.0, 4.0, 0.3)).abs() < 1e-13);
        assert_eq!(ln_beta_inc_from_zero(2.0, 3.0, 0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn the_tail_of_student_matches_tabulated_values() {
        // scipy.stats.t.sf, 1.17; one degree of freedom is Cauchy's law, ½ − arctan(t)/π.
        let table = [(2.0, 3.0, 0.069_662_984_279_421_6), (5.37, 63.0, 6.048_806e-7)];
        for (t, df, tail) in table {
            assert!(
                (student_tail(t, df) / tail - 1.0).abs() < 1e-4,
                "{t} {df} {}",
                student_tail(t, df)
            );
        }
        let cauchy = 0.5 - 7.0f64.atan() / std::f64::consts::PI;
        assert!((student_tail(7.0, 1.0) / cauchy - 1.0).abs() < 1e-12);
        assert!((student_tail(-1.3, 9.0) + student_tail(1.3, 9.0) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn the_normal_tail_matches_tabulated_values() {
        // Abramowitz & Stegun, table 26.1 and 26.2.
        for (z, tail) in [(0.0, 0.5), (1.0, 0.158_655_253_931_457), (5.0, 2.866_515_718_791_94e-7)]
        {
            assert!((normal_tail(z) / tail - 1.0).abs() < 1e-12, "{z}");
        }
        assert!((normal_tail(2.999_999) / normal_tail(3.000_001) - 1.0).abs() < 1e-4);
        assert!((normal_tail(-1.0) + normal_tail(1.0) - 1.0).abs() < 1e-15);
    }
}
