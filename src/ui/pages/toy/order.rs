//! The order in which features and directions are drawn: what belongs together stands on the diagonal.

use std::rc::Rc;

use crate::toy::PairFit;

/// Rows and columns of the matrices, by index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    /// Features, those of queries first, in the order of the template.
    pub(crate) queries: Vec<usize>,
    /// Features, those of keys first.
    pub(crate) keys: Vec<usize>,
    /// Features, attended ones first.
    pub(crate) features: Vec<usize>,
    /// Singular directions, matched ones first, in the order of their pairs.
    pub(crate) directions: Vec<usize>,
    /// How many features are attended.
    pub(crate) n_attended: usize,
}

impl Order {
    /// The order for these pairs among `n` features and `h` directions.
    pub(crate) fn of(pairs: &[PairFit], n: usize, h: usize) -> Self {
        let queries = || pairs.iter().map(|p| p.query);
        let keys = || pairs.iter().map(|p| p.key);
        let features = first(queries().chain(keys()), n);
        let mut attended: Vec<usize> = queries().chain(keys()).collect();
        attended.sort_unstable();
        attended.dedup();
        Self {
            queries: first(queries(), n),
            keys: first(keys(), n),
            directions: first(pairs.iter().filter_map(|p| p.k), h),
            n_attended: attended.len(),
            features,
        }
    }
}

/// `0..n` with those of `ahead` in front, each once.
fn first(ahead: impl Iterator<Item = usize>, n: usize) -> Vec<usize> {
    let mut seen = vec![false; n];
    let mut order = Vec::with_capacity(n);
    for i in ahead.filter(|i| *i < n).collect::<Vec<_>>().into_iter().chain(0..n) {
        if !std::mem::replace(&mut seen[i], true) {
            order.push(i);
        }
    }
    order
}

/// A row-major matrix with `n_cols` columns, its rows and columns in another order.
pub(crate) fn reordered(
    values: &[f32],
    n_cols: usize,
    rows: &[usize],
    cols: &[usize],
) -> Rc<Vec<f32>> {
    let at = |r: usize, c: usize| values.get(r * n_cols + c).copied().unwrap_or(f32::NAN);
    Rc::new(rows.iter().flat_map(|&r| cols.iter().map(move |&c| at(r, c))).collect())
}

/// Names of rows or columns.
pub(crate) fn names(order: &[usize]) -> Rc<Vec<String>> {
    Rc::new(order.iter().map(usize::to_string).collect())
}
