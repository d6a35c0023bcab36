//! The loss `L = L_recon + λ L_attn` and its gradient, derived by hand.
//!
//! With `r = Xᵀ f`, `z = X r + b`: `∂L_recon/∂z_i = 2 importance_i (f'_i − f_i) / n_tokens` where `z_i > 0`, and 0 elsewhere
//! (the derivative of ReLU at 0 is taken as 0). With `l_j = q · k_j`: `∂L_attn/∂l_j = (p_j − p*_j) / B` for cross-entropy,
//! `2 (l_j − l*_j) / (B m)` for squared logits. Everything else is the product rule, in [`recon`](super::recon) and
//! [`attention`](super::attention). Checked against central differences for every option, and against a golden run.

use super::attention::Attention;
use super::batch::Batch;
use super::config::{AttentionLoss, Config, ReconOn, Trained};
use super::model::{Params, common_direction};
use super::recon::Recon;
use super::template;
use serde::{Deserialize, Serialize};

/// The parts of the loss on one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Mean over tokens of the squared error, summed over features.
    pub recon: f64,
    /// The attention loss as trained: cross-entropy in nats, or squared logits.
    pub attention: f64,
    /// Mean KL divergence of the head's attention from the template's, nats; cross-entropy has a floor, this goes to 0.
    pub kl: f64,
    /// `recon + λ attention`, with the λ of that step.
    pub total: f64,
}

/// A configuration made ready for the loops.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(super) n_features: usize,
    pub(super) d_model: usize,
    pub(super) d_head: usize,
    pub(super) n_keys: usize,
    pub(super) loss: AttentionLoss,
    pub(super) recon_on_keys: bool,
    pub(super) trains_features: bool,
    pub(super) trains_head: bool,
    /// The logits that the head should have.
    pub template: template::Rows,
    pub(super) importance: Vec<f64>,
    pub(super) common: Option<Vec<f64>>,
    /// The one key that the template speaks of, if it depends on position.
    pub only_key: Option<usize>,
    /// `(cos, sin)` of the angle between the query and each key, `[m, H/2]`.
    rotary: Option<Vec<(f64, f64)>>,
}

impl Problem {
    /// Of these settings.
    pub fn new(config: &Config) -> Self {
        let (h, m) = (config.d_head, config.n_keys);
        // Keys stand at positions 0 .. m and the query at m: key j is m − j back.
        let rotary = config.rope.map(|base| {
            let angle = |key: usize, plane: usize| {
                (m - key) as f64 * libm::pow(base, -2.0 * plane as f64 / h as f64)
            };
            let planes = (0..m).flat_map(|key| (0..h / 2).map(move |plane| (key, plane)));
            planes
                .map(|(key, plane)| (libm::cos(angle(key, plane)), -libm::sin(angle(key, plane))))
                .collect()
        });
        Self {
            n_features: config.n_features,
            d_model: config.d_model,
            d_head: h,
            n_keys: m,
            loss: config.loss,
            recon_on_keys: config.recon_on == ReconOn::All,
            trains_features: config.train != Trained::Head,
            trains_head: config.train != Trained::Features,
            template: template::Rows::new(&config.template, config.n_features),
            importance: (0..config.n_features)
                .map(|i| libm::pow(config.importance, i as f64))
                .collect(),
            common: (config.common > 0.0)
                .then(|| common_direction(config).iter().map(|x| config.common * x).collect()),
            only_key: config.at_offset.map(|offset| m - offset),
            rotary,
        }
    }

    /// Turns the vector of `key` into the query's frame (`sense` 1), or back (−1); nothing without rotary positions.
    #[inline]
    pub fn rotate_key(&self, vector: &mut [f64], key: usize, sense: f64) {
        if let Some(rotary) = &self.rotary {
            let (planes, _) = vector.as_chunks_mut::<2>();
            for ([x, y], (cos, sin)) in planes.iter_mut().zip(&rotary[key * self.d_head / 2..]) {
                (*x, *y) = (*x * cos - *y * (sense * sin), *x * (sense * sin) + *y * cos);
            }
        }
    }
}

/// All memory that a step needs besides the parameters.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    recon: Recon,
    attention: Attention,
    /// ∂L/∂parameters of the last [`Workspace::gradient`].
    pub(super) grad: Params,
}

impl Workspace {
    pub(super) fn new(config: &Config, problem: &Problem) -> Self {
        Self {
            recon: Recon::new(problem),
            attention: Attention::new(problem),
            grad: Params::zeros(config),
        }
    }

    /// The losses on `batch`; no gradient.
    pub(super) fn losses(
        &mut self,
        problem: &Problem,
        params: &Params,
        batch: &Batch,
        lambda: f64,
    ) -> Losses {
        let recon = self.recon.loss(problem, params, batch, None);
        let attention = self.attention.loss(problem, params, batch, lambda, None);
        Losses {
            recon,
            attention: attention.loss,
            kl: attention.kl,
            total: recon + lambda * attention.loss,
        }
    }

