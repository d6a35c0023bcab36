//! A circuit as a picture: which of its edges are drawn, and between which nodes. Knows no browser.
//!
//! ```text
//! places     where the nodes stand: tokens across, layers up, as few crossings as a few sweeps leave
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::circuits::trace::{Circuit, Node, Side};

mod places;
use places::Places;

/// Width and height of a node, in the units of the picture.
pub const NODE: [f64; 2] = [78.0, 34.0];
/// What one node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// A component at its position.
    #[default]
    Positions,
    /// A component wherever it is.
    Components,
}

/// How an edge enters what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Through the query of a head.
    Query,
    /// Through the keys of a head.
    Key,
    /// Into the answer.
    Answer,
}

/// A node with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The component; `None` for the answer.
    pub node: Option<Node>,
    /// Its centre.
    pub x: f64,
    /// Its centre.
    pub y: f64,
}

/// An edge between two of the nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Index of the node that writes.
    pub from: usize,
    /// Index of the node that reads.
    pub to: usize,
    /// How.
    pub role: Role,
    /// In the unit of its role: attention, or what seeds are measured in.
    pub weight: f64,
    /// The weight as a share of the largest of its kind: attention of 1, or the largest seed.
    pub share: f64,
    /// The singular vectors that carry it.
    pub k: Vec<usize>,
}

/// A circuit laid out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// The nodes, from below.
    pub nodes: Vec<Placed>,
    /// The edges, the weakest first.
    pub lines: Vec<Line>,
    /// Positions that have nodes, with the middle of their columns; none where nodes stand for components.
    pub columns: Vec<(usize, f64)>,
    /// Names of rows, with their height.
    pub rows: Vec<(String, f64)>,
    /// Width and height of the picture.
    pub size: [f64; 2],
    /// Edges that are too weak to be shown, or lead to nothing that is shown.
    pub hidden: usize,
}

/// The name of a node in an address: "L3H0:11-4", "mlp2:11", "answer".
pub fn slug(node: Option<Node>) -> String {
    node.map_or_else(|| "answer".to_owned(), |node| node.to_string())
}

/// From, to, and how.
type Ends = (Option<Node>, Option<Node>, Role);
/// Weight and singular vectors of edges with the same ends.
type Sum = (f64, Vec<usize>);

impl Picture {
    /// Lays out the edges of `circuit` whose share is at least `least` and that lead to the answer at position `at`.
    pub fn of(circuit: &Circuit, at: usize, grouping: Grouping, least: f64) -> Self {
        let merged = merged(circuit, grouping);
        let largest = |role: Role| {
            let weights = merged.iter().filter(|((.., of), _)| *of == role).map(|(_, (w, _))| *w);
            weights.fold(0.0, f64::max)
        };
        let most = |role| match role {
            Role::Answer => largest(role),
            // Several heads' worth of attention may have come together in one edge.
            _ => largest(Role::Query).max(largest(Role::Key)).max(1.0),
        };
        let [answer, attention] = [most(Role::Answer), most(Role::Query)];
        let share = |role, weight: f64| {
            let most = if role == Role::Answer { answer } else { attention };
            if most > 0.0 { (weight / most).clamp(0.0, 1.0) } else { 0.0 }
        };
        let strong: Vec<(&Ends, &Sum)> =
            merged.iter().filter(|((.., role), (w, _))| share(*role, *w) >= least).collect();
        let reached = reached(&strong);
        let kept = strong.into_iter().filter(|((_, to, _), _)| reached.contains(to));
        let kept: Vec<_> = kept.collect();
        let mut places = Places::of(&kept, at, grouping);
        places.order(&kept);
        let mut picture = places.picture();
        let index: HashMap<Option<Node>, usize> =
            picture.nodes.iter().enumerate().map(|(i, placed)| (placed.node, i)).collect();
        for ((from, to, role), (weight, k)) in &kept {
            let (Some(&from), Some(&to)) = (index.get(from), index.get(to)) else { continue };
            let share = share(*role, *weight);
            picture.lines.push(Line {
                from,
                to,
                role: *role,
                weight: *weight,
                share,
                k: k.clone(),
            });
        }
        picture.lines.sort_by(|a, b| a.share.total_cmp(&b.share));
        picture.hidden = merged.len() - picture.lines.len();
        picture
    }

