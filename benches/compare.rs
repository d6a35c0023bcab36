//! What a comparison of two models costs beside one model's spectra: `cargo bench --bench compare [-- HEADS]`.
//!
//! Heads of GPT-2 small's shape, 768 by 64, on one thread; both in turns within one run, so that what else the machine does falls on both.
//! Prints milliseconds of processor time a head and their ratio, for a model that was tuned and for one that has nothing to do with the first.
//! The goal is 2.5.

use std::hint::black_box;
use std::time::Instant;

use omega_lens::circuits::compare::CircuitChange;
use omega_lens::math::joint::Joint;
use omega_lens::math::random::Rng;
use omega_lens::math::{Factor, Mat, MathError, product_singular_values};

const D_MODEL: usize = 768;
const D_HEAD: usize = 64;
const ROUNDS: usize = 3;

/// One circuit's factors before and now.
struct Pair {
    old: (Mat, Mat),
    new: (Mat, Mat),
}

impl Pair {
    /// A head whose spectrum decays, and what became of it: moved by `step` of itself, or drawn anew.
    fn draw(step: Option<f64>, rng: &mut Rng) -> Self {
        let mut factor = || {
            let mut m = rng.normal_matrix(D_MODEL, D_HEAD);
            for (j, mut column) in m.column_iter_mut().enumerate() {
                column *= 0.95_f64.powi(j as i32);
            }
            m
        };
        let (old, fresh) = ((factor(), factor()), (factor(), factor()));
        let moved = |old: &Mat, fresh: Mat| match step {
            Some(step) => old + fresh * step,
            None => fresh,
        };
        let new = (moved(&old.0, fresh.0), moved(&old.1, fresh.1));
        Self { old, new }
    }

    fn compared(&self) -> Result<f64, Box<dyn std::error::Error>> {
        let found = CircuitChange::new((&self.old.0, &self.old.1), (&self.new.0, &self.new.1))?;
        Ok(found.delta.iter().sum())
    }
}

/// Seconds that `work` takes.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let since = Instant::now();
    black_box(work());
    since.elapsed().as_secs_f64()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heads = std::env::args().skip(1).find_map(|n| n.parse().ok()).unwrap_or(12);
    println!(
        "{heads} heads of {D_MODEL} × {D_HEAD}, two circuits each, best of {ROUNDS} rounds, ms a head"
    );
    for (name, step) in [("tuned, 1 %", Some(0.01)), ("another", None)] {
        let mut rng = Rng::new(5);
        let pairs: Vec<Pair> = (0..2 * heads).map(|_| Pair::draw(step, &mut rng)).collect();
        let mut best = [f64::INFINITY; 5];
        for _ in 0..ROUNDS {
            let mut sums = [0.0; 5];
            for pair in &pairs {
                let ((a, b), (new_a, new_b)) = (&pair.old, &pair.new);
                sums[0] += timed(|| product_singular_values(a, b));
                sums[1] += timed(|| pair.compared().unwrap_or(f64::NAN));
                let joint = Joint::new(a, b, new_a, new_b)?;
                sums[2] += timed(|| Joint::new(a, b, new_a, new_b));
                sums[3] += timed(|| joint.difference_values(2 * D_HEAD));
                sums[4] += timed(|| -> Result<_, MathError> {
                    Ok((Factor::new(a, "a")?, Factor::new(b, "b")?))
                });
            }
            for (best, sum) in best.iter_mut().zip(sums) {
                *best = best.min(1e3 * sum / heads as f64);
            }
        }
        let [spectra, compared, joint, values, factors] = best;
        println!(
            "{name}: spectra {spectra:.2} (QR {factors:.2}), comparison {compared:.2} (joint bases and spectra {joint:.2}, values of the \
             difference {values:.2}): ratio {:.2}",
            compared / spectra
        );
    }
    Ok(())
}