    /// The losses on `batch`, and the gradient of the total for everything that is trained in `grad`.
    pub(super) fn gradient(
        &mut self,
        problem: &Problem,
        params: &Params,
        batch: &Batch,
        lambda: f64,
    ) -> Losses {
        self.grad.parts_mut().into_iter().for_each(|part| part.fill(0.0));
        let wanted = problem.trains_features.then_some(&mut self.grad);
        let recon = self.recon.loss(problem, params, batch, wanted);
        let wanted = (lambda > 0.0).then_some(&mut self.grad);
        let attention = self.attention.loss(problem, params, batch, lambda, wanted);
        Losses {
            recon,
            attention: attention.loss,
            kl: attention.kl,
            total: recon + lambda * attention.loss,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FeatureInit, HeadInit};
    use crate::template::{Entry, Template};

    fn small() -> Config {
        let entries = [(0, 1, 3.0), (2, 1, -1.0), (2, 5, 2.0)];
        Config {
            n_features: 7,
            d_model: 5,
            d_head: 4,
            n_keys: 3,
            batch: 6,
            p: 0.5,
            lambda: 2.0,
            template: Template::Free {
                entries: entries
                    .map(|(query, key, strength)| Entry { query, key, strength })
                    .to_vec(),
            },
            ..Config::default()
        }
    }

    /// Largest difference between the gradient and central differences, over the largest entry of the gradient.
    fn gradient_error(config: &Config) -> f64 {
        config.check().unwrap();
        let problem = Problem::new(config);
        let mut work = Workspace::new(config, &problem);
        let mut params = Params::initial(config);
        params.bias.iter_mut().enumerate().for_each(|(i, b)| *b = 0.05 * (i as f64 - 2.5));
        let batch = Batch::of_step(config, 0);
        work.gradient(&problem, &params, &batch, config.lambda);
        let analytic: Vec<Vec<f64>> = work.grad.parts().map(<[f64]>::to_vec).to_vec();
        let trained = [
            problem.trains_features,
            problem.trains_features,
            problem.trains_head,
            problem.trains_head,
        ];
        let (mut error, mut largest) = (0.0_f64, 0.0_f64);
        for part in (0..4).filter(|&part| trained[part]) {
            for (i, &exact) in analytic[part].iter().enumerate() {
                let step = 1e-6;
                let mut at = |shift: f64| {
                    let mut moved = params.clone();
                    moved.parts_mut()[part][i] += shift;
                    work.losses(&problem, &moved, &batch, config.lambda).total
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                error = error.max((slope - exact).abs());
                largest = largest.max(slope.abs());
            }
        }
        error / largest
    }

    #[test]
    fn gradients_are_central_differences_for_every_option() {
        let options: Vec<(&str, Config)> = vec![
            ("plain", small()),
            ("queries only", Config { recon_on: ReconOn::Queries, ..small() }),
            ("importance", Config { importance: 0.7, ..small() }),
            ("squared logits", Config { loss: AttentionLoss::SquaredLogit, ..small() }),
            ("common direction", Config { common: 0.8, ..small() }),
            ("rotary", Config { rope: Some(100.0), ..small() }),
            ("rotary, one offset", Config { rope: Some(100.0), at_offset: Some(2), ..small() }),
            (
                "everything",
                Config {
                    rope: Some(10.0),
                    at_offset: Some(1),
                    common: 0.4,
                    importance: 0.9,
                    loss: AttentionLoss::SquaredLogit,
                    features: FeatureInit::Cone { strength: 0.5 },
                    ..small()
                },
            ),
            ("dense features", Config { p: 1.0, ..small() }),
            ("rare features", Config { p: 0.05, batch: 40, ..small() }),
            ("no head", Config { lambda: 0.0, ..small() }),
            ("head alone", Config { train: Trained::Head, ..small() }),
            (
                "features alone",
                Config {
                    train: Trained::Features,
                    head: HeadInit::RankOne { strength: 4.0 },
                    ..small()
                },
            ),
            ("power law", Config { features: FeatureInit::PowerLaw { exponent: 1.0 }, ..small() }),
        ];
        for (name, config) in options {
            let error = gradient_error(&config);
            // Central differences with step 1e-6 are good to about 1e-9 of the loss.
            assert!(error < 2e-8, "{name}: {error:.1e}");
        }
    }

    #[test]
    fn what_is_not_trained_has_no_gradient() {
        let config = Config { train: Trained::Features, ..small() };
        let problem = Problem::new(&config);
        let mut work = Workspace::new(&config, &problem);
        work.gradient(&problem, &Params::initial(&config), &Batch::of_step(&config, 0), 2.0);
        assert!(work.grad.w_q.iter().chain(&work.grad.w_k).all(|g| *g == 0.0));
        assert!(work.grad.features.iter().any(|g| *g != 0.0));
    }
}
