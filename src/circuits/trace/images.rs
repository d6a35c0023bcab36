//! Everything that was written before a layer, seen through a few reading directions.
//!
//! A component of the residual stream is `d_model` wide and there are `layers · heads · tokens` of them; a head reads `d_head` numbers of
//! each. So the writers are carried into the readers' space one earlier layer at a time and forgotten: memory is one layer's
//! W_O and `d_head` numbers per component. What a head copies from a token is the same wherever it is written, but for a factor
//! (attention over the norm's scale), so it is kept once per token that is read.
//!
//! Norms are linear here, their scales held at the values of the run. That holds for a norm of the whole stream too (BERT, OPT-350m): its
//! gains and centring are multiplied into the readers of everything before it.

use crate::circuits::error::CircuitError;
use crate::math::{Mat, layout, products::transposed_times};
use crate::model::architecture::Norm;
use crate::model::processing::fold_reading;
use crate::model::{AttentionLayer, LayerTrace, Model, Part, Weights};

use super::jitter::Jitter;
use super::run::CleanRun;

/// What one earlier layer wrote, in readers' space.
pub(super) struct LayerImages {
    /// `[n_heads, n, width]`: what each head copies from each token, before attention and [`LayerImages::factor`].
    heads: Vec<f64>,
    pub(super) n_heads: usize,
    /// `[n]`: by how much what the heads write at a position is scaled on its way.
    factor: Vec<f64>,
    /// `[n, width]`.
    mlp: Vec<f64>,
    /// `[n, width]`.
    bias: Vec<f64>,
}

/// All writers before a layer, in readers' space; still without the reader's own norm.
pub(super) struct Images {
    width: usize,
    n: usize,
    pub(super) layers: Vec<LayerImages>,
    /// `[n, width]`.
    embed: Vec<f64>,
}

impl Images {
    /// Reads everything written before `layer` (the number of layers: all) through the columns of `readers`, `[d_model, width]`.
    ///
    /// # Errors
    /// What reading says.
    pub(super) fn of(
        run: CleanRun<'_>,
        layer: usize,
        readers: &Mat,
        mut jitter: Option<&mut Jitter>,
    ) -> Result<Self, CircuitError> {
        let (n, width) = (run.n(), readers.ncols());
        let (mut readers, mut factor) = (readers.clone(), vec![1.0; n]);
        let mut layers = Vec::with_capacity(layer);
        for index in (0..layer).rev() {
            let trace = run.trace(index)?;
            let description = run.model.layer(index)?;
            let mut bias = vec![0.0; n * width];
            through_norm(
                run.model,
                description.after_mlp.as_ref(),
                &trace.after_mlp_scale,
                &mut readers,
                &mut factor,
                &mut bias,
            )?;
            let mlp = rows_of(&trace.mlp_out, &readers, &factor, jitter.as_deref_mut());
            through_norm(
                run.model,
                description.after_attention.as_ref(),
                &trace.after_attn_scale,
                &mut readers,
                &mut factor,
                &mut bias,
            )?;
            let (mut written, mut scaled) = (readers.clone(), factor.clone());
            through_norm(
                run.model,
                description.on_attention.as_ref(),
                &trace.attn_out_scale,
                &mut written,
                &mut scaled,
                &mut bias,
            )?;
            let heads = heads_of(run, index, &written, &scaled, &mut bias, jitter.as_deref_mut())?;
            layers.push(LayerImages {
                n_heads: run.n_heads(index),
                heads,
                factor: scaled,
                mlp,
                bias,
            });
        }
        layers.reverse();
        let first: &LayerTrace = run.trace(0)?;
        let embed = rows_of(&first.resid_pre, &readers, &factor, jitter);
        Ok(Self { width, n, layers, embed })
    }

    /// What a head copies from `src`, `[width]`, before attention and factor.
    pub(super) fn head(&self, layer: usize, head: usize, src: usize) -> &[f64] {
        let start = (head * self.n + src) * self.width;
        &self.layers[layer].heads[start..start + self.width]
    }

    /// By how much what the heads of a layer write at a position is scaled.
    pub(super) fn factor(&self, layer: usize, position: usize) -> f64 {
        self.layers[layer].factor[position]
    }

    pub(super) fn mlp(&self, layer: usize, position: usize) -> &[f64] {
        &self.layers[layer].mlp[position * self.width..(position + 1) * self.width]
    }

    pub(super) fn bias(&self, layer: usize, position: usize) -> &[f64] {
        &self.layers[layer].bias[position * self.width..(position + 1) * self.width]
    }

