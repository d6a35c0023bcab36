//! One head, ready to have its firings taken apart: its basis, its readers, and what the run left of it.

use std::ops::Range;

use super::jitter::Jitter;
use super::run::{CleanRun, Scoring};
use crate::circuits::error::CircuitError;
use crate::circuits::sad::terms::{TermBasis, View};
use crate::circuits::spectrum;
use crate::math::reflections::Reflections;
use crate::math::{Mat, layout, product_svd};
use crate::model::architecture::{Norm, QkNorm, Rope};
use crate::model::{AttentionLayer, ModelError, Weights};

/// A rotation, and its angles at every position.
type Turning<'a> = (&'a Rope, Vec<Vec<(f64, f64)>>);

/// A head of the clean run.
#[derive(Clone)]
pub(super) struct Head<'a> {
    pub(super) run: CleanRun<'a>,
    pub(super) head: usize,
    pub(super) scoring: Scoring<'a>,
    pub(super) view: View,
    pub(super) d_head: usize,
    /// Runs of singular vectors that are removed together: degenerate blocks under one rule, single vectors under the other.
    pub(super) blocks: Vec<Range<usize>>,
    /// Singular values, `[d_head]`.
    pub(super) s: Vec<f64>,
    rope: Option<Turning<'a>>,
    pub(super) dest: HeadSide,
    pub(super) src: HeadSide,
    /// `[n, n]`: bilinear scores, before cap and what is added.
    scores: Vec<f64>,
}

/// One side of a head.
#[derive(Clone)]
pub(super) struct HeadSide {
    /// The layer in front of which it reads.
    pub(super) front: usize,
    /// `[d_model, d_head]`: the folded matrix; times G where nothing turns between the two.
    pub(super) reader: Mat,
    /// `[d_head, d_head]`: to coefficients on singular vectors.
    pub(super) g: Mat,
    /// `[n]`: what the norms in front of the attention and on queries or keys divide by.
    pub(super) scale: Vec<f64>,
    /// `[n, d_head]`: coefficients of the whole query or key.
    whole: Vec<f64>,
    /// `[n, d_head]`: coefficients of the bias.
    offset: Vec<f64>,
    d_head: usize,
    /// Coefficients are those on `U√S Q` (`V√S Q`) instead: what each is multiplied by first, and Q.
    turned: Option<(Vec<f64>, Reflections)>,
}

/// From a coefficient with σ, on u, to one on `u √σ`; null directions have none.
pub(super) fn shrink(sigma: f64) -> f64 {
    if sigma > 0.0 { 1.0 / sigma.sqrt() } else { 0.0 }
}

/// From a coefficient on v to one on `v √σ`.
pub(super) fn stretch(sigma: f64) -> f64 {
    sigma.max(0.0).sqrt()
}

impl HeadSide {
    pub(super) fn whole(&self, position: usize) -> &[f64] {
        &self.whole[position * self.d_head..(position + 1) * self.d_head]
    }

    pub(super) fn offset(&self, position: usize) -> &[f64] {
        &self.offset[position * self.d_head..(position + 1) * self.d_head]
    }

    /// From coefficients on singular vectors to those on the turned basis, where there is one.
    fn turn(&self, x: &mut [f64]) {
        if let Some((scale, rotation)) = &self.turned {
            x.iter_mut().zip(scale).for_each(|(x, scale)| *x *= scale);
            rotation.turn(x);
        }
    }

    fn turned(&self, scale: Vec<f64>, rotation: &Reflections) -> Self {
        let mut side = Self { turned: Some((scale, rotation.clone())), ..self.clone() };
        let turn = |mut rows: Vec<f64>| {
            rows.chunks_exact_mut(self.d_head.max(1)).for_each(|row| side.turn(row));
            rows
        };
        let (whole, offset) = (turn(self.whole.clone()), turn(self.offset.clone()));
        (side.whole, side.offset) = (whole, offset);
        side
    }
}

