//! Where a trace starts: the components of the last stream, at one position, that carry the answer.
//!
//! # Source
//! Franco, Loughridge and Crovella, ACC++, arXiv:2602.13483, and their program accpp-tracer 0.3.0; a soft-cap of the logits, which the
//! program leaves out, is inside the path here.

use super::graph::{Kind, Node, Seed};
use super::images::Images;
use super::jitter::Jitter;
use super::options::{IG_STEPS, Objective, TraceOptions};
use super::run::CleanRun;
use super::writers::vectors;
use crate::circuits::error::CircuitError;
use crate::math::Mat;
use crate::math::statistics::{largest_first, ln_softmax, softmax};
use crate::model::forward::LogitMap;

/// Components whose logits are computed in one reading of W_U.
const AT_ONCE: usize = 16;

/// The seeds, and what they are the seeds of.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeding {
    /// In the order of selection, or of the layers for a linear objective.
    pub seeds: Vec<Seed>,
    /// Their sum over that of all components, those that work against it included; 0 if there is nothing to explain.
    pub share: f64,
    /// The objective in the clean run: ln p, the logit difference, or the product with the direction.
    pub value: f64,
    /// The objective with the bias of the unembedding alone.
    pub baseline: f64,
}

/// Finds the seeds of an objective.
///
/// # Errors
/// [`CircuitError::OutOfRange`] for a token, position or layer that does not exist; what reading says.
pub fn seeds(
    run: CleanRun<'_>,
    objective: &Objective,
    options: &TraceOptions,
    jitter: Option<&mut Jitter>,
) -> Result<Seeding, CircuitError> {
    run.check_model()?;
    let n = run.n();
    let at = options.at.unwrap_or(n.saturating_sub(1));
    check("position", at, n)?;
    match objective {
        Objective::Probability { answer } => {
            let map = LogitMap::read(run.model)?;
            check("token id", *answer as usize, map.d_vocab())?;
            Path::new(run, &map, at, *answer as usize)?.seeds(options.tau, jitter)
        }
        Objective::Contrast { answer, wrong } => {
            let map = LogitMap::read(run.model)?;
            let [answer, wrong] = [*answer as usize, *wrong as usize];
            check("token id", answer.max(wrong), map.d_vocab())?;
            let mut weights = vec![0.0; map.d_vocab()];
            weights[answer] += 1.0;
            weights[wrong] -= 1.0;
            let direction = map.direction(&weights)?;
            let scale = run.scale_of(&map, at)?;
            let baseline = f64::from(map.bias[answer]) - f64::from(map.bias[wrong]);
            linear(run, run.n_layers(), at, &direction, scale, baseline, jitter)
        }
        Objective::Direction { layer, vector } => {
            check("layer", *layer, run.n_layers() + 1)?;
            if vector.len() != run.d_model() {
                let (expected, found) = ((1, run.d_model()), (1, vector.len()));
                return Err(CircuitError::Shape { what: "the direction", expected, found });
            }
            linear(run, *layer, at, vector, 1.0, 0.0, jitter)
        }
    }
}

pub(super) fn check(what: &'static str, index: usize, count: usize) -> Result<(), CircuitError> {
    if index < count { Ok(()) } else { Err(CircuitError::OutOfRange { what, index, count }) }
}

/// The last stream at a position.
pub(super) fn last<'a>(run: CleanRun<'a>, at: usize) -> &'a [f32] {
    run.last.get(at * run.d_model()..(at + 1) * run.d_model()).unwrap_or_default()
}

/// Every component in front of a layer at a position, with its product with a direction, in the order of the layers.
pub(super) fn products(
    run: CleanRun<'_>,
    front: usize,
    at: usize,
    direction: &[f64],
    scale: f64,
    jitter: Option<&mut Jitter>,
) -> Result<Vec<(Node, f64)>, CircuitError> {
    let reader = Mat::from_column_slice(direction.len(), 1, direction);
    let images = Images::of(run, front, &reader, jitter)?;
    let mut found = Vec::new();
    let first = |row: &[f64]| row.first().copied().unwrap_or(0.0) / scale;
    for layer in 0..front {
        for head in 0..run.n_heads(layer) {
            for src in run.view(layer)?.visible(at, run.n()) {
                let factor = run.attends(layer, head, at, src) * images.factor(layer, at);
                let node = Node::head(layer, head, at, src);
                found.push((node, factor * first(images.head(layer, head, src))));
            }
        }
        found.push((Node::at(Kind::Mlp, Some(layer), at), first(images.mlp(layer, at))));
        found.push((Node::at(Kind::Bias, Some(layer), at), first(images.bias(layer, at))));
        if layer == 0 {
            found.push((Node::at(Kind::Embed, None, at), first(images.embed(at))));
        }
    }
    if front == 0 {
        found.push((Node::at(Kind::Embed, None, at), first(images.embed(at))));
    }
    Ok(found)
}

