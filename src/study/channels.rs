//! Which earlier heads write what one head reads, vector by vector, an earlier layer at a time.

use super::StudyError;
use super::stamp::Stamp;
use crate::circuits::composition::{Channel, Directions, PairNull, Reading};
use crate::circuits::omega::{Circuit, decompose};
use crate::model::{AttentionLayer, Weights};

/// Random bases that a channel's strongest pair of vectors is set against, and their seed.
const DRAWS: usize = 16;
const SEED: u32 = 0;

/// `stamp` with how channels are measured.
pub fn stamped(stamp: Stamp) -> Stamp {
    stamp
        .how("largest |cosine| between a written and a read vector")
        .how(format!("chance: {DRAWS} random bases of the same two subspaces"))
        .seeded(SEED)
}

/// The three reading sides of one head, and the null for its channels.
pub struct Channels {
    into: (usize, usize),
    weights: Weights,
    reads: [(Reading, Directions); 3],
    null: PairNull,
}

impl Channels {
    /// Channels into head `head` of a layer.
    ///
    /// # Errors
    /// What reading its matrices or decomposing them says.
    pub fn new(
        attention: &AttentionLayer,
        head: usize,
        weights: Weights,
    ) -> Result<Self, StudyError> {
        let reader = attention.head(head, weights)?;
        let [qk, ov] = [decompose(&reader, Circuit::Qk)?, decompose(&reader, Circuit::Ov)?];
        let reads = [
            (Reading::Query, Directions::new(&qk.u, &qk.s, qk.rank)),
            (Reading::Key, Directions::new(&qk.v, &qk.s, qk.rank)),
            (Reading::Value, Directions::new(&ov.u, &ov.s, ov.rank)),
        ];
        let into = (attention.layer(), head);
        Ok(Self { into, weights, reads, null: PairNull::new(DRAWS, SEED) })
    }

    /// What every head of an earlier layer writes into the three sides. A head that cannot be decomposed has no channels.
    ///
    /// # Errors
    /// What [`PairNull::strength`] says.
    pub fn step(&mut self, earlier: &AttentionLayer) -> Result<Vec<Channel>, StudyError> {
        let mut channels = Vec::new();
        for head in 0..earlier.n_heads() {
            let Ok(ov) = earlier.head(head, self.weights) else { continue };
            let Ok(ov) = decompose(&ov, Circuit::Ov) else { continue };
            let written = Directions::new(&ov.v, &ov.s, ov.rank);
            for (reading, read) in &self.reads {
                let strength = self.null.strength(&written, read)?;
                let (from, into, reading) = ((earlier.layer(), head), self.into, *reading);
                channels.push(Channel { from, into, reading, strength });
            }
        }
        Ok(channels)
    }
}