impl<'a> Head<'a> {
    /// Reads and decomposes a head.
    ///
    /// # Errors
    /// What reading or the decomposition says; [`ModelError::CannotRun`] for heads whose queries are no sum.
    pub(super) fn read(
        run: CleanRun<'a>,
        attention: &AttentionLayer,
        head: usize,
        grouped: bool,
        jitter: Option<&mut Jitter>,
    ) -> Result<Self, CircuitError> {
        let layer = attention.layer();
        run.check_readers(layer)?;
        let mut weights = attention.head(head, Weights::Folded)?;
        if let Some(jitter) = jitter {
            jitter.shake(weights.w_q.as_mut_slice());
            jitter.shake(weights.w_k.as_mut_slice());
        }
        let basis = TermBasis::of(&product_svd(&weights.w_q, &weights.w_k)?);
        let described = run.attention(layer)?;
        let (n, d_head) = (run.n(), basis.d_head());
        let rope = described.rope.as_ref();
        let rope = rope.map(|rope| (rope, (0..n).map(|t| rope.angles(t as f64, n)).collect()));
        let (q, k, _) = run.head(layer, head)?;
        let kv = described.sizes.kv_head(head);
        let front = described.keys_of.unwrap_or(layer);
        let [b_q, b_k] = norm_biases(run, described.qk_norm.as_ref(), head, kv, d_head)?;
        let dest = HeadSide {
            whole: coefficients(q, &basis.g_dest),
            offset: offsets(
                run,
                (layer, head, true),
                &weights.b_q,
                &b_q,
                rope.as_ref(),
                &basis.g_dest,
            )?,
            scale: scales(run, layer, head, true)?,
            reader: if rope.is_some() { weights.w_q } else { &weights.w_q * &basis.g_dest },
            g: basis.g_dest,
            front: layer,
            d_head,
            turned: None,
        };
        let src = HeadSide {
            whole: coefficients(k, &basis.g_src),
            offset: offsets(
                run,
                (front, kv, false),
                &weights.b_k,
                &b_k,
                rope.as_ref(),
                &basis.g_src,
            )?,
            scale: scales(run, front, kv, false)?,
            reader: if rope.is_some() { weights.w_k } else { &weights.w_k * &basis.g_src },
            g: basis.g_src,
            front,
            d_head,
            turned: None,
        };
        let scale = described.score_scale;
        let dot = |i: usize, t: usize| {
            let (q, k) = (&q[i * d_head..(i + 1) * d_head], &k[t * d_head..(t + 1) * d_head]);
            q.iter().zip(k).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() * scale
        };
        let scores = (0..n * n).map(|at| dot(at / n, at % n)).collect();
        let single = || (0..d_head).map(|k| k..k + 1).collect();
        Ok(Self {
            run,
            head,
            scoring: run.scoring(layer, head)?,
            view: run.view(layer)?,
            d_head,
            blocks: if grouped { spectrum::blocks(&basis.s) } else { single() },
            s: basis.s,
            rope,
            dest,
            src,
            scores,
        })
    }

    /// The same head in the basis `U√S Q`, `V√S Q`: every score stays, and only the cells are others.
    pub(super) fn turned(&self, rotation: &Reflections) -> Self {
        let by = |of: fn(f64) -> f64| self.s.iter().map(|s| of(*s)).collect();
        Self {
            dest: self.dest.turned(by(shrink), rotation),
            src: self.src.turned(by(stretch), rotation),
            ..self.clone()
        }
    }

    /// Bilinear scores of a destination over what it sees.
    pub(super) fn scores(&self, dest: usize) -> &[f64] {
        let n = self.run.n();
        let visible = self.view.visible(dest, n);
        &self.scores[dest * n + visible.start..dest * n + visible.end]
    }

    /// Whether queries and keys turn with their position.
    pub(super) fn turns(&self) -> bool {
        self.rope.is_some()
    }

    /// Turns an image as at a position, where heads turn.
    pub(super) fn turn(&self, position: usize, image: &mut [f64]) {
        turn(self.rope.as_ref(), position, image);
    }

    /// From a turned image to coefficients, where that is not in the reader already.
    pub(super) fn decompose(&self, side: &HeadSide, image: &mut [f64]) {
        if self.rope.is_some() {
            times(image, &side.g);
        }
        side.turn(image);
    }

