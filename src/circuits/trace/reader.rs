//! One head of a clean run as a reader: what any vector of the residual stream adds to its queries, keys and scores.

use super::graph::Side;
use super::head::{Head, HeadSide};
use super::run::CleanRun;
use crate::circuits::error::CircuitError;
use crate::circuits::spectrum;
use crate::model::{AttentionLayer, Part};

/// A head that reads, its norm scales held at those of the run.
pub struct ScoreReader<'a> {
    head: Head<'a>,
    /// Norms in front of the attention that take the mean over `d_model` out.
    centres: bool,
}

impl<'a> ScoreReader<'a> {
    /// Reads and decomposes a head.
    ///
    /// # Errors
    /// [`CircuitError::OutOfRange`] for a layer or head that does not exist; heads whose queries are no sum of what was written before
    /// them; what reading or the decomposition says.
    pub fn read(run: CleanRun<'a>, layer: usize, head: usize) -> Result<Self, CircuitError> {
        run.check_model()?;
        let (index, count) = (head, run.n_heads(layer));
        if index >= count {
            return Err(CircuitError::OutOfRange { what: "head", index, count });
        }
        let attention = AttentionLayer::read(run.model, layer, Part::Qk)?;
        let head = Head::read(run, &attention, head, false, None)?;
        Ok(Self { head, centres: run.model.arch.reads_through_layer_norm() })
    }

    fn side(&self, side: Side) -> &HeadSide {
        match side {
            Side::Dest => &self.head.dest,
            Side::Src => &self.head.src,
        }
    }

    /// The layer in front of which a side reads; keys may be those of an earlier one.
    pub fn front(&self, side: Side) -> usize {
        self.side(side).front
    }

    /// Singular values that are not null, descending.
    pub fn sigma(&self) -> &[f64] {
        let kept = spectrum::null_from(&self.head.s, self.head.run.d_model());
        &self.head.s[..kept]
    }

    /// The score of a pair, its scale included: before soft-cap, ALiBi and mask. `None` where the destination does not see the source.
    pub fn score(&self, dest: usize, src: usize) -> Option<f64> {
        let visible = self.head.view.visible(dest, self.head.run.n());
        let at = visible.contains(&src).then(|| src - visible.start)?;
        self.head.scores(dest).get(at).copied()
    }

    /// What a product of coefficients is multiplied by to be a term of a score.
    pub fn scale(&self) -> f64 {
        self.head.scoring.scale()
    }

    /// What a vector of the stream at a position adds to the query's (or key's) coefficient on each singular vector, `[d_head]`.
    pub fn coefficients(&self, side: Side, position: usize, x: &[f64]) -> Vec<f64> {
        let mut image = self.image(side, position, x);
        let scale = self.side(side).scale[position];
        image.iter_mut().for_each(|c| *c /= scale);
        image
    }

    /// The cosine of a vector of the stream with each singular vector that is not null, as this position reads it: rotary heads turn it
    /// first. All 0 for a vector without length.
    pub fn cosines(&self, side: Side, position: usize, x: &[f64]) -> Vec<f64> {
        let mean = if self.centres { x.iter().sum::<f64>() / x.len().max(1) as f64 } else { 0.0 };
        let length = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>().sqrt();
        self.along(
            side,
            self.image(side, position, x),
            if length > 0.0 { length } else { f64::INFINITY },
        )
    }

    /// How far the whole query (or key) of a position reaches along each singular vector that is not null, bias included.
    pub fn whole(&self, side: Side, position: usize) -> Vec<f64> {
        self.along(side, self.side(side).whole(position).to_vec(), 1.0)
    }

    /// The query's (or key's) bias as coefficients, `[d_head]`.
    pub fn offset(&self, side: Side, position: usize) -> &[f64] {
        self.side(side).offset(position)
    }

    /// What the norms divide by at a position.
    pub fn divisor(&self, side: Side, position: usize) -> f64 {
        self.side(side).scale[position]
    }

    /// `[d_head, d_head]`, row-major: how a query or key turns at a position; none where the head does not turn.
    pub fn turning(&self, position: usize) -> Vec<f64> {
        if !self.head.turns() {
            return Vec::new();
        }
        let d_head = self.head.d_head;
        let mut rows = vec![0.0; d_head * d_head];
        for (i, row) in rows.chunks_exact_mut(d_head.max(1)).enumerate() {
            row[i] = 1.0;
            self.head.turn(position, row);
        }
        rows
    }

    /// Coefficients before the norm divides.
    fn image(&self, side: Side, position: usize, x: &[f64]) -> Vec<f64> {
        let side = self.side(side);
        let column = |c: usize| side.reader.column(c).iter().zip(x).map(|(w, x)| w * x).sum();
        let mut image: Vec<f64> = (0..self.head.d_head).map(column).collect();
        self.head.turn(position, &mut image);
        self.head.decompose(side, &mut image);
        image
    }

    /// Coefficients as lengths along unit vectors, divided by `length`: those of queries have σ in them.
    fn along(&self, side: Side, mut coefficients: Vec<f64>, length: f64) -> Vec<f64> {
        let sigma = self.sigma();
        coefficients.truncate(sigma.len());
        for (c, s) in coefficients.iter_mut().zip(sigma) {
            *c /= if side == Side::Dest { s * length } else { length };
        }
        coefficients
    }
}
