//! Where the nodes of a circuit stand: tokens across, layers up, as few crossings as a few sweeps leave.
//!
//! # Source
//! Sugiyama, Tagawa and Toda 1981: layers are given here, so what is left is the order in a layer, by barycentres.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Ends, Grouping, NODE, Picture, Placed, Sum};
use crate::circuits::trace::Node;
use crate::circuits::trace::graph::Kind;
use crate::math::order::sort_by;

/// What is left between two nodes.
const GAP: [f64; 2] = [10.0, 46.0];
/// Left of the first column (names of the layers), below the lowest row (tokens), and at the other two sides.
const LEFT: f64 = 58.0;
const BELOW: f64 = 40.0;
const MARGIN: f64 = 12.0;
/// How far edges that lead straight up past other rows bow out beside the last column.
const BOW: f64 = 20.0;
/// Least width of a column, so that its token can be read.
const COLUMN: f64 = 92.0;
/// From a line of nodes to the next in the same row.
const LINE: f64 = NODE[1] + 8.0;
const SWEEPS: usize = 6;

/// Nodes by row and column, the order in each still to be found.
pub(super) struct Places {
    cells: BTreeMap<(usize, usize), Vec<Option<Node>>>,
    named: bool,
}

/// The row of a node; the answer's is above all others.
pub(super) fn row(node: Option<Node>) -> usize {
    let Some(node) = node else { return usize::MAX };
    match (node.kind, node.layer) {
        (Kind::Mlp, Some(layer)) => 2 * layer + 2,
        (Kind::Head | Kind::Bias, Some(layer)) => 2 * layer + 1,
        _ => 0,
    }
}

fn row_name(row: usize) -> String {
    match row {
        0 => "input".to_owned(),
        usize::MAX => "answer".to_owned(),
        row if row % 2 == 0 => format!("{} MLP", row / 2 - 1),
        row => format!("{} heads", row / 2),
    }
}

impl Places {
    pub(super) fn of(edges: &[(&Ends, &Sum)], at: usize, grouping: Grouping) -> Self {
        let ends = edges.iter().flat_map(|((from, to, _), _)| [*from, *to]);
        let nodes: BTreeSet<Option<Node>> = ends.chain([None]).collect();
        let named = grouping == Grouping::Positions;
        let mut cells: BTreeMap<(usize, usize), Vec<Option<Node>>> = BTreeMap::new();
        for node in nodes {
            let column = node.map_or(if named { at } else { 0 }, |node| node.dest);
            cells.entry((row(node), column)).or_default().push(node);
        }
        Self { cells, named }
    }

    /// The middle of every column.
    fn columns(&self) -> BTreeMap<usize, f64> {
        let mut widths: BTreeMap<usize, f64> = BTreeMap::new();
        for (&(_, column), nodes) in &self.cells {
            let wide = (abreast(nodes.len()) as f64 * (NODE[0] + GAP[0])).max(COLUMN);
            let width = widths.entry(column).or_default();
            *width = width.max(wide);
        }
        let mut left = LEFT;
        let middle = |(column, width): (usize, f64)| {
            left += width;
            (column, left - width / 2.0)
        };
        widths.into_iter().map(middle).collect()
    }

    /// Where every node is, horizontally.
    fn across(&self) -> HashMap<Option<Node>, f64> {
        let columns = self.columns();
        let mut across = HashMap::new();
        for (&(_, column), nodes) in &self.cells {
            let middle = columns.get(&column).copied().unwrap_or(LEFT);
            let (deep, wide) = (lines(nodes.len()), abreast(nodes.len()));
            let first = middle - (wide as f64 - 1.0) / 2.0 * (NODE[0] + GAP[0]);
            for (i, node) in nodes.iter().enumerate() {
                across.insert(*node, first + (i / deep) as f64 * (NODE[0] + GAP[0]));
            }
        }
        across
    }

    /// The middle of the highest line of every row, and the bottom of the lowest.
    fn rows(&self) -> (BTreeMap<usize, f64>, f64) {
        let mut deep: BTreeMap<usize, usize> = BTreeMap::new();
        for (&(row, _), nodes) in &self.cells {
            let most = deep.entry(row).or_default();
            *most = lines(nodes.len()).max(*most);
        }
        let mut top = MARGIN;
        let height = |(row, deep): (usize, usize)| {
            let middle = top + NODE[1] / 2.0;
            top += NODE[1] + (deep - 1) as f64 * LINE + GAP[1];
            (row, middle)
        };
        let rows = deep.into_iter().rev().map(height).collect();
        (rows, top - GAP[1])
    }

    /// Orders the nodes of each cell by the mean place of their neighbours, up and down a few times.
    pub(super) fn order(&mut self, edges: &[(&Ends, &Sum)]) {
        let mut neighbours: HashMap<Option<Node>, Vec<Option<Node>>> = HashMap::new();
        for ((from, to, _), _) in edges {
            neighbours.entry(*from).or_default().push(*to);
            neighbours.entry(*to).or_default().push(*from);
        }
        for sweep in 0..SWEEPS {
            let mut keys: Vec<(usize, usize)> = self.cells.keys().copied().collect();
            if sweep % 2 == 0 {
                keys.reverse();
            }
            for key in keys {
                let across = self.across();
                let place = |node: &Option<Node>| across.get(node).copied().unwrap_or(0.0);
                let mean = |node: &Option<Node>| {
                    let near = neighbours.get(node).map(Vec::as_slice).unwrap_or_default();
                    let sum: f64 = near.iter().map(place).sum();
                    if near.is_empty() { place(node) } else { sum / near.len() as f64 }
                };
                if let Some(nodes) = self.cells.get_mut(&key) {
                    sort_by(nodes, |a, b| mean(a).total_cmp(&mean(b)));
                }
            }
        }
    }

    pub(super) fn picture(&self) -> Picture {
        let (across, columns) = (self.across(), self.columns());
        let (rows, bottom) = self.rows();
        let mut placed = Vec::new();
        for (&(row, _), nodes) in &self.cells {
            let top = rows.get(&row).copied().unwrap_or(MARGIN);
            for (i, node) in nodes.iter().enumerate() {
                let y = top + (i % lines(nodes.len())) as f64 * LINE;
                let x = across.get(node).copied().unwrap_or(0.0);
                placed.push(Placed { node: *node, x, y });
            }
        }
        let right = across.values().copied().fold(LEFT, f64::max) + NODE[0] / 2.0 + BOW;
        let widest = columns.values().map(|middle| middle + COLUMN / 2.0).fold(right, f64::max);
        Picture {
            nodes: placed,
            columns: if self.named { columns.into_iter().collect() } else { Vec::new() },
            rows: rows.into_iter().map(|(row, y)| (row_name(row), y)).collect(),
            size: [widest + MARGIN, bottom + MARGIN + BELOW],
            ..Picture::default()
        }
    }
}

/// Nodes of one row and column that stand side by side; more than three stand in several lines, so that a token stays narrow.
fn abreast(n: usize) -> usize {
    if n <= 3 { n } else { n.div_ceil(lines(n)) }
}

/// Lines that they fill, from left to right, each from above.
fn lines(n: usize) -> usize {
    if n <= 3 { 1 } else { n.isqrt().max(2) }
}
