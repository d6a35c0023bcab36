//! Which head of B is which head of A: a model that was trained again, or stored by another program, may have its heads in
//! another order.
//!
//! Two heads are as alike as their matrices: `⟨Ω_A, Ω_B⟩ / (‖Ω_A‖ ‖Ω_B‖)` for QK plus the same for OV, from −2 to 2. Between
//! unrelated matrices of width `d` it is about `√2 / d`, so that a head that is still itself stands out by far.

use serde::{Deserialize, Serialize};

use crate::circuits::omega::Circuit;
use crate::math::Mat;
use crate::math::assignment::best_assignment;
use crate::model::HeadWeights;

/// The head of B that a head of A is matched with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SameHead {
    /// Head of A.
    pub head: usize,
    /// Head of B.
    pub head_b: usize,
    /// Half the sum of the cosines between their QK and their OV matrices.
    pub cosine: f64,
}

/// Matches the heads of one layer, one to one, by the largest sum of cosines. In order of A's heads; with fewer heads in B some
/// go without.
pub fn match_heads(a: &[HeadWeights], b: &[HeadWeights]) -> Vec<SameHead> {
    let (of_a, of_b) = (normed(a), normed(b));
    let cosines: Vec<f64> =
        of_a.iter().flat_map(|one| of_b.iter().map(move |other| cosine(one, other))).collect();
    // A matching prefers no partner to none; shifted, every partner is better than none.
    let worth: Vec<f64> = cosines.iter().map(|cosine| cosine + 1.0).collect();
    let matched = best_assignment(&worth, a.len(), b.len()).into_iter().enumerate();
    let found = matched.filter_map(|(head, head_b)| {
        let head_b = head_b?;
        Some(SameHead { head, head_b, cosine: *cosines.get(head * b.len() + head_b)? })
    });
    found.collect()
}

/// Both circuits as factors whose product has norm 1, or is zero.
fn normed(heads: &[HeadWeights]) -> Vec<[(Mat, Mat); 2]> {
    let unit = |weights: &HeadWeights, circuit: Circuit| {
        let (mut a, mut b) = circuit.factors(weights);
        for m in [&mut a, &mut b] {
            let largest = m.amax();
            if largest > 0.0 {
                *m /= largest;
            }
        }
        let norm = inner(&a, &b, &a, &b).sqrt();
        if norm > 0.0 {
            a /= norm;
        }
        (a, b)
    };
    heads.iter().map(|head| [unit(head, Circuit::Qk), unit(head, Circuit::Ov)]).collect()
}

fn cosine(one: &[(Mat, Mat); 2], other: &[(Mat, Mat); 2]) -> f64 {
    let pairs = one.iter().zip(other);
    pairs.map(|((a, b), (new_a, new_b))| inner(a, b, new_a, new_b)).sum::<f64>() / 2.0
}

/// `⟨A Bᵀ, A' B'ᵀ⟩ = Σ (Aᵀ A') ⊙ (Bᵀ B')`.
fn inner(a: &Mat, b: &Mat, new_a: &Mat, new_b: &Mat) -> f64 {
    a.tr_mul(new_a).component_mul(&b.tr_mul(new_b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Rng;

    fn heads(n: usize, rng: &mut Rng) -> Vec<HeadWeights> {
        let zero = vec![0.0; 4];
        let mut head = || HeadWeights {
            w_q: rng.normal_matrix(20, 4),
            w_k: rng.normal_matrix(20, 4),
            w_v: rng.normal_matrix(20, 4),
            w_o: rng.normal_matrix(4, 20),
            b_q: zero.clone(),
            b_k: zero.clone(),
            b_v: zero.clone(),
            rotary: None,
        };
        (0..n).map(|_| head()).collect()
    }

    #[test]
    fn heads_in_another_order_and_basis_are_recognised() {
        let mut rng = Rng::new(21);
        let a = heads(6, &mut rng);
        let order = [3, 5, 0, 1, 4, 2];
        let mut b: Vec<_> = order.iter().map(|&head| a[head].clone()).collect();
        for head in &mut b {
            let turn = rng.haar_rotation(4);
            head.w_q = &head.w_q * &turn;
            head.w_k = &head.w_k * &turn * 1e-3;
        }
        for found in match_heads(&a, &b) {
            assert_eq!(order[found.head_b], found.head);
            assert!((found.cosine - 1.0).abs() < 1e-12);
        }
        assert_eq!(match_heads(&a, &b[..2]).len(), 2);
        assert_eq!(match_heads(&a[..2], &b).len(), 2);
    }

    #[test]
    fn strangers_are_hardly_alike_and_zero_heads_are_no_accident() {
        let mut rng = Rng::new(22);
        let (mut a, b) = (heads(5, &mut rng), heads(5, &mut rng));
        a[2].w_q.fill(0.0);
        let found = match_heads(&a, &b);
        assert_eq!(found.len(), 5);
        assert!(found.iter().all(|found| found.cosine.abs() < 0.2), "{found:?}");
    }
}
