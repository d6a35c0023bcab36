//! Mixtures of experts: a router scores many MLPs, each position goes through the few that it chooses.

use serde::Serialize;

use super::architecture::Mlp;
use super::parts::{Linear, Norm};
use crate::math::statistics::{largest_first, softmax};

/// The mixture of one layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mixture {
    /// `d_model` to one logit per expert.
    pub router: Linear,
    /// Name of what is added to the scores for the choice alone, `[n_experts]` or `[1, n_experts]`.
    pub correction: Option<String>,
    /// From logits to experts and their weights.
    pub routing: Routing,
    /// The experts.
    pub experts: Vec<Mlp>,
    /// An expert that every position uses.
    pub shared: Option<Shared>,
    /// Name of a factor for each expert, `[n_experts]`, on the weights of those that were chosen (Gemma 4).
    pub scale: Option<String>,
}

/// A mixture beside the MLP, which reads the same stream through norms of its own; both are added up before the layer's norm (Gemma 4).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BesideMlp {
    /// It.
    pub mixture: Mixture,
    /// Norm of what the router reads, which is divided by √d_model as well.
    pub before_router: Norm,
    /// Norm of what its experts read.
    pub before: Norm,
    /// Norm of what its experts write.
    pub on: Norm,
    /// Norm of what the MLP writes.
    pub on_mlp: Norm,
}

impl BesideMlp {
    /// Names of its tensors.
    pub(super) fn tensors(&self) -> Vec<&str> {
        let norms = [&self.before_router, &self.before, &self.on, &self.on_mlp];
        let mut names = self.mixture.tensors();
        names.extend(norms.into_iter().flat_map(Norm::tensors));
        names
    }
}

/// An expert that every position uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// It.
    pub mlp: Mlp,
    /// `d_model` to one number, whose sigmoid is its weight; 1 without.
    pub gate: Option<Linear>,
}

/// From the router's logits to experts and their weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Routing {
    /// Experts that a position uses.
    pub top_k: usize,
    /// What is made of the logits.
    pub scores: RouterScores,
    /// Experts are chosen from the best groups only.
    pub groups: Option<Groups>,
    /// The chosen weights are divided by their sum, or by this if that is larger.
    pub normalised: Option<f64>,
    /// Factor on the weights.
    pub factor: f64,
    /// Weights multiply what an expert reads, not what it writes (Llama 4).
    pub on_input: bool,
}

/// What is made of the router's logits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouterScores {
    /// Softmax over all experts.
    Softmax,
    /// Each logit's own sigmoid.
    Sigmoid,
    /// One expert after the other, each the best of those left. Its weight is its share of a softmax over those left whose
    /// `(best − s) / max(|s|, best)` is at most `tolerance`; the weights do not sum to 1 (Phi-3.5-MoE's "SparseMixer").
    SparseMixer {
        /// See above.
        tolerance: f64,
    },
}

/// Experts in groups of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Groups {
    /// How many groups.
    pub count: usize,
    /// How many of them are kept.
    pub kept: usize,
    /// A group is worth the sum of so many of its best scores.
    pub best: usize,
}

impl Routing {
    /// The experts of a position, best first, with their weights. `logits: [n_experts]`; `correction` is empty or as long.
    pub fn choose(&self, logits: &[f32], correction: &[f32]) -> Vec<(usize, f64)> {
        let logits: Vec<f64> = logits.iter().map(|&x| f64::from(x)).collect();
        let scores = match self.scores {
            RouterScores::Softmax => softmax(&logits),
            RouterScores::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            RouterScores::SparseMixer { tolerance } => return self.mixed(logits, tolerance),
        };
        let mut worth = scores.clone();
        worth.iter_mut().zip(correction).for_each(|(w, c)| *w += f64::from(*c));
        if let Some(groups) = self.groups {
            groups.narrow(&mut worth);
        }
        let order = largest_first(&worth);
        let mut chosen: Vec<(usize, f64)> = order
            .into_iter()
            .take(self.top_k)
            .filter_map(|expert| Some((expert, *scores.get(expert)?)))
            .collect();
        let sum: f64 = chosen.iter().map(|(_, weight)| weight).sum();
        let divisor = self.normalised.map_or(1.0, |floor| sum.max(floor));
        chosen.iter_mut().for_each(|(_, weight)| *weight *= self.factor / divisor);
        chosen
    }

