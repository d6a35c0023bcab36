//! Are these the vectors? A circuit's singular vectors beside random directions of the same subspaces.
//!
//! A head's scores do not say in which basis they are to be read: `Ω = (U√S Q)(V√S Q)ᵀ` for every rotation Q. Two questions:
//!
//! - *How many cells* must go until a head no longer fires, walked by the same rule in a random basis? This is the fair control: the
//!   same search in every basis, so if the singular vectors were no better than others, p would be uniform or above.
//! - *As many directions*: by how much does the attention fall without an edge's singular vectors, and without as many directions
//!   of a random basis that nobody picked? The vectors were picked because they do much, so this one flatters them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::edge::with_terms;
use super::firing::Taken;
use super::graph::{Circuit, Edge, Firing, Node, Side, Visit};
use super::layer::Readers;
use super::options::TraceOptions;
use super::run::CleanRun;
use crate::circuits::error::CircuitError;
use crate::math::order::distinct;
use crate::math::random::Rng;
use crate::math::reflections::Reflections;
use crate::math::statistics::{empirical_p, mean_sd};

/// A fall in another basis that differs by rounding alone is as large.
const ROUNDING: f64 = 1e-9;

/// How the random bases are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectionOptions {
    /// How many bases of each head.
    pub draws: usize,
    /// Their seed; each head has its own stream.
    pub seed: u32,
}

/// A firing walked in other bases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiringCells {
    /// Which.
    #[serde(flatten)]
    pub firing: Firing,
    /// Cells removed on both sides until it no longer fires.
    pub cells: usize,
    /// The mean in random bases.
    pub random_mean: f64,
    /// The chance that a random basis needs as few: `(1 + #{random ≤ cells}) / (1 + draws)`.
    pub p: f64,
}

/// An edge without its singular vectors, and without as many other directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeFalls {
    /// The component.
    pub from: Node,
    /// The firing.
    pub to: Firing,
    /// Through which side.
    pub side: Side,
    /// How many singular vectors the edge uses.
    pub count: usize,
    /// By how much the attention falls without them, all at once and from the intact scores.
    pub fall: f64,
    /// The mean fall without as many directions of a random basis.
    pub random_mean: f64,
    /// The chance that those do as much: `(1 + #{random ≥ fall}) / (1 + draws)`.
    pub p: f64,
}

/// A circuit beside random bases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Directions {
    /// Every firing that was taken apart.
    pub firings: Vec<FiringCells>,
    /// Their cells together.
    pub cells: usize,
    /// For each draw the cells that all firings together need.
    pub random_cells: Vec<usize>,
    /// The chance that random bases need as few; `None` where nothing was taken apart.
    pub p_cells: Option<f64>,
    /// Every edge that uses singular vectors.
    pub edges: Vec<EdgeFalls>,
    /// The falls of all edges together.
    pub fall: f64,
    /// For each draw the falls of all edges together.
    pub random_falls: Vec<f64>,
    /// The chance that those are as large; `None` without an edge.
    pub p_falls: Option<f64>,
    /// How the bases were drawn.
    pub options: DirectionOptions,
}

/// The random bases of the heads of one layer.
struct Bases {
    layer: usize,
    options: DirectionOptions,
    drawn: BTreeMap<usize, Vec<Reflections>>,
}

impl Bases {
    fn of(&mut self, head: usize, d_head: usize) -> &[Reflections] {
        let DirectionOptions { draws, seed } = self.options;
        let mut rng = Rng::of_stream(seed, (self.layer << 16 | head) as u32);
        let draw = || (0..draws).map(|_| Reflections::draw(d_head, &mut rng)).collect();
        self.drawn.entry(head).or_insert_with(draw)
    }
}

/// A circuit on its way beside random bases, a layer at a time.
pub struct DirectionsRun<'a> {
    circuit: &'a Circuit,
    rules: &'a TraceOptions,
    found: Directions,
    /// Layers that are left, the highest last.
    layers: Vec<usize>,
}

impl<'a> DirectionsRun<'a> {
    /// Ready for the first layer.
    pub fn new(circuit: &'a Circuit, rules: &'a TraceOptions, options: DirectionOptions) -> Self {
        let taken_apart = circuit.firings.iter().filter(|visit| visit.cells.is_some());
        let layers = distinct(taken_apart.map(|visit| visit.firing.layer));
        let found = Directions {
            firings: Vec::new(),
            cells: 0,
            random_cells: vec![0; options.draws],
            p_cells: None,
            edges: Vec::new(),
            fall: 0.0,
            random_falls: vec![0.0; options.draws],
            p_falls: None,
            options,
        };
        Self { circuit, rules, found, layers: layers.into_iter().rev().collect() }
    }

