//! A firing taken apart: its cells on both sides, and the edges that their removal gives.

use std::ops::Range;

use super::graph::{Cell, Edge, Firing, Kind, Node, Side, Walk};
use super::head::{Head, HeadSide};
use super::images::Images;
use super::options::Rule;
use super::walk::{CellIndex, EVERY_KEY, Gradient, NO_VECTOR, Ranking, Removal, Row, remove};

/// The images of one side of a head among those of several readers.
#[derive(Clone, Copy)]
pub(super) struct SideImages<'a> {
    pub(super) images: &'a Images,
    /// Where the head's columns begin.
    pub(super) at: usize,
}

/// A summand of a query or of the keys.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Head { layer: usize, head: usize, src: usize },
    Mlp(usize),
    Bias(usize),
    Embed,
    Offset,
    Alibi,
}

impl Part {
    pub(super) fn of(node: &Node) -> Option<Self> {
        let Node { layer, head, src, .. } = *node;
        Some(match node.kind {
            Kind::Head => Self::Head { layer: layer?, head: head?, src },
            Kind::Mlp => Self::Mlp(layer?),
            Kind::Bias => Self::Bias(layer?),
            Kind::Embed => Self::Embed,
            Kind::Offset => Self::Offset,
            Kind::Alibi => Self::Alibi,
        })
    }

    fn node(self, position: usize) -> Node {
        match self {
            Self::Head { layer, head, src } => Node::head(layer, head, position, src),
            Self::Mlp(layer) => Node::at(Kind::Mlp, Some(layer), position),
            Self::Bias(layer) => Node::at(Kind::Bias, Some(layer), position),
            Self::Embed => Node::at(Kind::Embed, None, position),
            Self::Offset => Node::at(Kind::Offset, None, position),
            Self::Alibi => Node::at(Kind::Alibi, None, position),
        }
    }
}

/// A firing on its way through both sides.
pub(super) struct Taken<'a> {
    pub(super) head: &'a Head<'a>,
    firing: Firing,
    pub(super) visible: Range<usize>,
    /// The source's place among the visible ones.
    pub(super) j: usize,
    pub(super) added: Vec<f64>,
    gradient: Gradient,
    attention: f64,
    threshold: f64,
    pub(super) rule: Rule,
}

impl<'a> Taken<'a> {
    pub(super) fn new(
        head: &'a Head<'a>,
        firing: Firing,
        attention: f64,
        threshold: f64,
        rule: Rule,
    ) -> Self {
        let visible = head.view.visible(firing.dest, head.run.n());
        let j = firing.src.saturating_sub(visible.start);
        let added = head.scoring.alibi(visible.clone()).unwrap_or_default();
        let gradient = Gradient::of(&head.scoring, head.scores(firing.dest), &added, j);
        Self { head, firing, visible, j, added, gradient, attention, threshold, rule }
    }

    /// Removes cells of the query.
    pub(super) fn dest(&self, within: SideImages<'_>) -> (Walk, Vec<Edge>) {
        let (head, at) = (self.head, self.firing.dest);
        let parts = self.parts(&head.dest, within);
        let mut ranking = Ranking::new();
        let d_head = head.d_head;
        // β_k: what a coefficient of the query on vector k is worth.
        let mut worth = vec![0.0; d_head];
        for (t, g) in self.visible.clone().zip(&self.gradient.scores) {
            for (w, b) in worth.iter_mut().zip(head.src.whole(t)) {
                *w += head.scoring.scale() * g * b;
            }
        }
        for (component, part) in parts.iter().enumerate() {
            let Some(share) = self.share(&head.dest, within, *part, at) else { continue };
            self.rank(&mut ranking, component, EVERY_KEY, &share, &worth);
        }
        self.rank_alibi(&mut ranking, &parts);
        let row = |cell: CellIndex| {
            let Some(part) = parts.get(cell.component as usize) else { return self.nothing() };
            let Some(share) = self.share(&head.dest, within, *part, at) else {
                return self.nothing();
            };
            let block = self.block(cell);
            let dot = |t: usize| {
                let of = |k: usize| share[k] * head.src.whole(t)[k];
                head.scoring.scale() * block.clone().map(of).sum::<f64>()
            };
            Row::Every(self.visible.clone().map(dot).collect())
        };
        let removal = self.remove(ranking, row);
        self.edges(Side::Dest, &parts, removal)
    }

