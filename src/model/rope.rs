//! Rotary position embedding: which dimensions of a head turn, in which pairs, at which frequencies.
//!
//! A pair `(a, b)` at position `t` becomes `(a cos tω − b sin tω, b cos tω + a sin tω)`. The pairs are `(i, i + d/2)` in most
//! families ("half") and `(2i, 2i + 1)` in GPT-J ("adjacent"); dimensions past `rotary_dim` do not turn.

/// How the dimensions are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// `(i, i + rotary_dim / 2)`.
    Half,
    /// `(2i, 2i + 1)`.
    Adjacent,
}

/// How the frequencies were stretched for long contexts.
#[derive(Debug, Clone, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// All frequencies divided by `factor`.
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// θ times `alpha^(d / (d − 2))` for `d` rotary dimensions (Hunyuan).
    Alpha {
        /// The stretch.
        alpha: f64,
    },
    /// Llama 3: low frequencies divided, high ones kept, a ramp between.
    Llama3 {
        /// The divisor of the low frequencies.
        factor: f64,
        /// Wavelengths above `original / low` are divided.
        low: f64,
        /// Wavelengths below `original / high` are kept.
        high: f64,
        /// Context length before stretching.
        original: f64,
    },
    /// YaRN: a ramp over the dimensions, and a factor on cos and sin.
    Yarn {
        /// The divisor.
        factor: f64,
        /// Context length before stretching.
        original: f64,
        /// Rotations above which a dimension is kept.
        beta_fast: f64,
        /// Rotations below which a dimension is divided.
        beta_slow: f64,
        /// The factor on cos and sin, where the file states it.
        attention_factor: Option<f64>,
        /// `mscale` and `mscale_all_dim`, where the file states both.
        mscale: Option<(f64, f64)>,
        /// Whether the ramp's ends are rounded to whole dimensions.
        truncate: bool,
    },
    /// LongRoPE: one divisor per frequency, another list beyond the original context.
    LongRope {
        /// Divisors up to `original` positions.
        short: Vec<f64>,
        /// Divisors beyond.
        long: Vec<f64>,
        /// Context length before stretching.
        original: f64,
        /// Stretch, which sets the factor on cos and sin.
        factor: f64,
        /// The factor on cos and sin, where the file states it.
        attention_factor: Option<f64>,
    },
    /// The share of the pairs that turn is taken of the whole head, and the others have frequency 0 (Gemma 4).
    Proportional,
    /// A name that is not known here.
    Unknown(String),
}

/// The rotary settings of a `config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct RopeConfig {
    /// The base θ.
    pub theta: f64,
    /// The share of the head's dimensions that turn.
    pub fraction: f64,
    /// Stretching for long contexts.
    pub scaling: Scaling,
}

/// The rotation of one layer, resolved.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Rope {
    /// How dimensions are paired.
    pub pairing: Pairing,
    /// The first dimension that turns; 0 but in latent attention.
    pub start: usize,
    /// How many dimensions turn.
    pub rotary_dim: usize,
    /// Radians per position of each pair, `[rotary_dim / 2]`.
    pub inv_freq: Vec<f64>,
    /// For prompts longer than `.0` positions, these frequencies (LongRoPE).
    pub beyond: Option<(usize, Vec<f64>)>,
    /// Factor on cos and sin (1 but for YaRN and LongRoPE), so a score carries its square.
    pub attention_factor: f64,
}