    /// The index of the node with this [`slug`].
    pub fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|placed| slug(placed.node) == name)
    }

    /// The node that a step of the keyboard leads to: up or down the strongest edge, or sideways in the row.
    pub fn step(&self, from: usize, key: &str) -> Option<usize> {
        let strongest = |up: bool| {
            let here = |line: &&Line| (if up { line.from } else { line.to }) == from;
            let line = self.lines.iter().rev().find(here)?;
            Some(if up { line.to } else { line.from })
        };
        let sideways = |right: bool| {
            let here = self.nodes.get(from)?;
            let beside = |placed: &Placed| {
                let apart = if right { placed.x - here.x } else { here.x - placed.x };
                Some(apart).filter(|apart| *apart > 0.0 && placed.y == here.y)
            };
            let found = self.nodes.iter().enumerate().filter_map(|(i, p)| Some((i, beside(p)?)));
            Some(found.min_by(|a, b| a.1.total_cmp(&b.1))?.0)
        };
        match key {
            "ArrowUp" => strongest(true),
            "ArrowDown" => strongest(false),
            "ArrowRight" => sideways(true),
            "ArrowLeft" => sideways(false),
            _ => None,
        }
    }
}

/// All edges, those with the same ends under the grouping added up.
fn merged(circuit: &Circuit, grouping: Grouping) -> BTreeMap<Ends, Sum> {
    let group = |node: Node| match grouping {
        Grouping::Positions => node,
        Grouping::Components => Node { dest: 0, src: 0, ..node },
    };
    let mut merged: BTreeMap<Ends, Sum> = BTreeMap::new();
    let mut add = |ends, weight: f64, k: &[usize]| {
        let (total, all) = merged.entry(ends).or_default();
        *total += weight;
        for k in k {
            if !all.contains(k) {
                all.push(*k);
            }
        }
    };
    for seed in &circuit.seeds {
        add((Some(group(seed.from)), None, Role::Answer), seed.weight, &[]);
    }
    for edge in &circuit.edges {
        let role = match edge.side {
            Side::Dest => Role::Query,
            Side::Src => Role::Key,
        };
        add((Some(group(edge.from)), Some(group(edge.to.node())), role), edge.weight, &edge.k);
    }
    merged
}

