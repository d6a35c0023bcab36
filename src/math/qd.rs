//! Singular values of a bidiagonal matrix by the differential quotient-difference algorithm with shifts: one division a step, no square
//! root, nothing subtracted but the shift.

/// Transformations for each value after which it is given up; a random matrix takes five.
const MAX_PER_VALUE: usize = 30;

/// Where the smallest of the intermediate `d` of a transformation lies: of all, and of all but the last.
#[derive(Clone, Copy, Default)]
struct Least {
    all: f64,
    but_last: f64,
    last: f64,
    second_last: f64,
}

/// The singular values of the bidiagonal matrix with these (unsigned) entries on and beside its diagonal, in no order, each to about
/// `ε σ_1`; `None` if they do not settle.
///
/// The squares `q`, `e` go through `L R → R L − τ` until the last `e` vanishes; then the last `q`, shifts added, is a value. A shift must
/// not exceed the smallest square that is left: too large a one shows as a negative number, and is taken back.
///
/// # Source
/// K. V. Fernando & B. N. Parlett, Numer. Math. 67 (1994); B. N. Parlett & O. A. Marques, Linear Algebra Appl. 309 (2000), for the
/// criteria. The shifts are simpler: the residual bound of the last row, else half of the smallest `d`.
pub(super) fn bidiagonal_values(diagonal: &[f64], beside: &[f64]) -> Option<Vec<f64>> {
    let n = diagonal.len();
    let square = |x: &f64| x * x;
    let mut q: Vec<f64> = diagonal.iter().map(square).collect();
    let mut e: Vec<f64> = beside.iter().map(square).take(n.saturating_sub(1)).collect();
    // Small values are found first, and should lie last.
    if let (Some(first), Some(last)) = (q.first(), q.last())
        && 1.5 * first < *last
    {
        q.reverse();
        e.reverse();
    }
    let largest = q.iter().chain(&e).copied().fold(0.0, f64::max);
    if q.iter().chain(&e).any(|x| !x.is_finite()) {
        return None;
    }
    let tiny = square(&(f64::EPSILON / 16.0)) * largest;
    let (mut next_q, mut next_e) = (q.clone(), e.clone());
    let (mut shifted, mut left, mut least) = (0.0, n, None::<Least>);
    let mut values = Vec::with_capacity(n);
    for _ in 0..=MAX_PER_VALUE * n {
        while left > 1 {
            let (last, beside) = (q[left - 1], e[left - 2]);
            if beside > square(&(100.0 * f64::EPSILON)) * (shifted + last) && beside > tiny {
                break;
            }
            values.push(shifted + last);
            left -= 1;
            least = least.map(|found| Least {
                all: found.but_last,
                last: found.second_last,
                ..Least::default()
            });
        }
        if left <= 1 {
            values.extend(q.first().filter(|_| left == 1).map(|first| shifted + first));
            return Some(values.into_iter().map(f64::sqrt).collect());
        }
        let (now_q, now_e) = (&q[..left], &e[..left - 1]);
        let mut shift = least.map_or(0.0, |least| first_shift(now_q, now_e, least));
        let mut tries = 0;
        let found = loop {
            let found = transform(now_q, now_e, shift, &mut next_q, &mut next_e);
            if found.all >= 0.0 {
                break found;
            }
            tries += 1;
            shift = match tries {
                1 | 2 if found.but_last > 0.0 => {
                    ((shift + found.last) * (1.0 - 2.0 * f64::EPSILON)).max(0.0)
                }
                1 | 2 => shift / 4.0,
                3 => 0.0,
                _ => return None,
            };
        };
        shifted += shift;
        std::mem::swap(&mut q, &mut next_q);
        std::mem::swap(&mut e, &mut next_e);
        least = Some(found);
    }
    None
}

/// A shift that should not exceed the smallest square left.
fn first_shift(q: &[f64], e: &[f64], least: Least) -> f64 {
    if least.last > least.all {
        return least.all / 2.0;
    }
    let (last, above, beside) = (q[q.len() - 1], q[q.len() - 2], e[e.len() - 1]);
    // The last row is nearly an eigenvector: by how much its residual says, and closer where the others are far.
    let gap = above - last;
    let near = last - (beside * last).sqrt();
    let nearer = if 4.0 * beside < gap {
        last * (1.0 - beside / gap * (1.0 + 4.0 * beside / gap))
    } else {
        0.0
    };
    near.max(nearer).max(0.0)
}

