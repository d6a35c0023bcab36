//! Dictionaries inside the model: what its own parts read and write in the residual stream.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    About, Along, Dictionary, DictionaryError, Hook, Labels, Matrix, Space, Store, Transform,
};
use crate::model::architecture::{Linear, Mlp, Norm, Orientation, PositionVectors};
use crate::model::{Model, ModelError, Weights};

/// Rows that are read at a time when the mean over the vocabulary is taken.
const ROWS: usize = 4096;

/// A part of the model whose vectors live in the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// Token embeddings `W_E`, one row per token.
    Embed,
    /// Unembeddings `W_U`, one per token: the directions that raise its logit.
    Unembed,
    /// Absolute positions, one row per position.
    Positions,
    /// What each neuron of a layer's MLP reads (the gate's input where there is a gate).
    MlpIn {
        /// The layer.
        layer: usize,
    },
    /// What each neuron of a layer's MLP writes.
    MlpOut {
        /// The layer.
        layer: usize,
    },
}

/// A map in the file that features come from.
struct Source<'a> {
    tensor: &'a str,
    along: Along,
    /// The norm in front of whatever reads the features.
    norm: Option<&'a Norm>,
    /// From the stored width to d_model.
    project: Option<&'a Linear>,
    name: String,
    counted: &'static str,
    hook: Option<String>,
    n: Option<usize>,
}

impl Dictionary {
    /// A dictionary of the model's own vectors; no vector is read yet, except that folded unembeddings of a LayerNorm model
    /// without soft-cap are streamed once for their mean over the vocabulary.
    ///
    /// Folded: gains of the norm in front of a reader are multiplied in, and for LayerNorm models the frame is centred.
    ///
    /// # Errors
    /// [`DictionaryError::Absent`] if the model has no such part, or what the checkpoint says.
    pub fn of_model(
        model: &Model,
        which: Builtin,
        weights: Weights,
    ) -> Result<Self, DictionaryError> {
        let source = source_of(model, which)?;
        let d_model = model.arch.d_model;
        let [n_rows, n_columns] = matrix_shape(model, source.tensor)?;
        let (all, width) = match source.along {
            Along::Rows => (n_rows, n_columns),
            Along::Columns => (n_columns, n_rows),
        };
        let map = source.project.map(|linear| projection(model, linear, width)).transpose()?;
        if map.is_none() && width != d_model {
            let (name, shape) = (source.tensor.to_owned(), vec![n_rows, n_columns]);
            return Err(DictionaryError::WrongWidth { name, shape, width: d_model });
        }
        let folded = weights == Weights::Folded;
        let mut notes = Vec::new();
        let gain = match source.norm.filter(|_| folded) {
            Some(norm) => {
                Some(model.read_norm(norm, d_model)?.0.into_iter().map(|g| g as f32).collect())
            }
            None => None,
        };
        if gain.is_some() {
            notes.push("The gains of the norm in front are multiplied in.".to_owned());
        }
        let centre = folded && model.arch.reads_through_layer_norm();
        let mut dictionary = Self {
            about: About {
                name: source.name,
                n_rows: source.n.unwrap_or(all).min(all),
                d_model,
                space: if centre { Space::Centred } else { Space::Raw },
                hook: source.hook.as_deref().map(Hook::parse),
                neuronpedia: None,
                notes,
            },
            labels: Labels::Counted(source.counted.to_owned()),
            store: Store::Model(Matrix {
                tensor: source.tensor.to_owned(),
                shape: [n_rows, n_columns],
                along: source.along,
                first: 0,
                step: 1,
            }),
            transform: Transform { map, offset: None, gain: None },
        };
        let capped = model.arch.unembedding.as_ref().is_some_and(|u| u.cap.is_some());
        if which == Builtin::Unembed && centre && !capped {
            dictionary.transform.offset = Some(dictionary.mean_row(model)?);
            dictionary.about.notes.push(
                "The mean over the vocabulary is taken out: it moves no probability.".to_owned(),
            );
        }
        dictionary.transform.gain = gain;
        Ok(dictionary)
    }

    /// The mean of all rows.
    fn mean_row(&self, model: &Model) -> Result<Vec<f32>, DictionaryError> {
        let mut sum = vec![0f64; self.about.d_model];
        for range in self.blocks(ROWS) {
            for row in self.rows(Some(&model.checkpoint), range)?.chunks_exact(sum.len().max(1)) {
                sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
            }
        }
        Ok(sum.into_iter().map(|x| (x / self.about.n_rows.max(1) as f64) as f32).collect())
    }
}

