//! What a trace finds, as plain values: components, firings, edges, and what was removed to find them.

use serde::{Deserialize, Serialize};

use crate::model::Head;

/// What kind of thing writes into the residual stream, or into a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A head, as far as it reads one source token.
    Head,
    /// An MLP, bias included.
    Mlp,
    /// What an attention adds wherever it looks: `b_O + Σ_h b_V W_O`; where the stream itself is normed also that norm's bias.
    Bias,
    /// Whatever enters layer 0.
    Embed,
    /// The query or key bias of the head that reads, with the norm's bias folded in.
    Offset,
    /// What ALiBi adds to a score.
    Alibi,
}

/// A component at a position: a summand of the residual stream there, or of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its layer; `None` for `embed`, `offset` and `alibi`.
    pub layer: Option<usize>,
    /// Its head, for a head.
    pub head: Option<usize>,
    /// Where it writes.
    pub dest: usize,
    /// The token that a head reads; `dest` for everything else.
    pub src: usize,
}

impl Node {
    /// A component that is no head, at a position.
    pub fn at(kind: Kind, layer: Option<usize>, position: usize) -> Self {
        Self { kind, layer, head: None, dest: position, src: position }
    }

    /// A head's reading of `src`, written at `dest`.
    pub fn head(layer: usize, head: usize, dest: usize, src: usize) -> Self {
        Self { kind: Kind::Head, layer: Some(layer), head: Some(head), dest, src }
    }

    /// The firing that a head's component is the output of; `None` for other kinds.
    pub fn firing(&self) -> Option<Firing> {
        let (layer, head) = self.layer.zip(self.head)?;
        Some(Firing { layer, head, dest: self.dest, src: self.src })
    }
}

/// Short and without a space: "L3H0:11-4" from position 11 to 4, "mlp2:11", "embed:4"; an address, a file and a terminal show the same.
impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, layer, head, dest, src } = *self;
        if let Some((layer, head)) = layer.zip(head) {
            return write!(f, "{}:{dest}-{src}", Head::new(layer, head));
        }
        f.write_str(match kind {
            Kind::Head => "head",
            Kind::Mlp => "mlp",
            Kind::Bias => "bias",
            Kind::Embed => "embed",
            Kind::Offset => "offset",
            Kind::Alibi => "alibi",
        })?;
        layer.map_or(Ok(()), |layer| write!(f, "{layer}"))?;
        write!(f, ":{dest}")
    }
}

/// A head that attends: from a destination to one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Firing {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The position that looks.
    pub dest: usize,
    /// The position looked at.
    pub src: usize,
}

impl Firing {
    /// What the head writes for it.
    pub fn node(&self) -> Node {
        Node::head(self.layer, self.head, self.dest, self.src)
    }
}

/// The inverse of its node's name: "L3H0:11-4".
impl std::str::FromStr for Firing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (name, places) = text.strip_prefix('L')?.split_once(':')?;
            let ((layer, head), (dest, src)) = (name.split_once('H')?, places.split_once('-')?);
            let number = |digits: &str| digits.parse().ok();
            Some(Self {
                layer: number(layer)?,
                head: number(head)?,
                dest: number(dest)?,
                src: number(src)?,
            })
        };
        read().ok_or_else(|| format!("{text:?} is no reading of a head, such as L3H0:11-4"))
    }
}

/// Through which side of a head an edge enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The query, at the destination.
    Dest,
    /// A key.
    Src,
}

/// A component of the last stream that carries the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    /// The component.
    pub from: Node,
    /// Its integrated gradient of ln p (nats), or its share of a logit difference or of the reader's direction.
    pub weight: f64,
}

/// A component with a firing that it is needed for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The component.
    pub from: Node,
    /// The firing.
    pub to: Firing,
    /// Through which side.
    pub side: Side,
    /// The sum of the drops of attention at the moments when its cells were zeroed: a probability, not a score.
    pub weight: f64,
    /// The singular vectors of the removed cells, in that order.
    pub k: Vec<usize>,
}

/// What one component contributes to a firing's scores through one singular vector, or through one degenerate block of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The component.
    pub from: Node,
    /// The singular vector, 0 the strongest, or the first of the block; `None` where none is involved (ALiBi).
    pub k: Option<usize>,
    /// How many singular vectors, where it is not one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<usize>,
}

/// The removal of cells on one side of a firing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Walk {
    /// The cells, in the order in which they were zeroed.
    pub removed: Vec<Cell>,
    /// Attention after each.
    pub attention_after: Vec<f64>,
    /// The attention fell below the threshold; if not, the cells ran out, or were more than are tried.
    pub reached: bool,
    /// Drops of attention that no edge has: readings of tokens after the place where they were written.
    pub lost: f64,
}

/// Both sides' removals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walks {
    /// On the query's side.
    pub dest: Walk,
    /// On the keys' side.
    pub src: Walk,
}

/// Whether a firing was taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was.
    Traced,
    /// Its attention is below the threshold.
    Below,
    /// Nothing was written before it.
    FirstLayer,
    /// It sees one token only, and cannot look elsewhere.
    FirstToken,
}

/// A firing that the trace came by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    /// Which.
    #[serde(flatten)]
    pub firing: Firing,
    /// Its attention.
    pub attention: f64,
    /// The attention that counts as firing: `min(1, scale / visible tokens)`.
    pub threshold: f64,
    /// Whether it was taken apart.
    pub status: Status,
    /// What was removed, if it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cells: Option<Walks>,
}

/// The graph from an answer back to the embeddings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Circuit {
    /// No graph: no seeds, or no head among them.
    pub empty: bool,
    /// The components that carry the answer, each joined to it.
    pub seeds: Vec<Seed>,
    /// Every firing reached, in the order of the visit, depth first.
    pub firings: Vec<Visit>,
    /// The edges, in the order in which they were found.
    pub edges: Vec<Edge>,
    /// What the graph leaves out.
    pub left_out: LeftOut,
}

/// What a graph leaves out, in numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// The seeds' sum as a share of all components' sum, negative ones included: above 1 where others work against the answer.
    pub seeds_share: f64,
    /// The share of the seeds' weight that lies in seeds that are no heads, and so are not traced further.
    pub untraced_seeds: f64,
    /// Firings that were reached and not taken apart.
    pub leaves: usize,
    /// Drops of attention without an edge, as a share of all drops.
    pub lost_drops: f64,
    /// Sides whose removal did not reach the threshold.
    pub unreached_sides: usize,
}
