//! Sparse attention decomposition of a toy's head on sampled tokens, where it is known what the answer should be.

use crate::circuits::sad::controls::{ControlOptions, Controls, Spread};
use crate::circuits::sad::event::SadEvent;
use crate::circuits::sad::terms::{HeadTerms, TermBasis, View};
use crate::math::statistics::softmax;
use crate::math::{Mat, product_svd};
use crate::toy::{Batch, Config, Params, Problem, ToyError, common_direction};
use serde::{Deserialize, Serialize};

/// One query and its keys, decomposed at the key that the template wants most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToyEvent {
    /// Features present in the query, with their values.
    pub query: Vec<(usize, f64)>,
    /// Features present in each key, with their values.
    pub keys: Vec<Vec<(usize, f64)>>,
    /// The head's attention to each key.
    pub attention: Vec<f64>,
    /// The template's attention to each key.
    pub wanted: Vec<f64>,
    /// The terms, their sparseness and the rotation controls.
    pub sad: SadEvent,
}

/// Events that a template cares about, and their means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToySad {
    /// How many queries were looked at.
    pub n_queries: usize,
    /// Events whose largest target logit is above 0.35 of the template's largest strength: small scores make every head look
    /// sparse.
    pub events: Vec<ToyEvent>,
    /// Means over events, of the head's singular vectors.
    pub mean: Means,
    /// The same in rotated bases that keep every score.
    pub basis: Means,
    /// The same with U and V rotated independently: scores change.
    pub subspace: Means,
}

/// Means over events; none without events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Means {
    /// Sparseness S; lower is sparser.
    pub sparseness: Option<f64>,
    /// Terms for the whole of relative attention.
    pub n_recon: Option<f64>,
    /// Terms for nine tenths of it.
    pub n_recon_90: Option<f64>,
}

/// Share of the largest strength that a target logit must exceed.
const EVENT_SHARE: f64 = 0.35;

/// How many batches are searched for events at most; they are rare.
const SEARCHED: usize = 64;

/// Decomposes the head on the batches from `step` on (take [`crate::toy::UNSEEN`]), until there are `most` events.
///
/// # Errors
/// [`ToyError::Length`] if parameters and settings do not fit, [`ToyError::Math`] if Ω cannot be decomposed.
pub fn toy_sad(
    config: &Config,
    params: &Params,
    step: usize,
    controls: ControlOptions,
    most: usize,
) -> Result<ToySad, ToyError> {
    params.check(config)?;
    let head = Head::new(config, params, controls)?;
    let (mut events, mut n_queries) = (Vec::new(), 0);
    for step in step..step + SEARCHED {
        let batch = Batch::of_step(config, step);
        for query in 0..config.batch {
            if events.len() < most {
                n_queries += 1;
                events.extend(head.event(&batch, query));
            }
        }
    }
    let count = |n: Option<usize>| n.map(|n| n as f64);
    let of_spread = |spread: &Spread| [spread.sparseness, spread.n_recon, spread.n_recon_90];
    let means = |of: &dyn Fn(&SadEvent) -> [Option<f64>; 3]| {
        let column =
            |which: usize| mean(events.iter().filter_map(|event: &ToyEvent| of(&event.sad)[which]));
        Means { sparseness: column(0), n_recon: column(1), n_recon_90: column(2) }
    };
    Ok(ToySad {
        n_queries,
        mean: means(&|sad| {
            let sparsity = &sad.sparsity;
            [sparsity.sparseness, count(sparsity.n_recon), count(sparsity.n_recon_90)]
        }),
        basis: means(&|sad| of_spread(&sad.controls.basis)),
        subspace: means(&|sad| of_spread(&sad.controls.subspace)),
        events,
    })
}

/// A head ready to be asked about tokens.
struct Head<'a> {
    config: &'a Config,
    problem: Problem,
    basis: TermBasis,
    controls: Controls,
    /// `X W_Q` and `X W_K`, `[N, H]`.
    of_feature: [Mat; 2],
    /// The same for the common direction, `[1, H]`.
    of_common: [Mat; 2],
    strongest: f64,
}

