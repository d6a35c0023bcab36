//! Latent attention (DeepSeek): queries, keys and values come out of narrow latents, and positions have dimensions of their own.
//!
//! A head's query is `[part without positions | rotary part]`, and so is its key, whose rotary part is the same for all heads.
//! Ω here is the part without positions; the rotary part is kept beside it ([`RotaryPart`]).

use serde::Serialize;

use super::architecture::{Linear, Norm, Projection, Sizes};
use super::matrix::Matrix;
use super::{HeadWeights, Model, ModelError, Part};
use crate::math::Mat;

/// Where a latent attention's queries, keys and values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Latent {
    /// `d_model` to the latent of queries, and its norm; without it queries come straight from the stream.
    pub q_down: Option<(Linear, Norm)>,
    /// To all heads' queries; per head the part without positions, then the rotary part.
    pub q: Linear,
    /// `d_model` to the latent of keys and values, then to the rotary key of all heads.
    pub kv_down: Linear,
    /// Norm of that latent.
    pub kv_norm: Norm,
    /// The latent to, per head, the key's part without positions, then the value.
    pub kv: Linear,
    /// Width of what `q` reads.
    pub d_q: usize,
    /// Width of the latent of keys and values.
    pub d_kv: usize,
    /// Dimensions of the rotary part.
    pub d_rotary: usize,
}

/// The part of a latent attention's queries and keys that turns; it is added to the score.
#[derive(Debug, Clone, PartialEq)]
pub struct RotaryPart {
    /// `[d_model, d_rotary]`: what the destination is read with.
    pub w_q: Mat,
    /// `[d_model, d_rotary]`: what the source is read with, the same for all heads.
    pub w_k: Mat,
    /// `[d_rotary]`, zero where the file has none.
    pub b_q: Vec<f64>,
    /// `[d_rotary]`.
    pub b_k: Vec<f64>,
}

impl HeadWeights {
    /// Queries and keys as they meet in a score: with the rotary part, where there is one, behind the part without positions.
    pub fn whole(mut self) -> Self {
        let Some(rotary) = self.rotary.take() else { return self };
        let beside = |a: &Mat, b: &Mat| {
            let columns: Vec<_> = a.column_iter().chain(b.column_iter()).collect();
            Mat::from_columns(&columns)
        };
        self.w_q = beside(&self.w_q, &rotary.w_q);
        self.w_k = beside(&self.w_k, &rotary.w_k);
        self.b_q.extend(rotary.b_q);
        self.b_k.extend(rotary.b_k);
        self
    }
}

impl Latent {
    /// Names of its tensors.
    pub(super) fn tensors(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            [&self.q, &self.kv_down, &self.kv].into_iter().flat_map(Linear::tensors).collect();
        names.extend(self.kv_norm.tensors());
        if let Some((down, norm)) = &self.q_down {
            names.extend(down.tensors().chain(norm.tensors()));
        }
        names
    }
}

/// A map into a latent, decoded.
struct Down {
    /// `[d_model, d_latent]`.
    w: Mat,
    bias: Option<Vec<f64>>,
    gains: Vec<f64>,
}

impl Down {
    /// This map and then `up: [d_latent, width]`, with the gains of the norm between them if `gained`; and the bias of both.
    fn then(&self, mut up: Mat, gained: bool) -> (Mat, Vec<f64>) {
        if gained {
            for (mut row, gain) in up.row_iter_mut().zip(&self.gains) {
                row *= *gain;
            }
        }
        let bias = match &self.bias {
            Some(bias) => up.tr_mul(&Mat::from_column_slice(bias.len(), 1, bias)),
            None => Mat::zeros(up.ncols(), 1),
        };
        (&self.w * up, bias.as_slice().to_vec())
    }
}

/// The latent attention of one layer, read.
pub(super) struct LatentLayer {
    sizes: Sizes,
    d_rotary: usize,
    part: Part,
    q_down: Option<Down>,
    q: Option<Matrix>,
    kv_down: Down,
    rotary_key: (Mat, Vec<f64>),
    kv: Matrix,
}

