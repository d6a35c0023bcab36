//! What begins a residual stream and what ends it, and whether it can be run.

use super::builder::Builder;
use crate::model::ModelError;
use crate::model::activation::Activation;
use crate::model::architecture::*;
use crate::model::front::{PositionConvolution, Wave, WaveLayer};
use crate::model::names::in_layer;
use crate::model::recipe::FrontPaths;
use crate::model::rope::Scaling;

impl Builder<'_> {
    /// The stream that these layers move.
    pub(super) fn stream(&self) -> Result<Stream, ModelError> {
        let r = &self.recipe;
        let tokens = self.names.find(&self.prefix, r.embed);
        let root = if r.embed_times_root_width { (self.d_model as f64).sqrt() } else { 1.0 };
        let embedding = Embedding {
            scale: r.embed_factor * root,
            project: r.embed_project.map(|path| self.outer_linear(path)).transpose()?,
            projects_last: r.projects_last,
            positions: self.positions(),
            token_types: r.token_types.and_then(|path| self.names.find(&self.prefix, path)),
            norm: r.embed_norm.and_then(|path| self.outer_norm(path)),
            front: r.front.as_ref().and_then(|paths| self.front(paths)),
            layer_inputs: self.layer_inputs(),
            side_streams: self.side_streams(),
            tokens: tokens.filter(|_| r.front.is_none()),
        };
        Ok(Stream {
            kind: r.stream,
            d_model: self.d_model,
            embedding,
            final_norm: r.final_norm.and_then(|path| self.outer_norm(path)),
            last_hidden_is_normed: r.last_hidden_is_normed,
        })
    }

    /// Why prompts cannot be run through these layers, if they cannot.
    pub(super) fn cannot_run(&self, stream: &Stream, layers: &[Layer]) -> Option<String> {
        let (r, embedding) = (&self.recipe, &stream.embedding);
        if r.cannot_run.is_some() {
            return r.cannot_run.clone();
        }
        let unknown = |activation: &Activation| match activation {
            Activation::Unknown(name) => Some(format!("its activation {name:?} is not known here")),
            _ => None,
        };
        if r.front.is_some() && embedding.front.is_none() {
            Some("what it makes of its input is not all in the files".to_owned())
        } else if embedding.tokens.is_none() && embedding.front.is_none() {
            Some(format!("its embedding ({}) is not in the files", r.embed))
        } else if r.positions.is_some() && embedding.positions.is_none() {
            Some("its table of positions is not in the files".to_owned())
        } else if r.embed_norm.is_some() && embedding.norm.is_none() {
            Some("the norm of its embeddings is not in the files".to_owned())
        } else if layers.iter().any(|l| l.input.is_some()) && embedding.layer_inputs.is_none() {
            Some("what its layers' own inputs are made of is not in the files".to_owned())
        } else if let Some(reason) = layers.iter().find_map(|l| l.mlp.unsupported()) {
            Some(reason.to_owned())
        } else if let Some(reason) = layers.iter().find_map(|l| l.mixer.as_ref()?.unsupported()) {
            Some(reason.to_owned())
        } else if let Some(reason) = unknown(&r.activation) {
            Some(reason)
        } else if let Some(Front::Wave(wave)) = &embedding.front
            && let Some(reason) = unknown(&wave.activation)
        {
            Some(reason)
        } else if let Some(name) = self.left_out() {
            Some(format!(
                "its layers attend to another model's states too ({name}), which is left out here"
            ))
        } else {
            self.unknown_scaling()
                .map(|name| format!("its rotary scaling {name:?} is not known here"))
        }
    }

    /// A matrix of cross-attention that the recipe knows nothing of.
    fn left_out(&self) -> Option<String> {
        let queries = [
            "crossattention.q_attn.weight",
            "crossattention.c_attn.weight",
            "crossattention.self.query.weight",
            "encoder_attn.q_proj.weight",
            "cross_attn.q_proj.weight",
        ];
        let mut there = queries.iter().filter(|path| self.in_any_layer(path).is_some());
        there.next().filter(|_| self.recipe.cross.is_none()).map(|path| (*path).to_owned())
    }

    fn unknown_scaling(&self) -> Option<String> {
        let rope = &self.recipe.rope;
        (0..self.n_layers).find_map(|l| match rope.at(l)??.config.scaling {
            Scaling::Unknown(name) => Some(name),
            _ => None,
        })
    }

    fn positions(&self) -> Option<Positions> {
        if let Some(sinusoids) = self.recipe.sinusoids {
            let half = (self.d_model / 2) as f64;
            let steps = if sinusoids.ends_at_slowest { half - 1.0 } else { half };
            let vectors = PositionVectors::Sinusoids { steps };
            return Some(Positions { vectors, offset: sinusoids.offset, skipped_token: None });
        }
        let paths = self.recipe.positions?;
        let vectors = PositionVectors::Table(self.names.find(&self.prefix, paths.table)?);
        Some(Positions { vectors, offset: paths.offset, skipped_token: paths.skipped_token })
    }

    /// What is read instead of tokens; `None` if a part of it is not in the files.
    fn front(&self, paths: &FrontPaths) -> Option<Front> {
        let linear = |path: &str| self.outer_linear(path).ok();
        Some(match paths {
            FrontPaths::Patches { projection, before } => Front::Patches {
                projection: linear(projection)?,
                before: before
                    .iter()
                    .filter_map(|name| self.names.find(&self.prefix, name))
                    .collect(),
            },
            FrontPaths::Mel { first, second } => {
                Front::Mel { first: linear(first)?, second: linear(second)? }
            }
            FrontPaths::Wave {
                layer,
                strides,
                over_time,
                activation,
                norm,
                project,
                positions,
            } => {
                let layers = strides.iter().enumerate().map(|(l, &stride)| {
                    let path = in_layer(layer, l);
                    Some(WaveLayer {
                        convolution: linear(&format!("{path}conv"))?,
                        stride,
                        norm: self.outer_norm(&format!("{path}layer_norm")),
                        over_time: *over_time,
                    })
                });
                Front::Wave(Box::new(Wave {
                    layers: layers.collect::<Option<_>>()?,
                    activation: activation.clone(),
                    norm: self.outer_norm(norm),
                    project: linear(project)?,
                    positions: self.position_convolution(positions)?,
                }))
            }
        })
    }

    /// Its two names: before torch 2.1 and since.
    fn position_convolution(&self, path: &str) -> Option<PositionConvolution> {
        let find = |end: &str| self.names.find(&self.prefix, &format!("{path}.{end}"));
        Some(PositionConvolution {
            gain: find("weight_g").or_else(|| find("parametrizations.weight.original0"))?,
            direction: find("weight_v").or_else(|| find("parametrizations.weight.original1"))?,
            bias: find("bias"),
        })
    }
}
