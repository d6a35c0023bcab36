//! Circuits over a set of prompts: how often each edge is found, beside sets in which it does not matter which head it is.
//!
//! A prompt's edges are taken without positions, so that prompts of different lengths can be laid together: `mlp0` into the query of
//! L1H3. Chance: in every prompt the heads of each layer change their names at random, each prompt by itself, and the edge that is then
//! found most often in all is counted. An edge that stands out from that is found often because of the head that it leads to or from, and
//! the comparison with the most frequent one corrects for how many edges there are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ends::{Ends, Names, Part, edges, is_named};
use crate::circuits::trace::{Circuit, Side};
use crate::math::order::sort_by_key;
use crate::math::random::Rng;
use crate::math::statistics::empirical_p;

/// How the sets without named heads are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChanceOptions {
    /// How many.
    pub draws: usize,
    /// Their seed.
    pub seed: u32,
}

/// An edge in the circuits of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetEdge {
    /// The component: "L0H1", "mlp0", "embed".
    pub from: String,
    /// The head, or "answer".
    pub to: String,
    /// Through which side of the head.
    pub side: Option<Side>,
    /// Prompts whose circuit has it.
    pub n_prompts: usize,
    /// Their share of the prompts that have a circuit.
    pub share: f64,
    /// Its mean weight over those.
    pub mean_weight: f64,
    /// The chance that some edge is found as often where heads have no names: `(1 + #{largest ≥ n_prompts}) / (1 + draws)`. `None`
    /// for an edge between components that are no heads.
    pub p: Option<f64>,
}

/// The circuits of a set, laid together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Prompts with a circuit.
    pub n_circuits: usize,
    /// All edges, the most frequent first.
    pub edges: Vec<SetEdge>,
    /// For each draw in how many prompts the most frequent edge is found where heads have no names.
    pub chance: Vec<usize>,
    /// How those were drawn.
    pub options: ChanceOptions,
}

/// Lays circuits together; `n_heads`: how many heads a layer has.
pub fn consensus(
    circuits: &[Circuit],
    n_heads: impl Fn(usize) -> usize,
    options: ChanceOptions,
) -> Consensus {
    let found: Vec<BTreeMap<Ends, f64>> = circuits.iter().map(edges).collect();
    let n_circuits = found.iter().filter(|edges| !edges.is_empty()).count();
    let mut rng = Rng::new(options.seed);
    let chance: Vec<usize> = (0..options.draws)
        .map(|_| {
            let renamed: Vec<BTreeSet<Ends>> = found
                .iter()
                .map(|edges| {
                    let mut names = Names::new(&n_heads);
                    let ends = edges.keys().filter(|ends| is_named(ends));
                    ends.map(|ends| names.renamed(*ends, &mut rng)).collect()
                })
                .collect();
            counts(renamed.iter().flatten()).into_values().max().unwrap_or(0)
        })
        .collect();
    let null: Vec<f64> = chance.iter().map(|n| *n as f64).collect();
    let weight = |ends: &Ends| found.iter().filter_map(|edges| edges.get(ends)).sum::<f64>();
    let mut edges: Vec<SetEdge> = counts(found.iter().flat_map(BTreeMap::keys))
        .into_iter()
        .map(|(ends, n_prompts)| SetEdge {
            from: ends.0.name(),
            to: ends.1.map_or_else(|| "answer".to_owned(), Part::name),
            side: ends.2,
            n_prompts,
            share: n_prompts as f64 / n_circuits.max(1) as f64,
            mean_weight: weight(&ends) / n_prompts.max(1) as f64,
            p: (is_named(&ends) && !null.is_empty()).then(|| empirical_p(n_prompts as f64, &null)),
        })
        .collect();
    sort_by_key(&mut edges, |edge| std::cmp::Reverse(edge.n_prompts));
    Consensus { n_circuits, edges, chance, options }
}

fn counts<'a>(all: impl Iterator<Item = &'a Ends>) -> BTreeMap<Ends, usize> {
    let mut counts = BTreeMap::new();
    all.for_each(|ends| *counts.entry(*ends).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::trace::Node;
    use crate::circuits::trace::graph::{Edge, LeftOut, Seed};

    const OPTIONS: ChanceOptions = ChanceOptions { draws: 199, seed: 1 };

    /// A head of layer 1 that reads one of layer 0, and feeds the answer.
    fn circuit(top: usize, low: usize, at: usize) -> Circuit {
        let [top, low] = [Node::head(1, top, at, 1), Node::head(0, low, 1, 0)];
        let edge = Edge {
            from: low,
            to: top.firing().expect("a head"),
            side: Side::Src,
            weight: 0.5,
            k: vec![0],
        };
        Circuit {
            empty: false,
            seeds: vec![Seed { from: top, weight: 2.0 }],
            firings: Vec::new(),
            edges: vec![edge],
            left_out: LeftOut::default(),
        }
    }

    #[test]
    fn an_edge_of_every_prompt_stands_out_wherever_it_is() {
        let circuits: Vec<Circuit> = (0..12).map(|i| circuit(3, i % 8, 5 + i)).collect();
        let found = consensus(&circuits, |_| 8, OPTIONS);
        assert_eq!((found.n_circuits, found.edges[0].n_prompts), (12, 12));
        let first = &found.edges[0];
        assert_eq!((first.from.as_str(), first.to.as_str(), first.side), ("L1H3", "answer", None));
        assert_eq!((first.share, first.mean_weight), (1.0, 2.0));
        assert_eq!(first.p, Some(1.0 / 200.0));
        // Each of the heads that it reads is met once or twice, and nothing else is.
        let rest = &found.edges[1..];
        assert!(rest.len() == 8 && rest.iter().all(|edge| edge.n_prompts <= 2));
        assert!(rest.iter().all(|edge| edge.p.is_some_and(|p| p > 0.5)), "{rest:?}");
    }

    #[test]
    fn where_heads_are_drawn_at_random_p_is_uniform_or_above() {
        let mut rng = Rng::new(7);
        let smallest = |rng: &mut Rng, seed: u32| {
            let head = |rng: &mut Rng| rng.permutation(6)[0];
            let circuits: Vec<Circuit> =
                (0..10).map(|i| circuit(head(rng), head(rng), 4 + i)).collect();
            let found = consensus(&circuits, |_| 6, ChanceOptions { draws: 99, seed });
            found.edges.iter().filter_map(|edge| edge.p).fold(1.0, f64::min)
        };
        let sets: Vec<f64> = (0..300).map(|seed| smallest(&mut rng, seed)).collect();
        for level in [0.05, 0.1, 0.2, 0.5] {
            let share = sets.iter().filter(|p| **p <= level).count() as f64 / 300.0;
            // Three standard errors of a share above its level.
            let most = level + 3.0 * (level * (1.0 - level) / 300.0_f64).sqrt();
            assert!(share <= most, "{share} of all sets below {level}");
        }
    }
}