    /// Removes cells of the keys.
    pub(super) fn src(&self, within: SideImages<'_>) -> (Walk, Vec<Edge>) {
        let head = self.head;
        let parts = self.parts(&head.src, within);
        let mut ranking = Ranking::new();
        let query: Vec<f64> =
            head.dest.whole(self.firing.dest).iter().map(|a| a * head.scoring.scale()).collect();
        for (component, part) in parts.iter().enumerate() {
            match self.rule {
                Rule::Accpp => {
                    if let Some(pulled) = self.pulled(within, *part) {
                        self.rank(&mut ranking, component, EVERY_KEY, &pulled, &query);
                    }
                }
                Rule::Key => {
                    for (t, g) in self.visible.clone().zip(&self.gradient.scores) {
                        let Some(mut share) = self.share(&head.src, within, *part, t) else {
                            continue;
                        };
                        share.iter_mut().for_each(|x| *x *= g);
                        self.rank(&mut ranking, component, t as u32, &share, &query);
                    }
                }
            }
        }
        self.rank_alibi(&mut ranking, &parts);
        let row = |cell: CellIndex| {
            let Some(part) = parts.get(cell.component as usize) else { return self.nothing() };
            let block = self.block(cell);
            let dot = |t: usize| {
                let share = self.share(&head.src, within, *part, t);
                share.map_or(0.0, |share| block.clone().map(|k| share[k] * query[k]).sum())
            };
            match cell.key {
                EVERY_KEY => Row::Every(self.visible.clone().map(dot).collect()),
                t => Row::One(t as usize - self.visible.start, dot(t as usize)),
            }
        };
        let removal = self.remove(ranking, row);
        self.edges(Side::Src, &parts, removal)
    }

    /// All summands of a side, in the order of the layers.
    fn parts(&self, side: &HeadSide, within: SideImages<'_>) -> Vec<Part> {
        let mut parts = Vec::new();
        for layer in 0..side.front {
            for head in 0..within.images.layers[layer].n_heads {
                parts.extend((0..self.head.run.n()).map(|src| Part::Head { layer, head, src }));
            }
            parts.extend([Part::Mlp(layer), Part::Bias(layer)]);
            if layer == 0 {
                parts.extend([Part::Embed, Part::Offset]);
            }
        }
        if side.front == 0 {
            parts.extend([Part::Embed, Part::Offset]);
        }
        parts.push(Part::Alibi);
        parts
    }

    /// The coefficients of a summand of the query or key at a position; `None` where it is nothing.
    pub(super) fn share(
        &self,
        side: &HeadSide,
        within: SideImages<'_>,
        part: Part,
        position: usize,
    ) -> Option<Vec<f64>> {
        let columns = within.at..within.at + self.head.d_head;
        let (image, factor) = match part {
            Part::Head { layer, head, src } => {
                let attention = self.head.run.attends(layer, head, position, src);
                if attention == 0.0 {
                    return None;
                }
                (
                    within.images.head(layer, head, src),
                    attention * within.images.factor(layer, position),
                )
            }
            Part::Mlp(layer) => (within.images.mlp(layer, position), 1.0),
            Part::Bias(layer) => (within.images.bias(layer, position), 1.0),
            Part::Embed => (within.images.embed(position), 1.0),
            Part::Offset => return Some(side.offset(position).to_vec()),
            Part::Alibi => return None,
        };
        let factor = factor / side.scale[position];
        let mut share: Vec<f64> = image[columns].iter().map(|x| x * factor).collect();
        self.head.turn(position, &mut share);
        self.head.decompose(side, &mut share);
        Some(share)
    }

