//! A recipe meets the tensors: sizes are read off the shapes, names are completed, and what does not fit is an error.

use std::collections::BTreeSet;

use super::ModelError;
use super::activation::Activation;
use super::architecture::*;
use super::config::Config;
use super::known;
use super::names::{Names, in_layer};
use super::recipe::{
    AlibiKind, Family, MlpPaths, QkNormPaths, QkvPaths, Recipe, RopeRecipe, Rotary, Scale, Survey,
};
use super::rope::Scaling;

/// More layers than any model has: a number in a tensor's name must not decide how much memory is taken.
const MOST_LAYERS: usize = 4096;

/// A resolved architecture, and what the reader should know about how it came about.
pub(super) struct Resolved {
    pub(super) architecture: Architecture,
    pub(super) notes: Vec<String>,
}

/// Fills in an [`Architecture`] for a family.
pub(super) fn resolve(
    family: &'static Family,
    names: &Names,
    file_config: &Config,
    n_heads_hint: Option<usize>,
    missing_shards: usize,
) -> Result<Resolved, ModelError> {
    let mut notes = Vec::new();
    let first_look = Builder::new(family, names, file_config, missing_shards)?;
    let mut table_config = None;
    if file_config.n_heads().is_none() {
        let vocab = first_look.d_vocab().unwrap_or(0);
        if let Some((label, config)) =
            known::look_up(family.id, first_look.d_model, first_look.n_layers, vocab)?
        {
            if file_config.is_empty() {
                notes.push(format!(
                    "No config.json: by its sizes this is {label}, and its settings are taken."
                ));
                table_config = Some((config, false));
            } else {
                notes.push(format!(
                    "config.json does not say the head count; by its sizes this is {label}."
                ));
                table_config = Some((config, true));
            }
        } else if file_config.is_empty() {
            notes.push(format!(
                "No config.json: read as {} by its tensor names, with the family's usual settings (rotary base, ε, scale).",
                family.title
            ));
        }
    }
    let heads_from_table = table_config.as_ref().and_then(|(config, _)| config.n_heads());
    let builder = match &table_config {
        Some((config, false)) => Builder::new(family, names, config, missing_shards)?,
        _ => first_look,
    };
    let (n_heads, heads_assumed) =
        builder.n_heads(n_heads_hint, file_config.n_heads(), heads_from_table)?;
    if heads_assumed {
        notes.push(format!("Head count assumed: {n_heads}."));
    }
    let architecture = builder.build(n_heads, heads_assumed)?;
    notes.extend(builder.notes(&architecture, file_config));
    Ok(Resolved { architecture, notes })
}

struct Builder<'a> {
    family: &'static Family,
    names: &'a Names,
    config: &'a Config,
    recipe: Recipe,
    prefix: String,
    n_layers: usize,
    d_model: usize,
    /// `n_heads * d_head`.
    inner: usize,
    missing_shards: usize,
}

impl<'a> Builder<'a> {
    fn new(
        family: &'static Family,
        names: &'a Names,
        config: &'a Config,
        missing_shards: usize,
    ) -> Result<Self, ModelError> {
        let recipe_for = |n_layers| (family.recipe)(&Survey { names, config, n_layers });
        let draft = recipe_for(0)?;
        let output = format!("{}{}.weight", draft.layer, draft.output);
        let prefixes = names.layers(&output);
        let chosen = prefixes
            .iter()
            .max_by_key(|(prefix, layers)| (!prefix.contains("vision"), layers.len()));
        let Some((prefix, layers)) = chosen else {
            return Err(ModelError::MissingTensor { name: output, shards: missing_shards });
        };
        let n_layers = count_layers(layers, config, missing_shards)?;
        let recipe = recipe_for(n_layers)?;
        let shape = names.layer_shape(prefix, &output).unwrap_or_default();
        let (inner, d_model) = match (shape, recipe.orientation) {
            (&[out, inner], Orientation::OutIn) | (&[inner, out], Orientation::InOut)
                if inner > 0 && out > 0 =>
            {
                (inner, out)
            }
            _ => {
                let expected = vec![config.d_model().unwrap_or(0), config.d_model().unwrap_or(0)];
                return Err(ModelError::Shape {
                    name: output,
                    family: family.id,
                    expected,
                    found: shape.to_vec(),
                });
            }
        };
        if let Some(said) = config.d_model().filter(|&said| said != d_model) {
            return Err(ModelError::Mismatch {
                what: "width of the residual stream".into(),
                first: format!("{said} in config.json"),
                second: format!("{d_model} in {output}"),
            });
        }
        let prefix = prefix.clone();
        Ok(Self { family, names, config, recipe, prefix, n_layers, d_model, inner, missing_shards })
    }

