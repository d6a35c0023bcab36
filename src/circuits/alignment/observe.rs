//! What is kept of one side while the dictionary streams by.

use std::ops::Range;

use super::bound::{KEPT, Span};
use super::{AlignOptions, HeadSide, Rotations};
use crate::circuits::dictionary::{Frame, LOST, UnitBlock};
use crate::circuits::whitening::Gram;
use crate::math::Mat;
use crate::math::layout::to_row_major_f32;
use crate::math::products::inner_products;
use crate::math::top_k::TopK;

/// One side, its directions in the frame, and the best so far.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub(super) head: HeadSide,
    /// Unit directions, `[rank, d_model]` row-major.
    pub(super) directions: Vec<f32>,
    /// What each direction's norm was before it was made unit.
    pub(super) norms: Vec<f64>,
    /// `BᵀB` of the directions before they were made unit, `[rank, rank]`.
    pub(super) gram: Mat,
    pub(super) top: TopK,
    pub(super) blocks: Vec<Range<usize>>,
    /// Orthonormal bases of the degenerate blocks as rows, one after the other, row-major.
    pub(super) block_bases: Vec<f32>,
    pub(super) block_sizes: Vec<usize>,
    pub(super) block_top: TopK,
    /// The subspace that the rotations turn in; `None` where no closed form holds: whitened, or without rotations.
    pub(super) span: Option<Span>,
    /// The features with the longest projections on it.
    pub(super) longest: TopK,
    /// Largest |coordinate| along each rotated direction, not yet divided by its norm.
    pub(super) rotated: Vec<f32>,
}

impl Observed {
    pub(super) fn new(
        head: HeadSide,
        frame: &Frame,
        gram: Option<&Gram>,
        options: &AlignOptions,
    ) -> Self {
        let mut mapped = frame.project(&head.basis);
        if let Some(whitening) = gram {
            mapped = whitening.matrix() * mapped;
            // A common factor of all directions changes no cosine and keeps the norms near one.
            let largest = mapped.column_iter().map(|c| c.norm()).fold(0.0, f64::max);
            if largest > 0.0 {
                mapped /= largest;
            }
        }
        let norms: Vec<f64> = mapped.column_iter().map(|column| column.norm()).collect();
        let unit = |k: usize| if norms[k] > LOST { 1.0 / norms[k] } else { 0.0 };
        let directions = Mat::from_fn(norms.len(), frame.d_model, |k, i| mapped[(i, k)] * unit(k));
        let blocks = head.degenerate_blocks();
        let bases: Vec<Mat> = blocks.iter().map(|block| span(&mapped, block)).collect();
        let rank = norms.len();
        let rotated = rank * options.rotations.of(rank);
        let inner = mapped.tr_mul(&mapped);
        Self {
            directions: to_row_major_f32(&directions),
            span: if rotated > 0 && gram.is_none() { Span::new(&inner) } else { None },
            longest: TopK::new(1, KEPT),
            gram: inner,
            norms,
            top: TopK::new(rank, options.top.max(1)),
            block_sizes: bases.iter().map(Mat::ncols).collect(),
            block_bases: stack(&bases),
            block_top: TopK::new(blocks.len(), options.top.max(1)),
            blocks,
            rotated: vec![0.0; rotated],
            head,
        }
    }

    pub(super) fn rank(&self) -> usize {
        self.norms.len()
    }

    pub(super) fn step(&mut self, block: &UnitBlock, rotations: Option<&Rotations>) {
        let mut scores = inner_products(&block.rows, &self.directions, block.d);
        self.top.push(&scores, block.first);
        if !self.blocks.is_empty() {
            let inside = inner_products(&block.rows, &self.block_bases, block.d);
            self.block_top.push(&self.projections(&inside), block.first);
        }
        if let Some(rotations) = rotations {
            let norms: Vec<f32> = self.norms.iter().map(|&norm| norm as f32).collect();
            for feature in scores.chunks_exact_mut(norms.len()) {
                feature.iter_mut().zip(&norms).for_each(|(score, norm)| *score *= norm);
            }
            rotations.raise(&mut self.rotated, &scores);
            if let Some(span) = &self.span {
                let orthonormal = to_row_major_f32(&span.orthonormal);
                let along = inner_products(&scores, &orthonormal, norms.len());
                let length = |along: &[f32]| along.iter().map(|x| x * x).sum::<f32>().sqrt();
                let lengths = along.chunks_exact(span.orthonormal.nrows().max(1)).map(length);
                self.longest.push(&lengths.collect::<Vec<f32>>(), block.first);
            }
        }
    }

    /// Norm of every feature's projection on every block, feature by feature.
    fn projections(&self, inside: &[f32]) -> Vec<f32> {
        let mut norms = Vec::new();
        for feature in inside.chunks_exact(self.block_sizes.iter().sum::<usize>().max(1)) {
            let mut rest = feature;
            for &size in &self.block_sizes {
                let (here, after) = rest.split_at(size);
                norms.push(here.iter().map(|x| x * x).sum::<f32>().sqrt());
                rest = after;
            }
        }
        norms
    }
}

/// An orthonormal basis of the span of some columns; columns that projection has lost are left out.
fn span(vectors: &Mat, block: &Range<usize>) -> Mat {
    let columns = vectors.columns(block.start, block.len()).into_owned();
    let qr = columns.qr();
    let (q, r) = (qr.q(), qr.r());
    let kept: Vec<usize> = (0..r.nrows()).filter(|&k| r[(k, k)].abs() > LOST).collect();
    q.select_columns(&kept)
}

/// The columns of all `bases` as rows, one after the other.
fn stack(bases: &[Mat]) -> Vec<f32> {
    bases.iter().flat_map(|basis| basis.iter().map(|&x| x as f32)).collect()
}