    pub(super) fn embed(&self, position: usize) -> &[f64] {
        &self.embed[position * self.width..(position + 1) * self.width]
    }
}

/// Moves readers and factor from behind a norm to before it, and adds what its bias writes.
fn through_norm(
    model: &Model,
    norm: Option<&Norm>,
    scale: &[f32],
    readers: &mut Mat,
    factor: &mut [f64],
    bias: &mut [f64],
) -> Result<(), CircuitError> {
    let Some(norm) = norm else { return Ok(()) };
    let (gains, norm_bias) = model.read_norm(norm, readers.nrows())?;
    let mut written = vec![0.0; readers.ncols()];
    fold_reading(readers, &mut written, norm.kind, &gains, norm_bias.as_deref());
    add_everywhere(bias, &written, factor);
    factor.iter_mut().zip(scale).for_each(|(f, s)| *f /= f64::from(*s));
    Ok(())
}

fn add_everywhere(rows: &mut [f64], row: &[f64], factor: &[f64]) {
    for (to, f) in rows.chunks_exact_mut(row.len().max(1)).zip(factor) {
        to.iter_mut().zip(row).for_each(|(to, x)| *to += f * x);
    }
}

/// `[n, width]`: vectors `[n, d_model]` through the readers, scaled.
fn rows_of(values: &[f32], readers: &Mat, factor: &[f64], jitter: Option<&mut Jitter>) -> Vec<f64> {
    let d_model = readers.nrows();
    let mut columns: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    if let Some(jitter) = jitter {
        jitter.shake(&mut columns);
    }
    let columns = Mat::from_vec(d_model, columns.len() / d_model.max(1), columns);
    let mut rows = layout::to_row_major(&transposed_times(&columns, readers));
    for (row, f) in rows.chunks_exact_mut(readers.ncols().max(1)).zip(factor) {
        row.iter_mut().for_each(|x| *x *= f);
    }
    rows
}

/// `[n_heads, n, width]`: what each head copies; what it adds wherever it looks goes to `bias`.
fn heads_of(
    run: CleanRun<'_>,
    layer: usize,
    readers: &Mat,
    factor: &[f64],
    bias: &mut [f64],
    mut jitter: Option<&mut Jitter>,
) -> Result<Vec<f64>, CircuitError> {
    if run.n_heads(layer) == 0 {
        return Ok(Vec::new());
    }
    let (n, attention) = (run.n(), AttentionLayer::read(run.model, layer, Part::Ov)?);
    let mut constant = attention.b_o(Weights::Raw)?;
    let mut images = Vec::with_capacity(run.n_heads(layer) * n * readers.ncols());
    for head in 0..run.n_heads(layer) {
        let mut w_o = attention.head(head, Weights::Raw)?.w_o;
        if let Some(jitter) = jitter.as_deref_mut() {
            jitter.shake(w_o.as_mut_slice());
        }
        let values = own_values(run, &attention, layer, head, &mut constant)?;
        // Whichever product in the middle is smaller.
        let image = if n <= w_o.nrows() {
            transposed_times(&transposed_times(&w_o, &values), readers)
        } else {
            transposed_times(&values, &transposed_times(&w_o.transpose(), readers))
        };
        images.extend(layout::to_row_major(&image));
    }
    let written = Mat::from_vec(constant.len(), 1, constant);
    add_everywhere(bias, transposed_times(&written, readers).as_slice(), factor);
    Ok(images)
}

/// A head's values without what they hold wherever they are read, `[d_value, n]`; that goes through W_O into `constant`.
pub(super) fn own_values(
    run: CleanRun<'_>,
    attention: &AttentionLayer,
    layer: usize,
    head: usize,
    constant: &mut [f64],
) -> Result<Mat, CircuitError> {
    run.check_writers(layer)?;
    let mut everywhere = attention.value_bias(head)?;
    if !run.sums_to_one(layer) {
        everywhere.fill(0.0);
    }
    let values = run.values(layer, head)?.iter().map(|&x| f64::from(x)).collect();
    let mut values = Mat::from_vec(everywhere.len(), run.n(), values);
    for mut column in values.column_iter_mut() {
        column.iter_mut().zip(&everywhere).for_each(|(v, b)| *v -= b);
    }
    if everywhere.iter().any(|b| *b != 0.0) {
        let w_o = attention.head(head, Weights::Raw)?.w_o;
        for (column, out) in w_o.column_iter().zip(constant.iter_mut()) {
            *out += column.iter().zip(&everywhere).map(|(w, b)| w * b).sum::<f64>();
        }
    }
    Ok(values)
}