    fn d_vocab(&self) -> Option<usize> {
        let name = self.names.find(&self.prefix, self.recipe.embed)?;
        self.names.shape(&name)?.first().copied()
    }

    /// The head count and whether it is assumed: hint, config, norm of one head, the family's width, table.
    fn n_heads(
        &self,
        hint: Option<usize>,
        config: Option<usize>,
        table: Option<usize>,
    ) -> Result<(usize, bool), ModelError> {
        let one_head = match self.recipe.qk_norm {
            Some((QkNormPaths::Shared(q, _), _)) => {
                self.in_any_layer(&format!("{q}.weight")).and_then(|s| s.first()).copied()
            }
            _ => None,
        };
        let by_width = one_head
            .or(self.recipe.d_head)
            .filter(|&h| h > 0 && self.inner % h == 0)
            .map(|h| self.inner / h);
        let (n_heads, assumed) = match (hint, config, by_width, table) {
            (Some(n), None, None, _) => (n, true),
            (_, Some(n), _, _) | (_, None, Some(n), _) => (n, false),
            (None, None, None, Some(n)) => (n, true),
            (None, None, None, None) => {
                return Err(ModelError::HeadCountNeeded {
                    family: self.family.id,
                    d_model: self.d_model,
                    inner: self.inner,
                    suggestions: known::head_count_suggestions(self.inner),
                });
            }
        };
        if n_heads == 0 || self.inner % n_heads != 0 {
            return Err(ModelError::Mismatch {
                what: "the head count does not divide the width of all heads".into(),
                first: format!("{n_heads} heads"),
                second: format!("width {}", self.inner),
            });
        }
        Ok((n_heads, assumed))
    }

    /// The shape of a path in the first layer that has it.
    fn in_any_layer(&self, path: &str) -> Option<&[usize]> {
        self.names.layer_shape(&self.prefix, &format!("{}{path}", self.recipe.layer))
    }

    fn n_kv_heads(&self, n_heads: usize, d_head: usize) -> Result<usize, ModelError> {
        let (path, unfused) = match self.recipe.qkv {
            QkvPaths::Separate(_, k, _) => (k, true),
            QkvPaths::Fused(qkv, _) => (qkv, false),
        };
        let path = format!("{path}.weight");
        let Some(shape) = self.in_any_layer(&path) else {
            return Err(ModelError::MissingTensor {
                name: format!("{}{path}", self.recipe.layer),
                shards: self.missing_shards,
            });
        };
        let rows = match (shape, self.recipe.orientation) {
            (&[rows, d_in], Orientation::OutIn) | (&[d_in, rows], Orientation::InOut)
                if d_in == self.d_model =>
            {
                rows
            }
            _ => 0,
        };
        let units = rows / d_head;
        let n_kv_heads = if unfused { units } else { units.saturating_sub(n_heads) / 2 };
        let back = if unfused { n_kv_heads } else { n_heads + 2 * n_kv_heads } * d_head;
        if n_kv_heads == 0 || back != rows || !n_heads.is_multiple_of(n_kv_heads) {
            return Err(ModelError::Mismatch {
                what: format!("{path} does not split into heads"),
                first: format!("shape {shape:?}"),
                second: format!("{n_heads} heads of width {d_head}, d_model {}", self.d_model),
            });
        }
        Ok(n_kv_heads)
    }

