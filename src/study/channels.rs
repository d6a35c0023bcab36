//! Which earlier heads write what one head reads, vector by vector, an earlier layer at a time.

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::stamp::Stamp;
use crate::circuits::composition::{Channel, Directions, PairNull, Reach, Reading};
use crate::circuits::omega::{Circuit, decompose};
use crate::model::{AttentionLayer, Weights};

/// Seed of the random bases that channels are set against.
const SEED: u32 = 0;

/// `stamp` with how channels are measured.
pub fn stamped(stamp: Stamp) -> Stamp {
    stamp
        .how("|cosine| between a written and a read singular vector")
        .how(PairNull::words())
        .seeded(SEED)
}

/// The channels of one earlier layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Found {
    /// Those of every head of the layer that can be decomposed.
    pub channels: Vec<Channel>,
    /// What the strongest of all channels into this head, up to this layer, reaches in each of a few random bases.
    pub by_chance: Vec<Reach>,
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
            (Reading::Query, Directions::new(&qk.u, &qk.s)),
            (Reading::Key, Directions::new(&qk.v, &qk.s)),
            (Reading::Value, Directions::new(&ov.u, &ov.s)),
        ];
        let into = (attention.layer(), head);
        Ok(Self { into, weights, reads, null: PairNull::new(SEED) })
    }

    /// What every head of an earlier layer writes into the three sides. A head that cannot be decomposed has no channels.
    ///
    /// # Errors
    /// What [`PairNull::strength`] says.
    pub fn step(&mut self, earlier: &AttentionLayer) -> Result<Found, StudyError> {
        let mut channels = Vec::new();
        for head in 0..earlier.n_heads() {
            let Ok(ov) = earlier.head(head, self.weights) else { continue };
            let Ok(ov) = decompose(&ov, Circuit::Ov) else { continue };
            let written = Directions::new(&ov.v, &ov.s);
            for (reading, read) in &self.reads {
                let strength = self.null.strength(&written, read)?;
                let (from, into, reading) = ((earlier.layer(), head), self.into, *reading);
                channels.push(Channel { from, into, reading, strength });
            }
        }
        Ok(Found { channels, by_chance: self.null.by_chance().to_vec() })
    }
}
