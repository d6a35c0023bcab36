//! The circuits of two prompts side by side: which edges both have, which only one.
//!
//! Edges are taken without positions, as over a set. Chance: the heads of each layer of one of the two change their names at random; p
//! counts how often as many edges are shared then. Edges between components that are no heads are shared by all circuits alike, and
//! are not counted.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::consensus::ChanceOptions;
use super::ends::{Ends, Names, Part, edges, is_named};
use crate::circuits::trace::{Circuit, Side};
use crate::math::order::set_of;
use crate::math::order::sort_by;
use crate::math::random::Rng;
use crate::math::statistics::empirical_p;

/// An edge of one circuit or of both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedEdge {
    /// The component: "L0H1", "mlp0", "embed".
    pub from: String,
    /// The head, or "answer".
    pub to: String,
    /// Through which side of the head.
    pub side: Option<Side>,
    /// Its weight in the first circuit; `None` where that does not have it.
    pub here: Option<f64>,
    /// And in the second.
    pub there: Option<f64>,
}

/// Two circuits side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedCircuits {
    /// Edges that both have first, then those of the first alone, then those of the second; in each the strongest first.
    pub edges: Vec<ComparedEdge>,
    /// Edges that both have.
    pub shared: usize,
    /// Edges of the first alone.
    pub only_here: usize,
    /// Edges of the second alone.
    pub only_there: usize,
    /// Shared edges that a head is part of.
    pub shared_by_heads: usize,
    /// How many of those there are where the heads of the second have other names, for each draw.
    pub chance: Vec<usize>,
    /// The chance of as many: `(1 + #{chance ≥ shared_by_heads}) / (1 + draws)`; `None` where one of the two has no head.
    pub p: Option<f64>,
    /// How those were drawn.
    pub options: ChanceOptions,
}

/// Lays two circuits side by side; `n_heads`: how many heads a layer has.
pub fn compare(
    here: &Circuit,
    there: &Circuit,
    n_heads: impl Fn(usize) -> usize,
    options: ChanceOptions,
) -> ComparedCircuits {
    let (a, b) = (edges(here), edges(there));
    let all = set_of(a.keys().chain(b.keys()).copied());
    let mut compared: Vec<ComparedEdge> = all
        .into_iter()
        .map(|ends| ComparedEdge {
            from: ends.0.name(),
            to: ends.1.map_or_else(|| "answer".to_owned(), Part::name),
            side: ends.2,
            here: a.get(&ends).copied(),
            there: b.get(&ends).copied(),
        })
        .collect();
    // Both, the first alone, the second alone.
    let class = |edge: &ComparedEdge| match (edge.here, edge.there) {
        (Some(_), Some(_)) => 0,
        (Some(_), None) => 1,
        _ => 2,
    };
    let size = |edge: &ComparedEdge| {
        let sizes = [edge.here, edge.there].into_iter().flatten().map(f64::abs);
        sizes.fold(0.0, f64::max)
    };
    sort_by(&mut compared, |a, b| class(a).cmp(&class(b)).then(size(b).total_cmp(&size(a))));
    let count = |of: usize| compared.iter().filter(|edge| class(edge) == of).count();
    let named = |edges: &std::collections::BTreeMap<Ends, f64>| -> BTreeSet<Ends> {
        set_of(edges.keys().copied().filter(is_named))
    };
    let (named_here, named_there) = (named(&a), named(&b));
    let shared_by_heads = named_here.intersection(&named_there).count();
    let mut rng = Rng::new(options.seed);
    let chance: Vec<usize> = (0..options.draws)
        .map(|_| {
            let mut names = Names::new(&n_heads);
            let renamed = named_there.iter().map(|ends| names.renamed(*ends, &mut rng));
            renamed.filter(|ends| named_here.contains(ends)).count()
        })
        .collect();
    let null: Vec<f64> = chance.iter().map(|n| *n as f64).collect();
    let both = !named_here.is_empty() && !named_there.is_empty() && !null.is_empty();
    ComparedCircuits {
        shared: count(0),
        only_here: count(1),
        only_there: count(2),
        edges: compared,
        shared_by_heads,
        p: both.then(|| empirical_p(shared_by_heads as f64, &null)),
        chance,
        options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::trace::Node;
    use crate::circuits::trace::graph::{Edge, Kind, LeftOut, Seed};

    /// Heads of layer 1 that feed the answer, each reading one of layer 0; and an MLP that does.
    fn circuit(heads: &[(usize, usize)], last: usize) -> Circuit {
        let top = |head: usize| Node::head(1, head, last, last - 1);
        let mlp = Seed { from: Node::at(Kind::Mlp, Some(1), last), weight: 1.0 };
        let seed = |(top_head, _): &(usize, usize)| Seed { from: top(*top_head), weight: 2.0 };
        let edge = |(top_head, from): &(usize, usize)| Edge {
            from: Node::head(0, *from, last - 1, last - 2),
            to: top(*top_head).firing().expect("a head"),
            side: Side::Src,
            weight: 0.5,
            k: vec![0],
        };
        Circuit {
            empty: false,
            seeds: heads.iter().map(seed).chain([mlp]).collect(),
            firings: Vec::new(),
            edges: heads.iter().map(edge).collect(),
            left_out: LeftOut::default(),
        }
    }

    #[test]
    fn edges_are_shared_wherever_they_are_and_the_others_said() {
        let options = ChanceOptions { draws: 999, seed: 1 };
        let (a, b) =
            (circuit(&[(0, 1), (2, 3), (4, 5)], 9), circuit(&[(0, 1), (2, 3), (6, 7)], 14));
        let found = compare(&a, &b, |_| 12, options);
        assert_eq!((found.shared, found.only_here, found.only_there), (5, 2, 2));
        assert_eq!(found.shared_by_heads, 4, "the MLP is nobody's finding");
        assert!(found.p.is_some_and(|p| p <= 0.01), "{:?}", found.p);
        let first = &found.edges[0];
        assert_eq!((first.here, first.there), (Some(2.0), Some(2.0)));
        assert!(found.edges[5].there.is_none() && found.edges[8].here.is_none());
        let none = compare(&circuit(&[], 5), &b, |_| 12, options);
        assert_eq!((none.shared, none.p), (1, None));
    }

    #[test]
    fn p_is_uniform_or_above_where_heads_are_drawn_at_random() {
        let mut rng = Rng::new(3);
        let mut draw = || {
            let (top, from) = (rng.permutation(5), rng.permutation(5));
            let heads: Vec<_> = top.into_iter().zip(from).take(3).collect();
            circuit(&heads, 9)
        };
        let p: Vec<f64> = (0..400)
            .filter_map(|seed| {
                compare(&draw(), &draw(), |_| 5, ChanceOptions { draws: 99, seed }).p
            })
            .collect();
        assert_eq!(p.len(), 400);
        for level in [0.05, 0.1, 0.25, 0.5] {
            let share = p.iter().filter(|p| **p <= level).count() as f64 / 400.0;
            assert!(
                share <= level + 3.0 * (level * (1.0 - level) / 400.0_f64).sqrt(),
                "{share} below {level}"
            );
        }
    }
}
