//! What passes along a prompt beside attention, or instead of it: the layers of hybrids that have no heads.
//!
//! Each of them keeps a state that grows with every position, so a prompt is run one position after the other.

use serde::Serialize;

use super::parts::{Linear, Norm};

/// Paths of a mixer; those of its parts follow from its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum MixerPaths {
    /// A gated delta net.
    DeltaNet {
        /// What stands before its tensors' names.
        home: &'static str,
        /// Heads of queries and keys, which no shape tells; `None` where config.json does not say it.
        n_key_heads: Option<usize>,
    },
    /// Mamba, with norms on its step and on what goes in and out of the state.
    Mamba {
        /// What stands before its tensors' names.
        home: &'static str,
    },
    /// Mamba 2.
    Mamba2 {
        /// What stands before its tensors' names.
        home: &'static str,
        /// Heads fall into so many groups that share what goes in and out of the state.
        n_groups: usize,
        /// What it multiplies and clamps.
        factors: MambaFactors,
        /// Its norm stands before the gate, not behind it.
        norm_before_gate: bool,
    },
    /// A short convolution between two gates.
    ShortConvolution {
        /// What stands before its tensors' names.
        home: &'static str,
    },
}

impl MixerPaths {
    /// What stands before its tensors' names.
    pub(super) fn home(&self) -> &'static str {
        match self {
            Self::DeltaNet { home, .. }
            | Self::Mamba { home }
            | Self::Mamba2 { home, .. }
            | Self::ShortConvolution { home } => home,
        }
    }
}

/// Fixed factors of a Mamba 2, and the range of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MambaFactors {
    /// On what it reads.
    pub input: f64,
    /// On the gate, on what is written into the state, on its way in, on its way out, on the step.
    pub parts: [f64; 5],
    /// On what it writes.
    pub output: f64,
    /// Smallest and largest step.
    pub steps: [f64; 2],
}

impl Default for MambaFactors {
    /// It multiplies and clamps nothing.
    fn default() -> Self {
        Self { input: 1.0, parts: [1.0; 5], output: 1.0, steps: [0.0, f64::INFINITY] }
    }
}

/// A mixer of one layer, its names completed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixer {
    /// A gated delta net (Qwen 3 Next, Qwen 3.5).
    DeltaNet(Box<DeltaNet>),
    /// Mamba (Jamba).
    Mamba(Box<Mamba>),
    /// Mamba 2 (Falcon-H1).
    Mamba2(Box<Mamba2>),
    /// A short convolution (LFM2).
    ShortConvolution(Box<ShortConvolution>),
    /// Not understood here, for this reason: the model cannot be run.
    Unsupported(String),
}

/// `S ← e^g S; S ← S + k ⊗ β (v − Sᵀ k); o = Sᵀ q` in every head of values.
///
/// # Source
/// Yang, Kautz & Hatamizadeh, arXiv:2412.06464.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeltaNet {
    /// What reads the stream.
    pub reads: DeltaReads,
    /// Over time, of all queries, all keys, all values: `[channels, 1, width]`.
    pub convolution: Linear,
    /// Name of the logarithms of the decays, `[n_value_heads]`.
    pub a_log: String,
    /// Name of what is added to the steps, `[n_value_heads]`.
    pub dt_bias: String,
    /// Norm of what a head gives out, before its gate.
    pub norm: Norm,
    /// To the stream.
    pub output: Linear,
    /// Heads of queries and keys; each serves as many heads of values as there are more of those.
    pub n_key_heads: usize,
    /// Width of a query and of a key.
    pub d_key: usize,
    /// Heads of values.
    pub n_value_heads: usize,
    /// Width of a value.
    pub d_value: usize,
    /// Taps of the convolution.
    pub width: usize,
}

/// How queries, keys, values, gates and steps lie in a delta net's matrices.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeltaReads {
    /// Per head of keys: query, key, its values, their gates; and in the second its values' β, their steps (Qwen 3 Next).
    ByHead(Linear, Linear),
    /// All queries, keys and values; all gates; all β; all steps (Qwen 3.5).
    Apart([Linear; 4]),
}

