//! One layer of a recipe, its names completed.

use super::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::names::in_layer;
use crate::model::recipe::MlpPaths;

impl Builder<'_> {
    pub(super) fn layer(&self, l: usize, n_heads: usize) -> Result<Layer, ModelError> {
        let r = &self.recipe;
        let norm = |path: Option<&str>| path.map(|path| self.norm(l, path, r.norm)).transpose();
        let there = |path: &str| self.in_any_layer(&format!("{path}.weight")).is_some();
        let dense = || match r.mlp {
            MlpPaths::Plain(up, down) if there(up) => {
                Mlp::Plain { up: self.linear(l, up), down: self.linear(l, down) }
            }
            MlpPaths::Gated(gate, up, down) if there(gate) => Mlp::Gated {
                gate: self.linear(l, gate),
                up: self.linear(l, up),
                down: self.linear(l, down),
            },
            MlpPaths::GatedFused(gate_up, down) if there(gate_up) => {
                Mlp::GatedFused { gate_up: self.linear(l, gate_up), down: self.linear(l, down) }
            }
            MlpPaths::Plain(first, _)
            | MlpPaths::Gated(first, ..)
            | MlpPaths::GatedFused(first, _) => {
                Mlp::Unsupported(format!("its MLP ({first}.weight) is not in the files"))
            }
        };
        let mlp = self.mixture(l).unwrap_or_else(dense);
        Ok(Layer {
            attention: self.attention(l, n_heads)?,
            attention_factor: r.attention_factor,
            mlp,
            mlp_factor: r.mlp_factor,
            activation: r.activation.clone(),
            activation_parameters: r.activation_parameters.map(|path| self.name_in_layer(l, path)),
            parallel: r.parallel,
            before_attention: norm(r.before_attention)?,
            on_attention: norm(r.on_attention)?,
            after_attention: norm(r.after_attention)?,
            before_mlp: norm(r.before_mlp)?,
            on_mlp: norm(r.on_mlp)?,
            after_mlp: norm(r.after_mlp)?,
        })
    }

    pub(super) fn name_in_layer(&self, l: usize, path: &str) -> String {
        format!("{}{}{path}", self.prefix, in_layer(self.recipe.layer, l))
    }

    /// True if a layer has the weight of `path`.
    pub(super) fn has(&self, l: usize, path: &str) -> bool {
        self.names.shape(&self.name_in_layer(l, &format!("{path}.weight"))).is_some()
    }

    pub(super) fn linear(&self, l: usize, path: &str) -> Linear {
        let bias = format!("{path}.bias");
        // Biases may be in some layers only; where a layer is not in the files, it is taken to be as the others.
        let own = self.has(l, path) && self.missing_shards == 0;
        let biased = if own {
            self.names.shape(&self.name_in_layer(l, &bias)).is_some()
        } else {
            self.in_any_layer(&bias).is_some()
        };
        Linear {
            weight: self.name_in_layer(l, &format!("{path}.weight")),
            bias: biased.then(|| self.name_in_layer(l, &bias)),
            orientation: self.recipe.orientation,
            member: None,
        }
    }

    pub(super) fn norm(&self, l: usize, path: &str, kind: NormKind) -> Result<Norm, ModelError> {
        let eps = self.recipe.eps;
        // Files written before 2020 call them gamma and beta.
        let spelled = |names: [&str; 2]| {
            let mut paths = names.into_iter().map(|name| format!("{path}.{name}"));
            paths
                .find(|path| self.in_any_layer(path).is_some())
                .map(|path| self.name_in_layer(l, &path))
        };
        let weight = spelled(["weight", "gamma"]);
        if weight.is_none() && !self.recipe.bare_norms {
            return Err(ModelError::MissingTensor {
                name: self.name_in_layer(l, &format!("{path}.weight")),
                shards: self.missing_shards,
            });
        }
        Ok(Norm { kind, weight, bias: spelled(["bias", "beta"]), eps })
    }
}