/// Everything from which the answer can be reached.
fn reached(edges: &[(&Ends, &Sum)]) -> HashSet<Option<Node>> {
    let mut reached = HashSet::from([None]);
    let mut open = vec![None];
    while let Some(to) = open.pop() {
        let into = edges.iter().filter(|((_, end, _), _)| *end == to);
        open.extend(into.map(|((from, ..), _)| *from).filter(|from| reached.insert(*from)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::trace::graph::{Edge, Kind, LeftOut, Seed};

    fn circuit(seeds: &[(Node, f64)], edges: &[(Node, Node, Side, f64)]) -> Circuit {
        let seed = |&(from, weight): &(Node, f64)| Seed { from, weight };
        let edge = |&(from, to, side, weight): &(Node, Node, Side, f64)| Edge {
            from,
            to: to.firing().expect("edges lead to heads"),
            side,
            weight,
            k: vec![1],
        };
        Circuit {
            empty: false,
            seeds: seeds.iter().map(seed).collect(),
            firings: Vec::new(),
            edges: edges.iter().map(edge).collect(),
            left_out: LeftOut::default(),
        }
    }

    fn small() -> Circuit {
        let [top, low] = [Node::head(1, 0, 5, 2), Node::head(0, 3, 2, 1)];
        let mlp = Node::at(Kind::Mlp, Some(0), 5);
        let embed = Node::at(Kind::Embed, None, 2);
        circuit(
            &[(top, 2.0), (mlp, 0.1)],
            &[
                (mlp, top, Side::Dest, 0.5),
                (low, top, Side::Src, 0.7),
                (embed, low, Side::Src, 0.04),
            ],
        )
    }

    #[test]
    fn edges_go_up_and_no_two_nodes_overlap() {
        let picture = Picture::of(&small(), 5, Grouping::Positions, 0.0);
        assert_eq!((picture.nodes.len(), picture.lines.len(), picture.hidden), (5, 5, 0));
        let at = |i: usize| &picture.nodes[i];
        assert!(picture.lines.iter().all(|line| at(line.from).y > at(line.to).y));
        for (i, a) in picture.nodes.iter().enumerate() {
            assert!(a.x - NODE[0] / 2.0 >= 0.0 && a.x + NODE[0] / 2.0 <= picture.size[0]);
            assert!(a.y - NODE[1] / 2.0 >= 0.0 && a.y + NODE[1] / 2.0 <= picture.size[1]);
            for b in &picture.nodes[..i] {
                assert!((a.x - b.x).abs() >= NODE[0] || (a.y - b.y).abs() >= NODE[1]);
            }
        }
        let columns: Vec<usize> = picture.columns.iter().map(|column| column.0).collect();
        assert_eq!(columns, [2, 5]);
    }

    #[test]
    fn many_heads_of_one_token_stand_in_lines() {
        let heads: Vec<(Node, f64)> =
            (0..40).map(|head| (Node::head(0, head, 3, 1), 1.0)).collect();
        let picture = Picture::of(&circuit(&heads, &[]), 3, Grouping::Positions, 0.0);
        assert_eq!(picture.nodes.len(), 41);
        assert!(picture.size[0] < 12.0 * NODE[0] && picture.size[1] < 12.0 * NODE[1]);
        for (i, a) in picture.nodes.iter().enumerate() {
            assert!(a.y + NODE[1] / 2.0 <= picture.size[1]);
            for b in &picture.nodes[..i] {
                assert!((a.x - b.x).abs() >= NODE[0] || (a.y - b.y).abs() >= NODE[1]);
            }
        }
    }

    #[test]
    fn what_no_longer_leads_to_the_answer_goes_with_its_edge() {
        let picture = Picture::of(&small(), 5, Grouping::Positions, 0.6);
        // The seed that is left, the head behind its key, and the answer.
        assert_eq!((picture.nodes.len(), picture.lines.len(), picture.hidden), (3, 2, 3));
        assert!(picture.find("L0H3:2-1").is_some() && picture.find("embed:2").is_none());
    }

    #[test]
    fn components_are_one_node_wherever_they_are() {
        let two = [Node::head(0, 1, 4, 2), Node::head(0, 1, 3, 1)];
        let circuit = circuit(&[(two[0], 1.0), (two[1], 0.5)], &[]);
        let picture = Picture::of(&circuit, 4, Grouping::Components, 0.0);
        assert_eq!((picture.nodes.len(), picture.lines.len()), (2, 1));
        assert_eq!((picture.lines[0].weight, picture.lines[0].share), (1.5, 1.0));
        assert!(picture.columns.is_empty());
    }

    #[test]
    fn crossings_are_taken_out_and_keys_walk_along_edges() {
        // Two heads of one layer, each read by one of the next: in the order of their names the edges cross.
        let [a, b] = [Node::head(1, 0, 3, 0), Node::head(1, 1, 3, 0)];
        let [c, d] = [Node::head(0, 0, 3, 0), Node::head(0, 1, 3, 0)];
        let edges = [(d, a, Side::Dest, 0.9), (c, b, Side::Dest, 0.8)];
        let circuit = circuit(&[(a, 1.0), (b, 1.0)], &edges);
        let picture = Picture::of(&circuit, 3, Grouping::Positions, 0.0);
        let x = |node: Node| picture.nodes[picture.find(&node.to_string()).expect("drawn")].x;
        assert_eq!(x(a) < x(b), x(d) < x(c));
        let [i, j] = [a, d].map(|node| picture.find(&node.to_string()));
        assert_eq!(i.and_then(|i| picture.step(i, "ArrowDown")), j);
        assert_eq!(j.and_then(|j| picture.step(j, "ArrowUp")), i);
        assert_eq!(i.and_then(|i| picture.step(i, "ArrowUp")), picture.find("answer"));
    }
}
