//! The encoder of a sparse dictionary: which features are active in a residual stream, and how strongly.
//!
//! The encoder's matrix is read in blocks, so a dictionary of any size encodes a few positions in the memory of one block.
//!
//! # Source
//! Names and formulae of SAELens 6 (`W_enc`, `cfg.json`), Gemma Scope 2 (`w_enc`, `params.safetensors`) and sparsify
//! (`encoder.weight`, a torch Linear). Checked against those formulae in numpy: `tests/golden/make_pairs.py`.

use super::activation::{Activation, InputNorm};
use super::file::configuration;
use super::sae::{Encoding, SaeConfig};
use super::{Dictionary, DictionaryError, Hook, Matrix, Store};
use crate::checkpoint::Checkpoint;
use crate::model::Model;

/// Numbers of a matrix that are in memory at a time.
const AT_ONCE: usize = 4 << 20;

/// Names of the encoder's matrix, and whether a feature is a row of it.
const ENCODERS: [(&str, bool); 3] = [("W_enc", false), ("w_enc", false), ("encoder.weight", true)];

/// A dictionary that can encode.
pub struct Encoder<'a> {
    dictionary: &'a Dictionary,
    checkpoint: &'a Checkpoint,
    hook: Option<Hook>,
    weight: (&'static str, bool),
    b_enc: Vec<f64>,
    b_dec: Vec<f64>,
    subtracts_b_dec: bool,
    /// Norms of the decoder's rows where activations are rescaled by those; empty otherwise.
    norms: Vec<f64>,
    activation: Activation,
    norm: InputNorm,
    centred: bool,
    /// What had to be assumed, a sentence each.
    pub notes: Vec<String>,
}

/// A residual stream at one position as active features.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// In the order of their numbers.
    pub active: Vec<Active>,
    /// `[d_model]`: what the reconstruction holds beside the features.
    pub constant: Vec<f64>,
}

/// An active feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Active {
    /// Its number.
    pub feature: usize,
    /// Its activation, as its makers count it.
    pub activation: f64,
    /// What its row of the decoder is multiplied by in the reconstruction.
    pub times: f64,
}

impl Dictionary {
    /// The encoder that lies beside the decoder.
    ///
    /// # Errors
    /// [`DictionaryError::NoEncoder`] says why these vectors cannot encode a residual stream of `model`.
    pub fn encoder(&self, model: &Model) -> Result<Encoder<'_>, DictionaryError> {
        let refuse =
            |reason: String| DictionaryError::NoEncoder { name: self.about.name.clone(), reason };
        let Store::Own(checkpoint, Matrix { step: 1, first: 0, .. }) = &self.store else {
            return Err(refuse("it is a list of vectors without an encoder".into()));
        };
        let file = checkpoint.files().next().map_or_else(String::new, |(name, _)| name.to_owned());
        let config = configuration(checkpoint, &file);
        if let Some(transcoder) = config.transcoder() {
            return Err(refuse(format!("{transcoder} What it reads is not what it writes.")));
        }
        let hook = config.hook(false).cloned();
        if let Some(hook) = hook.as_ref().filter(|hook| !hook.is_stream()) {
            return Err(refuse(format!(
                "it was made at {}, which is not the residual stream between layers",
                hook.name
            )));
        }
        let (d_model, n) = (self.about.d_model, self.about.n_rows);
        let weight = ENCODERS.into_iter().find(|(name, _)| checkpoint.entry(name).is_some());
        let weight = weight
            .ok_or_else(|| refuse("no W_enc, w_enc or encoder.weight is in its file".to_owned()))?;
        let expected = if weight.1 { [n, d_model] } else { [d_model, n] };
        let found = checkpoint.entry(weight.0).map(|entry| entry.shape.clone());
        if found.as_deref() != Some(&expected) {
            let found = found.unwrap_or_default();
            return Err(refuse(format!("{} has the shape {found:?}, not {expected:?}", weight.0)));
        }
        let reader = Reader { checkpoint, n_features: n, refuse: &refuse };
        let (activation, rescaled) = reader.activation(&config.encoding)?;
        let b_enc = match activation {
            Activation::Gated { .. } => Vec::new(),
            _ => reader.vector(&["b_enc", "encoder.bias"], n)?.unwrap_or_default(),
        };
        let b_dec = reader.vector(&["b_dec"], d_model)?.unwrap_or_else(|| vec![0.0; d_model]);
        let (norm, notes) = reader.input(&config)?;
        Ok(Encoder {
            dictionary: self,
            checkpoint,
            hook,
            // Gemma Scope subtracts nothing and writes its matrices in lower case.
            subtracts_b_dec: config.encoding.subtracts_b_dec.unwrap_or(weight.0 != "w_enc"),
            weight,
            b_enc,
            b_dec,
            norms: if rescaled { self.norms()? } else { Vec::new() },
            activation,
            norm,
            centred: config.is_centred() && model.arch.reads_through_layer_norm(),
            notes,
        })
    }

    /// Lengths of all rows.
    fn norms(&self) -> Result<Vec<f64>, DictionaryError> {
        let mut norms = Vec::with_capacity(self.about.n_rows);
        for range in self.blocks((AT_ONCE / self.about.d_model.max(1)).max(1)) {
            let rows = self.rows(None, range)?;
            let length =
                |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            norms.extend(rows.chunks_exact(self.about.d_model.max(1)).map(length));
        }
        Ok(norms)
    }
}

