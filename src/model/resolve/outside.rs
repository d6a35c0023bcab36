//! Maps and norms outside the layers, and the unembedding that is made of them.

use super::builder::{Builder, bias_of, weight_of};
use crate::model::ModelError;
use crate::model::architecture::*;

impl Builder<'_> {
    /// A map outside the layers.
    pub(super) fn outer_linear(&self, path: &str) -> Result<Linear, ModelError> {
        let find = |name: &str| self.names.find(&self.prefix, name);
        let (name, shards) = (weight_of(path), self.missing_shards);
        let weight = find(&name).ok_or(ModelError::MissingTensor { name, shards })?;
        // Where a path names its matrix by a letter, all lie as the layers' do.
        let spelled = path.contains("{}");
        let orientation = if spelled { self.recipe.orientation } else { Orientation::OutIn };
        Ok(Linear { weight, bias: find(&bias_of(path)), orientation, member: None })
    }

    /// A norm outside the layers; `None` if it is not in the files.
    pub(super) fn outer_norm(&self, path: &str) -> Option<Norm> {
        let find = |names: &[&str]| {
            spelled(path, names).iter().find_map(|name| self.names.find(&self.prefix, name))
        };
        let weight = find(&GAINS);
        if weight.is_none() && !self.recipe.bare_norms {
            return None;
        }
        let (kind, bias) = (self.recipe.norm, find(&SHIFTS));
        let kind = if bias.is_some() && kind == NormKind::Rms { NormKind::Layer } else { kind };
        Some(Norm { kind, weight, bias, eps: self.recipe.eps })
    }

    /// The way from the last state to logits.
    pub(super) fn unembedding(&self, tokens: Option<&str>) -> Option<Unembedding> {
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
}

/// What a norm's gains are called; files written before 2020 say gamma and beta.
pub(super) const GAINS: [&str; 2] = ["weight", "gamma"];

/// What its bias is called.
pub(super) const SHIFTS: [&str; 2] = ["bias", "beta"];

/// The names that a norm's gains or bias may have: the first letter alone where the path has `{}` for it.
pub(super) fn spelled(path: &str, names: &[&str]) -> Vec<String> {
    if path.contains("{}") {
        return names.iter().take(1).map(|name| path.replace("{}", &name[..1])).collect();
    }
    names.iter().map(|name| format!("{path}.{name}")).collect()
}
