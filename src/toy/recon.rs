//! The tied autoencoder `f' = ReLU(X Xᵀ f + b)`: its loss and gradient, at the price of the features that are present.
//!
//! With the Gram matrix `G = X Xᵀ` formed once per step, a token costs `|f| N` instead of `N D`, and its gradient
//! `|f| · |f' > 0|`. The gradient collects `S_ji = Σ f_j ∂L/∂z_i` over tokens; then `∂L/∂X = (S + Sᵀ) X`.

use super::batch::Batch;
use super::gradients::Problem;
use super::model::Params;
use crate::math::rows::{add_product, add_rows, add_scaled, transpose};

/// Scratch memory of the reconstruction, made once per run.
#[derive(Debug, Clone)]
pub(super) struct Recon {
    features_t: Vec<f64>,
    gram: Vec<f64>,
    s: Vec<f64>,
    offset: Vec<f64>,
    z: Vec<f64>,
    f: Vec<f64>,
    d_z: Vec<f64>,
    /// Outputs with z > 0, and their ∂L/∂z.
    on: Vec<u32>,
    d_on: Vec<f64>,
}

impl Recon {
    pub(super) fn new(problem: &Problem) -> Self {
        let (n, d) = (problem.n_features, problem.d_model);
        Self {
            features_t: vec![0.0; n * d],
            gram: vec![0.0; n * n],
            s: vec![0.0; n * n],
            offset: vec![0.0; n],
            z: vec![0.0; n],
            f: vec![0.0; n],
            d_z: vec![0.0; n],
            on: vec![0; n],
            d_on: vec![0.0; n],
        }
    }

    /// Mean over tokens of `Σ importance_i (f_i − f'_i)²`; adds the gradient for features and bias where `grad` is given.
    pub(super) fn loss(
        &mut self,
        problem: &Problem,
        params: &Params,
        batch: &Batch,
        mut grad: Option<&mut Params>,
    ) -> f64 {
        let n = problem.n_features;
        let n_tokens = if problem.recon_on_keys { batch.n_tokens() } else { batch.n_queries };
        let scale = 2.0 / n_tokens as f64;
        self.prepare(problem, params);
        let mut loss = 0.0;
        for token in 0..n_tokens {
            let (present, values) = batch.token(token);
            self.z.copy_from_slice(&self.offset);
            add_rows(&mut self.z, &self.gram, present, values);
            for (&i, &value) in present.iter().zip(values) {
                self.f[i as usize] = value;
                if self.z[i as usize] <= 0.0 {
                    loss += problem.importance[i as usize] * value * value;
                }
            }
            let n_on = self.list_outputs();
            for (&i, d) in self.on[..n_on].iter().zip(&mut self.d_on) {
                let i = i as usize;
                let error = self.z[i] - self.f[i];
                let weighed = problem.importance[i] * error;
                loss += weighed * error;
                *d = scale * weighed;
            }
            if let Some(grad) = &mut grad {
                for (&i, d) in self.on[..n_on].iter().zip(&self.d_on) {
                    grad.bias[i as usize] += d;
                }
                self.collect(present, values, n_on);
            }
            for &i in present {
                self.f[i as usize] = 0.0;
            }
        }
        if let Some(grad) = grad {
            for i in 0..n {
                for j in 0..=i {
                    let sum = self.s[i * n + j] + self.s[j * n + i];
                    (self.s[i * n + j], self.s[j * n + i]) = (sum, sum);
                }
            }
            add_product(&mut grad.features, &self.s, &params.features, n, problem.d_model);
            if let Some(common) = &problem.common {
                for (feature, d) in grad.features.chunks_exact_mut(problem.d_model).zip(&grad.bias)
                {
                    add_scaled(feature, *d, common);
                }
            }
        }
        loss / n_tokens as f64
    }

    /// The Gram matrix, and what every token adds to z.
    fn prepare(&mut self, problem: &Problem, params: &Params) {
        let (n, d) = (problem.n_features, problem.d_model);
        self.s.fill(0.0);
        self.gram.fill(0.0);
        transpose(&mut self.features_t, &params.features, d);
        add_product(&mut self.gram, &params.features, &self.features_t, d, n);
        self.offset.copy_from_slice(&params.bias);
        if let Some(common) = &problem.common {
            for (axis, x) in self.features_t.chunks_exact(n).zip(common) {
                add_scaled(&mut self.offset, *x, axis);
            }
        }
    }

    /// Lists the outputs above zero in `on`, without a branch, and says how many there are.
    fn list_outputs(&mut self) -> usize {
        let mut n_on = 0;
        for (i, z) in (0_u32..).zip(&self.z) {
            self.on[n_on] = i;
            n_on += usize::from(*z > 0.0);
        }
        n_on
    }

    /// Adds one token to S, over the outputs that are on or, when those are many, over all in vector code: the same sums.
    fn collect(&mut self, present: &[u32], values: &[f64], n_on: usize) {
        let n = self.z.len();
        let (on, d_on) = (&self.on[..n_on], &self.d_on[..n_on]);
        if 3 * n_on < n {
            for (&j, &f) in present.iter().zip(values) {
                let row = &mut self.s[j as usize * n..][..n];
                for (&i, d) in on.iter().zip(d_on) {
                    row[i as usize] += f * d;
                }
            }
        } else {
            self.d_z.fill(0.0);
            for (&i, d) in on.iter().zip(d_on) {
                self.d_z[i as usize] = *d;
            }
            for (&j, &f) in present.iter().zip(values) {
                add_scaled(&mut self.s[j as usize * n..][..n], f, &self.d_z);
            }
        }
    }
}