impl Encoder<'_> {
    /// Where its features were made, if its file says so.
    pub fn hook(&self) -> Option<&Hook> {
        self.hook.as_ref()
    }

    /// Encodes residual streams, `[d_model]` each.
    ///
    /// # Errors
    /// What reading says; a stream of another width.
    pub fn encode(&self, streams: &[&[f32]]) -> Result<Vec<Encoded>, DictionaryError> {
        let (d, n) = (self.dictionary.about.d_model, self.dictionary.about.n_rows);
        if let Some(other) = streams.iter().find(|x| x.len() != d) {
            let (name, shape) = (self.dictionary.about.name.clone(), vec![other.len()]);
            return Err(DictionaryError::WrongWidth { name, shape, width: d });
        }
        let mut inputs = Vec::new();
        for stream in streams {
            let mut x: Vec<f64> = stream.iter().map(|x| f64::from(*x)).collect();
            let mean = x.iter().sum::<f64>() / d.max(1) as f64 * f64::from(u8::from(self.centred));
            x.iter_mut().for_each(|x| *x -= mean);
            let (times, plus) = self.norm.apply(&mut x);
            if self.subtracts_b_dec {
                x.iter_mut().zip(&self.b_dec).for_each(|(x, b)| *x -= b);
            }
            inputs.push((x, times, plus + mean));
        }
        let mut sums = vec![vec![0.0; n]; inputs.len()];
        self.multiply(&inputs, &mut sums)?;
        let encoded = inputs.into_iter().zip(sums).map(|((_, times, plus), mut sums)| {
            self.activation.apply(&mut sums, &self.b_enc, &self.norms);
            let active = sums.into_iter().enumerate().filter(|(_, x)| *x > 0.0);
            let norm = |feature: usize| self.norms.get(feature).copied().unwrap_or(1.0);
            let active = active.map(|(feature, activation)| Active {
                feature,
                activation,
                times: activation / norm(feature) * times,
            });
            let constant = self.b_dec.iter().map(|b| b * times + plus).collect();
            Encoded { active: active.collect(), constant }
        });
        Ok(encoded.collect())
    }

    /// `x W_enc` of every input, a block of rows at a time.
    fn multiply(
        &self,
        inputs: &[(Vec<f64>, f64, f64)],
        sums: &mut [Vec<f64>],
    ) -> Result<(), DictionaryError> {
        let (name, by_feature) = self.weight;
        let (d, n) = (self.dictionary.about.d_model, self.dictionary.about.n_rows);
        let (rows, width) = if by_feature { (n, d) } else { (d, n) };
        let at_once = (AT_ONCE / width.max(1)).max(1);
        for start in (0..rows).step_by(at_once) {
            let end = rows.min(start + at_once);
            let block = self.checkpoint.read_rows(name, start..end)?.f32s()?;
            for (row, weights) in (start..end).zip(block.chunks_exact(width.max(1))) {
                for ((x, ..), sums) in inputs.iter().zip(sums.iter_mut()) {
                    if by_feature {
                        sums[row] = x.iter().zip(weights).map(|(x, w)| x * f64::from(*w)).sum();
                    } else {
                        let x = x[row];
                        sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += x * f64::from(*w));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The small tensors of an encoder, and what is refused.
struct Reader<'a> {
    checkpoint: &'a Checkpoint,
    n_features: usize,
    refuse: &'a dyn Fn(String) -> DictionaryError,
}

impl Reader<'_> {
    /// The first of these vectors that is there.
    fn vector(&self, names: &[&str], len: usize) -> Result<Option<Vec<f64>>, DictionaryError> {
        let Some(name) = names.iter().find(|name| self.checkpoint.entry(name).is_some()) else {
            return Ok(None);
        };
        let values = self.checkpoint.read(name)?.f64s()?;
        if values.len() == len {
            return Ok(Some(values));
        }
        Err((self.refuse)(format!("{name} has {} numbers, not {len}", values.len())))
    }

    fn needed(&self, name: &str, len: usize) -> Result<Vec<f64>, DictionaryError> {
        let absent = || (self.refuse)(format!("its file has no {name}"));
        self.vector(&[name], len)?.ok_or_else(absent)
    }

    /// The activation, and whether it is rescaled by the decoder's norms.
    fn activation(&self, said: &Encoding) -> Result<(Activation, bool), DictionaryError> {
        let n = self.n_features;
        let has = |name: &str| self.checkpoint.entry(name).is_some();
        let kind = said.kind();
        let found = match kind.as_str() {
            "gated" => Activation::Gated {
                b_gate: self.needed("b_gate", n)?,
                r_mag: self.needed("r_mag", n)?,
                b_mag: self.needed("b_mag", n)?,
            },
            "jumprelu" => Activation::JumpRelu(self.needed("threshold", n)?),
            "batchtopk" if has("topk_threshold") => {
                Activation::JumpRelu(self.needed("topk_threshold", 1)?)
            }
            "batchtopk" if has("threshold") => {
                let one = self.checkpoint.entry("threshold").is_some_and(|e| e.elements() == 1);
                Activation::JumpRelu(self.needed("threshold", if one { 1 } else { n })?)
            }
            "batchtopk" => {
                let reason = "it was trained with batch-top-k and its file has no threshold, so what is active depends on the \
                              batch; save it for inference (SAELens makes a JumpReLU of it)";
                return Err((self.refuse)(reason.to_owned()));
            }
            "topk" => {
                let absent = || (self.refuse)("its configuration does not say k".to_owned());
                Activation::TopK(said.k.ok_or_else(absent)?)
            }
            // A file without a word on it: what its tensors are for is clear.
            "" if has("b_gate") => return self.activation(&said.of("gated")),
            "" if has("threshold") => return self.activation(&said.of("jumprelu")),
            "" | "standard" | "relu" => Activation::Relu,
            other => {
                return Err((self.refuse)(format!("its architecture, {other}, is not known")));
            }
        };
        Ok((found, said.rescaled))
    }

    /// What happens to an input, and what has to be said of it.
    fn input(&self, config: &SaeConfig) -> Result<(InputNorm, Vec<String>), DictionaryError> {
        let mut notes = Vec::new();
        let norm = match config.encoding.normalised.as_deref() {
            None | Some("none") => InputNorm::None,
            Some("layer_norm") => InputNorm::Layer,
            Some("constant_norm_rescale") => InputNorm::Length,
            Some("expected_average_only_in") => {
                notes.push(
                    "The dictionary was trained on rescaled activations, and its file does not say by how much: the scale is taken \
                     to be in its weights."
                        .to_owned(),
                );
                InputNorm::None
            }
            Some(other) => {
                return Err((self.refuse)(format!(
                    "its inputs are normed in a way that is not known, {other}"
                )));
            }
        };
        if config.encoding.finetuned {
            let reason = "its activations have a factor from finetuning, which is not read";
            return Err((self.refuse)(reason.to_owned()));
        }
        Ok((norm, notes))
    }
}
