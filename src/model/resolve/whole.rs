//! What stands around the layers: embedding, unembedding, ALiBi, and whether the whole can be run.

use super::Builder;
use crate::model::ModelError;
use crate::model::activation::Activation;
use crate::model::architecture::*;
use crate::model::recipe::AlibiKind;
use crate::model::rope::Scaling;

impl Builder<'_> {
    pub(super) fn build(
        &self,
        n_heads: usize,
        heads_assumed: bool,
    ) -> Result<Architecture, ModelError> {
        let recipe = &self.recipe;
        let layers =
            (0..self.n_layers).map(|l| self.layer(l, n_heads)).collect::<Result<Vec<_>, _>>()?;
        let sizes = || layers.iter().filter_map(|l| l.attention.as_ref()).map(|a| a.sizes);
        let most = |of: fn(Sizes) -> usize| sizes().map(of).max().unwrap_or(0);
        let (n_kv_heads, d_head) = (most(|s| s.n_kv_heads), most(|s| s.d_head));
        let tokens = self.names.find(&self.prefix, recipe.embed);
        let mut cannot_run = None;
        let embedding = Embedding {
            scale: recipe.embed_factor
                * if recipe.embed_times_root_width { (self.d_model as f64).sqrt() } else { 1.0 },
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
        } else if let Some(reason) = layers.iter().find_map(|l| l.mlp.unsupported()) {
            cannot_run = Some(reason.to_owned());
        } else if let Activation::Unknown(name) = &recipe.activation {
            cannot_run = Some(format!("its activation {name:?} is not known here"));
        } else if let Some(name) = self.unknown_scaling() {
            cannot_run = Some(format!("its rotary scaling {name:?} is not known here"));
        }
        let final_norm = recipe.final_norm.and_then(|path| self.outer_norm(path));
        // Without it the output matrix would be given something else than it was trained on.
        let is_read = recipe.final_norm.is_none() || final_norm.is_some();
        let unembedding = self.unembedding(embedding.tokens.as_deref()).filter(|_| is_read);
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
            unembedding,
            embedding,
            alibi,
            last_hidden_is_normed: recipe.last_hidden_is_normed,
            final_norm,
            cannot_run,
        })
    }

    fn outer_linear(&self, path: &str) -> Result<Linear, ModelError> {
        let find = |end: &str| self.names.find(&self.prefix, &format!("{path}.{end}"));
        let missing = || ModelError::MissingTensor {
            name: format!("{path}.weight"),
            shards: self.missing_shards,
        };
        let weight = find("weight").ok_or_else(missing)?;
        Ok(Linear { weight, bias: find("bias"), orientation: Orientation::OutIn, member: None })
    }

    fn outer_norm(&self, path: &str) -> Option<Norm> {
        let find = |end: &str| self.names.find(&self.prefix, &format!("{path}.{end}"));
        let weight = find("weight").or_else(|| find("gamma"));
        if weight.is_none() && !self.recipe.bare_norms {
            return None;
        }
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
        let may_tie =
            r.tied && self.config.flag("tie_word_embeddings", true) && self.classifier().is_none();
        let tied = own.is_none();
        let shared = || {
            let weight = tokens.filter(|_| may_tie)?.to_owned();
            Some(Linear { weight, bias: None, orientation: Orientation::OutIn, member: None })
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
        let (scale, cap) = (r.logits_factor, r.logits_cap);
        Some(Unembedding { scale, transform, project, linear, tied, cap })
    }

    /// The weight of a classifier that stands where a language model has its output matrix.
    pub(super) fn classifier(&self) -> Option<String> {
        let has_own = self.recipe.unembed.iter().any(|path| self.outer_linear(path).is_ok());
        let heads = ["score.weight", "classifier.weight", "qa_outputs.weight"];
        heads.into_iter().find_map(|name| self.names.find(&self.prefix, name)).filter(|_| !has_own)
    }

    fn unknown_scaling(&self) -> Option<String> {
        let rope = &self.recipe.rope;
        (0..self.n_layers).find_map(|l| match rope.at(l)??.config.scaling {
            Scaling::Unknown(name) => Some(name),
            _ => None,
        })
    }
}

/// ALiBi's slopes, also where the head count is no power of two.
///
/// # Source
/// Press, Smith & Lewis, arXiv:2108.12409, and the authors' code for other head counts.
fn alibi(kind: AlibiKind, n_heads: usize, d_head: usize) -> Alibi {
    let power = 1usize << n_heads.max(1).ilog2();
    let slope = |of: usize, i: usize| 2f64.powf(-8.0 * i as f64 / of as f64);
    let mut slopes: Vec<f64> = (1..=power).map(|i| slope(power, i)).collect();
    slopes.extend((0..n_heads.saturating_sub(power)).map(|i| slope(2 * power, 2 * i + 1)));
    if kind == AlibiKind::Mpt && n_heads > power {
        // Every second slope of the next power of two first, then the rest.
        let all = (1..=power).map(|i| 2 * i).chain((0..power).map(|i| 2 * i + 1));
        slopes = all.map(|i| slope(2 * power, i)).take(n_heads).collect();
    }
    match kind {
        AlibiKind::Plain | AlibiKind::Mpt => Alibi { slopes, rounded: false, factor: 1.0 },
        AlibiKind::RoundedAndScaled => {
            Alibi { slopes, rounded: true, factor: 1.0 / (d_head as f64).sqrt() }
        }
    }
}