    fn build(&self, n_heads: usize, heads_assumed: bool) -> Result<Architecture, ModelError> {
        let recipe = &self.recipe;
        let d_head = self.inner / n_heads;
        let n_kv_heads = self.n_kv_heads(n_heads, d_head)?;
        let layers = (0..self.n_layers)
            .map(|l| self.layer(l, n_heads, n_kv_heads, d_head))
            .collect::<Result<Vec<_>, _>>()?;
        let tokens = self.names.find(&self.prefix, recipe.embed);
        let mut cannot_run = None;
        let embedding = Embedding {
            scale: if recipe.embed_times_root_width { (self.d_model as f64).sqrt() } else { 1.0 },
            project: recipe.embed_project.map(|path| self.outer_linear(path)).transpose()?,
            positions: self.positions(),
            token_types: recipe.token_types.and_then(|path| self.names.find(&self.prefix, path)),
            norm: recipe.embed_norm.and_then(|path| self.outer_norm(path)),
            patches: recipe.patches.and_then(|(projection, class)| {
                let class_token = self.names.find(&self.prefix, class)?;
                Some(Patches { projection: self.outer_linear(projection).ok()?, class_token })
            }),
            tokens: tokens.filter(|_| recipe.patches.is_none()),
        };
        if embedding.tokens.is_none() && embedding.patches.is_none() {
            cannot_run = Some(format!("its embedding ({}) is not in the files", recipe.embed));
        } else if recipe.positions.is_some() && embedding.positions.is_none() {
            cannot_run = Some("its table of positions is not in the files".to_owned());
        } else if recipe.embed_norm.is_some() && embedding.norm.is_none() {
            cannot_run = Some("the norm of its embeddings is not in the files".to_owned());
        } else if layers.iter().any(|l| l.mlp == Mlp::Unsupported) {
            cannot_run =
                Some("its MLP (a mixture of experts, or missing) is not known here".to_owned());
        } else if let Activation::Unknown(name) = &recipe.activation {
            cannot_run = Some(format!("its activation {name:?} is not known here"));
        } else if let Some(name) = self.unknown_scaling() {
            cannot_run = Some(format!("its rotary scaling {name:?} is not known here"));
        }
        let alibi = recipe.alibi.map(|kind| alibi(kind, n_heads, d_head));
        Ok(Architecture {
            family: self.family.id,
            title: self.family.title,
            prefix: self.prefix.clone(),
            n_layers: self.n_layers,
            d_model: self.d_model,
            n_heads,
            n_kv_heads,
            d_head,
            d_vocab: self.d_vocab().filter(|_| embedding.tokens.is_some()),
            heads_assumed,
            causal: recipe.causal,
            prepend_bos: recipe.prepend_bos,
            layers,
            unembedding: self.unembedding(embedding.tokens.as_deref()),
            embedding,
            alibi,
            final_norm: recipe.final_norm.and_then(|path| self.outer_norm(path)),
            cannot_run,
        })
    }