/// One transformation with shift `shift`; a negative or undefined `Least::all` says that the shift was too large.
fn transform(q: &[f64], e: &[f64], shift: f64, new_q: &mut [f64], new_e: &mut [f64]) -> Least {
    let mut d = q[0] - shift;
    let mut found = Least { all: d, but_last: d, last: d, second_last: d };
    for (i, (&beside, &next)) in e.iter().zip(&q[1..]).enumerate() {
        let sum = d + beside;
        new_q[i] = sum;
        (found.but_last, found.second_last) = (found.all, d);
        // An exact zero ends a block, and the next one begins.
        if sum == 0.0 {
            new_e[i] = 0.0;
            d = next - shift;
        } else {
            let ratio = next / sum;
            new_e[i] = beside * ratio;
            d = d * ratio - shift;
        }
        found.all = if d < found.all || d.is_nan() { d } else { found.all };
    }
    new_q[e.len()] = d;
    found.last = d;
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mat;
    use crate::random::Rng;

    /// Against nalgebra's values of the matrix itself.
    fn check(diagonal: &[f64], beside: &[f64]) {
        let n = diagonal.len();
        let m = Mat::from_fn(n, n, |i, j| match j.checked_sub(i) {
            Some(0) => diagonal[i],
            Some(1) => beside[i],
            _ => 0.0,
        });
        let expected = m.clone().singular_values();
        let mut found = bidiagonal_values(diagonal, beside)
            .unwrap_or_else(|| panic!("{diagonal:?} {beside:?}"));
        found.sort_by(|a, b| b.total_cmp(a));
        assert_eq!(found.len(), n);
        for (found, expected) in found.iter().zip(expected.iter()) {
            // 128 values, each deflation worth a sixteenth of ε.
            assert!((found - expected).abs() <= 2e-15 * m.norm(), "{found} for {expected}");
        }
    }

    #[test]
    fn values_are_those_of_the_matrix_however_they_lie() {
        let mut rng = Rng::new(6);
        for n in [1, 2, 3, 17, 128] {
            let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| rng.normal().abs()).collect() };
            let (even, beside) = (draw(n), draw(n - 1));
            check(&even, &beside);
            let graded = |x: &[f64], up: bool| -> Vec<f64> {
                let power = |i: usize| if up { i as i32 - n as i32 } else { -(i as i32) };
                x.iter().enumerate().map(|(i, x)| x * 2f64.powi(power(i))).collect()
            };
            for up in [true, false] {
                check(&graded(&even, up), &graded(&beside, up));
            }
            // Equal values, zeros on the diagonal, blocks that fall apart.
            check(&vec![1.0; n], &vec![0.0; n - 1]);
            check(&vec![1.0; n], &vec![1.0; n - 1]);
            let holes = |x: &[f64], at: usize| -> Vec<f64> {
                x.iter().enumerate().map(|(i, x)| if i % 3 == at { 0.0 } else { *x }).collect()
            };
            check(&holes(&even, 1), &beside);
            check(&even, &holes(&beside, 0));
            check(&holes(&even, 0), &holes(&beside, 0));
            check(&vec![0.0; n], &vec![0.0; n - 1]);
        }
        assert_eq!(bidiagonal_values(&[], &[]).unwrap(), [0.0; 0]);
    }

    #[test]
    fn small_values_keep_their_digits() {
        // A graded upper triangle: its smallest value is the product of its diagonal over the others.
        let diagonal: Vec<f64> = (0..12).map(|i| 10f64.powi(-i)).collect();
        let beside: Vec<f64> = (0..11).map(|i| 0.3 * 10f64.powi(-i - 1)).collect();
        let found = bidiagonal_values(&diagonal, &beside).unwrap();
        let product: f64 = found.iter().product();
        let expected: f64 = diagonal.iter().product();
        assert!((product / expected - 1.0).abs() < 1e-3, "{product:e} {expected:e}");
    }

    #[test]
    fn what_is_no_number_is_given_up() {
        assert!(bidiagonal_values(&[1.0, f64::NAN], &[0.5]).is_none());
    }
}
