//! The matrices of one attention head, cut out of a layer's tensors.
//!
//! A layer's tensors are kept as the bytes of the file (an f16 layer stays half as large as its numbers), and one head at a
//! time is decoded to `f64`.

use super::architecture::{Attention, Norm, NormKind, Projection, QkNorm, Sizes, Source};
use super::latent::{LatentLayer, RotaryPart};
use super::matrix::Matrix;
use super::{Model, ModelError, processing};
use crate::math::Mat;

/// Which form of the weights.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// The norm in front of the attention and the gains on queries and keys are folded in, see [`processing`].
    #[default]
    Folded,
    /// As in the file.
    Raw,
}

impl Weights {
    /// Its name in addresses, files and arguments.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Raw => "raw",
        }
    }
}

/// Which matrices of a layer to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Queries and keys.
    Qk,
    /// Values and outputs.
    Ov,
    /// All four.
    Both,
}

/// The matrices of one head; those that were not read are `[_, 0]` or `[0, _]`, their biases empty.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadWeights {
    /// `[d_model, d_head]`: what the destination is read with.
    pub w_q: Mat,
    /// `[d_model, d_head]`: what the source is read with; shared by the query heads of a group.
    pub w_k: Mat,
    /// `[d_model, d_head]`.
    pub w_v: Mat,
    /// `[d_head, d_model]`.
    pub w_o: Mat,
    /// `[d_head]`, zero where the file has none.
    pub b_q: Vec<f64>,
    /// `[d_head]`.
    pub b_k: Vec<f64>,
    /// `[d_head]`; zero in folded weights where [`AttentionLayer::b_o`] has taken it up.
    pub b_v: Vec<f64>,
    /// The dimensions that turn, where they stand beside those of `w_q` and `w_k` (latent attention).
    pub rotary: Option<Box<RotaryPart>>,
}

/// A norm in front of the attention, read: its kind, gains and bias.
type Reading = (NormKind, Vec<f64>, Option<Vec<f64>>);

/// The attention of one layer, in the file's bytes.
pub struct AttentionLayer {
    layer: usize,
    attention: Attention,
    /// Query, key, value: an index into `matrices`.
    places: [Option<usize>; 3],
    matrices: Vec<Matrix>,
    /// Instead of `matrices`, where queries, keys and values come out of latents.
    latent: Option<LatentLayer>,
    output: Option<Matrix>,
    /// The norms in front of queries and in front of keys and values.
    norms: [Option<Reading>; 2],
    /// What is written is read through LayerNorm.
    centres: bool,
    /// Gains on what is written.
    gain: Option<Vec<f64>>,
    /// Gains on queries and on keys: shared by all heads (`[d_head]`) or one after the other.
    qk_gains: Option<(NormKind, [Vec<f64>; 2])>,
}

impl AttentionLayer {
    /// Reads what `part` needs of a layer: one to four tensors and the small ones.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`], [`ModelError::NoAttention`], [`ModelError::MissingTensor`], [`ModelError::Shape`], or what
    /// reading the bytes says.
    pub fn read(model: &Model, layer: usize, part: Part) -> Result<Self, ModelError> {
        let attention = model.attention(layer)?;
        let Sizes { d_model, n_heads, d_value, .. } = attention.sizes;
        let wanted = |projection| match part {
            Part::Both => true,
            Part::Qk => projection != Projection::Value,
            Part::Ov => projection == Projection::Value,
        };
        let (mut places, mut matrices) = ([None; 3], Vec::new());
        for (i, projection) in
            [Projection::Query, Projection::Key, Projection::Value].into_iter().enumerate()
        {
            if !wanted(projection) || attention.qkv.latent().is_some() {
                continue;
            }
            if attention.qkv.order().is_none() || matrices.is_empty() {
                let linear = attention.qkv.linear(projection);
                matrices.push(Matrix::read(model, linear, d_model, attention.outputs(projection))?);
            }
            places[i] = Some(matrices.len() - 1);
        }
        let latent = attention.qkv.latent();
        let latent = latent
            .map(|latent| LatentLayer::read(model, latent, attention.sizes, part))
            .transpose()?;
        let output = match part {
            Part::Qk => None,
            Part::Ov | Part::Both => {
                Some(Matrix::read(model, &attention.output, n_heads * d_value, d_model)?)
            }
        };
        let norm_of = |layer: usize| -> Result<Option<Reading>, ModelError> {
            let Some(norm) = &model.layer(layer)?.before_attention else { return Ok(None) };
            let (gains, bias) = model.read_norm(norm, d_model)?;
            Ok(Some((norm.kind, gains, bias)))
        };
        let own = norm_of(layer)?;
        let source = match (&attention.source, attention.keys_of) {
            (Some(Source { norm: None, .. }), _) => None,
            (Some(Source { norm: Some(norm), .. }), _) => {
                let (gains, bias) = model.read_norm(norm, d_model)?;
                Some((norm.kind, gains, bias))
            }
            (None, Some(source)) => norm_of(source)?,
            (None, None) => own.clone(),
        };
        let gain = model.layer(layer)?.attention_gain.as_deref().filter(|_| part != Part::Qk);
        let gain = gain.map(|name| model.read_vector(name, d_model)).transpose()?;
        let qk_gains = attention.qk_norm.as_ref().filter(|_| part != Part::Ov);
        let qk_gains =
            qk_gains.map(|norm| read_qk_gains(model, norm, attention.sizes)).transpose()?;
        Ok(Self {
            layer,
            attention: attention.clone(),
            places,
            matrices,
            latent,
            output,
            norms: [own, source],
            centres: model.arch.writes_to_layer_norm(layer),
            gain,
            qk_gains,
        })
    }