impl Rope {
    /// The rotation of a head of `rotary_dim` turning dimensions.
    pub fn new(pairing: Pairing, rotary_dim: usize, config: &RopeConfig) -> Self {
        let (n, dim) = (rotary_dim / 2, rotary_dim as f64);
        let theta = match config.scaling {
            Scaling::Alpha { alpha } if dim > 2.0 => config.theta * alpha.powf(dim / (dim - 2.0)),
            _ => config.theta,
        };
        let plain: Vec<f64> = (0..n).map(|i| theta.powf(-2.0 * i as f64 / dim)).collect();
        let mut rope = Self {
            pairing,
            start: 0,
            rotary_dim: 2 * n,
            inv_freq: plain,
            beyond: None,
            attention_factor: 1.0,
        };
        match &config.scaling {
            Scaling::None | Scaling::Alpha { .. } | Scaling::Unknown(_) => {}
            Scaling::Proportional => {
                let turning = (config.fraction * n as f64).floor() as usize;
                rope.inv_freq.iter_mut().skip(turning).for_each(|f| *f = 0.0);
            }
            Scaling::Linear { factor } => rope.inv_freq.iter_mut().for_each(|f| *f /= factor),
            &Scaling::Llama3 { factor, low, high, original } => {
                rope.inv_freq.iter_mut().for_each(|f| *f = llama3(*f, factor, low, high, original));
            }
            &Scaling::Yarn {
                factor,
                original,
                beta_fast,
                beta_slow,
                attention_factor,
                mscale,
                truncate,
            } => {
                let ends =
                    yarn_ends(rotary_dim, config.theta, original, beta_fast, beta_slow, truncate);
                for (i, f) in rope.inv_freq.iter_mut().enumerate() {
                    let divided = ((i as f64 - ends.0) / (ends.1 - ends.0)).clamp(0.0, 1.0);
                    *f = *f / factor * divided + *f * (1.0 - divided);
                }
                let size = |m: f64| if factor <= 1.0 { 1.0 } else { 0.1 * m * factor.ln() + 1.0 };
                let inferred = mscale.map_or(size(1.0), |(m, all)| size(m) / size(all));
                rope.attention_factor = attention_factor.unwrap_or(inferred);
            }
            Scaling::LongRope { short, long, original, factor, attention_factor } => {
                let divide = |by: &[f64]| -> Vec<f64> {
                    rope.inv_freq
                        .iter()
                        .enumerate()
                        .map(|(i, f)| f / by.get(i).unwrap_or(&1.0))
                        .collect()
                };
                let beyond = (*original as usize, divide(long));
                rope.inv_freq = divide(short);
                rope.beyond = Some(beyond);
                let inferred =
                    if *factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() };
                rope.attention_factor = attention_factor.unwrap_or(inferred);
            }
        }
        rope
    }

    /// The two dimensions of pair `i`.
    pub fn pair(&self, i: usize) -> (usize, usize) {
        match self.pairing {
            Pairing::Half => (self.start + i, self.start + i + self.rotary_dim / 2),
            Pairing::Adjacent => (self.start + 2 * i, self.start + 2 * i + 1),
        }
    }

    /// The frequencies for a prompt of `n` positions.
    pub fn frequencies(&self, n: usize) -> &[f64] {
        match &self.beyond {
            Some((limit, long)) if n > *limit => long,
            _ => &self.inv_freq,
        }
    }

    /// `(cos, sin)` of each pair at a position of a prompt of `n`, times the attention factor.
    pub fn angles(&self, position: f64, n: usize) -> Vec<(f64, f64)> {
        let scaled = |f: &f64| {
            (
                (position * f).cos() * self.attention_factor,
                (position * f).sin() * self.attention_factor,
            )
        };
        self.frequencies(n).iter().map(scaled).collect()
    }

    /// Turns one head's vector in place.
    pub fn rotate<T>(&self, vector: &mut [T], angles: &[(T, T)])
    where
        T: Copy + std::ops::Mul<Output = T> + std::ops::Add<Output = T> + std::ops::Sub<Output = T>,
    {
        for (i, &(cos, sin)) in angles.iter().enumerate() {
            let (first, second) = self.pair(i);
            let (a, b) = (vector[first], vector[second]);
            vector[first] = a * cos - b * sin;
            vector[second] = b * cos + a * sin;
        }
    }
}

