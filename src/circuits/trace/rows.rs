//! The rows of attention that a circuit is made of, and random circuits of the same shape.
//!
//! A row is one head at one destination. To see what a circuit is worth the model is run with every other row *levelled*: all the
//! tokens that it sees get the same attention, so that the head no longer chooses.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::graph::Circuit;
use crate::math::random::Rng;

/// One head at one destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Row {
    /// The layer.
    pub layer: usize,
    /// The destination.
    pub dest: usize,
    /// The head.
    pub head: usize,
}

/// The rows of every firing that was reached, taken apart or not.
pub fn rows(circuit: &Circuit) -> BTreeSet<Row> {
    let row = |visit: &super::graph::Visit| {
        let firing = visit.firing;
        Row { layer: firing.layer, dest: firing.dest, head: firing.head }
    };
    circuit.firings.iter().map(row).collect()
}

/// As many rows in the same layers at the same destinations, with heads drawn at random.
pub fn random(
    rows: &BTreeSet<Row>,
    n_heads: impl Fn(usize) -> usize,
    rng: &mut Rng,
) -> BTreeSet<Row> {
    let mut drawn = BTreeSet::new();
    for ((layer, dest), count) in shape(rows) {
        let heads = rng.permutation(n_heads(layer)).into_iter().take(count);
        drawn.extend(heads.map(|head| Row { layer, dest, head }));
    }
    drawn
}

/// How many circuits of the shape of `rows` there are, itself among them.
pub fn possible(rows: &BTreeSet<Row>, n_heads: impl Fn(usize) -> usize) -> f64 {
    let choices = |((layer, _), count): ((usize, usize), usize)| {
        (0..count).map(|i| (n_heads(layer) - i) as f64 / (i + 1) as f64).product::<f64>()
    };
    shape(rows).into_iter().map(choices).product()
}

/// How many rows there are in each layer at each destination.
fn shape(rows: &BTreeSet<Row>) -> BTreeMap<(usize, usize), usize> {
    let mut shape = BTreeMap::new();
    rows.iter().for_each(|row| *shape.entry((row.layer, row.dest)).or_default() += 1);
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_circuits_keep_layers_and_destinations() {
        let row = |layer, dest, head| Row { layer, dest, head };
        let rows = BTreeSet::from([row(0, 3, 1), row(0, 3, 2), row(1, 5, 0)]);
        let mut rng = Rng::new(0);
        let mut seen = BTreeSet::new();
        for _ in 0..400 {
            let drawn = random(&rows, |_| 4, &mut rng);
            assert_eq!(shape(&drawn), shape(&rows));
            seen.insert(drawn);
        }
        // 6 pairs of heads times 4 heads, all of them met.
        assert_eq!((possible(&rows, |_| 4), seen.len()), (24.0, 24));
    }
}
