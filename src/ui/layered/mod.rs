//! A circuit as a picture: which of its edges are drawn, and between which nodes. Knows no browser.
//!
//! ```text
//! groups     nodes that the reader named: drawn as one
//! places     where the nodes stand: tokens across, layers up, as few crossings as a few sweeps leave
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::circuits::trace::{Circuit, Node, Side};
use crate::math::order::{sort_by, sort_by_key};

pub mod groups;
mod places;
use groups::Groups;
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
    /// What the reader named.
    pub named: Vec<Named>,
}

/// Nodes under a name, drawn as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The one that stands for all in [`Picture::nodes`]: the highest.
    pub node: Node,
    /// The reader's name.
    pub name: String,
    /// All of them, from below.
    pub members: Vec<Node>,
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
    /// Nodes of one of the `groups` are one node; edges between them are not drawn.
    pub fn of(
        circuit: &Circuit,
        at: usize,
        grouping: Grouping,
        least: f64,
        groups: &Groups,
    ) -> Self {
        let named = named(circuit, grouping, groups);
        let merged = merged(circuit, grouping, &named);
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
        sort_by(&mut picture.lines, |a, b| a.share.total_cmp(&b.share));
        picture.hidden = merged.len() - picture.lines.len();
        picture.named = named;
        picture
    }

    /// What the reader named, if `node` stands for it.
    pub fn named(&self, node: Option<Node>) -> Option<&Named> {
        self.named.iter().find(|named| Some(named.node) == node)
    }

    /// The index of the node with this [`slug`], or of the one that it is drawn as.
    pub fn find(&self, name: &str) -> Option<usize> {
        let inside = |named: &Named| named.members.iter().any(|member| member.to_string() == name);
        self.nodes.iter().position(|placed| {
            slug(placed.node) == name || self.named(placed.node).is_some_and(inside)
        })
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

impl Grouping {
    fn of(self, node: Node) -> Node {
        match self {
            Self::Positions => node,
            Self::Components => Node { dest: 0, src: 0, ..node },
        }
    }
}

/// The groups that have nodes in `circuit`.
fn named(circuit: &Circuit, grouping: Grouping, groups: &Groups) -> Vec<Named> {
    let ends = circuit.edges.iter().flat_map(|edge| [edge.from, edge.to.node()]);
    let all = ends.chain(circuit.seeds.iter().map(|seed| seed.from));
    let all: BTreeSet<Node> = all.map(|node| grouping.of(node)).collect();
    let found = groups.iter().filter_map(|group| {
        let inside = |node: &Node| group.members.contains(&node.to_string());
        let mut members: Vec<Node> = all.iter().copied().filter(inside).collect();
        sort_by_key(&mut members, |node| places::row(Some(*node)));
        Some(Named { node: *members.last()?, name: group.name.clone(), members })
    });
    found.collect()
}

/// All edges, those with the same ends under the grouping and the names added up.
fn merged(circuit: &Circuit, grouping: Grouping, named: &[Named]) -> BTreeMap<Ends, Sum> {
    let group = |node: Node| {
        let node = grouping.of(node);
        named.iter().find(|n| n.members.contains(&node)).map_or(node, |named| named.node)
    };
    let mut merged: BTreeMap<Ends, Sum> = BTreeMap::new();
    let mut add = |ends: Ends, weight: f64, k: &[usize]| {
        if ends.0 == ends.1 && named.iter().any(|named| Some(named.node) == ends.0) {
            return;
        }
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
mod tests;
