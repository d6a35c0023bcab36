//! From queries and keys to attention: scale, cap, ALiBi, mask, softmax, in `f32` as the libraries do it.

use super::activation::exp;
use super::architecture::{Alibi, Attention};

impl Attention {
    /// The score before the mask, from `q · k` of a head at source position `src`: scaled, soft-capped, ALiBi added.
    pub fn score(&self, dot: f64, alibi: Option<(&Alibi, usize)>, src: usize) -> f64 {
        let scaled = dot * self.score_scale;
        let capped = self.score_cap.map_or(scaled, |cap| cap * (scaled / cap).tanh());
        capped + alibi.map_or(0.0, |(alibi, head)| alibi.at(head, src))
    }

    /// The sources, of `n`, that a destination sees, before any padding.
    pub fn visible(&self, dest: usize, n: usize) -> std::ops::Range<usize> {
        let end = if self.causal { n.min(dest + 1) } else { n };
        let seen = self.window.map_or(0..n, |window| window.visible(dest, n));
        seen.start.min(end)..seen.end.min(end)
    }
}

impl Alibi {
    /// What is added to a head's score of a source.
    pub fn at(&self, head: usize, src: usize) -> f64 {
        let slope = self.slopes.get(head).copied().unwrap_or(0.0);
        let bf16 = |x: f64| f64::from(half::bf16::from_f64(x));
        // Falcon computes slopes and bias in bf16.
        let bias = if self.rounded { bf16(bf16(slope) * src as f64) } else { slope * src as f64 };
        bias * self.factor
    }
}

/// Scores `[n_dest, n]` (dest, src) of a head in place from `q · k`.
pub fn finish_scores(
    attention: &Attention,
    alibi: Option<(&Alibi, usize)>,
    dots: &mut [f32],
    n: usize,
) {
    if attention.score_cap.is_none() && alibi.is_none() {
        let scale = attention.score_scale as f32;
        dots.iter_mut().for_each(|x| *x *= scale);
        return;
    }
    for row in dots.chunks_exact_mut(n.max(1)) {
        for (src, x) in row.iter_mut().enumerate() {
            *x = attention.score(f64::from(*x), alibi, src) as f32;
        }
    }
}

/// The pattern of scores `[n_dest, n]`: softmax over what each destination sees, zero elsewhere. A `sink` is one more logit,
/// whose share is dropped.
pub fn softmax(attention: &Attention, scores: &[f32], n: usize, sink: Option<f32>) -> Vec<f32> {
    let mut pattern = vec![0.0; scores.len()];
    for (dest, (row, out)) in
        scores.chunks_exact(n.max(1)).zip(pattern.chunks_exact_mut(n.max(1))).enumerate()
    {
        let seen = attention.visible(dest, n);
        let (row, out) = (&row[seen.clone()], &mut out[seen]);
        let largest = row.iter().copied().chain(sink).fold(f32::NEG_INFINITY, f32::max);
        out.iter_mut().zip(row).for_each(|(p, s)| *p = exp(s - largest));
        let total: f32 = out.iter().sum::<f32>() + sink.map_or(0.0, |sink| exp(sink - largest));
        out.iter_mut().for_each(|p| *p /= total);
    }
    pattern
}
