//! Singular vectors of the heads of a layer as a dictionary: what one head writes, another may read.

use std::ops::Range;

use super::{About, Dictionary, DictionaryError, Labels, Space, Store, Transform};
use crate::circuits::alignment::HeadSide;
use crate::circuits::omega::Circuit;
use crate::model::{AttentionLayer, Layers, Model, Part, Weights};

/// Rows in memory, and whose they are.
pub(super) struct OfHeads {
    layer: usize,
    /// `[n, d_model]`.
    rows: Vec<f32>,
    /// Each head's, in their order; a head that cannot be decomposed has none.
    of: Vec<Range<usize>>,
    /// Those that read as zeros, so that they are no features.
    left_out: Range<usize>,
}

impl OfHeads {
    /// The rows `range`, those left out as zeros.
    pub(super) fn rows(&self, range: Range<usize>, d_model: usize) -> Vec<f32> {
        let stored = self.rows.get(range.start * d_model..range.end * d_model);
        let mut rows = stored.unwrap_or_default().to_vec();
        for (row, values) in range.zip(rows.chunks_exact_mut(d_model.max(1))) {
            if self.left_out.contains(&row) {
                values.fill(0.0);
            }
        }
        rows
    }
}

impl Dictionary {
    /// Both sides of one circuit of every head of a layer, kept in memory: a layer of GPT-2 small takes 4.7 MB.
    ///
    /// Rows are labelled "L3H0.u_2"; null directions are left out, and heads that cannot be decomposed are named in the notes.
    ///
    /// # Errors
    /// What reading the layer says; [`DictionaryError::WrongWidth`] if it reads or writes a stream of another width than the main one.
    pub fn of_heads(
        model: &Model,
        layer: usize,
        circuit: Circuit,
        weights: Weights,
    ) -> Result<Self, DictionaryError> {
        let part = match circuit {
            Circuit::Qk => Part::Qk,
            Circuit::Ov => Part::Ov,
        };
        let attention = AttentionLayer::read(model, layer, part)?;
        let d_model = model.arch.d_model;
        let layer_name = Layers::of(&model.arch).name(layer);
        let mut notes = vec![
            "A head of this layer is compared with the vectors of the others, without its own. Signs of singular vectors are a convention, so that they \
             have no common direction to remove."
                .to_owned(),
        ];
        let (mut rows, mut labels, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for head in 0..attention.n_heads() {
            let first = labels.len();
            let name = model.arch.head_name(layer, head);
            let weights = attention.head(head, weights).map_err(|error| error.to_string());
            let both = |weights| HeadSide::both(layer, head, circuit, &weights);
            match weights.and_then(|weights| both(weights).map_err(|error| error.to_string())) {
                Ok(sides) => {
                    for (side, letter) in sides.iter().zip(["u", "v"]) {
                        if side.basis.nrows() != d_model {
                            let shape = vec![side.basis.nrows(), side.basis.ncols()];
                            return Err(DictionaryError::WrongWidth {
                                name,
                                shape,
                                width: d_model,
                            });
                        }
                        rows.extend(side.basis.iter().map(|&x| x as f32));
                        labels
                            .extend((0..side.sigma.len()).map(|k| format!("{name}.{letter}_{k}")));
                    }
                }
                Err(why) => notes.push(format!("{name} is left out: {why}.")),
            }
            of.push(first..labels.len());
        }
        let centred = weights == Weights::Folded && model.arch.reads_through_layer_norm();
        let about = About {
            name: format!("{} vectors of the heads of {layer_name}", circuit.name()),
            n_rows: labels.len(),
            d_model,
            space: if centred { Space::Centred } else { Space::Raw },
            hook: None,
            neuronpedia: None,
            notes,
        };
        let store = Store::Heads(OfHeads { layer, rows, of, left_out: 0..0 });
        Ok(Self { about, labels: Labels::Given(labels), store, transform: Transform::default() })
    }

    /// Leaves out the vectors of one head (layer and head) where this is a dictionary of heads that holds them, and takes all others in:
    /// what is compared with others is no part of them. Rows keep their numbers. False if nothing changed.
    pub fn leave_out(&mut self, model: &Model, head: Option<(usize, usize)>) -> bool {
        let Store::Heads(heads) = &mut self.store else { return false };
        // Layers may share their tensors.
        let place = |layer: usize| {
            let same_as = model.arch.layers.get(layer).and_then(|layer| layer.same_as);
            same_as.unwrap_or(layer)
        };
        let own = head.filter(|(layer, _)| place(*layer) == place(heads.layer));
        let left_out = own.and_then(|(_, head)| heads.of.get(head)).cloned().unwrap_or(0..0);
        let changed = left_out != heads.left_out;
        heads.left_out = left_out;
        changed
    }

    /// Whether its rows are singular vectors of heads, whose signs are a convention.
    pub fn is_of_heads(&self) -> bool {
        matches!(self.store, Store::Heads(_))
    }

    /// The head, layer in front, that a row is a vector of, in a dictionary of heads.
    pub fn owner(&self, row: usize) -> Option<(usize, usize)> {
        let Store::Heads(heads) = &self.store else { return None };
        let head = heads.of.iter().position(|rows| rows.contains(&row))?;
        Some((heads.layer, head))
    }
}