    fn layer(
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

    fn outer_linear(&self, path: &str) -> Result<Linear, ModelError> {
        let find = |end: &str| self.names.find(&self.prefix, &format!("{path}.{end}"));
        let missing = || ModelError::MissingTensor {
            name: format!("{path}.weight"),
            shards: self.missing_shards,
        };
        let weight = find("weight").ok_or_else(missing)?;
        Ok(Linear { weight, bias: find("bias"), orientation: Orientation::OutIn })
    }

    fn outer_norm(&self, path: &str) -> Option<Norm> {
        let find = |end: &str| self.names.find(&self.prefix, &format!("{path}.{end}"));
        let weight = find("weight").or_else(|| find("gamma"))?;
        let bias = find("bias").or_else(|| find("beta"));
        Some(Norm { kind: self.recipe.norm, weight, bias, eps: self.recipe.eps })
    }

    fn positions(&self) -> Option<Positions> {
        let paths = self.recipe.positions?;
        let table = self.names.find(&self.prefix, paths.table)?;
        Some(Positions { table, offset: paths.offset, skipped_token: paths.skipped_token })
    }

    fn unembedding(&self, tokens: Option<&str>) -> Option<Unembedding> {
        let r = &self.recipe;
        let own = r.unembed.iter().find_map(|path| self.outer_linear(path).ok());
        let may_tie = r.tied && self.config.flag("tie_word_embeddings", true);
        let tied = own.is_none();
        let shared = || {
            let weight = tokens.filter(|_| may_tie)?.to_owned();
            Some(Linear { weight, bias: None, orientation: Orientation::OutIn })
        };
        let mut linear = own.or_else(shared)?;
        if let Some(bias) = r.unembed_bias.and_then(|name| self.names.find(&self.prefix, name)) {
            linear.bias = Some(bias);
        }
        let transform = match r.unembed_transform {
            None => None,
            Some((dense, norm)) => {
                Some((self.outer_linear(dense).ok()?, r.activation.clone(), self.outer_norm(norm)?))
            }
        };
        let project = match r.unembed_project {
            None => None,
            Some(path) => Some(self.outer_linear(path).ok()?),
        };
        Some(Unembedding { transform, project, linear, tied, cap: r.logits_cap })
    }

    fn unknown_scaling(&self) -> Option<String> {
        let rope = self.recipe.rope.as_ref()?;
        (0..self.n_layers).find_map(|l| match rope.at(l)?.config.scaling {
            // "dynamic" changes nothing within the trained context.
            Scaling::Unknown(name) if name != "dynamic" => Some(name),
            _ => None,
        })
    }

    /// What people should know about this model's heads.
    fn notes(&self, a: &Architecture, file_config: &Config) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |text: String| notes.push(text);
        if let Some(said) = file_config.n_layers().filter(|&said| said != a.n_layers) {
            note(format!("config.json says {said} layers; the files have {}.", a.n_layers));
        }
        if !a.folds_norms() {
            note(format!(
                "{} has no norm in front of its attention: nothing is folded or centred.",
                a.title
            ));
        }
        let Some(first) = a.layers.first() else { return notes };
        if first.on_attention.is_some() {
            note(
                "A norm on what the attention writes stays outside OV: it scales with the data."
                    .into(),
            );
        }
        match &first.attention.qk_norm {
            Some(QkNorm::Together { .. }) => {
                note("Queries and keys are normed over all heads; folded weights hold the gains, not the RMS.".into());
            }
            Some(_) => note(
                "Queries and keys are normed per head; folded weights hold the gains, not the RMS."
                    .into(),
            ),
            None => {}
        }
        if let Some(cap) = first.attention.score_cap {
            note(format!("Scores are soft-capped at {cap}, after the bilinear part."));
        }
        if a.alibi.is_some() {
            note("ALiBi is added to the scores, after the bilinear part.".into());
        }
        let windows: BTreeSet<usize> = a.layers.iter().filter_map(|l| l.attention.window).collect();
        if !windows.is_empty() {
            let layers = a.layers.iter().filter(|l| l.attention.window.is_some()).count();
            note(format!(
                "{layers} of {} layers see a sliding window of {windows:?} tokens.",
                a.n_layers
            ));
        }
        if let Some(reason) = &a.cannot_run {
            note(format!("Prompts cannot be run: {reason}."));
        }
        notes
    }
}

/// Layers in the files, or in the config where files are missing.
fn count_layers(
    found: &BTreeSet<usize>,
    config: &Config,
    missing_shards: usize,
) -> Result<usize, ModelError> {
    let seen = found.last().map_or(0, |&last| last.saturating_add(1));
    let n_layers = if missing_shards > 0 { seen.max(config.n_layers().unwrap_or(0)) } else { seen };
    if n_layers > MOST_LAYERS {
        return Err(ModelError::OutOfRange {
            what: "layer",
            index: n_layers - 1,
            count: MOST_LAYERS,
        });
    }
    Ok(n_layers)
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

/// ALiBi's slopes, also where the head count is no power of two.
///
/// # Source
/// Press, Smith & Lewis, arXiv:2108.12409, and the authors' code for other head counts.
fn alibi(kind: AlibiKind, n_heads: usize, d_head: usize) -> Alibi {
    let power = 1usize << n_heads.ilog2();
    let slope = |of: usize, i: usize| 2f64.powf(-8.0 * i as f64 / of as f64);
    let mut slopes: Vec<f64> = (1..=power).map(|i| slope(power, i)).collect();
    slopes.extend((0..n_heads - power).map(|i| slope(2 * power, 2 * i + 1)));
    match kind {
        AlibiKind::Plain => Alibi { slopes, rounded: false, factor: 1.0 },
        AlibiKind::RoundedAndScaled => {
            Alibi { slopes, rounded: true, factor: 1.0 / (d_head as f64).sqrt() }
        }
    }
}
