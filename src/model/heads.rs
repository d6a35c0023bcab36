//! The matrices of one attention head, cut out of a layer's tensors.
//!
//! A layer's tensors are kept as the bytes of the file (an f16 layer stays half as large as its numbers), and one head at a
//! time is decoded to `f64`.

use super::architecture::{
    FusedOrder, Linear, Norm, NormKind, Orientation, Projection, QkNorm, Qkv, Sizes,
};
use super::{Model, ModelError, processing};
use crate::checkpoint::Tensor;
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
}

/// One matrix of the file, still in bytes.
struct Matrix {
    name: String,
    tensor: Tensor,
    orientation: Orientation,
    d_in: usize,
    d_out: usize,
    bias: Option<Vec<f64>>,
}

/// The attention of one layer, in the file's bytes.
pub struct AttentionLayer {
    sizes: Sizes,
    layer: usize,
    order: Option<FusedOrder>,
    /// Query, key, value: an index into `matrices`.
    places: [Option<usize>; 3],
    matrices: Vec<Matrix>,
    output: Option<Matrix>,
    norm: Option<(NormKind, Vec<f64>, Option<Vec<f64>>)>,
    /// Gains on queries and on keys: shared by all heads (`[d_head]`) or one after the other.
    qk_gains: Option<(NormKind, [Vec<f64>; 2])>,
}

impl AttentionLayer {
    /// Reads what `part` needs of a layer: one to four tensors and the small ones.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`], [`ModelError::MissingTensor`], [`ModelError::Shape`], or what reading the bytes says.
    pub fn read(model: &Model, layer: usize, part: Part) -> Result<Self, ModelError> {
        let a = &model.arch;
        let description = model.layer(layer)?;
        let attention = &description.attention;
        let (inner, inner_kv) = (a.n_heads * a.d_head, a.n_kv_heads * a.d_head);
        let wanted = |projection| match part {
            Part::Both => true,
            Part::Qk => projection != Projection::Value,
            Part::Ov => projection == Projection::Value,
        };
        let (mut places, mut matrices) = ([None; 3], Vec::new());
        for (i, projection) in
            [Projection::Query, Projection::Key, Projection::Value].into_iter().enumerate()
        {
            if !wanted(projection) {
                continue;
            }
            places[i] = match &attention.qkv {
                Qkv::Fused { .. } if !matrices.is_empty() => Some(0),
                Qkv::Fused { linear, .. } => {
                    matrices.push(Matrix::read(model, linear, a.d_model, inner + 2 * inner_kv)?);
                    Some(0)
                }
                Qkv::Separate { .. } => {
                    let d_out = if projection == Projection::Query { inner } else { inner_kv };
                    matrices.push(Matrix::read(
                        model,
                        attention.qkv.linear(projection),
                        a.d_model,
                        d_out,
                    )?);
                    Some(matrices.len() - 1)
                }
            };
        }
        let output = match part {
            Part::Qk => None,
            Part::Ov | Part::Both => {
                Some(Matrix::read(model, &attention.output, inner, a.d_model)?)
            }
        };
        let norm = description.before_attention.as_ref();
        let norm = norm
            .map(|norm| {
                model.read_norm(norm, a.d_model).map(|(gains, bias)| (norm.kind, gains, bias))
            })
            .transpose()?;
        let qk_gains = attention.qk_norm.as_ref().filter(|_| part != Part::Ov);
        let qk_gains = qk_gains.map(|norm| read_qk_gains(model, norm)).transpose()?;
        Ok(Self {
            sizes: a.sizes(),
            layer,
            order: attention.qkv.order(),
            places,
            matrices,
            output,
            norm,
            qk_gains,
        })
    }

    /// The layer's number.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The matrices of a query head and of its key/value head.
    ///
    /// # Errors
    /// [`ModelError::OutOfRange`], or [`ModelError::NotFinite`] if one of this head's weights is NaN or infinite; the other heads
    /// are not touched by that.
    pub fn head(&self, head: usize, weights: Weights) -> Result<HeadWeights, ModelError> {
        let a = self.sizes;
        if head >= a.n_heads {
            return Err(ModelError::OutOfRange { what: "head", index: head, count: a.n_heads });
        }
        let kv = a.kv_head(head);
        let (mut w_q, mut b_q) = self.projection(Projection::Query, head)?;
        let (mut w_k, mut b_k) = self.projection(Projection::Key, kv)?;
        let (mut w_v, mut b_v) = self.projection(Projection::Value, kv)?;
        let mut w_o = match &self.output {
            Some(output) => output.inputs(head * a.d_head, a.d_head)?,
            None => Mat::zeros(0, a.d_model),
        };
        if weights == Weights::Folded {
            if let Some((kind, gains, bias)) = &self.norm {
                for (w, b) in [(&mut w_q, &mut b_q), (&mut w_k, &mut b_k), (&mut w_v, &mut b_v)] {
                    processing::fold_reading(w, b, *kind, gains, bias.as_deref());
                }
                if *kind == NormKind::Layer {
                    processing::center_writing(&mut w_o);
                }
                b_v.iter_mut().for_each(|b| *b = 0.0);
            }
            if let Some((kind, [q, k])) = &self.qk_gains {
                processing::fold_qk_norm(&mut w_q, &mut b_q, *kind, gains_of(q, head, a.d_head));
                processing::fold_qk_norm(&mut w_k, &mut b_k, *kind, gains_of(k, kv, a.d_head));
            }
        }
        Ok(HeadWeights { w_q, w_k, w_v, w_o, b_q, b_k, b_v })
    }

