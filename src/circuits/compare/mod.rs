//! What became of a head: the change of its QK or OV matrix from model A to model B, and what chance would have made of it.
//!
//! Ω_A = A Bᵀ is the old matrix, Ω_B = A' B'ᵀ the new one, both `[d_model, d_model]`, `ΔΩ = Ω_B − Ω_A`.
//!
//! - **change**: `‖ΔΩ‖_F / ‖Ω_A‖_F`.
//! - **delta**: the singular values of ΔΩ, `d_head` of A plus `d_head` of B; exact zeros past its rank.
//! - **inside_left**: `‖P ΔΩ‖_F² / ‖ΔΩ‖_F²`, `P` the projection on the left singular vectors of Ω_A that are not null: how
//!   much of the change acts on directions that the head already read its destinations for (QK) or read (OV).
//!   **inside_right**: `‖ΔΩ P‖_F² / ‖ΔΩ‖_F²` with the right ones (sources, written).
//!   Half is nothing special: a change of `W_K` alone leaves all of it inside on the left. That is why [`chance`] stands beside it.
//! - **angles**: principal angles between the left (right) singular subspaces of Ω_A and Ω_B, null directions left out.
//! - **matched**: the singular pairs of A and B, one to one, see [`pairs`].
//!
//! Everything is computed in the coordinates of [`Joint`]; only [`leading`] returns to the residual stream.

pub mod chance;
pub mod pairs;
pub mod same_heads;
pub mod scores;
pub mod yardstick;

use serde::{Deserialize, Serialize};

use super::CircuitError;
use super::spectrum::null_from;
use crate::math::core_svd::CoreSvd;
use crate::math::joint::Joint;
use crate::math::principal_angles::{angles_with_coordinates, principal_angles};
use crate::math::products::transposed_times;
use crate::math::{Mat, ProductSvd, product_svd};
use chance::{Chance, Space};
use pairs::{MatchedPair, match_pairs};

/// How one circuit of one head differs between two models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CircuitChange {
    /// `‖ΔΩ‖_F / ‖Ω_A‖_F`; `None` if A's matrix is zero and B's is not.
    pub change: Option<f64>,
    /// Singular values of ΔΩ, descending.
    pub delta: Vec<f64>,
    /// Share of ‖ΔΩ‖_F² inside the left subspace of A; `None` where nothing changed.
    pub inside_left: Option<f64>,
    /// Share of ‖ΔΩ‖_F² inside the right subspace of A.
    pub inside_right: Option<f64>,
    /// Principal angles between the left subspaces in radians, ascending.
    pub angles_left: Vec<f64>,
    /// Principal angles between the right subspaces.
    pub angles_right: Vec<f64>,
    /// Singular pairs of A with their partners in B, in order of A's.
    pub matched: Vec<MatchedPair>,
    /// Singular values of Ω_A, descending.
    pub sigma_a: Vec<f64>,
    /// Singular values of Ω_B.
    pub sigma_b: Vec<f64>,
    /// The same numbers under the null models.
    pub chance: Chance,
}

