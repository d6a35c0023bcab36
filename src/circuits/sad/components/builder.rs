//! The residual stream's summands, carried layer by layer into the head space of the head that reads them.
//!
//! There a part costs d_head numbers, not d_model, and a layer's W_O can be forgotten as soon as it was seen.

use super::{Component, Split};
use crate::circuits::error::CircuitError;
use crate::math::{Mat, layout};
use crate::model::forward::EmbeddingPart;

/// What one earlier layer added to the residual stream of a prompt of `n` tokens.
#[derive(Debug, Clone, Copy)]
pub struct Upstream<'a> {
    /// `[n_heads, n, n]`, row-major: attention probabilities.
    pub pattern: &'a [f32],
    /// `[n_kv_heads, n, d_head]`, row-major: values, bias included.
    pub v: &'a [f32],
    /// Per query head, `[d_head, d_model]`: W_O of the file, not folded.
    pub w_o: &'a [Mat],
    /// `[d_model]`: output bias; empty for none.
    pub b_o: &'a [f64],
    /// `[n]`: what a norm on the attention's output divides by, the gains being in `w_o` and `b_o`; empty for no such norm.
    pub output_scale: &'a [f32],
    /// `[n, d_model]`, row-major: what the MLP added.
    pub mlp_out: &'a [f32],
}

/// One side of a reading head: from residual streams to queries or to keys.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// `[d_model, d_head]`: folded W_Q or W_K (for LayerNorm models centred, so that the stream's mean drops out).
    pub w: &'a Mat,
    /// `[d_head]`: folded bias.
    pub bias: &'a [f64],
    /// `[d_head, d_head]`: G_dest or G_src of the head.
    pub g: &'a Mat,
    /// `[n]`: what the norm in front of the attention divides by.
    pub norm_scale: &'a [f32],
    /// `[n]`: what the norm on queries or keys divides by, 1 without one; its gains are in `w` and `bias`.
    pub head_scale: &'a [f32],
    /// `[n, d_head]`, row-major: the queries or keys of the forward pass, which the parts should add up to.
    pub whole: &'a [f32],
    /// Rotates a head vector as at a position; does nothing without rotary embedding.
    pub rotate: &'a dyn Fn(usize, &mut [f64]),
}

/// Gathers a [`Split`], one earlier layer at a time.
pub struct SplitBuilder<'a> {
    reader: Reader<'a>,
    n: usize,
    n_layers: usize,
    components: Vec<Component>,
    /// Per position, per component, `[d_head]`: norm scale, bias and rotation still to come.
    rows: Vec<Vec<Vec<f64>>>,
}

impl<'a> SplitBuilder<'a> {
    /// Starts with the stream that enters layer 0 as the sum of its parts, `[n, d_model]` each.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when an operand does not fit.
    pub fn new<'b>(
        reader: Reader<'a>,
        embedded: impl IntoIterator<Item = (EmbeddingPart, &'b [f32])>,
    ) -> Result<Self, CircuitError> {
        let (n, (_, d_head)) = (reader.norm_scale.len(), reader.w.shape());
        expect(reader.whole, "queries or keys", n * d_head)?;
        expect(reader.head_scale, "scales of queries or keys", n)?;
        expect(reader.bias, "bias of queries or keys", d_head)?;
        if reader.g.shape() != (d_head, d_head) {
            let (expected, found) = ((d_head, d_head), reader.g.shape());
            return Err(CircuitError::Shape { what: "G", expected, found });
        }
        let rows = vec![Vec::new(); n];
        let mut builder = Self { reader, n, n_layers: 0, components: Vec::new(), rows };
        for (part, values) in embedded {
            let image = builder.image("embedding", values)?;
            builder.everywhere(Component::Embedding { part }, &image);
        }
        Ok(builder)
    }

    /// Adds the next layer; call it for each layer before the head's, in order.
    ///
    /// # Errors
    /// [`CircuitError::Shape`] when an operand does not fit.
    pub fn add(&mut self, upstream: &Upstream<'_>) -> Result<(), CircuitError> {
        let layer = self.n_layers;
        self.add_heads(layer, upstream)?;
        if !upstream.b_o.is_empty() {
            let d_model = self.reader.w.nrows();
            expect(upstream.b_o, "output bias", d_model)?;
            let image = layout::from_row_major(1, d_model, upstream.b_o) * self.reader.w;
            let every = Mat::from_fn(self.n, image.ncols(), |at, k| {
                image[(0, k)] / scale_at(upstream.output_scale, at)
            });
            self.everywhere(Component::AttentionBias { layer }, &every);
        }
        let image = self.image("MLP output", upstream.mlp_out)?;
        self.everywhere(Component::Mlp { layer }, &image);
        self.n_layers += 1;
        Ok(())
    }