    /// What the attention adds wherever it looks, `[d_model]`: the file's `b_O`, and in folded weights also `Σ_h b_V W_O`, centred
    /// as `W_O` is. Needs [`Part::Ov`] or [`Part::Both`].
    ///
    /// # Errors
    /// [`ModelError::NotFinite`].
    pub fn b_o(&self, weights: Weights) -> Result<Vec<f64>, ModelError> {
        let a = self.sizes;
        let Some(output) = &self.output else { return Ok(vec![0.0; a.d_model]) };
        let mut b_o = output.bias.clone().unwrap_or_else(|| vec![0.0; a.d_model]);
        let Some((kind, gains, bias)) = self.norm.as_ref().filter(|_| weights == Weights::Folded)
        else {
            return Ok(b_o);
        };
        for head in 0..a.n_heads {
            let (mut w_v, mut b_v) = self.projection(Projection::Value, a.kv_head(head))?;
            processing::fold_reading(&mut w_v, &mut b_v, *kind, gains, bias.as_deref());
            let w_o = output.inputs(head * a.d_head, a.d_head)?;
            for (column, b) in w_o.column_iter().zip(&mut b_o) {
                *b += column.iter().zip(&b_v).map(|(w, v)| w * v).sum::<f64>();
            }
        }
        if *kind == NormKind::Layer {
            let mean = b_o.iter().sum::<f64>() / a.d_model as f64;
            b_o.iter_mut().for_each(|b| *b -= mean);
        }
        Ok(b_o)
    }

    /// One projection of one head as `[d_model, d_head]`, with its bias.
    fn projection(
        &self,
        projection: Projection,
        head: usize,
    ) -> Result<(Mat, Vec<f64>), ModelError> {
        let a = self.sizes;
        let place = self.places[projection as usize].and_then(|i| self.matrices.get(i));
        let Some(matrix) = place else { return Ok((Mat::zeros(a.d_model, 0), Vec::new())) };
        let start = a.head_start(self.order, projection, head);
        let bias = matrix.bias.as_ref().and_then(|b| b.get(start..start + a.d_head));
        let b = bias.map_or_else(|| vec![0.0; a.d_head], <[f64]>::to_vec);
        Ok((matrix.outputs(start, a.d_head)?, b))
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

fn read_qk_gains(model: &Model, norm: &QkNorm) -> Result<(NormKind, [Vec<f64>; 2]), ModelError> {
    let a = &model.arch;
    let gains = |norm: &Norm, n: usize| model.read_norm(norm, n).map(|(gains, _)| gains);
    Ok(match norm {
        QkNorm::Shared { q, k } => (q.kind, [gains(q, a.d_head)?, gains(k, a.d_head)?]),
        QkNorm::Together { q, k } => {
            (q.kind, [gains(q, a.n_heads * a.d_head)?, gains(k, a.n_kv_heads * a.d_head)?])
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

impl Matrix {
    fn read(model: &Model, linear: &Linear, d_in: usize, d_out: usize) -> Result<Self, ModelError> {
        let tensor = model.read_linear(linear, d_in, d_out)?;
        let bias = linear.bias.as_deref().map(|name| model.read_vector(name, d_out)).transpose()?;
        Ok(Self {
            name: linear.weight.clone(),
            tensor,
            orientation: linear.orientation,
            d_in,
            d_out,
            bias,
        })
    }

    /// `[d_in, len]`: the outputs from `start` on.
    fn outputs(&self, start: usize, len: usize) -> Result<Mat, ModelError> {
        self.finite(match self.orientation {
            Orientation::OutIn => self.rows(self.d_in, start, len)?,
            Orientation::InOut => self.columns(self.d_in, self.d_out, start, len)?,
        })
    }

    /// `[len, d_out]`: the inputs from `start` on.
    fn inputs(&self, start: usize, len: usize) -> Result<Mat, ModelError> {
        self.finite(match self.orientation {
            Orientation::OutIn => self.columns(self.d_out, self.d_in, start, len)?.transpose(),
            Orientation::InOut => self.rows(self.d_out, start, len)?.transpose(),
        })
    }

    /// Rows of the tensor as the columns of `[n_columns, len]`: both are stored alike.
    fn rows(&self, n_columns: usize, start: usize, len: usize) -> Result<Mat, ModelError> {
        let values = self.tensor.f64s_of(start * n_columns..(start + len) * n_columns)?;
        Ok(Mat::from_vec(n_columns, len, values))
    }

    fn columns(
        &self,
        n_rows: usize,
        n_columns: usize,
        start: usize,
        len: usize,
    ) -> Result<Mat, ModelError> {
        let mut found = Mat::zeros(n_rows, len);
        let values = found.as_mut_slice();
        for row in 0..n_rows {
            let first = row * n_columns + start;
            let mut places = values.iter_mut().skip(row).step_by(n_rows.max(1));
            self.tensor.each_f64(first..first + len, |x| {
                if let Some(place) = places.next() {
                    *place = x;
                }
            })?;
        }
        Ok(found)
    }

    fn finite(&self, m: Mat) -> Result<Mat, ModelError> {
        match m.iter().filter(|x| !x.is_finite()).count() {
            0 => Ok(m),
            count => Err(ModelError::NotFinite { name: self.name.clone(), count }),
        }
    }
}
