//! Vectors of `f32` whose sums are kept in `f64`.
//!
//! None of it may be inlined: who calls it in the page is built for size, and a loop is built as the function is that it stands in.

const LANES: usize = 8;

/// The sum of all values, over eight lanes.
#[inline(never)]
pub fn sum(values: &[f32]) -> f64 {
    let mut lanes = [0f64; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for x in whole {
        lanes.iter_mut().zip(x).for_each(|(lane, &x)| *lane += f64::from(x));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x)).sum::<f64>()
}

/// The inner product of two vectors, over eight lanes; the shorter length counts.
#[inline(never)]
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0f64; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(x[lane]) * f64::from(y[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
    lanes.iter().sum::<f64>() + rest
}

/// `y += alpha x`.
#[inline(never)]
pub fn add_scaled(y: &mut [f32], alpha: f32, x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += alpha * x);
}

/// Adds `by` to every entry.
#[inline(never)]
pub fn shift(y: &mut [f32], by: f32) {
    y.iter_mut().for_each(|y| *y += by);
}

/// Multiplies every entry by `by`.
#[inline(never)]
pub fn scale(y: &mut [f32], by: f32) {
    y.iter_mut().for_each(|y| *y *= by);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_what_is_left_over_count_once() {
        for n in [0, 1, 7, 8, 9, 40, 43] {
            let x: Vec<f32> = (0..n).map(|i| i as f32 - 3.0).collect();
            assert_eq!(sum(&x), x.iter().map(|&x| f64::from(x)).sum::<f64>());
            assert_eq!(dot(&x, &x), x.iter().map(|&x| f64::from(x * x)).sum::<f64>());
            let mut y = x.clone();
            add_scaled(&mut y, 2.0, &x);
            scale(&mut y, 0.5);
            shift(&mut y, -1.0);
            assert!(y.iter().zip(&x).all(|(y, x)| *y == 1.5 * x - 1.0));
        }
    }
}
