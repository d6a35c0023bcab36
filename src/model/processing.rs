//! Weight processing: the norm in front of the attention folded into the matrices that read, as TransformerLens does it.
//!
//! `x` normed, times gains, plus bias, times `W`, is the bare normed `x` times another `W`, plus another `b`. After it a head's
//! matrices act on the bare normed residual stream, so that gains do not hide in the norm. With LayerNorm the bare normed
//! vector has mean zero, so the mean of every column of `W` over `d_model` is invisible, and is taken out: every singular vector
//! with σ > 0 is then orthogonal to the all-ones vector.
//!
//! # Source
//! `TransformerLensOrg/TransformerLens:transformer_lens/weight_processing.py` (`fold_layer_norm`, `center_writing_weights`,
//! `fold_value_biases`).

use super::architecture::NormKind;
use crate::math::Mat;
use crate::math::layout::{center_columns, scale_rows, transposed_times_vector};

/// Folds a norm's gains and bias into a reading matrix `w: [d_model, d_head]` and its bias `b: [d_head]`.
///
/// The order matters: `b += bias · w` with the gains not yet in `w`, then gains, then, for LayerNorm only, the columns' means out.
pub fn fold_reading(
    w: &mut Mat,
    b: &mut [f64],
    kind: NormKind,
    gains: &[f64],
    bias: Option<&[f64]>,
) {
    if let Some(bias) = bias {
        let read = transposed_times_vector(w, bias);
        b.iter_mut().zip(read).for_each(|(b, read)| *b += read);
    }
    scale_rows(w, gains);
    if kind.centres() {
        center_columns(w);
    }
}

/// Folds the gains of the norm on queries or keys into `w: [d_model, d_head]` and its bias.
///
/// With LayerNorm the mean over the head's dimensions goes out first. What stays outside is the division by the root mean square,
/// one number per token, and LayerNorm's bias where it has one.
pub fn fold_qk_norm(w: &mut Mat, b: &mut [f64], kind: NormKind, gains: &[f64]) {
    if kind.centres() && !b.is_empty() {
        for mut row in w.row_iter_mut() {
            let mean = row.mean();
            row.add_scalar_mut(-mean);
        }
        let mean = b.iter().sum::<f64>() / b.len() as f64;
        b.iter_mut().for_each(|b| *b -= mean);
    }
    for (mut column, g) in w.column_iter_mut().zip(gains) {
        column *= *g;
    }
    b.iter_mut().zip(gains).for_each(|(b, g)| *b *= g);
}

/// Multiplies each column of a writing matrix `[_, d_model]` by the gain of its dimension.
pub fn scale_writing(w: &mut Mat, gains: &[f64]) {
    w.column_iter_mut().zip(gains).for_each(|(mut column, gain)| column *= *gain);
}

/// Takes out the mean over `d_model` of each row of a writing matrix `[_, d_model]`: nothing behind a LayerNorm can see it.
pub fn center_writing(w: &mut Mat) {
    // The mean of all columns holds the mean of every row, and reads the matrix as it is stored.
    let means = w.column_mean();
    for mut column in w.column_iter_mut() {
        column -= &means;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::layout::from_row_major;

    fn matrix() -> Mat {
        from_row_major(3, 2, &[1.0, -2.0, 0.5, 4.0, 2.0, 3.0])
    }

    fn read(x: &[f64], w: &Mat, b: &[f64]) -> Vec<f64> {
        (0..w.ncols())
            .map(|c| b[c] + x.iter().zip(w.column(c).iter()).map(|(x, w)| x * w).sum::<f64>())
            .collect()
    }

    #[test]
    fn folded_weights_read_the_bare_norm_as_raw_ones_read_the_full_norm() {
        let (gains, bias) = ([2.0, -1.0, 0.5], [0.1, 0.2, -0.3]);
        let bare = [1.0, -0.25, -0.75]; // mean zero, as LayerNorm leaves it
        let full: Vec<f64> = (0..3).map(|i| bare[i] * gains[i] + bias[i]).collect();
        for kind in [NormKind::Layer, NormKind::Rms] {
            let (mut w, mut b) = (matrix(), [0.7, -0.6]);
            let expected = read(&full, &w, &b);
            fold_reading(&mut w, &mut b, kind, &gains, Some(&bias));
            let found = read(&bare, &w, &b);
            assert!(expected.iter().zip(&found).all(|(a, b)| (a - b).abs() < 1e-12), "{kind:?}");
            if kind.centres() {
                assert!(w.row_sum().iter().all(|s| s.abs() < 1e-12));
            }
        }
    }

    #[test]
    fn layer_norm_on_queries_centres_over_the_head() {
        let (mut w, mut b) = (matrix(), [1.0, 3.0]);
        fold_qk_norm(&mut w, &mut b, NormKind::Layer, &[1.0, 2.0]);
        assert_eq!(b, [-1.0, 2.0]);
        assert_eq!(w[(0, 0)], 1.5);
        assert_eq!(w[(0, 1)], -3.0);
    }
}
