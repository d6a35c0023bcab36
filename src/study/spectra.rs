//! The spectra of heads: singular values of QK and OV with their certificates, and the document that leaves the program.

use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::circuits::biases::Biases;
use crate::circuits::convention::Convention;
use crate::circuits::head_statistics::HeadStatistics;
use crate::circuits::omega::{Circuit, singular_values};
use crate::circuits::positional::PositionSpace;
use crate::math::{MathError, product_singular_values};
use crate::model::{AttentionLayer, HeadWeights, Layers, Weights};

/// What computed a spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum By {
    /// The CPU, in f64.
    #[default]
    Cpu,
    /// The GPU, in f32, and its certificate passed.
    Gpu,
    /// The CPU, in f64, after the GPU's certificate failed.
    Repair,
}

impl By {
    /// In words, for the line under a spectrum and for exports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Cpu => "f64",
            Self::Gpu => "f32 on the GPU, certified",
            Self::Repair => "f64, after the GPU's certificate failed",
        }
    }
}

/// One circuit's singular values with their certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CircuitSpectrum {
    /// Singular values, descending, `[d_head]`.
    pub sigma: Vec<f64>,
    /// `‖A Bᵀ − U S Vᵀ‖_F / ‖A Bᵀ‖_F`.
    pub residual: f64,
    /// Largest entry of `|UᵀU − I|` and `|VᵀV − I|`.
    pub orthogonality: f64,
    /// Numbers that describe the spectrum.
    pub statistics: HeadStatistics,
    /// What computed it.
    #[serde(default)]
    pub by: By,
}

impl CircuitSpectrum {
    /// One circuit of one head on the CPU, in f64; `positions` are those of the model, where it has some.
    ///
    /// # Errors
    /// As [`singular_values`].
    pub fn on_cpu(
        weights: &HeadWeights,
        circuit: Circuit,
        positions: Option<&PositionSpace>,
    ) -> Result<Self, MathError> {
        let values = singular_values(weights, circuit)?;
        let statistics = statistics(weights, circuit, &values.s, positions);
        Ok(Self {
            sigma: values.s,
            residual: values.residual,
            orthogonality: values.orthogonality,
            statistics,
            by: By::Cpu,
        })
    }
}

/// The numbers that describe a circuit with these singular values.
pub fn statistics(
    weights: &HeadWeights,
    circuit: Circuit,
    sigma: &[f64],
    positions: Option<&PositionSpace>,
) -> HeadStatistics {
    HeadStatistics {
        positional: positions.map(|positions| Box::new(positions.of_circuit(weights, circuit))),
        ..HeadStatistics::of(weights, circuit, sigma, weights.w_q.nrows())
    }
}

/// Both circuits of one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadSpectra {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// `Ω = W_Q W_Kᵀ`.
    pub qk: CircuitSpectrum,
    /// `W_V W_O`.
    pub ov: CircuitSpectrum,
    /// What latent attention adds to `qk`, which is its part without positions.
    #[serde(default)]
    pub rotary: Option<Box<RotarySpectra>>,
    /// What biases add to a score beside `qk`.
    #[serde(default)]
    pub biases: Option<Box<Biases>>,
}

impl HeadSpectra {
    /// Both circuits of `head`, whose matrices are `weights`, with what stands beside them.
    ///
    /// # Errors
    /// As [`singular_values`].
    pub fn new(
        attention: &AttentionLayer,
        head: usize,
        weights: &HeadWeights,
        qk: CircuitSpectrum,
        ov: CircuitSpectrum,
    ) -> Result<Self, MathError> {
        let rotary = RotarySpectra::of(weights)?;
        let biases = Biases::of(weights, &qk.sigma, attention.shifts_cancel())?.map(Box::new);
        Ok(Self { layer: attention.layer(), head, qk, ov, rotary, biases })
    }
}

/// The singular values of the rotary part of a latent attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RotarySpectra {
    /// Of the rotary part alone, at offset 0, `[d_rotary]`.
    pub qk_rope: Vec<f64>,
    /// Of both parts side by side, `[d_head]`.
    pub qk_full: Vec<f64>,
}

