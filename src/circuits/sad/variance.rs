//! Which singular vectors make a head's scores differ: each one's share of the variance over a set of prompts.

use serde::{Deserialize, Serialize};

use super::terms::{HeadTerms, View};

/// How the variance of relative scores splits over singular vectors: `Σ t̃_k ℓ̃ / Σ ℓ̃²`.
///
/// The shares sum to 1 (for a head of full rank); a vector that works against the score has a negative one. A large
/// singular value with a share near zero is invisible to these prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VarianceShares {
    products: Vec<f64>,
    squares: f64,
}

impl VarianceShares {
    /// Nothing seen yet, for a head of `d_head` singular vectors.
    pub fn new(d_head: usize) -> Self {
        Self { products: vec![0.0; d_head], squares: 0.0 }
    }

    /// Adds every source that destination `dest` sees.
    ///
    /// Relative attention is `ℓ̃_j = m/(m−1) (ℓ_j − ℓ̄)`, and its terms likewise, so a whole row costs `O(m d_head)`. A
    /// destination that sees one source has none.
    pub fn add(&mut self, head: &HeadTerms, dest: usize, view: View) {
        let visible = view.visible(dest, head.n_src);
        let m = visible.len() as f64;
        let Some(a) = head.dest(dest).filter(|_| m > 1.0) else { return };
        let scores = || visible.clone().filter_map(|src| Some((src, head.score(dest, src)?)));
        let mean = scores().map(|(_, score)| score).sum::<f64>() / m;
        let factor = (m / (m - 1.0)).powi(2);
        for (src, score) in scores() {
            let off = factor * (score - mean);
            self.squares += off * (score - mean);
            let terms = a.iter().zip(head.src(src).unwrap_or_default());
            for (sum, (a, b)) in self.products.iter_mut().zip(terms) {
                *sum += head.scale * a * b * off;
            }
        }
    }

    /// Adds what was seen elsewhere.
    pub fn join(&mut self, other: &Self) {
        self.products.iter_mut().zip(&other.products).for_each(|(sum, x)| *sum += x);
        self.squares += other.squares;
    }

    /// `[d_head]`: the shares so far; empty while every relative score was zero.
    pub fn shares(&self) -> Vec<f64> {
        let seen = (self.squares > 0.0).then_some(&self.products);
        seen.into_iter().flatten().map(|product| product / self.squares).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::sad::terms::TermBasis;
    use crate::math::{product_svd, random::Rng};
    use crate::model::architecture::Window;

    #[test]
    fn shares_are_what_the_terms_of_relative_attention_say() {
        let mut rng = Rng::new(11);
        let (w_q, w_k) = (rng.normal_matrix(9, 4), rng.normal_matrix(9, 4));
        let basis = TermBasis::of(&product_svd(&w_q, &w_k).unwrap());
        let head = HeadTerms::new(&basis, &rng.normal_matrix(6, 4), &rng.normal_matrix(6, 4), 0.5);
        let head = head.unwrap();
        for view in [
            View { causal: true, window: None },
            View { causal: false, window: None },
            View { causal: true, window: Some(Window::Last(3)) },
        ] {
            let (mut products, mut squares) = (vec![0.0; 4], 0.0);
            let mut shares = VarianceShares::new(4);
            for dest in 0..6 {
                shares.add(&head, dest, view);
                for src in view.visible(dest, 6) {
                    let Some(r) = head.relative(dest, view.visible(dest, 6), src) else { continue };
                    products.iter_mut().zip(&r.terms).for_each(|(sum, t)| *sum += t * r.score);
                    squares += r.score * r.score;
                }
            }
            for (share, product) in shares.shares().iter().zip(products) {
                assert!((share - product / squares).abs() < 1e-12);
            }
            assert!((shares.shares().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
