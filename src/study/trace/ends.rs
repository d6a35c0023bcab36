//! Edges without positions: what two prompts can have in common; and the heads of a prompt under other names, which is chance.

use std::collections::BTreeMap;

use crate::circuits::trace::graph::Kind;
use crate::circuits::trace::{Circuit, Node, Side};
use crate::math::random::Rng;
use crate::model::Head;

/// A component or the answer, wherever in the prompt it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Part {
    kind: Kind,
    layer: Option<usize>,
    head: Option<usize>,
}

impl Part {
    fn of(node: Node) -> Self {
        Self { kind: node.kind, layer: node.layer, head: node.head }
    }

    pub(super) fn name(self) -> String {
        match self.layer.zip(self.head) {
            Some((layer, head)) => Head::new(layer, head).to_string(),
            None => {
                let name = Node::at(self.kind, self.layer, 0).to_string();
                name.split(':').next().unwrap_or_default().to_owned()
            }
        }
    }
}

/// From, to (`None`: the answer), and through which side (`None` into the answer).
pub(super) type Ends = (Part, Option<Part>, Option<Side>);

/// Whether a head is involved, which chance may call otherwise.
pub(super) fn is_named(ends: &Ends) -> bool {
    ends.0.head.is_some() || ends.1.is_some()
}

/// A circuit's edges without positions, weights of the same ends added up.
pub(super) fn edges(circuit: &Circuit) -> BTreeMap<Ends, f64> {
    let mut edges = BTreeMap::new();
    for seed in &circuit.seeds {
        *edges.entry((Part::of(seed.from), None, None)).or_default() += seed.weight;
    }
    for edge in &circuit.edges {
        let to = Part::of(edge.to.node());
        *edges.entry((Part::of(edge.from), Some(to), Some(edge.side))).or_default() += edge.weight;
    }
    edges
}

/// New names of the heads of one prompt, by layer.
pub(super) struct Names<'a, F> {
    n_heads: &'a F,
    drawn: BTreeMap<usize, Vec<usize>>,
}

impl<'a, F: Fn(usize) -> usize> Names<'a, F> {
    pub(super) fn new(n_heads: &'a F) -> Self {
        Self { n_heads, drawn: BTreeMap::new() }
    }

    /// The same edge under the new names.
    pub(super) fn renamed(&mut self, (from, to, side): Ends, rng: &mut Rng) -> Ends {
        let mut rename = |part: Part| {
            let Some((layer, head)) = part.layer.zip(part.head) else { return part };
            let draw = || rng.permutation((self.n_heads)(layer));
            let names = self.drawn.entry(layer).or_insert_with(draw);
            Part { head: names.get(head).copied(), ..part }
        };
        (rename(from), to.map(&mut rename), side)
    }
}
