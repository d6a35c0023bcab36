//! The layers of a model as people see them, as plain values that travel to the page: what each is called and how many heads it has.

use serde::{Deserialize, Serialize};

use super::Head;
use super::architecture::{Architecture, StackKind};

/// One layer, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerFace {
    /// The stack that it belongs to.
    pub stack: StackKind,
    /// Its number in that stack.
    pub number: usize,
    /// Its query heads; 0 where it has no attention.
    pub n_heads: usize,
    /// The layer whose tensors it uses: itself, but where layers share them (ALBERT).
    pub tensors_of: usize,
}

/// All layers, in the order in which they run; everywhere else a layer is its place in this list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Layers(pub Vec<LayerFace>);

impl Layers {
    /// The layers of a model.
    pub fn of(arch: &Architecture) -> Self {
        let face = |(index, layer): (usize, &super::architecture::Layer)| LayerFace {
            stack: arch.stack_of(index).map_or(StackKind::Only, |stack| stack.kind),
            number: layer.number,
            n_heads: arch.n_heads_of(index),
            tensors_of: layer.same_as.unwrap_or(index),
        };
        Self(arch.layers.iter().enumerate().map(face).collect())
    }

    /// A layer's name: "L3", or "dec L3" where there are several stacks.
    pub fn name(&self, layer: usize) -> String {
        self.0.get(layer).map_or_else(|| format!("L{layer}"), |l| l.stack.layer_name(l.number))
    }

    /// A head's name: "L3H0", or "dec L3H0" where there are several stacks.
    pub fn head_name(&self, layer: usize, head: usize) -> String {
        let Some(l) = self.0.get(layer) else { return Head::new(layer, head).to_string() };
        l.stack.head_name(l.number, head)
    }

    /// The stack that a layer belongs to.
    pub fn stack(&self, layer: usize) -> StackKind {
        self.0.get(layer).map_or(StackKind::Only, |l| l.stack)
    }

    /// A layer's number in its stack.
    pub fn number(&self, layer: usize) -> usize {
        self.0.get(layer).map_or(layer, |l| l.number)
    }

    /// Query heads of a layer; 0 where there is no such layer.
    pub fn n_heads(&self, layer: usize) -> usize {
        self.0.get(layer).map_or(0, |l| l.n_heads)
    }

    /// The layer whose tensors a layer uses.
    pub fn tensors_of(&self, layer: usize) -> usize {
        self.0.get(layer).map_or(layer, |l| l.tensors_of)
    }

    /// How many layers use a layer's tensors.
    pub fn uses(&self, layer: usize) -> usize {
        self.0.iter().filter(|l| l.tensors_of == layer).count()
    }

    /// The layers that have tensors of their own.
    pub fn own(&self) -> Vec<usize> {
        (0..self.0.len()).filter(|&l| self.tensors_of(l) == l).collect()
    }

    /// `layers`, stack by stack; the stacks in the order in which they are met.
    pub fn by_stack(&self, layers: &[usize]) -> Vec<(StackKind, Vec<usize>)> {
        let mut stacks: Vec<(StackKind, Vec<usize>)> = Vec::new();
        for &layer in layers {
            let Some(kind) = self.0.get(layer).map(|l| l.stack) else { continue };
            match stacks.iter_mut().find(|(k, _)| *k == kind) {
                Some((_, layers)) => layers.push(layer),
                None => stacks.push((kind, vec![layer])),
            }
        }
        stacks
    }

    /// Layers and heads in words, stack by stack: "12 × 12", "encoder 6 × 8, decoder 6 × 8, cross 6 × 8", "12 × 6 to 12".
    pub fn shape(&self) -> String {
        let all: Vec<usize> = (0..self.0.len()).collect();
        let of_stack = |(kind, layers): (StackKind, Vec<usize>)| {
            let heads = layers.iter().map(|&l| self.n_heads(l));
            let (least, most) = (heads.clone().min().unwrap_or(0), heads.max().unwrap_or(0));
            let name = kind.name().map_or_else(String::new, |name| format!("{name} "));
            let to = if least == most { String::new() } else { format!("{least} to ") };
            format!("{name}{} × {to}{most}", layers.len())
        };
        self.by_stack(&all).into_iter().map(of_stack).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(stack: StackKind, number: usize, n_heads: usize, tensors_of: usize) -> LayerFace {
        LayerFace { stack, number, n_heads, tensors_of }
    }

    #[test]
    fn heads_are_named_after_their_stack_and_their_number_in_it() {
        let layers = Layers(vec![
            face(StackKind::Encoder, 0, 4, 0),
            face(StackKind::Decoder, 0, 4, 1),
            face(StackKind::Cross, 0, 2, 2),
            face(StackKind::Decoder, 1, 4, 3),
        ]);
        assert_eq!(layers.head_name(2, 1), "cross L0H1");
        assert_eq!(layers.head_name(3, 0), "dec L1H0");
        assert_eq!(layers.name(0), "enc L0");
        assert_eq!(layers.shape(), "encoder 1 × 4, decoder 2 × 4, cross 1 × 2");
        let stacks = layers.by_stack(&[0, 1, 2, 3]);
        assert_eq!(stacks[1], (StackKind::Decoder, vec![1, 3]));
    }

    #[test]
    fn shared_tensors_are_shown_once_and_ragged_layers_as_they_are() {
        let only = StackKind::Only;
        let shared = Layers((0..3).map(|l| face(only, l, 2, 0)).collect());
        assert_eq!((shared.own(), shared.uses(0), shared.tensors_of(2)), (vec![0], 3, 0));
        let ragged = Layers(vec![face(only, 0, 0, 0), face(only, 1, 6, 1)]);
        assert_eq!(ragged.shape(), "2 × 0 to 6");
        assert_eq!((ragged.n_heads(0), ragged.n_heads(7)), (0, 0));
        assert_eq!(ragged.head_name(1, 5), "L1H5");
    }
}
