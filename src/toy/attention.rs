//! One head over the m keys of each query against the template: its loss and gradient.
//!
//! Queries and keys are sums over the features that are present of rows of `X W_Q` and `X W_K`, formed once per step; the
//! gradient collects in the same two `[N, H]` arrays and is carried to X, W_Q and W_K once at the end.

use super::batch::Batch;
use super::config::AttentionLoss;
use super::gradients::Problem;
use super::model::Params;
use crate::math::rows::{
    add_product, add_rows, add_scaled, add_transposed_product, dot, transpose,
};

/// One side of the head, query or key.
#[derive(Debug, Clone)]
struct Side {
    /// `X W`, `[N, H]`, and the gradient for it.
    of_feature: Vec<f64>,
    d_of_feature: Vec<f64>,
    /// What the common direction adds to every token, `[H]`, and the gradient for it.
    of_common: Vec<f64>,
    d_of_common: Vec<f64>,
    w_t: Vec<f64>,
}

impl Side {
    fn new(problem: &Problem) -> Self {
        let (n, d, h) = (problem.n_features, problem.d_model, problem.d_head);
        Self {
            of_feature: vec![0.0; n * h],
            d_of_feature: vec![0.0; n * h],
            of_common: vec![0.0; h],
            d_of_common: vec![0.0; h],
            w_t: vec![0.0; d * h],
        }
    }

    fn prepare(&mut self, problem: &Problem, features: &[f64], w: &[f64]) {
        for zeroed in [
            &mut self.of_feature,
            &mut self.d_of_feature,
            &mut self.of_common,
            &mut self.d_of_common,
        ] {
            zeroed.fill(0.0);
        }
        add_product(&mut self.of_feature, features, w, problem.d_model, problem.d_head);
        if let Some(common) = &problem.common {
            add_product(&mut self.of_common, common, w, problem.d_model, problem.d_head);
        }
    }

    /// Carries the gradient of `X W` to X and W.
    fn finish(
        &mut self,
        problem: &Problem,
        features: &[f64],
        w: &[f64],
        d_features: &mut [f64],
        d_w: &mut [f64],
    ) {
        let (d, h) = (problem.d_model, problem.d_head);
        if problem.trains_head {
            add_transposed_product(d_w, features, &self.d_of_feature, d, h);
            if let Some(common) = &problem.common {
                add_transposed_product(d_w, common, &self.d_of_common, d, h);
            }
        }
        if problem.trains_features {
            transpose(&mut self.w_t, w, h);
            add_product(d_features, &self.d_of_feature, &self.w_t, h, d);
        }
    }
}

/// Scratch memory of the attention loss, made once per run.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    queries: Side,
    keys: Side,
    q: Vec<f64>,
    d_q: Vec<f64>,
    k: Vec<f64>,
    d_k: Vec<f64>,
    /// `Tᵀ f` of the query, `[N]`.
    wanted: Vec<f64>,
    logits: Vec<f64>,
    targets: Vec<f64>,
    p: Vec<f64>,
    p_target: Vec<f64>,
}

/// Sums over queries: the loss itself and how far the attention is from the template's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) loss: f64,
    pub(super) kl: f64,
}

impl Attention {
    pub(super) fn new(problem: &Problem) -> Self {
        let (n, h, m) = (problem.n_features, problem.d_head, problem.n_keys);
        Self {
            queries: Side::new(problem),
            keys: Side::new(problem),
            q: vec![0.0; h],
            d_q: vec![0.0; h],
            k: vec![0.0; m * h],
            d_k: vec![0.0; h],
            wanted: vec![0.0; n],
            logits: vec![0.0; m],
            targets: vec![0.0; m],
            p: vec![0.0; m],
            p_target: vec![0.0; m],
        }
    }

    /// Means over queries of the loss and of `KL(template's attention ‖ head's attention)`; adds λ times the gradient of the
    /// loss where `grad` is given.
    pub(super) fn loss(
        &mut self,
        problem: &Problem,
        params: &Params,
        batch: &Batch,
        lambda: f64,
        grad: Option<&mut Params>,
    ) -> Sums {
        self.queries.prepare(problem, &params.features, &params.w_q);
        self.keys.prepare(problem, &params.features, &params.w_k);
        let n_queries = batch.n_queries as f64;
        let mut sums = Sums::default();
        for query in 0..batch.n_queries {
            self.score(problem, batch, query);
            let one = self.compare(problem.loss, lambda / n_queries);
            sums.loss += one.loss;
            sums.kl += one.kl;
            if grad.is_some() {
                self.collect(problem, batch, query);
            }
        }
        if let Some(grad) = grad {
            let Params { features, w_q, w_k, .. } = grad;
            self.queries.finish(problem, &params.features, &params.w_q, features, w_q);
            self.keys.finish(problem, &params.features, &params.w_k, features, w_k);
        }
        Sums { loss: sums.loss / n_queries, kl: sums.kl / n_queries }
    }

