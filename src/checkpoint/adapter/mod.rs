//! Adapters of PEFT: small corrections to the weights of a model, put on them when they are read.
//!
//! LoRA adds `scale · B A` to a matrix (arXiv:2106.09685), with `scale = α / r`, or `α / √r` for rsLoRA (arXiv:2312.03732); DoRA
//! gives each output a new length after that (arXiv:2402.09353). `adapter_config.json` says which, and α by module. Everything else
//! that PEFT knows is named and not read.

mod alone;
mod config;
mod merge;
mod pattern;

use std::collections::BTreeMap;

pub use alone::{Correction, LoneAdapter};
pub(super) use config::AdapterConfig;
pub(super) use merge::Merged;

use super::derived::{self, Derive};
use super::error::quoted;
use super::{CheckpointError, TensorEntry};

/// What PEFT puts in front of the names of the model that it wraps.
const WRAPPED: &str = "base_model.model.";

/// True for a tensor that only an adapter has.
pub(super) fn is_part(name: &str) -> bool {
    ["lora_", "ia3_", "prompt_embeddings", "hada_", "lokr_", "oft_", "vera_lambda", "adaption_"]
        .iter()
        .any(|word| name.contains(word))
}

/// True for the names of a model whose LoRA layers stand beside its weights, as `save_pretrained` of a wrapped model writes them.
pub(super) fn is_unmerged(name: &str) -> bool {
    name.contains(".base_layer.") || name.contains(".lora_A.") || name.contains(".lora_B.")
}

/// The tensors of one module of an adapter.
#[derive(Debug, Clone, Default)]
pub(super) struct Module {
    /// `[r, d_in]`.
    pub(super) a: Option<TensorEntry>,
    /// `[d_out, r]`.
    pub(super) b: Option<TensorEntry>,
    /// `[d_out]`, DoRA's lengths.
    pub(super) magnitude: Option<TensorEntry>,
}

/// An adapter taken apart.
#[derive(Debug, Default)]
pub(super) struct Adapter {
    /// By the module's name in the model.
    pub(super) modules: BTreeMap<String, Module>,
    /// Tensors that replace the model's own (`modules_to_save`), under the model's names.
    pub(super) replaced: Vec<TensorEntry>,
    /// Tensors of a wrapped model's own weights, under the model's names.
    pub(super) own: Vec<TensorEntry>,
}

impl Adapter {
    /// Sorts the tensors of an adapter's files, or of an unmerged model.
    ///
    /// # Errors
    /// [`CheckpointError::AdapterParts`] for a tensor of an adapter that is not read here.
    pub(super) fn sort(entries: Vec<TensorEntry>) -> Result<Adapter, CheckpointError> {
        let mut adapter = Adapter::default();
        let mut originals = Vec::new();
        for mut entry in entries {
            let name = entry.name.strip_prefix(WRAPPED).unwrap_or(&entry.name).to_owned();
            // A wrapped model has the adapter's name in between; there is one, called "default".
            let plain = name.replace(".default", "");
            let place = [
                ".lora_A",
                ".lora_B",
                ".lora_embedding_A",
                ".lora_embedding_B",
                ".lora_magnitude_vector",
            ]
            .into_iter()
            .find_map(|word| Some((word, plain.split_once(word)?)));
            match place {
                Some((word, (module, "" | ".weight"))) => {
                    let module = adapter.modules.entry(module.to_owned()).or_default();
                    match word {
                        ".lora_A" | ".lora_embedding_A" => module.a = Some(entry),
                        ".lora_B" | ".lora_embedding_B" => module.b = Some(entry),
                        _ => module.magnitude = Some(entry),
                    }
                }
                _ if is_part(&name) => {
                    return Err(CheckpointError::AdapterParts {
                        reason: format!(
                            "it holds {}, which is no part of a LoRA layer that is read here",
                            quoted(&name)
                        ),
                    });
                }
                _ if name.contains(".base_layer.") => {
                    entry.name = name.replace(".base_layer.", ".");
                    adapter.own.push(entry);
                }
                _ if name.contains(".original_module.") => {
                    entry.name = name.replace(".original_module.", ".");
                    originals.push(entry);
                }
                _ => {
                    entry.name = plain.replace(".modules_to_save.", ".");
                    adapter.replaced.push(entry);
                }
            }
        }
        // A module that was trained whole is there twice; its new weights count.
        let trained = |name: &str| adapter.replaced.iter().any(|entry| entry.name == name);
        originals.retain(|entry| !trained(&entry.name));
        adapter.own.append(&mut originals);
        Ok(adapter)
    }

    /// True without a correction.
    pub(super) fn is_empty(&self) -> bool {
        self.modules.is_empty() && self.replaced.is_empty()
    }