impl LatentLayer {
    /// Reads what `part` needs.
    pub(super) fn read(
        model: &Model,
        latent: &Latent,
        sizes: Sizes,
        part: Part,
    ) -> Result<Self, ModelError> {
        let Sizes { d_model, n_heads, d_head, d_value, .. } = sizes;
        let down = |linear: &Linear, norm: &Norm, width: usize, more: usize| {
            let matrix = Matrix::read(model, linear, d_model, width + more)?;
            let (gains, _) = model.read_norm(norm, width)?;
            let bias = matrix.bias.as_ref().and_then(|b| b.get(..width)).map(<[f64]>::to_vec);
            let rest =
                (matrix.outputs(width, more)?, matrix.bias.as_ref().map(|b| b[width..].to_vec()));
            Ok::<_, ModelError>((Down { w: matrix.outputs(0, width)?, bias, gains }, rest))
        };
        let (kv_down, (w_k, b_k)) =
            down(&latent.kv_down, &latent.kv_norm, latent.d_kv, latent.d_rotary)?;
        let wanted = part != Part::Ov;
        let q_down = latent.q_down.as_ref().filter(|_| wanted);
        let q_down = q_down.map(|(linear, norm)| down(linear, norm, latent.d_q, 0)).transpose()?;
        let read_q = || Matrix::read(model, &latent.q, latent.d_q, n_heads * d_head);
        let width = n_heads * (d_head - latent.d_rotary + d_value);
        Ok(Self {
            sizes,
            d_rotary: latent.d_rotary,
            part,
            q_down: q_down.map(|(down, _)| down),
            q: wanted.then(read_q).transpose()?,
            kv_down,
            rotary_key: (w_k, b_k.unwrap_or_else(|| vec![0.0; latent.d_rotary])),
            kv: Matrix::read(model, &latent.kv, latent.d_kv, width)?,
        })
    }

    /// Queries' and keys' parts without positions, or values, of one head: `[d_model, width]` and the bias.
    pub(super) fn projection(
        &self,
        projection: Projection,
        head: usize,
        gained: bool,
    ) -> Result<(Mat, Vec<f64>), ModelError> {
        let Sizes { d_model, d_head, d_value, .. } = self.sizes;
        let plain = d_head - self.d_rotary;
        let wanted = match self.part {
            Part::Both => true,
            Part::Qk => projection != Projection::Value,
            Part::Ov => projection == Projection::Value,
        };
        if !wanted {
            return Ok((Mat::zeros(d_model, 0), Vec::new()));
        }
        let first = head * (plain + d_value);
        match projection {
            Projection::Query => self.query(head * d_head, plain, gained),
            Projection::Key => Ok(self.kv_down.then(self.kv.outputs(first, plain)?, gained)),
            Projection::Value => {
                Ok(self.kv_down.then(self.kv.outputs(first + plain, d_value)?, gained))
            }
        }
    }

    /// The rotary part of one head, where queries and keys were read.
    pub(super) fn rotary(
        &self,
        head: usize,
        gained: bool,
    ) -> Result<Option<RotaryPart>, ModelError> {
        if self.part == Part::Ov {
            return Ok(None);
        }
        let d_head = self.sizes.d_head;
        let first = (head + 1) * d_head - self.d_rotary;
        let (w_q, b_q) = self.query(first, self.d_rotary, gained)?;
        let (w_k, b_k) = self.rotary_key.clone();
        Ok(Some(RotaryPart { w_q, w_k, b_q, b_k }))
    }

    fn query(
        &self,
        first: usize,
        width: usize,
        gained: bool,
    ) -> Result<(Mat, Vec<f64>), ModelError> {
        let Some(q) = &self.q else {
            return Ok((Mat::zeros(self.sizes.d_model, 0), Vec::new()));
        };
        let up = q.outputs(first, width)?;
        Ok(match &self.q_down {
            Some(down) => down.then(up, gained),
            None => {
                let bias = q.bias.as_ref().and_then(|b| b.get(first..first + width));
                (up, bias.map_or_else(|| vec![0.0; width], <[f64]>::to_vec))
            }
        })
    }
}
