//! The residual stream's summands, carried into the head space of the head that reads them.

use super::components::{Component, Upstream};
use super::error::CircuitError;
use crate::math::{Mat, layout};

/// Parts of the stream, in head space, while they are gathered.
pub(super) struct Written {
    pub(super) components: Vec<Component>,
    /// Per position, per component, `[d_head]`.
    pub(super) rows: Vec<Vec<Vec<f64>>>,
}

impl Written {
    /// Nothing yet, for a prompt of `n` tokens.
    pub(super) fn new(n: usize) -> Self {
        Self { components: Vec::new(), rows: vec![Vec::new(); n] }
    }

    /// One writer with a part `[n, d_head]` at every position.
    pub(super) fn everywhere(&mut self, component: Component, image: &Mat) {
        self.components.push(component);
        for (rows, part) in self.rows.iter_mut().zip(image.row_iter()) {
            rows.push(part.iter().copied().collect());
        }
    }

    /// The output bias of an attention layer, where it has one.
    pub(super) fn add_bias(
        &mut self,
        layer: usize,
        upstream: &Upstream<'_>,
        w: &Mat,
    ) -> Result<(), CircuitError> {
        if upstream.b_o.is_empty() {
            return Ok(());
        }
        expect(upstream.b_o, "output bias", w.nrows())?;
        let bias = layout::from_row_major(1, w.nrows(), upstream.b_o) * w;
        let mut every = Mat::from_fn(self.rows.len(), w.ncols(), |_, k| bias[(0, k)]);
        every.row_iter_mut().zip(upstream.output_scale).for_each(|(mut row, scale)| row /= *scale);
        self.everywhere(Component::AttentionBias { layer }, &every);
        Ok(())
    }

    /// All heads of an attention layer, each copying from each position.
    pub(super) fn add_heads(
        &mut self,
        layer: usize,
        upstream: &Upstream<'_>,
        w: &Mat,
        n: usize,
    ) -> Result<(), CircuitError> {
        let n_heads = upstream.w_o.len();
        let d_head = upstream.w_o.first().map_or(0, Mat::nrows);
        expect(upstream.pattern, "attention pattern", n_heads * n * n)?;
        let n_kv_heads = upstream.v.len() / (n * d_head).max(1);
        if n_kv_heads == 0 || upstream.v.len() != n_kv_heads * n * d_head {
            let (expected, found) = ((n, d_head), (upstream.v.len(), 1));
            return Err(CircuitError::Shape { what: "values", expected, found });
        }
        let group = (n_heads / n_kv_heads).max(1);
        for (head, w_o) in upstream.w_o.iter().enumerate() {
            if w_o.shape() != (d_head, w.nrows()) {
                let (expected, found) = ((d_head, w.nrows()), w_o.shape());
                return Err(CircuitError::Shape { what: "W_O", expected, found });
            }
            let kv = (head / group).min(n_kv_heads - 1);
            let values = &upstream.v[kv * n * d_head..(kv + 1) * n * d_head];
            let copied = rows(n, d_head, values) * w_o * w;
            self.components.extend((0..n).map(|src| Component::Head { layer, head, src }));
            for (at, rows) in self.rows.iter_mut().enumerate() {
                let scale = upstream.output_scale.get(at).copied().unwrap_or(1.0);
                for src in 0..n {
                    let p = f64::from(upstream.pattern[(head * n + at) * n + src]) / scale;
                    rows.push(copied.row(src).iter().map(|x| p * x).collect());
                }
            }
        }
        Ok(())
    }
}

pub(super) fn rows(n: usize, width: usize, values: &[f32]) -> Mat {
    let values: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    layout::from_row_major(n, width, &values)
}

pub(super) fn expect<T>(
    values: &[T],
    what: &'static str,
    length: usize,
) -> Result<(), CircuitError> {
    let (expected, found) = ((length, 1), (values.len(), 1));
    if expected == found { Ok(()) } else { Err(CircuitError::Shape { what, expected, found }) }
}