    /// Layers that are left.
    pub fn left(&self) -> usize {
        self.layers.len()
    }

    /// Takes the next layer; false when there is none left.
    ///
    /// # Errors
    /// What reading or decomposing says.
    pub fn step(&mut self, run: CleanRun<'_>) -> Result<bool, CircuitError> {
        let Some(layer) = self.layers.pop() else { return Ok(false) };
        let Circuit { firings, edges, .. } = self.circuit;
        let here = |visit: &&Visit| visit.cells.is_some() && visit.firing.layer == layer;
        let visits: Vec<&Visit> = firings.iter().filter(here).collect();
        let edges: Vec<&Edge> = edges.iter().filter(|edge| edge.to.layer == layer).collect();
        let mut bases = Bases { layer, options: self.found.options, drawn: BTreeMap::new() };
        self.found.walk(run, &visits, self.rules, &mut bases)?;
        self.found.take_edges(run, &edges, self.rules, &mut bases)?;
        Ok(true)
    }

    /// What was found.
    pub fn finish(self) -> Directions {
        let mut found = self.found;
        let cells: Vec<f64> = found.random_cells.iter().map(|n| -(*n as f64)).collect();
        let p = |observed: f64, null: &[f64]| empirical_p(observed - ROUNDING, null);
        found.p_cells = (!found.firings.is_empty()).then(|| p(-(found.cells as f64), &cells));
        found.p_falls = (!found.edges.is_empty()).then(|| p(found.fall, &found.random_falls));
        found
    }
}

/// Holds a circuit's singular vectors against random directions.
///
/// # Errors
/// What reading or decomposing says.
pub fn directions(
    run: CleanRun<'_>,
    circuit: &Circuit,
    rules: &TraceOptions,
    options: DirectionOptions,
) -> Result<Directions, CircuitError> {
    let mut under_way = DirectionsRun::new(circuit, rules, options);
    while under_way.step(run)? {}
    Ok(under_way.finish())
}

impl Directions {
    /// Walks the firings of one layer again in every basis.
    fn walk(
        &mut self,
        run: CleanRun<'_>,
        visits: &[&Visit],
        rules: &TraceOptions,
        bases: &mut Bases,
    ) -> Result<(), CircuitError> {
        let heads = distinct(visits.iter().map(|visit| visit.firing.head));
        let readers = Readers::of(run, bases.layer, heads, rules.rule, None)?;
        for visit in visits {
            let Some((head, of_dest, of_src)) = readers.of_head(visit.firing.head) else {
                continue;
            };
            let Some(walks) = &visit.cells else { continue };
            let cells = walks.dest.removed.len() + walks.src.removed.len();
            let mut random = Vec::new();
            for basis in bases.of(head.head, head.d_head) {
                let head = head.turned(basis);
                let Visit { firing, attention, threshold, .. } = **visit;
                let taken = Taken::new(&head, firing, attention, threshold, rules.rule);
                let (dest, src) = (taken.dest(of_dest).0, taken.src(of_src).0);
                random.push(dest.removed.len() + src.removed.len());
            }
            self.cells += cells;
            self.random_cells.iter_mut().zip(&random).for_each(|(all, n)| *all += n);
            let fewer: Vec<f64> = random.iter().map(|n| -(*n as f64)).collect();
            self.firings.push(FiringCells {
                firing: visit.firing,
                cells,
                random_mean: -mean_sd(&fewer).0,
                p: empirical_p(-(cells as f64), &fewer),
            });
        }
        Ok(())
    }

    /// Takes the edges into one layer away, and as many directions of every basis.
    fn take_edges(
        &mut self,
        run: CleanRun<'_>,
        edges: &[&Edge],
        rules: &TraceOptions,
        bases: &mut Bases,
    ) -> Result<(), CircuitError> {
        let layer = bases.layer;
        let found = with_terms(run, layer, edges, rules, |edge, terms| {
            let terms = terms?;
            let bases = bases.of(edge.to.head, terms.d_head());
            let random: Vec<f64> = bases.iter().map(|basis| terms.fall_turned(basis)).collect();
            let fall = terms.fall();
            let (count, p) = (edge.k.len(), empirical_p(fall - ROUNDING, &random));
            let Edge { from, to, side, .. } = *edge;
            let random_mean = mean_sd(&random).0;
            Some((EdgeFalls { from, to, side, count, fall, random_mean, p }, random))
        })?;
        for (edge, random) in found.into_iter().flatten() {
            self.fall += edge.fall;
            self.random_falls.iter_mut().zip(&random).for_each(|(all, fall)| *all += fall);
            self.edges.push(edge);
        }
        Ok(())
    }
}
