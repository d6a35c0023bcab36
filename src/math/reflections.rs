//! A random rotation that is never formed: a product of reflections, each with a random axis.
//!
//! Drawing one costs `n² / 2` normals and no decomposition; turning a vector costs `n²` multiply-adds, as with a matrix. So
//! where many rotations turn a few vectors each, this is what to use; where one turns many, [`Rng::haar_rotation`].
//!
//! # Source
//! G. W. Stewart, "The efficient generation of random orthogonal matrices", 1980.

use super::random::Rng;
use super::rows::dot;

/// An orthogonal map of `n` dimensions, Haar-distributed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reflections {
    n: usize,
    /// For each width from `n` down to 1: the axis, of length √2, after the sign that follows the reflection.
    axes: Vec<f64>,
}

impl Reflections {
    /// Draws one.
    pub fn draw(n: usize, rng: &mut Rng) -> Self {
        let mut axes = Vec::with_capacity(n * (n + 3) / 2);
        for width in (1..=n).rev() {
            axes.push(0.0);
            let start = axes.len();
            axes.extend((0..width).map(|_| rng.normal()));
            let axis = &mut axes[start..];
            // The first column of the reflection, times the sign, is the axis as it was drawn: a uniform direction.
            let norm = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
            let sign = if axis[0] < 0.0 { -1.0 } else { 1.0 };
            axis[0] += sign * norm;
            let length = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 0.0 {
                axis.iter_mut().for_each(|x| *x *= std::f64::consts::SQRT_2 / length);
            }
            axes[start - 1] = -sign;
        }
        Self { n, axes }
    }

    /// Turns a vector of `n` numbers; a longer one in its first `n`.
    pub fn turn(&self, x: &mut [f64]) {
        let mut rest = self.axes.as_slice();
        for width in (1..=self.n).rev() {
            let Some(([sign, axis @ ..], tail)) = rest.split_at_checked(width + 1) else { return };
            rest = tail;
            let Some(x) = x.get_mut(self.n - width..self.n) else { return };
            let along = dot(x, axis);
            x.iter_mut().zip(axis).for_each(|(x, a)| *x = sign * (*x - along * a));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_angles_stay_and_no_direction_is_preferred() {
        let mut rng = Rng::new(3);
        let turned = Reflections::draw(40, &mut rng);
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let (x, y): (Vec<f64>, Vec<f64>) = (0..40).map(|_| (rng.normal(), rng.normal())).unzip();
        let (mut u, mut v) = (x.clone(), y.clone());
        turned.turn(&mut u);
        turned.turn(&mut v);
        assert!((dot(&u, &v) - dot(&x, &y)).abs() < 1e-12 * 40.0);
        assert!((dot(&u, &u) - dot(&x, &x)).abs() < 1e-12 * 40.0);

        let n_draws = 4000;
        let (mut sum, mut squares, mut both) = ([0.0; 9], [0.0; 9], 0.0);
        for _ in 0..n_draws {
            let drawn = Reflections::draw(3, &mut rng);
            let rows: Vec<f64> = (0..3)
                .flat_map(|i| {
                    let mut row = [0.0; 3];
                    row[i] = 1.0;
                    drawn.turn(&mut row);
                    row
                })
                .collect();
            for (i, x) in rows.iter().enumerate() {
                sum[i] += x;
                squares[i] += x * x;
            }
            // Haar: E[q₁₁² q₂₂²] = 2/15 in three dimensions.
            both += (rows[0] * rows[4]).powi(2);
        }
        let n = f64::from(n_draws);
        // Each entry has mean 0 and variance 1/3: the standard errors are 0.009 and 0.005.
        assert!(sum.iter().all(|s| (s / n).abs() < 0.045), "{sum:?}");
        assert!(squares.iter().all(|s| (s / n - 1.0 / 3.0).abs() < 0.025), "{squares:?}");
        assert!((both / n - 2.0 / 15.0).abs() < 0.015, "{}", both / n);
    }

    #[test]
    fn nothing_and_one_dimension_are_turned_too() {
        let mut rng = Rng::new(1);
        Reflections::draw(0, &mut rng).turn(&mut []);
        let signs = (0..200).map(|_| {
            let mut x = [2.0];
            Reflections::draw(1, &mut rng).turn(&mut x);
            assert!((x[0].abs() - 2.0).abs() < 1e-12);
            x[0] > 0.0
        });
        let up = signs.filter(|up| *up).count();
        assert!((60..140).contains(&up), "{up}");
    }
}