fn source_of(model: &Model, which: Builtin) -> Result<Source<'_>, DictionaryError> {
    let arch = &model.arch;
    let absent = |reason| absent(which, reason);
    let plain = |tensor, name: &str, counted, hook: &str| Source {
        tensor,
        along: Along::Rows,
        norm: None,
        project: None,
        name: name.to_owned(),
        counted,
        hook: Some(hook.to_owned()),
        n: None,
    };
    match which {
        Builtin::Embed => {
            let tensor = arch.embedding().and_then(|e| e.tokens.as_deref());
            let tensor = tensor.ok_or_else(|| absent("it reads no tokens"))?;
            let source = plain(tensor, "token embeddings", "token", "hook_embed");
            Ok(Source { project: arch.embedding().and_then(|e| e.project.as_ref()), ..source })
        }
        Builtin::Positions => {
            let vectors = arch.embedding().and_then(|e| e.positions.as_ref()).map(|p| &p.vectors);
            let table = match vectors {
                Some(PositionVectors::Table(name)) => Some(name),
                _ => None,
            };
            let table = table
                .ok_or_else(|| absent("its positions are not vectors of the residual stream"))?;
            Ok(plain(table, "position embeddings", "row", "hook_pos_embed"))
        }
        Builtin::Unembed => {
            let unembedding =
                arch.unembedding.as_ref().ok_or_else(|| absent("the file has no output matrix"))?;
            if unembedding.transform.is_some() {
                return Err(absent(
                    "a non-linear layer stands between the residual stream and the output matrix",
                ));
            }
            let linear = &unembedding.linear;
            let source = plain(&linear.weight, "unembeddings", "token", "unembed");
            Ok(Source {
                along: if linear.orientation == Orientation::OutIn {
                    Along::Rows
                } else {
                    Along::Columns
                },
                norm: arch.final_norm(),
                project: unembedding.project.as_ref(),
                hook: None,
                ..source
            })
        }
        Builtin::MlpIn { layer } => {
            let description = model.layer(layer)?;
            let (linear, what, gated) = match &description.mlp {
                Mlp::Plain { up, .. } => (up, "input of MLP neurons", false),
                Mlp::Gated { gate, .. } => (gate, "gate of MLP neurons", false),
                Mlp::GatedFused { gate_up, .. } => (gate_up, "gate of MLP neurons", true),
                mlp => return Err(absent(&without_neurons(mlp))),
            };
            let shape = matrix_shape(model, &linear.weight)?;
            let (along, axis) = match linear.orientation {
                Orientation::OutIn => (Along::Rows, 0),
                Orientation::InOut => (Along::Columns, 1),
            };
            let n = shape.get(axis).filter(|_| gated).map(|n| n / 2);
            // A parallel MLP reads through the attention's norm where it has none of its own.
            let shared = description.before_attention.as_ref().filter(|_| description.parallel);
            let norm = description.before_mlp.as_ref().or(shared);
            let source =
                plain(&linear.weight, "", "neuron", &format!("blocks.{layer}.hook_resid_pre"));
            Ok(Source {
                along,
                norm,
                n,
                hook: None,
                name: format!("{what} of layer {layer}"),
                ..source
            })
        }
        Builtin::MlpOut { layer } => {
            let down = match &model.layer(layer)?.mlp {
                Mlp::Plain { down, .. }
                | Mlp::Gated { down, .. }
                | Mlp::GatedFused { down, .. } => down,
                mlp => return Err(absent(&without_neurons(mlp))),
            };
            let source = plain(&down.weight, "", "neuron", &format!("blocks.{layer}.hook_mlp_out"));
            let along =
                if down.orientation == Orientation::OutIn { Along::Columns } else { Along::Rows };
            Ok(Source { along, name: format!("output of MLP neurons of layer {layer}"), ..source })
        }
    }
}

/// Why an MLP has no list of neurons.
fn without_neurons(mlp: &Mlp) -> String {
    match mlp {
        Mlp::Mixture(mixture) => format!(
            "it is a mixture of {} experts, of which each token uses {}",
            mixture.experts.len(),
            mixture.routing.top_k
        ),
        Mlp::None => "this layer has no MLP".to_owned(),
        mlp => mlp.unsupported().unwrap_or("its MLP is not understood here").to_owned(),
    }
}

/// The shape of a matrix of the model; an image model's positions have an axis of length 1 in front.
fn matrix_shape(model: &Model, name: &str) -> Result<[usize; 2], DictionaryError> {
    let checkpoint = &model.checkpoint;
    let Some(entry) = checkpoint.entry(name) else {
        let shards = checkpoint.missing_shards().len();
        return Err(ModelError::MissingTensor { name: name.to_owned(), shards }.into());
    };
    match entry.shape.as_slice() {
        &[rows, columns] | &[1, rows, columns] => Ok([rows, columns]),
        shape => {
            let (name, shape) = (name.to_owned(), shape.to_vec());
            Err(DictionaryError::WrongWidth { name, shape, width: model.arch.d_model })
        }
    }
}

fn absent(which: Builtin, reason: &str) -> DictionaryError {
    let what = match which {
        Builtin::Embed => "token embeddings",
        Builtin::Unembed => "unembeddings",
        Builtin::Positions => "position embeddings",
        Builtin::MlpIn { .. } | Builtin::MlpOut { .. } => "MLP neurons",
    };
    DictionaryError::Absent { what, reason: reason.to_owned() }
}

/// `[d_model, width]`: takes a stored feature to the residual stream, whichever way round the map is used.
fn projection(
    model: &Model,
    linear: &Linear,
    width: usize,
) -> Result<DMatrix<f32>, DictionaryError> {
    let d_model = model.arch.d_model;
    let tensor = model.read(&linear.weight, &[None, None])?;
    let values = tensor.f32s()?;
    match tensor.shape.as_slice() {
        &[a, b] if a == d_model && b == width => Ok(DMatrix::from_row_slice(a, b, &values)),
        &[a, b] if a == width && b == d_model => Ok(DMatrix::from_column_slice(b, a, &values)),
        shape => Err(DictionaryError::WrongWidth {
            name: linear.weight.clone(),
            shape: shape.to_vec(),
            width: d_model,
        }),
    }
}