    /// Logits of one query, the head's and the template's.
    fn score(&mut self, problem: &Problem, batch: &Batch, query: usize) {
        let h = problem.d_head;
        let (present, values) = batch.token(query);
        self.q.copy_from_slice(&self.queries.of_common);
        add_rows(&mut self.q, &self.queries.of_feature, present, values);
        for (&i, f) in present.iter().zip(values) {
            for (j, t) in problem.template.of(i as usize) {
                self.wanted[*j] += f * t;
            }
        }
        for (key, k) in self.k.chunks_exact_mut(h).enumerate() {
            let (present, values) = batch.token(batch.key(query, key));
            k.copy_from_slice(&self.keys.of_common);
            add_rows(k, &self.keys.of_feature, present, values);
            problem.rotate_key(k, key, 1.0);
            self.logits[key] = dot(&self.q, k);
            self.targets[key] = match problem.only_key {
                Some(only) if only != key => 0.0,
                _ => present.iter().zip(values).map(|(&j, f)| f * self.wanted[j as usize]).sum(),
            };
        }
        for &i in present {
            for (j, _) in problem.template.of(i as usize) {
                self.wanted[*j] = 0.0;
            }
        }
    }

    /// Loss and KL of the query just scored; `logits` becomes `weight · ∂loss/∂logit`.
    fn compare(&mut self, loss: AttentionLoss, weight: f64) -> Sums {
        let log_sum = softmax(&mut self.p, &self.logits);
        let log_sum_target = softmax(&mut self.p_target, &self.targets);
        let (mut entropy_cross, mut entropy, mut squares) = (log_sum, log_sum_target, 0.0);
        for ((p, l), t) in self.p_target.iter().zip(&self.logits).zip(&self.targets) {
            entropy_cross -= p * l;
            entropy -= p * t;
            squares += (l - t) * (l - t);
        }
        let m = self.p.len() as f64;
        let kl = entropy_cross - entropy;
        match loss {
            AttentionLoss::CrossEntropy => {
                for ((l, p), p_target) in self.logits.iter_mut().zip(&self.p).zip(&self.p_target) {
                    *l = weight * (p - p_target);
                }
                Sums { loss: entropy_cross, kl }
            }
            AttentionLoss::SquaredLogit => {
                for (l, t) in self.logits.iter_mut().zip(&self.targets) {
                    *l = 2.0 * weight / m * (*l - t);
                }
                Sums { loss: squares / m, kl }
            }
        }
    }

    /// Adds the gradient of one query to both sides, from `∂L/∂logit` in `logits`.
    fn collect(&mut self, problem: &Problem, batch: &Batch, query: usize) {
        let h = problem.d_head;
        self.d_q.fill(0.0);
        for (key, (k, d)) in self.k.chunks_exact(h).zip(&self.logits).enumerate() {
            add_scaled(&mut self.d_q, *d, k);
            for (d_k, q) in self.d_k.iter_mut().zip(&self.q) {
                *d_k = d * q;
            }
            problem.rotate_key(&mut self.d_k, key, -1.0);
            add_scaled(&mut self.keys.d_of_common, 1.0, &self.d_k);
            let (present, values) = batch.token(batch.key(query, key));
            for (&j, f) in present.iter().zip(values) {
                add_scaled(&mut self.keys.d_of_feature[j as usize * h..][..h], *f, &self.d_k);
            }
        }
        add_scaled(&mut self.queries.d_of_common, 1.0, &self.d_q);
        let (present, values) = batch.token(query);
        for (&i, f) in present.iter().zip(values) {
            add_scaled(&mut self.queries.d_of_feature[i as usize * h..][..h], *f, &self.d_q);
        }
    }
}

/// `p = softmax(logits)`; returns log Σ exp.
fn softmax(p: &mut [f64], logits: &[f64]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (p, l) in p.iter_mut().zip(logits) {
        *p = libm::exp(l - largest);
        sum += *p;
    }
    p.iter_mut().for_each(|p| *p /= sum);
    largest + libm::log(sum)
}
