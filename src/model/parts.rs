//! The parts that every layer is made of: linear maps and norms.

use serde::Serialize;

pub use crate::math::streamed::Orientation;

/// A linear map in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linear {
    /// Name of the weight.
    pub weight: String,
    /// Name of the bias, where there is one.
    pub bias: Option<String>,
    /// Which axis is which.
    pub orientation: Orientation,
    /// Which matrix it is, where the tensor is a stack of matrices (one per expert), and its bias a stack of vectors.
    pub member: Option<usize>,
}

/// What a norm does to one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// `(x − mean) / √(var + ε) · w + b`.
    Layer,
    /// `(x − mean) / √(var + ε) · (1 + w) + b` (Nemotron).
    LayerPlusOne,
    /// `x / √(mean x² + ε) · w`.
    Rms,
    /// `x / √(mean x² + ε) · (1 + w)`: the Gemma families.
    RmsPlusOne,
}

impl NormKind {
    /// The mean goes out first.
    pub fn centres(self) -> bool {
        matches!(self, Self::Layer | Self::LayerPlusOne)
    }

    /// The file holds the gains less one.
    pub fn adds_one(self) -> bool {
        matches!(self, Self::LayerPlusOne | Self::RmsPlusOne)
    }
}

/// A norm in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Norm {
    /// What it does.
    pub kind: NormKind,
    /// Name of the gains; without them every gain is one (OLMo, Llama 4's queries).
    pub weight: Option<String>,
    /// Name of the bias, where there is one.
    pub bias: Option<String>,
    /// The constant inside the square root.
    pub eps: f64,
}

impl Linear {
    /// Names of its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.weight.as_str()).chain(self.bias.as_deref())
    }
}

impl Norm {
    /// Its `n` gains, `1 +` included where the family adds it, and its bias; `read` gives a tensor's numbers.
    pub(crate) fn values<E>(
        &self,
        n: usize,
        read: impl Fn(&str) -> Result<Vec<f64>, E>,
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), E> {
        let gains = match &self.weight {
            None => vec![1.0; n],
            Some(weight) if self.kind.adds_one() => {
                read(weight)?.into_iter().map(|g| 1.0 + g).collect()
            }
            Some(weight) => read(weight)?,
        };
        Ok((gains, self.bias.as_deref().map(read).transpose()?))
    }

    /// Names of its tensors.
    pub fn tensors(&self) -> impl Iterator<Item = &str> {
        self.weight.as_deref().into_iter().chain(self.bias.as_deref())
    }
}
