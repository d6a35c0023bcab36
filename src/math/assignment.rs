//! The best one-to-one matching of rows with columns (the Hungarian method, with potentials and shortest paths).

/// For each of `n_rows` rows the column it is matched with, so that the matched scores `[n_rows, n_cols]` (row-major) have
/// the largest sum; with more rows than columns, the rows left over have `None`. Scores that are not finite count as 0.
///
/// `O(min² · max)`. The matching is a best one; which of several equally good ones is decided by the order of the rows.
///
/// # Source
/// H. W. Kuhn, 1955, in the shortest-path form of R. Jonker and A. Volgenant, 1987.
pub fn best_assignment(scores: &[f64], n_rows: usize, n_cols: usize) -> Vec<Option<usize>> {
    let score = |row: usize, col: usize| {
        scores.get(row * n_cols + col).copied().filter(|s| s.is_finite()).unwrap_or(0.0)
    };
    if n_rows <= n_cols {
        return match_all_rows(n_rows, n_cols, |row, col| -score(row, col))
            .into_iter()
            .map(Some)
            .collect();
    }
    let mut matched = vec![None; n_rows];
    for (col, row) in
        match_all_rows(n_cols, n_rows, |col, row| -score(row, col)).into_iter().enumerate()
    {
        matched[row] = Some(col);
    }
    matched
}

/// Cheapest matching that gives every row a column of its own; `n_rows ≤ n_cols`.
fn match_all_rows(n_rows: usize, n_cols: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // Column 0 of the method stands for "no column"; columns count from 1, and owner[0] is the row being placed.
    let mut owner = vec![usize::MAX; n_cols + 1];
    let (mut row_price, mut col_price) = (vec![0.0; n_rows], vec![0.0; n_cols + 1]);
    for placed in 0..n_rows {
        owner[0] = placed;
        let mut reached_from = vec![0; n_cols + 1];
        let mut distance = vec![f64::INFINITY; n_cols + 1];
        let mut done = vec![false; n_cols + 1];
        let mut col = 0;
        while owner[col] != usize::MAX {
            done[col] = true;
            let row = owner[col];
            let (mut step, mut next) = (f64::INFINITY, 0);
            for other in (1..=n_cols).filter(|&other| !done[other]) {
                let reduced = cost(row, other - 1) - row_price[row] - col_price[other];
                if reduced < distance[other] {
                    (distance[other], reached_from[other]) = (reduced, col);
                }
                if distance[other] < step {
                    (step, next) = (distance[other], other);
                }
            }
            for other in 0..=n_cols {
                if done[other] {
                    row_price[owner[other]] += step;
                    col_price[other] -= step;
                } else {
                    distance[other] -= step;
                }
            }
            col = next;
        }
        while col != 0 {
            owner[col] = owner[reached_from[col]];
            col = reached_from[col];
        }
    }
    let mut column = vec![0; n_rows];
    for (col, &row) in owner.iter().enumerate().skip(1).filter(|(_, row)| **row != usize::MAX) {
        column[row] = col - 1;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Rng;

    fn best_by_trying(
        scores: &[f64],
        n_rows: usize,
        n_cols: usize,
        row: usize,
        used: &mut Vec<bool>,
    ) -> f64 {
        if row == n_rows {
            return 0.0;
        }
        let mut best = if n_rows > n_cols {
            best_by_trying(scores, n_rows, n_cols, row + 1, used)
        } else {
            f64::MIN
        };
        for col in 0..n_cols {
            if !used[col] {
                used[col] = true;
                let rest = best_by_trying(scores, n_rows, n_cols, row + 1, used);
                best = best.max(scores[row * n_cols + col] + rest);
                used[col] = false;
            }
        }
        best
    }

    #[test]
    fn no_other_matching_is_better() {
        let mut rng = Rng::new(3);
        for (n_rows, n_cols) in [(1, 1), (3, 3), (5, 5), (3, 6), (6, 3), (4, 5), (0, 3), (2, 0)] {
            for _ in 0..20 {
                let scores: Vec<f64> = (0..n_rows * n_cols).map(|_| rng.uniform()).collect();
                let matched = best_assignment(&scores, n_rows, n_cols);
                let mut columns: Vec<usize> = matched.iter().flatten().copied().collect();
                let found: f64 =
                    (0..n_rows).filter_map(|r| matched[r].map(|c| scores[r * n_cols + c])).sum();
                columns.sort_unstable();
                columns.dedup();
                assert_eq!(columns.len(), n_rows.min(n_cols));
                let best = best_by_trying(&scores, n_rows, n_cols, 0, &mut vec![false; n_cols]);
                assert!(
                    (found - best).abs() < 1e-12,
                    "{n_rows} × {n_cols}: {found} against {best}"
                );
            }
        }
    }
}