impl RotarySpectra {
    /// Of one head, where it has a rotary part of its own.
    ///
    /// # Errors
    /// As [`singular_values`].
    pub fn of(weights: &HeadWeights) -> Result<Option<Box<Self>>, MathError> {
        let Some(rotary) = &weights.rotary else { return Ok(None) };
        let qk_rope = product_singular_values(&rotary.w_q, &rotary.w_k)?.s;
        let qk_full = singular_values(&weights.clone().whole(), Circuit::Qk)?.s;
        Ok(Some(Box::new(Self { qk_rope, qk_full })))
    }
}

/// A head that could not be decomposed; the others are not affected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenHead {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// What is wrong with it.
    pub why: String,
}

/// Both spectra of one head on the CPU: one part of the study of a layer. The parts do not depend on each other, so threads
/// may share them out.
///
/// # Errors
/// [`BrokenHead`] if the head's weights are not finite or its decomposition does not settle.
pub fn head_spectra(
    attention: &AttentionLayer,
    head: usize,
    weights: Weights,
    positions: Option<&PositionSpace>,
) -> Result<HeadSpectra, BrokenHead> {
    let layer = attention.layer();
    let found = || -> Result<HeadSpectra, StudyError> {
        let matrices = attention.head(head, weights)?;
        let qk = CircuitSpectrum::on_cpu(&matrices, Circuit::Qk, positions)?;
        let ov = CircuitSpectrum::on_cpu(&matrices, Circuit::Ov, positions)?;
        Ok(HeadSpectra::new(attention, head, &matrices, qk, ov)?)
    };
    found().map_err(|error| BrokenHead { layer, head, why: error.to_string() })
}

/// All spectra of a model as they leave the program: what `omega spectra` prints and the page saves.
#[derive(Debug, Serialize)]
pub struct SpectraDocument<'a> {
    convention: &'a Convention,
    d_model: usize,
    d_head: usize,
    n_layers: usize,
    n_heads: usize,
    heads: Vec<HeadRow<'a>>,
    failed: Vec<FailedRow<'a>>,
    notes: &'a [String],
}

/// The sizes of a model that stand beside its spectra.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes<'a> {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Layers.
    pub n_layers: usize,
    /// Heads of a layer, the most of any.
    pub n_heads: usize,
    /// What its layers are called.
    pub layers: &'a Layers,
}

#[derive(Debug, Serialize)]
struct HeadRow<'a> {
    /// Which stack, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'static str>,
    /// Number in the stack.
    layer: usize,
    head: usize,
    qk: &'a [f64],
    ov: &'a [f64],
    #[serde(flatten)]
    rotary: Option<&'a RotarySpectra>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biases: Option<&'a Biases>,
    residual_qk: f64,
    residual_ov: f64,
    orthogonality_qk: f64,
    orthogonality_ov: f64,
    computed_qk: &'static str,
    computed_ov: &'static str,
    statistics_qk: &'a HeadStatistics,
    statistics_ov: &'a HeadStatistics,
}

#[derive(Debug, Serialize)]
struct FailedRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'static str>,
    layer: usize,
    head: usize,
    why: &'a str,
}

impl<'a> SpectraDocument<'a> {
    /// The document of some heads, in the order given.
    pub fn new(
        convention: &'a Convention,
        sizes: Sizes<'_>,
        heads: impl IntoIterator<Item = &'a HeadSpectra>,
        failed: &'a [BrokenHead],
        notes: &'a [String],
    ) -> Self {
        let Sizes { d_model, d_head, n_layers, n_heads, layers } = sizes;
        let row = |head: &'a HeadSpectra| HeadRow {
            stack: layers.stack(head.layer).name(),
            layer: layers.number(head.layer),
            head: head.head,
            qk: &head.qk.sigma,
            ov: &head.ov.sigma,
            rotary: head.rotary.as_deref(),
            biases: head.biases.as_deref(),
            residual_qk: head.qk.residual,
            residual_ov: head.ov.residual,
            orthogonality_qk: head.qk.orthogonality,
            orthogonality_ov: head.ov.orthogonality,
            computed_qk: head.qk.by.words(),
            computed_ov: head.ov.by.words(),
            statistics_qk: &head.qk.statistics,
            statistics_ov: &head.ov.statistics,
        };
        let failed_row = |broken: &'a BrokenHead| FailedRow {
            stack: layers.stack(broken.layer).name(),
            layer: layers.number(broken.layer),
            head: broken.head,
            why: &broken.why,
        };
        let failed = failed.iter().map(failed_row).collect();
        let heads = heads.into_iter().map(row).collect();
        Self { convention, d_model, d_head, n_layers, n_heads, heads, failed, notes }
    }
}