/// `h ← e^{ΔA} h + Δ B u; y = h C + D u` in every channel.
///
/// # Source
/// Gu & Dao, arXiv:2312.00752; the three norms are Jamba's (arXiv:2403.19887).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mamba {
    /// To the channels, then to their gates.
    pub input: Linear,
    /// Over time, `[d_inner, 1, width]`.
    pub convolution: Linear,
    /// From the channels to the step's latent, then to what goes in and out of the state.
    pub project: Linear,
    /// From that latent to every channel's step.
    pub step: Linear,
    /// Norms of the latent, of the way in, of the way out.
    pub norms: [Option<Norm>; 3],
    /// Name of the logarithms of the decays, `[d_inner, d_state]`.
    pub a_log: String,
    /// Name of what every channel passes on of itself, `[d_inner]`.
    pub d: String,
    /// To the stream.
    pub output: Linear,
    /// Channels.
    pub d_inner: usize,
    /// Numbers in a channel's state.
    pub d_state: usize,
    /// Width of the step's latent.
    pub d_step: usize,
    /// Taps of the convolution.
    pub width: usize,
}

/// As [`Mamba`], with one decay per head of channels, and groups of heads that share the way in and out of the state.
///
/// # Source
/// Dao & Gu, arXiv:2405.21060.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mamba2 {
    /// To the gates, the channels, the ways in, the ways out, the steps.
    pub input: Linear,
    /// Over time, of channels, ways in and ways out: `[d_inner + 2 n_groups d_state, 1, width]`.
    pub convolution: Linear,
    /// Name of the logarithms of the decays, `[n_heads]`.
    pub a_log: String,
    /// Name of what every head passes on of itself, `[n_heads]`.
    pub d: String,
    /// Name of what is added to the steps, `[n_heads]`.
    pub dt_bias: String,
    /// Norm of all channels of a group.
    pub norm: Option<Norm>,
    /// That norm stands before the gate.
    pub norm_before_gate: bool,
    /// To the stream.
    pub output: Linear,
    /// What it multiplies and clamps.
    pub factors: MambaFactors,
    /// Channels.
    pub d_inner: usize,
    /// Heads of channels.
    pub n_heads: usize,
    /// Groups of heads.
    pub n_groups: usize,
    /// Numbers in a channel's state.
    pub d_state: usize,
    /// Taps of the convolution.
    pub width: usize,
}

/// `C ⊙ conv(B ⊙ x)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShortConvolution {
    /// To B, C, x, one after the other.
    pub input: Linear,
    /// Over time, `[channels, 1, width]`.
    pub convolution: Linear,
    /// To the stream.
    pub output: Linear,
    /// Channels.
    pub channels: usize,
    /// Taps of the convolution.
    pub width: usize,
}

impl Mixer {
    /// Why it cannot be run, if it cannot.
    pub(super) fn unsupported(&self) -> Option<&str> {
        match self {
            Self::Unsupported(reason) => Some(reason),
            _ => None,
        }
    }

    /// Names of its tensors.
    pub(super) fn tensors(&self) -> Vec<&str> {
        let (linears, norms, vectors): (Vec<&Linear>, Vec<&Norm>, Vec<&String>) = match self {
            Self::DeltaNet(net) => {
                let mut linears = vec![&net.convolution, &net.output];
                match &net.reads {
                    DeltaReads::ByHead(values, steps) => linears.extend([values, steps]),
                    DeltaReads::Apart(all) => linears.extend(all),
                }
                (linears, vec![&net.norm], vec![&net.a_log, &net.dt_bias])
            }
            Self::Mamba(m) => (
                vec![&m.input, &m.convolution, &m.project, &m.step, &m.output],
                m.norms.iter().flatten().collect(),
                vec![&m.a_log, &m.d],
            ),
            Self::Mamba2(m) => (
                vec![&m.input, &m.convolution, &m.output],
                m.norm.iter().collect(),
                vec![&m.a_log, &m.d, &m.dt_bias],
            ),
            Self::ShortConvolution(c) => {
                (vec![&c.input, &c.convolution, &c.output], Vec::new(), Vec::new())
            }
            Self::Unsupported(_) => return Vec::new(),
        };
        let linears = linears.into_iter().flat_map(Linear::tensors);
        let norms = norms.into_iter().flat_map(Norm::tensors);
        linears.chain(norms).chain(vectors.into_iter().map(String::as_str)).collect()
    }
}
