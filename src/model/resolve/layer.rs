//! One layer of a recipe, its names completed.

use super::builder::{Builder, bias_of, weight_of};
use super::outside::{GAINS, SHIFTS, spelled};
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::recipe::{CrossPaths, MlpPaths};
use crate::model::side_streams::deviations;

impl Builder<'_> {
    /// A layer; its place among the stacks is not known here.
    pub(super) fn layer(&self, l: usize, n_heads: usize) -> Result<Layer, ModelError> {
        let r = &self.recipe;
        let norm = |path: Option<&str>| path.map(|path| self.norm(l, path, r.norm)).transpose();
        let there = |path: &str| self.in_any_layer(&weight_of(path)).is_some();
        let dense = || match r.mlp {
            MlpPaths::None => Mlp::None,
            MlpPaths::Plain(up, down) if there(up) => {
                Mlp::Plain { up: self.linear(l, up), down: self.linear(l, down) }
            }
            MlpPaths::Gated(gate, up, down) if there(gate) => Mlp::Gated {
                gate: self.linear(l, gate),
                up: self.linear(l, up),
                down: self.linear(l, down),
                bias: None,
            },
            MlpPaths::GatedThenBiased(gate, up, down) if there(gate) => {
                let mut up = self.linear(l, up);
                let bias = up.bias.take();
                Mlp::Gated { gate: self.linear(l, gate), up, down: self.linear(l, down), bias }
            }
            MlpPaths::GatedFused(gate_up, down) if there(gate_up) => {
                Mlp::GatedFused { gate_up: self.linear(l, gate_up), down: self.linear(l, down) }
            }
            MlpPaths::Plain(first, _)
            | MlpPaths::Gated(first, ..)
            | MlpPaths::GatedFused(first, _)
            | MlpPaths::GatedThenBiased(first, ..) => {
                Mlp::Unsupported(format!("its MLP ({first}.weight) is not in the files"))
            }
        };
        let mut mlp = self.mixture(l).unwrap_or_else(dense);
        let beside_mlp = self
            .beside_mlp(l)?
            .and_then(|found| found.map_err(|reason| mlp = Mlp::Unsupported(reason)).ok());
        let alone = mlp == Mlp::None;
        let of_mlp = |path: Option<&'static str>| norm(path.filter(|_| !alone));
        let before = r.before_attention.filter(|_| l > 0 || !r.first_is_normed);
        let mixer = self.mixer(l);
        let lacking = self.lacks_attention(l) && mixer.is_none();
        let of_attention = |path: Option<&'static str>| norm(path.filter(|_| !lacking));
        let gain = |path: &str| self.name_in_layer(l, path);
        Ok(Layer {
            stack: 0,
            number: l,
            same_as: None,
            attention: self.attention(l, n_heads)?,
            mixer,
            attention_factor: r.attention_factor,
            attention_gain: r.layer_scale.map(|(path, _)| gain(path)),
            mlp_gain: r.layer_scale.map(|(_, path)| gain(path)),
            mlp,
            beside_mlp,
            mlp_factor: r.mlp_factor,
            activation: r.activation.clone(),
            activation_parameters: r.activation_parameters.map(|path| self.name_in_layer(l, path)),
            gate_cutoff: r.gates_cut.at(l).filter(|&share| share > 0.0).map(deviations),
            input: self.layer_input(l)?,
            altup: self.altup(l)?,
            scalar: r.layer_scalar.map(|path| self.name_in_layer(l, path)),
            parallel: r.parallel,
            before_attention: of_attention(before)?,
            on_attention: of_attention(r.on_attention)?,
            after_attention: of_attention(r.after_attention)?,
            before_mlp: of_mlp(r.before_mlp)?,
            on_mlp: of_mlp(r.on_mlp)?,
            after_mlp: of_mlp(r.after_mlp)?,
        })
    }

    /// The attention to another stream that stands between a layer's own attention and its MLP: it takes the MLP over from `own`.
    pub(super) fn cross(
        &self,
        own: &mut Layer,
        l: usize,
        n_heads: usize,
        paths: CrossPaths,
        source: Source,
    ) -> Result<Layer, ModelError> {
        let norm =
            |path: Option<&str>| path.map(|path| self.norm(l, path, self.recipe.norm)).transpose();
        let mut layer = own.clone();
        (own.mlp, own.before_mlp, own.on_mlp, own.after_mlp) = (Mlp::None, None, None, None);
        layer.mixer = None;
        layer.attention = Some(self.cross_attention(l, n_heads, paths, source)?);
        layer.before_attention = norm(paths.before)?;
        layer.after_attention = norm(paths.after)?;
        layer.on_attention = None;
        Ok(layer)
    }

    /// A map of a layer.
    pub(super) fn linear(&self, l: usize, path: &str) -> Linear {
        let bias = bias_of(path);
        // Biases may be in some layers only; where a layer is not in the files, it is taken to be as the others.
        let own = self.has(l, path) && self.missing_shards == 0;
        let biased = if own {
            self.names.shape(&self.name_in_layer(l, &bias)).is_some()
        } else {
            self.in_any_layer(&bias).is_some()
        };
        Linear {
            weight: self.name_in_layer(l, &weight_of(path)),
            bias: biased.then(|| self.name_in_layer(l, &bias)),
            orientation: self.recipe.orientation,
            member: None,
        }
    }

    /// A norm of a layer.
    pub(super) fn norm(&self, l: usize, path: &str, kind: NormKind) -> Result<Norm, ModelError> {
        let eps = self.recipe.eps;
        let find = |names: &[&str]| {
            let mut paths = spelled(path, names).into_iter();
            paths
                .find(|path| self.in_any_layer(path).is_some())
                .map(|path| self.name_in_layer(l, &path))
        };
        let weight = find(&GAINS);
        if weight.is_none() && !self.recipe.bare_norms {
            return Err(ModelError::MissingTensor {
                name: self.name_in_layer(l, &format!("{path}.weight")),
                shards: self.missing_shards,
            });
        }
        let bias = find(&SHIFTS);
        // No RMS norm of any family has a bias: what has one is a LayerNorm, whatever the names fit.
        let kind = if bias.is_some() && kind == NormKind::Rms { NormKind::Layer } else { kind };
        Ok(Norm { kind, weight, bias, eps })
    }
}
