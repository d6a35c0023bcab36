//! Who multiplies: the CPU, or whatever the caller of a step brings.

use super::weights::LayerWeights;
use super::{linear, mlp};
use crate::model::ModelError;
use crate::model::architecture::{Activation, Layer, Linear, Mlp};

/// Makes the products of a forward pass: most of its work, and the only part that may be done elsewhere.
///
/// Everything comes from memory and goes back there, so a product that failed in one place can be made again in another.
#[expect(
    async_fn_in_trait,
    reason = "a pass runs on the thread that owns it, in a browser the only one"
)]
pub trait Products {
    /// `x: [n, d_in]` through every map that reads it, biases included: `[n, d_out]` each.
    ///
    /// # Errors
    /// What reading says.
    async fn linear(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &[Map<'_>],
        x: &[f32],
        d_in: usize,
    ) -> Result<Vec<Vec<f32>>, ModelError>;

    /// What an MLP makes of `x: [n, d_model]`, `[n, d_model]`.
    ///
    /// # Errors
    /// What reading says.
    async fn mlp(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &MlpMaps<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>, ModelError>;
}

/// A linear map and the number of its outputs.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    /// The map.
    pub linear: &'a Linear,
    /// Its outputs.
    pub d_out: usize,
}

/// An MLP with its widths: `down(f(up(x)))`, or `down(f(gate(x)) ⊙ up(x))`.
#[derive(Debug, Clone)]
pub struct MlpMaps<'a> {
    /// What reads the input: `up`; `gate` and `up`; or both in one matrix, gate first.
    pub into: Vec<Map<'a>>,
    /// Whether there is a gate.
    pub gated: bool,
    /// Gate and up come in turns, are clamped at this, and up is increased by 1.
    pub limit: Option<f32>,
    /// What is between.
    pub activation: Activation,
    /// So many standard deviations above its mean a position's gates are cut off below.
    pub cutoff: Option<f64>,
    /// Name of a bias on the hidden layer, after the gate.
    pub bias: Option<&'a str>,
    /// Width of the hidden layer.
    pub d_mlp: usize,
    /// What writes the output.
    pub down: Map<'a>,
}

impl<'a> MlpMaps<'a> {
    /// The MLP of a layer, of a mixture its first expert, which has the sizes of all; `None` where it has none.
    ///
    /// # Errors
    /// [`ModelError::CannotRun`] for an MLP or an activation that is not known here; what the tensors' shapes say.
    pub fn of(weights: &LayerWeights<'a>, layer: usize) -> Result<Option<Self>, ModelError> {
        let layer = weights.model.layer(layer)?;
        match &layer.mlp {
            Mlp::None => Ok(None),
            Mlp::Mixture(mixture) => match mixture.experts.first() {
                Some(expert) => Self::new(weights, layer, expert).map(Some),
                None => Err(ModelError::CannotRun { reason: "its mixture has no expert".into() }),
            },
            mlp => Self::new(weights, layer, mlp).map(Some),
        }
    }

    /// An MLP of a layer: the only one, or an expert.
    ///
    /// # Errors
    /// As [`MlpMaps::of`].
    pub(super) fn new(
        weights: &LayerWeights<'a>,
        layer: &'a Layer,
        mlp: &'a Mlp,
    ) -> Result<Self, ModelError> {
        let arch = &weights.model.arch;
        let stream = arch.stacks.get(layer.stack).and_then(|stack| arch.streams.get(stack.stream));
        let d = stream.map_or(arch.d_model, |stream| stream.d_model);
        let reads = |linear| linear::d_out(weights, linear, d).map(|d_out| Map { linear, d_out });
        let mut limit = None;
        let (into, gated, down) = match mlp {
            Mlp::Plain { up, down } => (vec![reads(up)?], false, down),
            Mlp::Gated { gate, up, down, .. } => {
                let gate = reads(gate)?;
                (vec![gate, Map { linear: up, ..gate }], true, down)
            }
            Mlp::GatedFused { gate_up, down } => (vec![reads(gate_up)?], true, down),
            Mlp::Clamped { gate_up, down, limit: at } => {
                limit = Some(*at as f32);
                (vec![reads(gate_up)?], true, down)
            }
            Mlp::Mixture(_) => {
                return Err(ModelError::CannotRun { reason: "an expert is a mixture".into() });
            }
            Mlp::None => return Err(ModelError::CannotRun { reason: "an expert is empty".into() }),
            Mlp::Unsupported(reason) => {
                return Err(ModelError::CannotRun { reason: reason.clone() });
            }
        };
        let activation = activation(weights, layer)?;
        let width = into.iter().map(|map| map.d_out).sum::<usize>();
        let d_mlp = if gated { width / 2 } else { width };
        let down = Map { linear: down, d_out: d };
        let bias = match mlp {
            Mlp::Gated { bias, .. } => bias.as_deref(),
            _ => None,
        };
        let cutoff = layer.gate_cutoff;
        Ok(Self { into, gated, limit, activation, cutoff, bias, d_mlp, down })
    }

