//! Portable random numbers: a counter in, the same bits out, natively, in WebAssembly and in WGSL.
//!
//! A number is a pure function of `(seed, stream, index)`: nothing to carry, nothing to lose, so a run is replayed from its
//! seed and a parallel one cannot depend on who came first. Logarithm and cosine come from `libm`, compiled in, because
//! platforms disagree about theirs in the last bit. Not for cryptography.
//!
//! # Source
//! `triple32` is the three-round 32-bit hash of Chris Wellons' hash-prospector (bias 0.0208).

use super::layout::Mat;

/// Hash of one 32-bit word, a bijection with good avalanche: small keys and counters are safe inputs.
pub fn triple32(mut x: u32) -> u32 {
    x ^= x >> 17;
    x = x.wrapping_mul(0xed5a_d4bb);
    x ^= x >> 11;
    x = x.wrapping_mul(0xac4c_1b51);
    x ^= x >> 15;
    x = x.wrapping_mul(0x3184_8bab);
    x ^ (x >> 14)
}

/// One stream of a seed, addressed by index: `stream.uniform(i)` needs no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
}

impl Stream {
    /// The stream `stream` of `seed`. Streams of one seed, and equal streams of two seeds, are unrelated.
    pub fn new(seed: u32, stream: u32) -> Self {
        let mixed = seed
            .wrapping_mul(0x9e37_79b1)
            .wrapping_add(stream.wrapping_mul(0x85eb_ca6b))
            .wrapping_add(1);
        let first = triple32(mixed);
        Self { key: [first, triple32(first ^ stream.wrapping_add(0x27d4_eb2f))] }
    }

    /// The two words that the WGSL twin needs to continue this stream.
    pub fn key(&self) -> [u32; 2] {
        self.key
    }

    /// 32 random bits at `index`; the period is 2³².
    #[inline]
    pub fn bits(&self, index: u32) -> u32 {
        triple32(triple32(index ^ self.key[0]).wrapping_add(self.key[1]))
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻²⁴: exact in `f32` and in `f64`.
    #[inline]
    pub fn uniform(&self, index: u32) -> f64 {
        f64::from(self.bits(index) >> 8) * (1.0 / 16_777_216.0)
    }

    /// Standard normal number `index`, from the uniforms `2 index` and `2 index + 1` (Box–Muller); |x| < 5.8.
    pub fn normal(&self, index: u32) -> f64 {
        let first = index.wrapping_mul(2);
        let radius = (-2.0 * libm::log(1.0 - self.uniform(first))).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform(first.wrapping_add(1)))
    }
}

/// A [`Stream`] that remembers its place, for code that draws one number after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng {
    stream: Stream,
    index: u32,
}

impl Rng {
    /// Stream 0 of `seed`, at its start.
    pub fn new(seed: u32) -> Self {
        Self::of_stream(seed, 0)
    }