/// One frequency under Llama 3's rule.
fn llama3(f: f64, factor: f64, low: f64, high: f64, original: f64) -> f64 {
    let wavelength = std::f64::consts::TAU / f;
    if wavelength < original / high {
        f
    } else if wavelength > original / low {
        f / factor
    } else {
        let smooth = (original / wavelength - low) / (high - low);
        (1.0 - smooth) * f / factor + smooth * f
    }
}

/// First and last dimension of YaRN's ramp.
fn yarn_ends(
    dim: usize,
    theta: f64,
    original: f64,
    fast: f64,
    slow: f64,
    truncate: bool,
) -> (f64, f64) {
    let dim = dim as f64;
    let at =
        |turns: f64| dim * (original / (turns * std::f64::consts::TAU)).ln() / (2.0 * theta.ln());
    let (mut low, mut high) = (at(fast), at(slow));
    if truncate {
        (low, high) = (low.floor(), high.ceil());
    }
    let (low, high) = (low.max(0.0), high.min(dim - 1.0));
    (low, if low == high { high + 0.001 } else { high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(theta: f64) -> RopeConfig {
        RopeConfig { theta, fraction: 1.0, scaling: Scaling::None }
    }

    #[test]
    fn scores_depend_on_the_offset_alone() {
        for pairing in [Pairing::Half, Pairing::Adjacent] {
            let rope = Rope::new(pairing, 6, &plain(100.0));
            let score = |i: f64, j: f64| {
                let (mut q, mut k) =
                    ([1.0, -2.0, 0.5, 3.0, 0.1, 0.7, 9.0], [0.3, 1.0, -1.0, 2.0, 0.4, 0.6, 0.0]);
                rope.rotate(&mut q, &rope.angles(i, 10));
                rope.rotate(&mut k, &rope.angles(j, 10));
                q.iter().zip(&k).map(|(a, b)| a * b).sum::<f64>()
            };
            assert!((score(7.0, 3.0) - score(5.0, 1.0)).abs() < 1e-12);
            assert!((score(7.0, 3.0) - score(3.0, 7.0)).abs() > 1e-3);
        }
    }

    #[test]
    fn a_rotation_keeps_lengths_and_leaves_the_rest_alone() {
        let rope = Rope::new(Pairing::Half, 4, &plain(1e4));
        let mut v = [3.0, 1.0, -4.0, 2.0, 5.0];
        rope.rotate(&mut v, &rope.angles(11.0, 12));
        assert!((v[0].hypot(v[2]) - 5.0_f64).abs() < 1e-12);
        assert_eq!(v[4], 5.0);
    }

    #[test]
    fn stretching_keeps_fast_pairs_and_slows_the_slow_ones() {
        let original = 32.0;
        let llama3 = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original };
        let yarn = Scaling::Yarn {
            factor: 8.0,
            original,
            beta_fast: 32.0,
            beta_slow: 1.0,
            attention_factor: None,
            mscale: None,
            truncate: true,
        };
        for scaling in [llama3, yarn] {
            let before = Rope::new(Pairing::Half, 16, &plain(1e4));
            let after = Rope::new(Pairing::Half, 16, &RopeConfig { scaling, ..plain(1e4) });
            assert!((after.inv_freq[0] - before.inv_freq[0]).abs() < 1e-12);
            assert!((after.inv_freq[7] - before.inv_freq[7] / 8.0).abs() < 1e-12);
        }
    }

    #[test]
    fn longrope_changes_its_divisors_past_the_original_length() {
        let scaling = Scaling::LongRope {
            short: vec![1.0],
            long: vec![4.0],
            original: 16.0,
            factor: 4.0,
            attention_factor: None,
        };
        let rope = Rope::new(Pairing::Half, 2, &RopeConfig { scaling, ..plain(1e4) });
        assert_eq!(rope.frequencies(16), [1.0]);
        assert_eq!(rope.frequencies(17), [0.25]);
        assert!((rope.attention_factor - 1.5_f64.sqrt()).abs() < 1e-12);
    }
}
