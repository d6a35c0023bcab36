//! The recursion from the seeds down, a layer at a time, and the graph in the order of a walk in depth.
//!
//! A firing's edges depend on that firing alone, so layers can be taken from the top and each head's images made once; the order in
//! which a recursive walk would have met everything is put back at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::graph::{Circuit, Firing, LeftOut, Node, Seed, Status};
use super::layer::Decomposed;

/// A graph under construction.
pub struct Tracer {
    seeds: Vec<Seed>,
    seeds_share: f64,
    pending: BTreeMap<usize, BTreeSet<Firing>>,
    found: HashMap<Firing, Decomposed>,
}

impl Tracer {
    /// Starts at the seeds; `seeds_share` is their sum over that of all components.
    pub fn new(seeds: Vec<Seed>, seeds_share: f64) -> Self {
        let mut tracer =
            Self { seeds_share, pending: BTreeMap::new(), found: HashMap::new(), seeds };
        let heads: Vec<Node> = tracer.seeds.iter().map(|seed| seed.from).collect();
        heads.into_iter().for_each(|node| tracer.reach(node));
        tracer
    }

    /// The firings of the highest layer that is open, all at once; `None` when there are none left.
    pub fn next_layer(&mut self) -> Option<Vec<Firing>> {
        let (_, firings) = self.pending.pop_last()?;
        Some(firings.into_iter().collect())
    }

    /// Takes up what became of firings that [`Tracer::next_layer`] gave.
    pub fn take(&mut self, decomposed: Vec<Decomposed>) {
        for one in decomposed {
            one.edges.iter().for_each(|edge| self.reach(edge.from));
            self.found.insert(one.visit.firing, one);
        }
    }

    fn reach(&mut self, node: Node) {
        if let Some(firing) = node.firing() {
            self.pending.entry(firing.layer).or_default().insert(firing);
        }
    }

    /// The graph.
    pub fn finish(self) -> Circuit {
        let empty = !self.seeds.iter().any(|seed| seed.from.firing().is_some());
        let mut circuit = Circuit {
            empty,
            seeds: self.seeds.clone(),
            firings: Vec::new(),
            edges: Vec::new(),
            left_out: LeftOut::default(),
        };
        let mut marked = HashSet::new();
        for seed in &self.seeds {
            self.visit(seed.from, &mut marked, &mut circuit);
        }
        circuit.left_out = left_out(&circuit, self.seeds_share);
        circuit
    }

    /// Depth first, with a stack of its own: a graph can be deep.
    fn visit(&self, from: Node, marked: &mut HashSet<Firing>, circuit: &mut Circuit) {
        let mut stack = Vec::new();
        let enter = |node: Node, marked: &mut HashSet<Firing>, circuit: &mut Circuit| {
            let firing = node.firing().filter(|firing| marked.insert(*firing))?;
            let found = self.found.get(&firing)?;
            circuit.firings.push(found.visit.clone());
            Some((found, 0))
        };
        stack.extend(enter(from, marked, circuit));
        while let Some((found, next)) = stack.pop() {
            let Some(edge) = found.edges.get(next) else { continue };
            circuit.edges.push(edge.clone());
            stack.push((found, next + 1));
            stack.extend(enter(edge.from, marked, circuit));
        }
    }
}

fn left_out(circuit: &Circuit, seeds_share: f64) -> LeftOut {
    let weight = |of: &dyn Fn(&&Seed) -> bool| {
        circuit.seeds.iter().filter(of).map(|seed| seed.weight.abs()).sum::<f64>()
    };
    let (all, heads) = (weight(&|_| true), weight(&|seed| seed.from.firing().is_some()));
    let walks = || {
        let cells = circuit.firings.iter().filter_map(|visit| visit.cells.as_ref());
        cells.flat_map(|cells| [&cells.dest, &cells.src])
    };
    let lost: f64 = walks().map(|walk| walk.lost).sum();
    let kept: f64 = circuit.edges.iter().map(|edge| edge.weight).sum();
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    LeftOut {
        seeds_share,
        untraced_seeds: share(all - heads, all),
        leaves: circuit.firings.iter().filter(|visit| visit.status != Status::Traced).count(),
        lost_drops: share(lost, lost + kept),
        unreached_sides: walks().filter(|walk| !walk.reached).count(),
    }
}