    /// Any stream of `seed`, at its start.
    pub fn of_stream(seed: u32, stream: u32) -> Self {
        Self { stream: Stream::new(seed, stream), index: 0 }
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        let bits = self.stream.bits(self.index);
        self.index = self.index.wrapping_add(1);
        bits
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻²⁴.
    pub fn uniform(&mut self) -> f64 {
        f64::from(self.bits() >> 8) * (1.0 / 16_777_216.0)
    }

    /// Standard normal; uses two numbers of the stream, starting at an even index.
    pub fn normal(&mut self) -> f64 {
        let pair = self.index.div_ceil(2);
        self.index = pair.wrapping_add(1).wrapping_mul(2);
        self.stream.normal(pair)
    }

    /// Uniform among `0 .. n`, without bias (Lemire's method); 0 when `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let reject_under = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let wide = u64::from(self.bits()) * u64::from(n);
            if wide as u32 >= reject_under {
                return (wide >> 32) as u32;
            }
        }
    }

    /// A uniform permutation of `0 .. n` (Fisher–Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for last in (1..n).rev() {
            let other = self.below(last as u32 + 1) as usize;
            order.swap(last, other);
        }
        order
    }

    /// A matrix of independent standard normals, drawn row by row.
    pub fn normal_matrix(&mut self, n_rows: usize, n_cols: usize) -> Mat {
        let values: Vec<f64> = (0..n_rows * n_cols).map(|_| self.normal()).collect();
        super::layout::from_row_major(n_rows, n_cols, &values)
    }

    /// An orthogonal `[n, n]` matrix of either determinant, Haar-distributed: QR of a Gaussian matrix with the diagonal of R
    /// made positive, without which the result would depend on the algorithm's choice of signs.
    ///
    /// # Source
    /// F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
    pub fn haar_rotation(&mut self, n: usize) -> Mat {
        let qr = self.normal_matrix(n, n).qr();
        let (mut q, r) = (qr.q(), qr.r());
        for k in 0..n {
            if r[(k, k)] < 0.0 {
                q.column_mut(k).neg_mut();
            }
        }
        q
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/toy/rng.json")).unwrap()
    }

    fn word(value: &Value) -> u32 {
        value.as_u64().unwrap() as u32
    }

    #[test]
    fn bits_and_uniforms_are_the_golden_ones_exactly_and_normals_to_1e_14() {
        let golden = golden();
        for pair in golden["triple32"].as_array().unwrap() {
            assert_eq!(triple32(word(&pair[0])), word(&pair[1]));
        }
        for case in golden["cases"].as_array().unwrap() {
            let (seed, stream) = (word(&case["seed"]), word(&case["stream"]));
            let at = Stream::new(seed, stream);
            assert_eq!(at.key(), [word(&case["keys"][0]), word(&case["keys"][1])]);
            let mut in_turn = [(); 3].map(|()| Rng::of_stream(seed, stream));
            for (i, expected) in case["u32"].as_array().unwrap().iter().enumerate() {
                assert_eq!(at.bits(i as u32), word(expected));
                assert_eq!(in_turn[0].bits(), word(expected));
            }
            for (i, expected) in case["uniform"].as_array().unwrap().iter().enumerate() {
                // A uniform is a multiple of 2⁻²⁴; serde_json reads its decimals to one bit less than all.
                let expected = (expected.as_f64().unwrap() * 16_777_216.0).round() / 16_777_216.0;
                assert_eq!(at.uniform(i as u32), expected);
                assert_eq!(in_turn[1].uniform(), expected);
            }
            for (i, expected) in case["normal"].as_array().unwrap().iter().enumerate() {
                let expected = expected.as_f64().unwrap();
                assert!((at.normal(i as u32) - expected).abs() < 1e-14);
                assert!((in_turn[2].normal() - expected).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn below_is_uniform_and_a_permutation_is_one() {
        let mut rng = Rng::new(5);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        // Standard deviation of a count is 93.
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 450), "{counts:?}");
        assert_eq!((rng.below(1), rng.below(0)), (0, 0));
        let mut order = rng.permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn haar_rotations_are_orthogonal_and_have_no_preferred_direction() {
        let mut rng = Rng::new(9);
        let q = rng.haar_rotation(40);
        assert!((q.transpose() * &q - Mat::identity(40, 40)).abs().max() < 1e-13);
        let n_draws = 4000;
        let (mut sum, mut squares) = ([0.0; 9], [0.0; 9]);
        for _ in 0..n_draws {
            for (i, x) in rng.haar_rotation(3).iter().enumerate() {
                sum[i] += x;
                squares[i] += x * x;
            }
        }
        // Each entry has mean 0 and variance 1/3: the standard errors are 0.009 and 0.005.
        assert!(sum.iter().all(|s| (s / f64::from(n_draws)).abs() < 0.045), "{sum:?}");
        assert!(
            squares.iter().all(|s| (s / f64::from(n_draws) - 1.0 / 3.0).abs() < 0.025),
            "{squares:?}"
        );
    }
}