    fn mixed(&self, mut left: Vec<f64>, tolerance: f64) -> Vec<(usize, f64)> {
        let mut chosen = Vec::new();
        for _ in 0..self.top_k.min(left.len()) {
            let Some(&expert) = largest_first(&left).first() else { break };
            let best = left[expert];
            let near = |s: f64| (best - s) / s.abs().max(best) <= tolerance;
            let kept: Vec<f64> =
                left.iter().map(|&s| if near(s) { s } else { f64::NEG_INFINITY }).collect();
            chosen.push((expert, softmax(&kept)[expert] * self.factor));
            left[expert] = f64::NEG_INFINITY;
        }
        chosen
    }
}

impl Groups {
    /// Experts outside the best groups are worth nothing.
    fn narrow(&self, worth: &mut [f64]) {
        let size = (worth.len() / self.count.max(1)).max(1);
        let of_group = |group: &[f64]| {
            let best = largest_first(group).into_iter().take(self.best);
            best.map(|i| group[i]).sum::<f64>()
        };
        let values: Vec<f64> = worth.chunks(size).map(of_group).collect();
        let dropped: Vec<usize> = largest_first(&values).into_iter().skip(self.kept).collect();
        for (group, worth) in worth.chunks_mut(size).enumerate() {
            if dropped.contains(&group) {
                worth.fill(f64::NEG_INFINITY);
            }
        }
    }
}

impl Mixture {
    /// Names of its tensors; those of a stack come once for each expert.
    pub(super) fn tensors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.router.tensors().collect();
        names.extend(self.correction.as_deref());
        names.extend(self.scale.as_deref());
        names.extend(self.experts.iter().flat_map(Mlp::tensors));
        if let Some(shared) = &self.shared {
            names.extend(shared.mlp.tensors());
            names.extend(shared.gate.iter().flat_map(Linear::tensors));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Routing = Routing {
        top_k: 2,
        scores: RouterScores::Softmax,
        groups: None,
        normalised: None,
        factor: 1.0,
        on_input: false,
    };

    #[test]
    fn weights_are_shares_of_all_or_of_the_chosen() {
        let logits = [2f32.ln(), 0.0, 5f32.ln(), 0.0];
        let all = PLAIN.choose(&logits, &[]);
        assert_eq!(all.iter().map(|(e, _)| *e).collect::<Vec<_>>(), [2, 0]);
        // Shares of 5 + 2 + 1 + 1; f32 logarithms are good to 1e-7.
        assert!((all[0].1 - 5.0 / 9.0).abs() < 1e-6 && (all[1].1 - 2.0 / 9.0).abs() < 1e-6);
        let chosen = Routing { normalised: Some(0.0), factor: 7.0, ..PLAIN }.choose(&logits, &[]);
        assert!((chosen[0].1 - 5.0).abs() < 1e-5 && (chosen[1].1 - 2.0).abs() < 1e-5);
    }

    #[test]
    fn a_correction_changes_the_choice_and_no_weight() {
        let sigmoid = Routing { scores: RouterScores::Sigmoid, top_k: 1, ..PLAIN };
        assert_eq!(sigmoid.choose(&[0.0, 3.0], &[0.9, 0.0]), [(0, 0.5)]);
    }

    #[test]
    fn experts_outside_the_best_groups_are_not_chosen() {
        let sigmoid = Routing { scores: RouterScores::Sigmoid, ..PLAIN };
        let logits = [3.0, -9.0, 1.0, 1.0, 0.0, 0.0];
        let by = |best| {
            let groups = Some(Groups { count: 3, kept: 1, best });
            let mut found: Vec<usize> = Routing { groups, ..sigmoid }
                .choose(&logits, &[])
                .into_iter()
                .map(|(expert, _)| expert)
                .collect();
            found.sort_unstable();
            found
        };
        assert_eq!((by(1), by(2)), (vec![0, 1], vec![2, 3]));
    }

    #[test]
    fn sparse_mixer_weighs_each_expert_among_its_equals() {
        let routing = Routing { scores: RouterScores::SparseMixer { tolerance: 0.02 }, ..PLAIN };
        // The first stands alone; the second and the third are within two in a hundred of each other.
        let chosen = routing.choose(&[4.0, 1.0, 1.0, -2.0], &[]);
        assert_eq!(chosen, [(0, 1.0), (1, 0.5)]);
    }
}