    /// The split over everything added.
    pub fn finish(mut self) -> Split {
        self.components.push(Component::Offset);
        let reader = &self.reader;
        let finished =
            self.rows.into_iter().enumerate().map(|(at, parts)| reader.finish(at, parts));
        let (parts, remainders) = finished.unzip();
        Split { components: self.components, parts, remainders }
    }

    /// A writer's part at every position, `[n, d_model]`, in head space.
    fn image(&self, what: &'static str, values: &[f32]) -> Result<Mat, CircuitError> {
        let d_model = self.reader.w.nrows();
        expect(values, what, self.n * d_model)?;
        Ok(rows(self.n, d_model, values) * self.reader.w)
    }

    fn everywhere(&mut self, component: Component, image: &Mat) {
        self.components.push(component);
        for (rows, part) in self.rows.iter_mut().zip(image.row_iter()) {
            rows.push(part.iter().copied().collect());
        }
    }

    /// All heads of an attention layer, each copying from each position.
    fn add_heads(&mut self, layer: usize, upstream: &Upstream<'_>) -> Result<(), CircuitError> {
        let (n, d_model) = (self.n, self.reader.w.nrows());
        let n_heads = upstream.w_o.len();
        let d_head = upstream.w_o.first().map_or(0, Mat::nrows);
        expect(upstream.pattern, "attention pattern", n_heads * n * n)?;
        let n_kv_heads = upstream.v.len() / (n * d_head).max(1);
        expect(upstream.v, "values", n_kv_heads.max(1) * n * d_head)?;
        let group = n_heads.checked_div(n_kv_heads).unwrap_or(1).max(1);
        for (head, w_o) in upstream.w_o.iter().enumerate() {
            if w_o.shape() != (d_head, d_model) {
                let (expected, found) = ((d_head, d_model), w_o.shape());
                return Err(CircuitError::Shape { what: "W_O", expected, found });
            }
            let kv = (head / group).min(n_kv_heads.saturating_sub(1));
            let values = &upstream.v[kv * n * d_head..(kv + 1) * n * d_head];
            let copied = rows(n, d_head, values) * w_o * self.reader.w;
            self.components.extend((0..n).map(|src| Component::Head { layer, head, src }));
            for (at, rows) in self.rows.iter_mut().enumerate() {
                let scale = scale_at(upstream.output_scale, at);
                for src in 0..n {
                    let p = f64::from(upstream.pattern[(head * n + at) * n + src]) / scale;
                    rows.push(copied.row(src).iter().map(|x| p * x).collect());
                }
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    /// From parts of the stream in head space to coefficients `[n_components, d_head]` and their remainder `[1, d_head]`.
    fn finish(&self, at: usize, mut parts: Vec<Vec<f64>>) -> (Mat, Mat) {
        let d_head = self.bias.len();
        let (norm, head) = (scale_at(self.norm_scale, at), scale_at(self.head_scale, at));
        parts.iter_mut().flatten().for_each(|x| *x /= norm * head);
        parts.push(self.bias.iter().map(|x| x / head).collect());
        parts.iter_mut().for_each(|part| (self.rotate)(at, part));
        let parts = Mat::from_fn(parts.len(), d_head, |c, k| parts[c][k]);
        let whole = Mat::from_fn(1, d_head, |_, k| f64::from(self.whole[at * d_head + k]));
        let remainder = whole - Mat::from_fn(1, d_head, |_, k| parts.column(k).sum());
        (parts * self.g, remainder * self.g)
    }
}

fn scale_at(scales: &[f32], at: usize) -> f64 {
    scales.get(at).copied().map_or(1.0, f64::from)
}

fn rows(n: usize, width: usize, values: &[f32]) -> Mat {
    let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    layout::from_row_major(n, width, &values)
}

fn expect<T>(values: &[T], what: &'static str, length: usize) -> Result<(), CircuitError> {
    let (expected, found) = ((length, 1), (values.len(), 1));
    if expected == found { Ok(()) } else { Err(CircuitError::Shape { what, expected, found }) }
}