    /// Number of query heads.
    pub fn n_heads(&self) -> usize {
        self.attention.sizes.n_heads
    }

    /// The layer's number.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Whether softmax takes out what all scores of one destination have in common: not where queries and keys are turned, normed or
    /// clamped between the biases and the score, nor where a soft-cap or a sink stands behind it.
    pub fn shifts_cancel(&self) -> bool {
        let a = &self.attention;
        let bent = a.clip.is_some() || a.qk_norm.is_some() || a.score_cap.is_some();
        !bent && a.rope.is_none() && a.grid_rope.is_none() && a.sinks.is_none()
    }

    /// Gains of the norm in front of queries and of that in front of keys and values, `[d_model]` each, where there is one.
    pub fn gains(&self) -> [Option<&[f64]>; 2] {
        self.norms.each_ref().map(|norm| norm.as_ref().map(|(_, gains, _)| gains.as_slice()))
    }

    /// The matrices of a query head and of its key/value head.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`], or [`ModelError::NotFinite`] if one of this head's weights is NaN or infinite; the other heads
    /// are not touched by that.
    pub fn head(&self, head: usize, weights: Weights) -> Result<HeadWeights, ModelError> {
        let a = self.attention.sizes;
        if head >= a.n_heads {
            return Err(ModelError::OutOfRange { what: "head", index: head, count: a.n_heads });
        }
        let kv = a.kv_head(head);
        let gained = weights == Weights::Folded;
        let (mut w_q, mut b_q) = self.projection(Projection::Query, head, gained)?;
        let (mut w_k, mut b_k) = self.projection(Projection::Key, kv, gained)?;
        let (mut w_v, mut b_v) = self.projection(Projection::Value, kv, gained)?;
        let rotary = self.latent.as_ref().map(|latent| latent.rotary(head, gained)).transpose()?;
        let mut rotary = rotary.flatten();
        let mut w_o = match &self.output {
            Some(output) => output.inputs(head * a.d_value, a.d_value)?,
            None => Mat::zeros(0, a.d_model),
        };
        if gained {
            let [own, source] = &self.norms;
            if let Some(part) = &mut rotary {
                for (w, b, norm) in
                    [(&mut part.w_q, &mut part.b_q, own), (&mut part.w_k, &mut part.b_k, source)]
                {
                    if let Some((kind, gains, bias)) = norm {
                        processing::fold_reading(w, b, *kind, gains, bias.as_deref());
                    }
                }
            }
            for (w, b, norm) in [
                (&mut w_q, &mut b_q, own),
                (&mut w_k, &mut b_k, source),
                (&mut w_v, &mut b_v, source),
            ] {
                if let Some((kind, gains, bias)) = norm {
                    processing::fold_reading(w, b, *kind, gains, bias.as_deref());
                }
            }
            if let Some(gain) = &self.gain {
                processing::scale_writing(&mut w_o, gain);
            }
            if self.centres {
                processing::center_writing(&mut w_o);
            }
            if source.is_some() {
                b_v.iter_mut().for_each(|b| *b = 0.0);
            }
            if let Some((kind, [q, k])) = &self.qk_gains {
                processing::fold_qk_norm(&mut w_q, &mut b_q, *kind, gains_of(q, head, a.d_head));
                processing::fold_qk_norm(&mut w_k, &mut b_k, *kind, gains_of(k, kv, a.d_head));
            }
        }
        Ok(HeadWeights { w_q, w_k, w_v, w_o, b_q, b_k, b_v, rotary: rotary.map(Box::new) })
    }