    /// Puts the adapter on a model's tensors: the entries, and what is computed when they are read. Returns what was done.
    ///
    /// # Errors
    /// [`CheckpointError::AdapterParts`] where the model has no such module or another shape.
    pub(super) fn merge(
        self,
        config: &AdapterConfig,
        entries: &mut Vec<TensorEntry>,
        derived: &mut BTreeMap<String, Box<dyn Derive>>,
    ) -> Result<String, CheckpointError> {
        let refused = |reason: String| CheckpointError::AdapterParts { reason };
        let n_replaced = self.replaced.len();
        for replacement in self.replaced {
            let name = find(entries, &replacement.name)
                .map_or_else(|| replacement.name.clone(), |at| entries[at].name.clone());
            derived.remove(&name);
            entries.retain(|entry| entry.name != name);
            entries.push(TensorEntry { name, ..replacement });
        }
        let (mut scales, mut ranks) = (Vec::new(), Vec::new());
        let n_modules = self.modules.len();
        for (module, parts) in self.modules {
            let (Some(a), Some(b)) = (&parts.a, &parts.b) else {
                return Err(refused(format!(
                    "{} has only one of lora_A and lora_B",
                    quoted(&module)
                )));
            };
            let at = find(entries, &format!("{module}.weight")).ok_or_else(|| {
                refused(format!(
                    "it changes {}, and the model here has no such tensor: this is not its base",
                    quoted(&module)
                ))
            })?;
            let (&[rank, d_in], &[d_out, again]) = (a.shape.as_slice(), b.shape.as_slice()) else {
                return Err(refused(format!(
                    "the LoRA layer of {} has not two axes",
                    quoted(&module)
                )));
            };
            let base = &entries[at];
            let plain = base.shape == [d_out, d_in];
            let turned = base.shape == [d_in, d_out] && (!plain || config.fan_in_fan_out);
            let fits = rank == again && rank > 0 && (plain || turned);
            if !fits || parts.magnitude.as_ref().is_some_and(|m| m.elements() != d_out) {
                return Err(refused(format!(
                    "the LoRA layer of {} is for a matrix of {d_out} × {d_in}, and the model's is of {}",
                    quoted(&module),
                    base.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ")
                )));
            }
            let scale = config.scale(&module, rank)?;
            scales.push(scale);
            ranks.push(rank);
            let name = base.name.clone();
            let from = match &base.from {
                Some(from) => format!("{from} + LoRA"),
                None => format!("{} + LoRA", base.dtype.name()),
            };
            let made = derived::entry(name.clone(), base.shape.clone(), base.file, from);
            let merged = Merged {
                base: base.clone(),
                under: derived.remove(&name),
                a: a.clone(),
                b: b.clone(),
                magnitude: parts.magnitude.clone(),
                scale,
                turned,
            };
            entries[at] = made;
            derived.insert(name, Box::new(merged));
        }
        let mut said = format!(
            "{} merged into {} (rank {}, scale {})",
            config.kind(),
            counted(n_modules, "matrix", "matrices"),
            range(ranks.iter().map(|&rank| rank as f64)),
            range(scales.into_iter())
        );
        if n_replaced > 0 {
            let replaced = counted(n_replaced, "tensor", "tensors");
            said.push_str(&format!("; {replaced} replaced whole"));
        }
        Ok(said)
    }
}

/// A number with its noun.
fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The smallest and the largest value, or the only one.
fn range(values: impl Iterator<Item = f64> + Clone) -> String {
    let short = |x: f64| format!("{}", (x * 1e4).round() / 1e4);
    let smallest = values.clone().fold(f64::INFINITY, f64::min);
    let largest = values.fold(f64::NEG_INFINITY, f64::max);
    match (smallest.is_finite(), smallest == largest) {
        (false, _) => "none".to_owned(),
        (true, true) => short(smallest),
        (true, false) => format!("{} to {}", short(smallest), short(largest)),
    }
}

/// The entry that an adapter's module means: of this name, or the only one with more or fewer words in front.
fn find(entries: &[TensorEntry], name: &str) -> Option<usize> {
    if let Some(at) = entries.iter().position(|entry| entry.name == name) {
        return Some(at);
    }
    let only = |ends: &dyn Fn(&str) -> bool| {
        let mut found = (0..entries.len()).filter(|&i| ends(&entries[i].name));
        found.next().filter(|_| found.next().is_none())
    };
    only(&|entry| entry.strip_suffix(name).is_some_and(|front| front.ends_with('.'))).or_else(
        || only(&|entry| name.strip_suffix(entry).is_some_and(|front| front.ends_with('.'))),
    )
}