impl CircuitChange {
    /// Compares `old = (A, B)` with `new = (A', B')`: factors of `[d_model, d_head]`, `d_head` possibly different.
    ///
    /// # Errors
    /// [`CircuitError::Math`] as [`Joint::new`].
    pub fn new(old: (&Mat, &Mat), new: (&Mat, &Mat)) -> Result<Self, CircuitError> {
        let joint = Joint::new(old.0, old.1, new.0, new.1)?;
        let d_model = old.0.nrows();
        let [a, b] = [&joint.old, &joint.new].map(|svd| Subspaces::of(svd, d_model, &joint));
        let count = (old.0.ncols() + new.0.ncols()).min(old.1.nrows()).min(d_model);
        let delta = joint.difference_values(count)?;
        let (angles_left, angles_right, matched);
        if joint.is_unchanged() {
            (angles_left, angles_right) = (vec![0.0; a.left.ncols()], vec![0.0; a.left.ncols()]);
            matched = (0..a.left.ncols()).map(MatchedPair::same).collect();
        } else {
            let angles = |a: &Subspaces, old: &Mat, new: &Mat| match a.coordinates {
                Some(r) => angles_with_coordinates(r, new),
                None => principal_angles(old, new),
            };
            angles_left = angles(&a, &a.left, &b.left)?;
            angles_right = angles(&a, &a.right, &b.right)?;
            matched = match_pairs(&a, &b);
        }
        let energy = joint.difference.norm_squared();
        let moved = delta.first().is_some_and(|first| *first > 0.0);
        let difference = &joint.difference;
        let [left, right] = match a.coordinates {
            Some(r) => {
                [difference.rows(0, r).norm_squared(), difference.columns(0, r).norm_squared()]
            }
            None => [
                transposed_times(&a.left, difference).norm_squared(),
                (difference * &a.right).norm_squared(),
            ],
        };
        let [inside_left, inside_right] = [left, right].map(|x| moved.then(|| x / energy));
        let spaces = [Space::around(old.0, new.0), Space::around(old.1, new.1)];
        let mut found = Self {
            change: relative(norm(&delta), norm(&joint.old.s)),
            delta,
            inside_left,
            inside_right,
            angles_left,
            angles_right,
            matched,
            sigma_a: joint.old.s.clone(),
            sigma_b: joint.new.s.clone(),
            chance: Chance::default(),
        };
        found.chance = Chance::of(&found, &joint, [&a, &b], spaces);
        Ok(found)
    }
}

/// The singular vectors of a product in joint coordinates, null directions left out.
pub(crate) struct Subspaces<'a> {
    /// `[rank of the joint basis, r]`.
    pub(crate) left: Mat,
    /// `[rank of the joint basis, r]`.
    pub(crate) right: Mat,
    /// The `r` singular values.
    pub(crate) sigma: &'a [f64],
    /// The `r` first coordinates are what both sides span, where that is known: a head of full rank that the joint bases begin with.
    pub(crate) coordinates: Option<usize>,
}

impl<'a> Subspaces<'a> {
    fn of(svd: &'a CoreSvd, d_model: usize, joint: &Joint) -> Self {
        let r = null_from(&svd.s, d_model);
        let first = |m: &Mat| m.columns(0, r).into_owned();
        let full = std::ptr::eq(svd, &joint.old) && r == joint.first_coordinates();
        let (left, right) = (first(&svd.u), first(&svd.v));
        Self { left, right, sigma: &svd.s[..r], coordinates: full.then_some(r) }
    }

    /// A matrix in the right coordinates, split into what lies in the right subspace, in coordinates of that, and what lies outside.
    fn split_right(&self, m: &Mat) -> [Mat; 2] {
        match self.coordinates {
            Some(r) => [m.rows(0, r).into_owned(), m.rows(r, m.nrows() - r).into_owned()],
            None => {
                let inside = transposed_times(&self.right, m);
                let outside = m - &self.right * &inside;
                [inside, outside]
            }
        }
    }
}

/// The SVD of ΔΩ in the residual stream, with its certificate: `u` and `v` are `[d_model, d_head + d_head']`.
///
/// # Errors
/// As [`product_svd`].
pub fn leading(old: (&Mat, &Mat), new: (&Mat, &Mat)) -> Result<ProductSvd, CircuitError> {
    let h = old.0.ncols().max(new.0.ncols());
    let wide = |m: &Mat| m.clone().resize_horizontally(h, 0.0);
    let [a, b, new_a, new_b] = [old.0, old.1, new.0, new.1].map(wide);
    let beside = |first: Mat, second: &Mat| {
        let mut both = first.resize_horizontally(2 * h, 0.0);
        both.columns_mut(h, h).copy_from(second);
        both
    };
    // (A' − A) B'ᵀ + A (B' − B)ᵀ: two terms of the difference's own size.
    Ok(product_svd(&beside(&new_a - &a, &a), &beside(new_b.clone(), &(new_b - b)))?)
}

fn norm(sigma: &[f64]) -> f64 {
    sigma.iter().map(|s| s * s).sum::<f64>().sqrt()
}

fn relative(change: f64, old: f64) -> Option<f64> {
    match (change, old) {
        (0.0, _) => Some(0.0),
        (_, 0.0) => None,
        (change, old) => Some(change / old),
    }
}

#[cfg(test)]
mod tests;
