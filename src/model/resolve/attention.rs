//! The attention of one layer of a recipe, its names completed.

use super::builder::Builder;
use crate::model::ModelError;
use crate::model::architecture::*;
use crate::model::grid_rope::GridRope;
use crate::model::recipe::{
    CrossPaths, LatentPaths, QkNormPaths, QkvPaths, RelativePaths, RopeRecipe, Rotary, Scale,
};
use crate::model::relative::{Disentangled, Relative};
use crate::model::rope::Scaling;

impl Builder<'_> {
    /// The attention of a layer, `None` where it has none.
    pub(super) fn attention(
        &self,
        l: usize,
        n_heads: usize,
    ) -> Result<Option<Attention>, ModelError> {
        let r = &self.recipe;
        if !r.attends.at(l).unwrap_or(true) || self.lacks_attention(l) {
            return Ok(None);
        }
        let sizes = self.sizes(l, n_heads)?;
        let keys_of = r.keys_of.at(l).flatten();
        let source = keys_of.unwrap_or(l);
        let qkv = match r.qkv {
            QkvPaths::Separate(q, k, v) => {
                let values = self.linear(source, self.values_of(source, k, v));
                let (k, v) = (self.linear(source, k), values);
                Qkv::Separate { q: self.linear(l, q), k, v }
            }
            QkvPaths::Fused(path, order) => Qkv::Fused { linear: self.linear(l, path), order },
            QkvPaths::Latent(paths) => Qkv::Latent(Box::new(self.latent(l, paths, sizes)?)),
        };
        let rope = r.rope.at(l).flatten();
        let rope = rope.map(|rope| resolve_rope(&rope, sizes.d_head, qkv.latent())).transpose()?;
        Ok(Some(Attention {
            sizes,
            qkv,
            source: None,
            causal: r.causal,
            keys_of,
            output: self.linear(l, r.output),
            gated: r.gated,
            clip: r.clip,
            qk_norm: self.qk_norm(l, source, sizes)?,
            turns_before_norm: r.turns_before_norm,
            value_norm: r.value_norm.then_some(r.eps),
            score_scale: score_scale(r.score_scale, sizes.d_head, l),
            factors: Factors { input: r.input_factor, key: r.key_factor },
            temperature: r.temperature.at(l).flatten(),
            score_cap: r.score_cap,
            sinks: r.sinks.map(|path| self.name_in_layer(l, path)),
            window: r.window.at(l).flatten(),
            rope,
            grid_rope: r.grid_rope.map(|theta| GridRope::new(sizes.d_head, theta)),
            relative: r.relative.and_then(|paths| self.relative(l, paths)),
        }))
    }

    /// Latent attention: the latents' widths are those of their norms.
    fn latent(&self, l: usize, paths: LatentPaths, sizes: Sizes) -> Result<Latent, ModelError> {
        let [q_down, q_norm, q_up] = paths.q_latent;
        let [kv_down, kv_norm, kv_up] = paths.kv_latent;
        // No config sets this ε.
        let norm = |path| self.norm(l, path, NormKind::Rms).map(|norm| Norm { eps: 1e-6, ..norm });
        let narrow = self.queries_are_latent(paths);
        let q_down = if narrow { Some((self.linear(l, q_down), norm(q_norm)?)) } else { None };
        Ok(Latent {
            d_q: if narrow { self.length(l, q_norm)? } else { sizes.d_model },
            d_kv: self.length(l, kv_norm)?,
            d_rotary: self.d_rotary(l, paths)?,
            q: self.linear(l, if narrow { q_up } else { paths.q }),
            q_down,
            kv_down: self.linear(l, kv_down),
            kv_norm: norm(kv_norm)?,
            kv: self.linear(l, kv_up),
        })
    }

    /// The attention of a layer to another stream: no mask, no positions.
    pub(super) fn cross_attention(
        &self,
        l: usize,
        n_heads: usize,
        paths: CrossPaths,
        source: Source,
    ) -> Result<Attention, ModelError> {
        let sizes = self.sizes_of(l, n_heads, paths.qkv, paths.output)?;
        let qkv = match paths.qkv {
            QkvPaths::Separate(q, k, v) => {
                Qkv::Separate { q: self.linear(l, q), k: self.linear(l, k), v: self.linear(l, v) }
            }
            QkvPaths::Fused(path, order) => Qkv::Fused { linear: self.linear(l, path), order },
            QkvPaths::Latent(paths) => Qkv::Latent(Box::new(self.latent(l, paths, sizes)?)),
        };
        Ok(Attention {
            sizes,
            qkv,
            source: Some(source),
            causal: false,
            keys_of: None,
            output: self.linear(l, paths.output),
            gated: false,
            clip: None,
            qk_norm: None,
            turns_before_norm: false,
            value_norm: None,
            score_scale: score_scale(self.recipe.score_scale, sizes.d_head, l),
            factors: Factors { input: 1.0, key: 1.0 },
            temperature: None,
            score_cap: None,
            sinks: None,
            window: None,
            rope: None,
            grid_rope: None,
            relative: None,
        })
    }

    /// What distances add to a layer's scores; `None` where the files have no such table.
    fn relative(&self, l: usize, paths: RelativePaths) -> Option<Relative> {
        let place = |path: &str| {
            let own = [l, 0].map(|l| self.name_in_layer(l, path)).into_iter();
            let mut own = own.filter(|name| self.names.shape(name).is_some());
            own.next().or_else(|| self.names.find(&self.prefix, path))
        };
        Some(match paths {
            RelativePaths::Buckets { table, buckets } => {
                Relative::Buckets { table: place(table)?, buckets }
            }
            RelativePaths::Grid { table } => Relative::Grid { table: place(table)? },
            RelativePaths::Disentangled { table, norm, keys, queries, log_buckets } => {
                Relative::Disentangled(Box::new(Disentangled {
                    table: place(table)?,
                    norm: norm.and_then(|path| self.outer_norm(path)),
                    keys: keys.map(|path| self.linear(l, path)),
                    queries: queries.map(|path| self.linear(l, path)),
                    log_buckets,
                }))
            }
        })
    }

    /// The norm of queries of layer `l` and of keys of layer `source`.
    fn qk_norm(&self, l: usize, source: usize, sizes: Sizes) -> Result<Option<QkNorm>, ModelError> {
        let Some((paths, kind)) = self.recipe.qk_norm.at(l).flatten() else { return Ok(None) };
        let both = |q: &str, k: &str| -> Result<(Norm, Norm), ModelError> {
            Ok((self.norm(l, q, kind)?, self.norm(source, k, kind)?))
        };
        Ok(Some(match paths {
            QkNormPaths::Shared(q, k) => {
                let (q, k) = both(q, k)?;
                QkNorm::Shared { q, k }
            }
            QkNormPaths::Together(q, k) => {
                let (q, k) = both(q, k)?;
                QkNorm::Together { q, k }
            }
            QkNormPaths::Rows(q, k) => {
                let (q, k) = both(q, k)?;
                QkNorm::Rows { q, k }
            }
            QkNormPaths::Bare => {
                let norm = Norm { kind, weight: None, bias: None, eps: self.recipe.eps };
                QkNorm::Shared { q: norm.clone(), k: norm }
            }
            QkNormPaths::Each(q, k) => {
                let each = |layer: usize, path: &str, n: usize| -> Result<Vec<Norm>, ModelError> {
                    (0..n)
                        .map(|i| self.norm(layer, &path.replace("{i}", &i.to_string()), kind))
                        .collect()
                };
                QkNorm::Each {
                    q: each(l, q, sizes.n_heads)?,
                    k: each(source, k, sizes.n_kv_heads)?,
                }
            }
        }))
    }
}

fn score_scale(scale: Scale, d_head: usize, layer: usize) -> f64 {
    let by_width = 1.0 / (d_head as f64).sqrt();
    let by_depth = 1.0 / (layer + 1) as f64;
    match scale {
        Scale::HeadWidth => by_width,
        Scale::HeadWidthTimes(x) => by_width / x.sqrt(),
        Scale::RootOf(x) => 1.0 / x.sqrt(),
        Scale::Is(x) => x,
        Scale::HeadWidthAndDepth => by_width * by_depth,
        Scale::Depth => by_depth,
    }
}

fn resolve_rope(
    recipe: &RopeRecipe,
    d_head: usize,
    latent: Option<&Latent>,
) -> Result<Rope, ModelError> {
    if let Some(latent) = latent {
        let start = d_head - latent.d_rotary;
        return Ok(Rope { start, ..Rope::new(recipe.pairing, latent.d_rotary, &recipe.config) });
    }
    let rotary_dim = match recipe.rotary {
        Rotary::Fraction if recipe.config.scaling == Scaling::Proportional => d_head,
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