    /// `Σ_t g_t` times the coefficients of a summand at every visible key; `None` where it is nothing.
    fn pulled(&self, within: SideImages<'_>, part: Part) -> Option<Vec<f64>> {
        let (head, side) = (self.head, &self.head.src);
        let keys = self.visible.clone().zip(self.gradient.scores.iter().copied());
        match part {
            Part::Head { layer, head: from, src } => {
                let weight = |(t, g): (usize, f64)| {
                    let attention = head.run.attends(layer, from, t, src);
                    (t, g * attention * within.images.factor(layer, t) / side.scale[t])
                };
                let weights: Vec<(usize, f64)> =
                    keys.map(weight).filter(|(_, w)| *w != 0.0).collect();
                if weights.is_empty() {
                    return None;
                }
                let columns = within.at..within.at + head.d_head;
                let mut image = within.images.head(layer, from, src)[columns].to_vec();
                head.summed(side, &weights, &mut image);
                Some(image)
            }
            Part::Alibi => None,
            _ => {
                let mut sum = vec![0.0; head.d_head];
                for (t, g) in keys {
                    let share = self.share(side, within, part, t)?;
                    sum.iter_mut().zip(share).for_each(|(s, x)| *s += g * x);
                }
                Some(sum)
            }
        }
    }

    /// Ranks a summand's cells: the products of two lists of coefficients, a block of singular vectors together.
    fn rank(&self, ranking: &mut Ranking, component: usize, key: u32, a: &[f64], b: &[f64]) {
        for (block, vectors) in self.head.blocks.iter().enumerate() {
            let gradient = vectors.clone().map(|k| a[k] * b[k]).sum();
            let cell = CellIndex { component: component as u32, key, block: block as u32 };
            ranking.push(cell, gradient);
        }
    }

    fn rank_alibi(&self, ranking: &mut Ranking, parts: &[Part]) {
        if !self.added.is_empty() {
            let gradient = self.added.iter().zip(&self.gradient.added).map(|(x, g)| x * g).sum();
            let component = parts.len() as u32 - 1;
            ranking.push(CellIndex { component, key: EVERY_KEY, block: NO_VECTOR }, gradient);
        }
    }

    fn block(&self, cell: CellIndex) -> Range<usize> {
        self.head.blocks.get(cell.block as usize).cloned().unwrap_or_default()
    }

    fn nothing(&self) -> Row {
        Row::Added(Vec::new())
    }

    fn remove(&self, ranking: Ranking, row: impl Fn(CellIndex) -> Row) -> Removal {
        let scores = (self.head.scores(self.firing.dest), self.added.as_slice());
        let with_alibi = |cell: CellIndex| match cell.block {
            NO_VECTOR => Row::Added(self.added.clone()),
            _ => row(cell),
        };
        let aim = (self.j, self.attention, self.threshold);
        remove(&self.head.scoring, scores, aim, ranking.finish(), with_alibi)
    }

    /// One edge per component, in the order of first removal.
    fn edges(&self, side: Side, parts: &[Part], removal: Removal) -> (Walk, Vec<Edge>) {
        let mut walk = Walk { reached: removal.reached, ..Walk::default() };
        let mut edges: Vec<Edge> = Vec::new();
        let mut before = self.attention;
        let own = if side == Side::Dest { self.firing.dest } else { self.firing.src };
        for (cell, attention) in removal.removed.into_iter().zip(removal.attention) {
            let Some(part) = parts.get(cell.component as usize) else { continue };
            let position = if cell.key == EVERY_KEY { own } else { cell.key as usize };
            let (from, block) = (part.node(position), self.block(cell));
            let drop = before - attention;
            before = attention;
            let k = (cell.block != NO_VECTOR).then_some(block.start);
            let size = Some(block.len()).filter(|len| *len > 1);
            walk.removed.push(Cell { from, k, block: size });
            walk.attention_after.push(attention);
            if !self.written(*part, position) {
                walk.lost += drop;
                continue;
            }
            match edges.iter_mut().find(|edge| edge.from == from) {
                Some(edge) => {
                    edge.weight += drop;
                    edge.k.extend(block);
                }
                None => edges.push(Edge {
                    from,
                    to: self.firing,
                    side,
                    weight: drop,
                    k: block.collect(),
                }),
            }
        }
        // The authors' program drops a side that it gave up on.
        if !walk.reached && walk.removed.len() >= super::walk::MOST && self.rule == Rule::Accpp {
            edges.clear();
        }
        (walk, edges)
    }

    /// Whether a component can be written at a position: a head may read only what is visible from there.
    fn written(&self, part: Part, position: usize) -> bool {
        let Part::Head { layer, src, .. } = part else { return true };
        let run = self.head.run;
        run.view(layer).is_ok_and(|view| view.visible(position, run.n()).contains(&src))
    }
}