    /// The hidden layer `[n, d_mlp]` from what `into` makes of the input, one after the other.
    pub fn hidden(&self, into: Vec<Vec<f32>>) -> Vec<f32> {
        let (f, d_mlp, mut into) = (&self.activation, self.d_mlp, into.into_iter());
        let mut hidden = into.next().unwrap_or_default();
        match into.next() {
            Some(up) => {
                if let Some(deviations) = self.cutoff {
                    hidden.chunks_exact_mut(d_mlp.max(1)).for_each(|row| cut(row, deviations));
                }
                f.apply(&mut hidden);
                hidden.iter_mut().zip(&up).for_each(|(g, u)| *g *= u);
            }
            None if let Some(limit) = self.limit => {
                let mut gates: Vec<f32> =
                    hidden.iter().step_by(2).map(|gate| gate.min(limit)).collect();
                f.apply(&mut gates);
                // As torch's clamp: with the ends the wrong way round the upper one holds.
                let ups = hidden.iter().skip(1).step_by(2);
                let ups = ups.map(|up| up.max(-limit).min(limit) + 1.0);
                gates.iter_mut().zip(ups).for_each(|(gate, up)| *gate *= up);
                hidden = gates;
            }
            None if self.gated => {
                let mut gated = Vec::with_capacity(hidden.len() / 2);
                for row in hidden.chunks_exact((2 * d_mlp).max(1)) {
                    let start = gated.len();
                    gated.extend_from_slice(&row[..d_mlp]);
                    f.apply(&mut gated[start..]);
                    gated[start..].iter_mut().zip(&row[d_mlp..]).for_each(|(g, u)| *g *= u);
                }
                hidden = gated;
            }
            None => f.apply(&mut hidden),
        }
        hidden
    }
}

/// What lies above the mean by so many standard deviations, less that much; 0 for the rest.
fn cut(row: &mut [f32], deviations: f64) {
    let n = row.len() as f64;
    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let square = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
    let least = (mean + deviations * square.sqrt()) as f32;
    row.iter_mut().for_each(|x| *x = (*x - least).max(0.0));
}

/// A layer's non-linearity, with its parameters where it has some.
fn activation(weights: &LayerWeights<'_>, layer: &Layer) -> Result<Activation, ModelError> {
    match (&layer.activation, &layer.activation_parameters) {
        (Activation::Unknown(name), _) => {
            let reason = format!("its activation {name:?} is not known here");
            Err(ModelError::CannotRun { reason })
        }
        (&Activation::Xielu { beta, eps, .. }, Some(path)) => {
            let one = |name: &str| weights.number(&format!("{path}{name}"));
            let (alpha_p, alpha_n) = (one("alpha_p")?, one("alpha_n")?);
            let (alpha_p, alpha_n) = alpha_p.zip(alpha_n).ok_or_else(|| {
                let name = format!("{path}alpha_p");
                ModelError::MissingTensor { name, shards: 0 }
            })?;
            Ok(Activation::xielu(
                alpha_p,
                alpha_n,
                one("beta")?.unwrap_or(beta),
                one("eps")?.unwrap_or(eps),
            ))
        }
        (known, _) => Ok(known.clone()),
    }
}

/// The CPU, with the kernel of `product`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu;

impl Products for Cpu {
    async fn linear(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &[Map<'_>],
        x: &[f32],
        d_in: usize,
    ) -> Result<Vec<Vec<f32>>, ModelError> {
        maps.iter().map(|map| linear::apply(weights, *map, x, d_in)).collect()
    }

    async fn mlp(
        &mut self,
        weights: &LayerWeights<'_>,
        maps: &MlpMaps<'_>,
        x: &[f32],
    ) -> Result<Vec<f32>, ModelError> {
        mlp::run(weights, maps, x)
    }
}

/// The result of a future that waits for nobody, as those of [`Cpu`] do.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
}