impl<'a> Head<'a> {
    fn new(
        config: &'a Config,
        params: &Params,
        controls: ControlOptions,
    ) -> Result<Self, ToyError> {
        let (features, w_q, w_k) = params.matrices();
        let svd = product_svd(&w_q, &w_k)?;
        let common =
            Mat::from_row_slice(1, config.d_model, &common_direction(config)) * config.common;
        Ok(Self {
            config,
            problem: Problem::new(config),
            basis: TermBasis::of(&svd),
            controls: Controls::new(&svd.s, controls, 0),
            of_feature: [&features * &w_q, &features * &w_k],
            of_common: [&common * &w_q, &common * &w_k],
            strongest: config.template.entries().iter().map(|e| e.strength).fold(0.0, f64::max),
        })
    }

    /// The event of one query, if the template wants one of its keys enough.
    fn event(&self, batch: &Batch, query: usize) -> Option<ToyEvent> {
        let n_keys = self.config.n_keys;
        let (present, values) = batch.token(query);
        let key_tokens: Vec<_> =
            (0..n_keys).map(|key| batch.token(batch.key(query, key))).collect();
        let wanted_key = |key: usize| self.problem.only_key.is_none_or(|only| only == key);
        let of_key = |key: usize| {
            if wanted_key(key) {
                target(&self.problem, (present, values), key_tokens[key])
            } else {
                0.0
            }
        };
        let targets: Vec<f64> = (0..n_keys).map(of_key).collect();
        let (src, most) =
            targets.iter().copied().enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        if self.strongest <= 0.0 || most <= EVENT_SHARE * self.strongest {
            return None;
        }
        let q = sum_of_rows(&self.of_feature[0], present, values) + &self.of_common[0];
        let mut k = Mat::zeros(n_keys, self.config.d_head);
        for (key, (present, values)) in key_tokens.iter().enumerate() {
            let row = sum_of_rows(&self.of_feature[1], present, values) + &self.of_common[1];
            let mut row: Vec<f64> = row.iter().copied().collect();
            self.problem.rotate_key(&mut row, key, 1.0);
            k.set_row(key, &nalgebra::RowDVector::from_vec(row));
        }
        let terms = HeadTerms::new(&self.basis, &q, &k, 1.0).ok()?;
        let attention = softmax(&terms.scores);
        let pattern: Vec<f32> = attention.iter().map(|&p| p as f32).collect();
        let everything = View { causal: false, window: None };
        let sad = SadEvent::of(&terms, &self.controls, &pattern, everything, 0, src)?;
        let listed = |(present, values): (&[u32], &[f64])| -> Vec<(usize, f64)> {
            present.iter().map(|&i| i as usize).zip(values.iter().copied()).collect()
        };
        let keys = key_tokens.into_iter().map(listed).collect();
        Some(ToyEvent {
            query: listed((present, values)),
            keys,
            attention,
            wanted: softmax(&targets),
            sad,
        })
    }
}

fn sum_of_rows(rows: &Mat, present: &[u32], values: &[f64]) -> Mat {
    let mut sum = Mat::zeros(1, rows.ncols());
    for (&i, value) in present.iter().zip(values) {
        sum += rows.row(i as usize) * *value;
    }
    sum
}

fn target(problem: &Problem, query: (&[u32], &[f64]), key: (&[u32], &[f64])) -> f64 {
    let value_in =
        |j: usize| key.0.iter().position(|&i| i as usize == j).map_or(0.0, |at| key.1[at]);
    let row = |i: u32, f: f64| -> f64 {
        problem.template.of(i as usize).iter().map(|(j, t)| f * t * value_in(*j)).sum()
    };
    query.0.iter().zip(query.1).map(|(&i, &f)| row(i, f)).sum()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), x| (sum + x, n + 1.0));
    (n > 0.0).then(|| sum / n)
}