    /// What the attention adds wherever it looks, `[d_model]`: the file's `b_O`, and in folded weights also `Σ_h b_V W_O`, centred
    /// as `W_O` is. Needs [`Part::Ov`] or [`Part::Both`].
    ///
    /// # Errors
    /// [`ModelError::NotFinite`].
    pub fn b_o(&self, weights: Weights) -> Result<Vec<f64>, ModelError> {
        let a = self.attention.sizes;
        let Some(output) = &self.output else { return Ok(vec![0.0; a.d_model]) };
        let mut b_o = output.bias.clone().unwrap_or_else(|| vec![0.0; a.d_model]);
        if weights == Weights::Raw {
            return Ok(b_o);
        }
        if let Some((kind, gains, bias)) = &self.norms[1] {
            for head in 0..a.n_heads {
                let (mut w_v, mut b_v) =
                    self.projection(Projection::Value, a.kv_head(head), true)?;
                processing::fold_reading(&mut w_v, &mut b_v, *kind, gains, bias.as_deref());
                let w_o = output.inputs(head * a.d_value, a.d_value)?;
                for (column, b) in w_o.column_iter().zip(&mut b_o) {
                    *b += column.iter().zip(&b_v).map(|(w, v)| w * v).sum::<f64>();
                }
            }
        }
        if let Some(gain) = &self.gain {
            b_o.iter_mut().zip(gain).for_each(|(b, g)| *b *= g);
        }
        if self.centres {
            let mean = b_o.iter().sum::<f64>() / a.d_model as f64;
            b_o.iter_mut().for_each(|b| *b -= mean);
        }
        Ok(b_o)
    }

    /// What every value of a query head holds whatever was read, `[d_head]`: `b_V`, with the norm's bias folded in. This is what
    /// folded weights move from the values to [`AttentionLayer::b_o`]. Needs [`Part::Ov`] or [`Part::Both`].
    ///
    /// # Errors
    /// [`ModelError::NotFinite`].
    pub fn value_bias(&self, head: usize) -> Result<Vec<f64>, ModelError> {
        let kv = self.attention.sizes.kv_head(head);
        let (mut w_v, mut b_v) = self.projection(Projection::Value, kv, true)?;
        if let Some((kind, gains, bias)) = &self.norms[1] {
            processing::fold_reading(&mut w_v, &mut b_v, *kind, gains, bias.as_deref());
        }
        Ok(b_v)
    }

    /// One projection of one head as `[d_model, d_head]`, with its bias; the gains between latents inside if `gained`.
    fn projection(
        &self,
        projection: Projection,
        head: usize,
        gained: bool,
    ) -> Result<(Mat, Vec<f64>), ModelError> {
        if let Some(latent) = &self.latent {
            return latent.projection(projection, head, gained);
        }
        let a = self.attention.sizes;
        let place = self.places[projection as usize].and_then(|i| self.matrices.get(i));
        let Some(matrix) = place else { return Ok((Mat::zeros(a.d_model, 0), Vec::new())) };
        let (start, width) = (self.attention.head_start(projection, head), a.width(projection));
        let bias = matrix.bias.as_ref().and_then(|b| b.get(start..start + width));
        let b = bias.map_or_else(|| vec![0.0; width], <[f64]>::to_vec);
        Ok((matrix.outputs(start, width)?, b))
    }
}

/// A head's part of the gains.
fn gains_of(gains: &[f64], head: usize, d_head: usize) -> &[f64] {
    if gains.len() == d_head {
        gains
    } else {
        gains.get(head * d_head..(head + 1) * d_head).unwrap_or_default()
    }
}

fn read_qk_gains(
    model: &Model,
    norm: &QkNorm,
    a: Sizes,
) -> Result<(NormKind, [Vec<f64>; 2]), ModelError> {
    let gains = |norm: &Norm, n: usize| model.read_norm(norm, n).map(|(gains, _)| gains);
    Ok(match norm {
        QkNorm::Shared { q, k } => (q.kind, [gains(q, a.d_head)?, gains(k, a.d_head)?]),
        QkNorm::Together { q, k } => {
            (q.kind, [gains(q, a.n_heads * a.d_head)?, gains(k, a.n_kv_heads * a.d_head)?])
        }
        QkNorm::Rows { q, k } => {
            let rows = |norm: &Norm, n: usize| {
                let read = |name: &str| -> Result<Vec<f64>, ModelError> {
                    Ok(model.read(name, &[Some(n), Some(a.d_head)])?.f64s()?)
                };
                norm.values(n * a.d_head, read).map(|(gains, _)| gains)
            };
            (q.kind, [rows(q, a.n_heads)?, rows(k, a.n_kv_heads)?])
        }
        QkNorm::Each { q, k } => {
            let all = |norms: &[Norm]| -> Result<Vec<f64>, ModelError> {
                let each = norms
                    .iter()
                    .map(|norm| gains(norm, a.d_head))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(each.concat())
            };
            (q.first().map_or(NormKind::Layer, |norm| norm.kind), [all(q)?, all(k)?])
        }
    })
}