/// Seeds of a linear objective: the largest, down to where the running sum first exceeds the whole, or half of it.
fn linear(
    run: CleanRun<'_>,
    front: usize,
    at: usize,
    direction: &[f64],
    scale: f64,
    baseline: f64,
    jitter: Option<&mut Jitter>,
) -> Result<Seeding, CircuitError> {
    let products = products(run, front, at, direction, scale, jitter)?;
    let weights: Vec<f64> = products.iter().map(|(_, w)| *w).collect();
    let total: f64 = weights.iter().sum();
    let mut seeding = Seeding { seeds: Vec::new(), share: 0.0, value: total + baseline, baseline };
    if total <= 0.0 {
        return Ok(seeding);
    }
    let mut sum = 0.0;
    let exceeding = largest_first(&weights).into_iter().map(|i| weights[i]).find(|w| {
        sum += w;
        sum > total
    });
    // Without a negative component nothing exceeds the whole: all are taken.
    let cut = exceeding.map_or(f64::NEG_INFINITY, |w| w.min(total / 2.0));
    let taken = products.into_iter().filter(|(_, w)| *w >= cut);
    seeding.seeds = taken.map(|(from, weight)| Seed { from, weight }).collect();
    seeding.share = seeding.seeds.iter().map(|seed| seed.weight).sum::<f64>() / total;
    Ok(seeding)
}

/// ln p of one token along the path from the bias alone to the clean logits.
struct Path<'a> {
    run: CleanRun<'a>,
    map: &'a LogitMap<'a>,
    at: usize,
    answer: usize,
    scale: f64,
    /// `[d_vocab]`: the logits without the bias.
    z: Vec<f64>,
}

impl<'a> Path<'a> {
    fn new(
        run: CleanRun<'a>,
        map: &'a LogitMap<'a>,
        at: usize,
        answer: usize,
    ) -> Result<Self, CircuitError> {
        let scale = run.scale_of(map, at)?;
        let x: Vec<f32> = last(run, at).iter().map(|x| (f64::from(*x) / scale) as f32).collect();
        let z = map.shares(&x)?.into_iter().map(f64::from).collect();
        Ok(Self { run, map, at, answer, scale, z })
    }

    fn logits(&self, alpha: f64, z: &[f64]) -> Vec<f64> {
        let bare = z.iter().zip(&self.map.bias).map(|(z, b)| alpha * z + f64::from(*b));
        match self.map.cap() {
            Some(cap) => bare.map(|x| cap * (x / cap).tanh()).collect(),
            None => bare.collect(),
        }
    }

    fn log_probability(&self, z: &[f64]) -> f64 {
        ln_softmax(&self.logits(1.0, z))[self.answer]
    }

    /// `∫ ∂ ln p / ∂ logit dα`, `[d_vocab]`.
    fn gradient(&self) -> Vec<f64> {
        let mut gradient = vec![0.0; self.z.len()];
        for step in 0..=IG_STEPS {
            let alpha = step as f64 / IG_STEPS as f64;
            let ends = if step == 0 || step == IG_STEPS { 0.5 } else { 1.0 };
            let weight = ends / IG_STEPS as f64;
            let logits = self.logits(alpha, &self.z);
            let p = softmax(&logits);
            for (t, (g, p)) in gradient.iter_mut().zip(&p).enumerate() {
                let slope = self.map.cap().map_or(1.0, |cap| 1.0 - (logits[t] / cap).powi(2));
                let own = if t == self.answer { 1.0 } else { 0.0 };
                *g += weight * (own - p) * slope;
            }
        }
        gradient
    }

    fn seeds(&self, tau: f64, jitter: Option<&mut Jitter>) -> Result<Seeding, CircuitError> {
        let zero = vec![0.0; self.z.len()];
        let (value, baseline) = (self.log_probability(&self.z), self.log_probability(&zero));
        let mut seeding = Seeding { seeds: Vec::new(), share: 0.0, value, baseline };
        let rise = value - baseline;
        if rise <= 0.0 {
            return Ok(seeding);
        }
        let direction = self.map.direction(&self.gradient())?;
        let front = self.run.n_layers();
        let products = products(self.run, front, self.at, &direction, self.scale, jitter)?;
        let total: f64 = products.iter().map(|(_, w)| w).sum();
        let weights: Vec<f64> = products.iter().map(|(_, w)| *w).collect();
        let order: Vec<usize> =
            largest_first(&weights).into_iter().filter(|&i| weights[i] > 0.0).collect();
        let mut z = self.z.clone();
        'taking: for some in order.chunks(AT_ONCE) {
            let nodes: Vec<Node> = some.iter().map(|&i| products[i].0).collect();
            let vectors = vectors(self.run, &nodes, front)?;
            let shares: Vec<f32> =
                vectors.iter().flatten().map(|x| (x / self.scale) as f32).collect();
            let shares = self.map.shares(&shares)?;
            for (&i, share) in some.iter().zip(shares.chunks_exact(self.z.len().max(1))) {
                z.iter_mut().zip(share).for_each(|(z, s)| *z -= f64::from(*s));
                let (from, weight) = products[i];
                seeding.seeds.push(Seed { from, weight });
                if value - self.log_probability(&z) >= tau * rise {
                    break 'taking;
                }
            }
        }
        let sum: f64 = seeding.seeds.iter().map(|seed| seed.weight).sum();
        seeding.share = if total > 0.0 { sum / total } else { 0.0 };
        Ok(seeding)
    }
}
