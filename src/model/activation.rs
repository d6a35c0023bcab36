//! The non-linearities of the MLPs, in `f32`, written so that the compiler can run them on SIMD lanes.

/// A non-linearity, by the names `config.json` uses.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x Φ(x)` with the error function ("gelu").
    Gelu,
    /// `x Φ(x)` through tanh ("gelu_new", "gelu_pytorch_tanh", "gelu_fast").
    GeluTanh,
    /// `x σ(1.702 x)`, CLIP's.
    QuickGelu,
    /// `x σ(x)` ("silu", "swish").
    Silu,
    /// `m x σ(m x)` with a fixed m (Falcon-H1).
    ScaledSilu(f32),
    /// `max(x, 0)²`.
    Relu2,
    /// `α₊ x² + β x` above zero, `α₋ (e^min(x, ε) − 1 − x) + β x` below: xIELU (Huang & Schlag, arXiv:2411.13010).
    Xielu {
        /// α₊.
        positive: f32,
        /// α₋.
        negative: f32,
        /// β.
        beta: f32,
        /// ε.
        eps: f32,
    },
    /// A name that is not known here; such a model cannot be run.
    Unknown(String),
}

impl Activation {
    /// By its name in `config.json`.
    pub fn named(name: &str) -> Self {
        match name {
            "relu" => Self::Relu,
            "gelu" | "gelu_python" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" | "gelu_accurate" => Self::GeluTanh,
            "quick_gelu" => Self::QuickGelu,
            "silu" | "swish" => Self::Silu,
            "relu2" => Self::Relu2,
            // As training starts; what it learnt is in the file.
            "xielu" => Self::Xielu { positive: 0.8, negative: 0.8, beta: 0.5, eps: -1e-6 },
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// xIELU from the parameters in a file, of which the two α are unbounded: `softplus` makes them positive, and α₋ larger than β.
    pub fn xielu(alpha_p: f32, alpha_n: f32, beta: f32, eps: f32) -> Self {
        let softplus = |x: f32| x.max(0.0) + (-x.abs()).exp().ln_1p();
        Self::Xielu { positive: softplus(alpha_p), negative: beta + softplus(alpha_n), beta, eps }
    }

    /// Applies it in place. An unknown one leaves the values as they are; [`super::forward`] refuses before that.
    pub fn apply(&self, values: &mut [f32]) {
        let each =
            |values: &mut [f32], f: fn(f32) -> f32| values.iter_mut().for_each(|x| *x = f(*x));
        match self {
            Self::Relu => each(values, |x| x.max(0.0)),
            Self::Gelu => {
                each(values, |x| 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)))
            }
            // tanh(y) = 2σ(2y) − 1, so the tanh form is x σ(2y).
            Self::GeluTanh => {
                each(values, |x| x * sigmoid(1.595_769 * (x + 0.044_715 * x * x * x)))
            }
            Self::QuickGelu => each(values, |x| x * sigmoid(1.702 * x)),
            Self::Silu => each(values, |x| x * sigmoid(x)),
            &Self::ScaledSilu(m) => {
                values.iter_mut().for_each(|x| *x *= m);
                each(values, |x| x * sigmoid(x));
            }
            Self::Relu2 => each(values, |x| x.max(0.0) * x.max(0.0)),
            &Self::Xielu { positive, negative, beta, eps } => values.iter_mut().for_each(|x| {
                let curved = if *x > 0.0 {
                    positive * *x * *x
                } else {
                    (x.min(eps).exp_m1() - *x) * negative
                };
                *x = curved + beta * *x;
            }),
            Self::Unknown(_) => {}
        }
    }
}

/// `eˣ`, relative error below 3e-7; no branches and no library call, so a loop over it becomes SIMD.
///
/// Below −87 the result is the smallest normal number rather than zero, above 88 it is about 1e38.
///
/// # Source
/// Cephes `expf`: `x = n ln 2 + r`, a polynomial of degree 5 in `r`, and `2ⁿ` through the exponent bits.
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E + 0.5).floor();
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The error function, absolute error below 6e-7.
///
/// # Source
/// Abramowitz & Stegun 7.1.26.
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = t
        * (0.254_829_6
            + t * (-0.284_496_74 + t * (1.421_413_7 + t * (-1.453_152_1 + t * 1.061_405_4))));
    (1.0 - p * exp(-a * a)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_library() {
        for i in -8600..8700 {
            let x = i as f32 / 100.0;
            let relative = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            assert!(relative < 5e-7, "exp({x}) is off by {relative}");
        }
    }

    #[test]
    fn the_error_function_agrees_with_known_values() {
        // NIST DLMF 7.2.1, to eight digits.
        for (x, y) in [
            (0.0, 0.0),
            (0.5, 0.520_5),
            (1.0, 0.842_700_8),
            (2.0, 0.995_322_3),
            (-1.0, -0.842_700_8),
        ] {
            assert!((erf(x) - y).abs() < 1e-6, "erf({x}) = {}", erf(x));
        }
    }

    #[test]
    fn every_activation_keeps_zero_and_passes_large_values() {
        for name in ["relu", "gelu", "gelu_new", "quick_gelu", "silu"] {
            let mut values = [0.0, 30.0, -30.0];
            Activation::named(name).apply(&mut values);
            assert!(
                values[0].abs() < 1e-6 && (values[1] - 30.0).abs() < 1e-4 && values[2].abs() < 1e-4,
                "{name}"
            );
        }
    }
}