    /// The coefficients of `Σ_t w_t` times one image, turned as at each position `t`.
    pub(super) fn summed(&self, side: &HeadSide, weights: &[(usize, f64)], image: &mut [f64]) {
        let total: f64 = weights.iter().map(|(_, w)| w).sum();
        let Some((rope, angles)) = &self.rope else {
            image.iter_mut().for_each(|x| *x *= total);
            side.turn(image);
            return;
        };
        let mut sums = vec![(0.0, 0.0); angles.first().map_or(0, Vec::len)];
        for &(t, w) in weights {
            for (sum, (cos, sin)) in sums.iter_mut().zip(&angles[t]) {
                sum.0 += w * cos;
                sum.1 += w * sin;
            }
        }
        let turned: Vec<usize> =
            (0..sums.len()).flat_map(|i| <[usize; 2]>::from(rope.pair(i))).collect();
        for (d, x) in image.iter_mut().enumerate() {
            if !turned.contains(&d) {
                *x *= total;
            }
        }
        rope.rotate(image, &sums);
        times(image, &side.g);
        side.turn(image);
    }
}

/// `x ← x G`.
fn times(x: &mut [f64], g: &Mat) {
    let product: Vec<f64> = g
        .column_iter()
        .map(|column| x.iter().zip(column.iter()).map(|(x, g)| x * g).sum())
        .collect();
    x.copy_from_slice(&product);
}

fn turn(rope: Option<&Turning<'_>>, position: usize, row: &mut [f64]) {
    if let Some((rope, angles)) = rope
        && let Some(angles) = angles.get(position)
    {
        rope.rotate(row, angles);
    }
}

/// `[n, d_head]`: the coefficients of whole queries or keys, `[n, d_head]`.
fn coefficients(whole: &[f32], g: &Mat) -> Vec<f64> {
    let whole: Vec<f64> = whole.iter().map(|&x| f64::from(x)).collect();
    let n = whole.len() / g.nrows().max(1);
    layout::to_row_major(&(layout::from_row_major(n, g.nrows(), &whole) * g))
}

/// `[n]`: what the norm on queries (or keys) of a head divides by.
fn own_scales(
    run: CleanRun<'_>,
    layer: usize,
    head: usize,
    queries: bool,
) -> Result<Vec<f64>, CircuitError> {
    let (trace, n) = (run.trace(layer)?, run.n());
    let own = if queries { &trace.q_scale } else { &trace.k_scale };
    let own = own.get(head * n..(head + 1) * n).unwrap_or_default();
    Ok(own.iter().map(|s| f64::from(*s)).collect())
}

/// `[n]`: what a head's query (or key) is divided by on its way from the stream.
fn scales(
    run: CleanRun<'_>,
    layer: usize,
    head: usize,
    queries: bool,
) -> Result<Vec<f64>, CircuitError> {
    let own = own_scales(run, layer, head, queries)?;
    let input = &run.trace(layer)?.input_scale;
    Ok(own.iter().zip(input).map(|(own, input)| own * f64::from(*input)).collect())
}

/// `[n, d_head]`: the coefficients of a head's bias `b`, and of its norm's bias behind that.
fn offsets(
    run: CleanRun<'_>,
    (layer, head, queries): (usize, usize, bool),
    b: &[f64],
    behind: &[f64],
    rope: Option<&Turning<'_>>,
    g: &Mat,
) -> Result<Vec<f64>, CircuitError> {
    let mut offsets = Vec::new();
    for (t, scale) in own_scales(run, layer, head, queries)?.iter().enumerate() {
        let mut row: Vec<f64> = b.iter().zip(behind).map(|(b, c)| b / scale + c).collect();
        turn(rope, t, &mut row);
        times(&mut row, g);
        offsets.extend(row);
    }
    Ok(offsets)
}

/// The biases of the norms on queries and keys, `[d_head]` each.
fn norm_biases(
    run: CleanRun<'_>,
    norm: Option<&QkNorm>,
    head: usize,
    kv: usize,
    d_head: usize,
) -> Result<[Vec<f64>; 2], ModelError> {
    let none = || vec![0.0; d_head];
    let (q, k) = match norm {
        Some(QkNorm::Shared { q, k }) => (Some(q), Some(k)),
        Some(QkNorm::Each { q, k }) => (q.get(head), k.get(kv)),
        Some(QkNorm::Together { .. } | QkNorm::Rows { .. }) | None => (None, None),
    };
    let bias = |norm: Option<&Norm>| -> Result<Vec<f64>, ModelError> {
        match norm {
            Some(norm) => Ok(run.model.read_norm(norm, d_head)?.1.unwrap_or_else(none)),
            None => Ok(none()),
        }
    };
    Ok([bias(q)?, bias(k)?])
}
