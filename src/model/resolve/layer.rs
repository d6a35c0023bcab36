//! One layer of a recipe, its names completed.

use super::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::names::in_layer;
use crate::model::recipe::{MlpPaths, QkNormPaths, QkvPaths, RopeRecipe, Rotary, Scale};

impl Builder<'_> {
    pub(super) fn layer(
        &self,
        l: usize,
        n_heads: usize,
        n_kv_heads: usize,
        d_head: usize,
    ) -> Result<Layer, ModelError> {
        let r = &self.recipe;
        let norm = |path: Option<&str>| path.map(|path| self.norm(l, path, r.norm)).transpose();
        let qkv = match r.qkv {
            QkvPaths::Separate(q, k, v) => {
                Qkv::Separate { q: self.linear(l, q), k: self.linear(l, k), v: self.linear(l, v) }
            }
            QkvPaths::Fused(path, order) => Qkv::Fused { linear: self.linear(l, path), order },
        };
        let qk_norm = match r.qk_norm {
            None => None,
            Some((QkNormPaths::Shared(q, k), kind)) => {
                Some(QkNorm::Shared { q: self.norm(l, q, kind)?, k: self.norm(l, k, kind)? })
            }
            Some((QkNormPaths::Together(q, k), kind)) => {
                Some(QkNorm::Together { q: self.norm(l, q, kind)?, k: self.norm(l, k, kind)? })
            }
            Some((QkNormPaths::Each(q, k), kind)) => {
                let each = |path: &str, n: usize| -> Result<Vec<Norm>, ModelError> {
                    (0..n)
                        .map(|i| self.norm(l, &path.replace("{i}", &i.to_string()), kind))
                        .collect()
                };
                Some(QkNorm::Each { q: each(q, n_heads)?, k: each(k, n_kv_heads)? })
            }
        };
        let attention = Attention {
            qkv,
            output: self.linear(l, r.output),
            qk_norm,
            score_scale: score_scale(r.score_scale, d_head, l),
            score_cap: r.score_cap,
            window: r.window.at(l).flatten(),
            rope: r
                .rope
                .as_ref()
                .and_then(|rope| rope.at(l))
                .map(|rope| resolve_rope(&rope, d_head))
                .transpose()?,
        };
        let there = |path: &str| self.in_any_layer(&format!("{path}.weight")).is_some();
        let mlp = match r.mlp {
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
            _ => Mlp::Unsupported,
        };
        Ok(Layer {
            attention,
            mlp,
            activation: r.activation.clone(),
            parallel: r.parallel,
            before_attention: norm(r.before_attention)?,
            on_attention: norm(r.on_attention)?,
            after_attention: norm(r.after_attention)?,
            before_mlp: norm(r.before_mlp)?,
            on_mlp: norm(r.on_mlp)?,
            after_mlp: norm(r.after_mlp)?,
        })
    }

    fn name_in_layer(&self, l: usize, path: &str) -> String {
        format!("{}{}{path}", self.prefix, in_layer(self.recipe.layer, l))
    }

    fn linear(&self, l: usize, path: &str) -> Linear {
        let bias = format!("{path}.bias");
        Linear {
            weight: self.name_in_layer(l, &format!("{path}.weight")),
            bias: self.in_any_layer(&bias).map(|_| self.name_in_layer(l, &bias)),
            orientation: self.recipe.orientation,
        }
    }

    fn norm(&self, l: usize, path: &str, kind: NormKind) -> Result<Norm, ModelError> {
        // Files written before 2020 call them gamma and beta.
        let spelled = |names: [&str; 2]| {
            let mut paths = names.into_iter().map(|name| format!("{path}.{name}"));
            paths
                .find(|path| self.in_any_layer(path).is_some())
                .map(|path| self.name_in_layer(l, &path))
        };
        let weight = spelled(["weight", "gamma"]).ok_or_else(|| ModelError::MissingTensor {
            name: self.name_in_layer(l, &format!("{path}.weight")),
            shards: self.missing_shards,
        })?;
        Ok(Norm { kind, weight, bias: spelled(["bias", "beta"]), eps: self.recipe.eps })
    }
}

fn score_scale(scale: Scale, d_head: usize, layer: usize) -> f64 {
    let by_width = 1.0 / (d_head as f64).sqrt();
    let by_depth = 1.0 / (layer + 1) as f64;
    match scale {
        Scale::HeadWidth => by_width,
        Scale::RootOf(x) => 1.0 / x.sqrt(),
        Scale::Is(x) => x,
        Scale::HeadWidthAndDepth => by_width * by_depth,
        Scale::Depth => by_depth,
    }
}

fn resolve_rope(recipe: &RopeRecipe, d_head: usize) -> Result<Rope, ModelError> {
    let rotary_dim = match recipe.rotary {
        Rotary::Fraction => (d_head as f64 * recipe.config.fraction) as usize,
        Rotary::Dimensions(n) => n,
        Rotary::AtMost(n) => n.min(d_head),
    };
    if rotary_dim > d_head {
        return Err(ModelError::Mismatch {
            what: "more dimensions turn than a head has".into(),
            first: format!("{rotary_dim} rotary dimensions"),
            second: format!("d_head {d_head}"),
        });
    }
    Ok(Rope::new(recipe.pairing, rotary_dim, &recipe.config))
}
