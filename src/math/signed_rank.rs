//! Wilcoxon's signed-rank test: are paired differences on the whole above zero?
//!
//! Exact, ties included, up to [`EXACT`] pairs; the normal approximation beyond, which is conservative in the far tail. Valid
//! where a difference that means nothing is as often positive as negative, at every size.
//!
//! # Source
//! Wilcoxon, Biometrics Bulletin 1 (1945); ties by mid-ranks: Pratt and Gibbons, "Concepts of Nonparametric Theory", 1981.

use super::special::normal_tail;
use crate::order::places;

/// Pairs up to which every assignment of signs is counted.
const EXACT: usize = 50;

/// `P(W ≥ observed)` for the sum W of the ranks of the positive differences; zeros are left out, and no pair gives one.
pub fn signed_rank_p(differences: &[f64]) -> f64 {
    let kept: Vec<f64> = differences.iter().copied().filter(|x| *x != 0.0 && !x.is_nan()).collect();
    let sizes: Vec<f64> = kept.iter().map(|x| x.abs()).collect();
    let ranks = doubled_mid_ranks(&sizes);
    let observed: usize = kept.iter().zip(&ranks).filter(|(x, _)| **x > 0.0).map(|(_, r)| r).sum();
    if kept.len() <= EXACT { exact(&ranks, observed) } else { normal(&ranks, observed) }
}

/// Twice the mid-rank of every value, ascending from two: whole numbers.
pub fn doubled_mid_ranks(values: &[f64]) -> Vec<usize> {
    let order = places(values.len(), &|a, b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]).scan(0, |below, tied| {
        let first = *below;
        *below += tied.len();
        Some((first, tied))
    }) {
        let (below, tied) = tied;
        tied.iter().for_each(|&i| ranks[i] = 2 * below + tied.len() + 1);
    }
    ranks
}

fn exact(ranks: &[usize], observed: usize) -> f64 {
    // share[w]: the share of all assignments of signs with this sum.
    let mut share = vec![1.0];
    for &rank in ranks {
        let mut next = vec![0.0; share.len() + rank];
        for (w, p) in share.iter().enumerate() {
            next[w] += 0.5 * p;
            next[w + rank] += 0.5 * p;
        }
        share = next;
    }
    share.iter().skip(observed).sum::<f64>().min(1.0)
}

fn normal(ranks: &[usize], observed: usize) -> f64 {
    let squares: f64 = ranks.iter().map(|&r| (r * r) as f64).sum();
    let mean = ranks.iter().sum::<usize>() as f64 / 2.0;
    normal_tail((observed as f64 - 0.5 - mean) / (squares / 4.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_are_counted_as_in_the_tables() {
        // scipy.stats.wilcoxon([1, 2, 3, -4, 5], alternative="greater", method="exact").pvalue = 7/32.
        assert!((signed_rank_p(&[1.0, 2.0, 3.0, -4.0, 5.0]) - 7.0 / 32.0).abs() < 1e-15);
        assert!((signed_rank_p(&[1.0; 7]) - 1.0 / 128.0).abs() < 1e-15);
        assert_eq!((signed_rank_p(&[]), signed_rank_p(&[0.0, -1.0])), (1.0, 1.0));
        assert_eq!(doubled_mid_ranks(&[3.0, 1.0, 1.0, 0.5]), [8, 5, 5, 2]);
    }

    #[test]
    fn many_pairs_go_on_where_few_end() {
        let mut rng = crate::random::Rng::new(4);
        for shift in [0.0, 0.3, 0.6] {
            let differences: Vec<f64> = (0..EXACT).map(|_| rng.normal() + shift).collect();
            let ranks = doubled_mid_ranks(&differences.iter().map(|x| x.abs()).collect::<Vec<_>>());
            let signs = differences.iter().zip(&ranks).filter(|(x, _)| **x > 0.0);
            let observed = signs.map(|(_, r)| r).sum();
            let (exact, normal) = (exact(&ranks, observed), normal(&ranks, observed));
            assert!((exact - normal).abs() < 0.004, "{exact} {normal}");
        }
    }
}
