//! What speaks against a reading that names alone, or the reader, decided: said beside it.

use super::architecture::NormKind;
use super::config::Config;
use super::names::Names;
use super::recipe::Family;
use super::{Model, ModelError, families};

/// What a missing tensor means where the family is only what config.json, names or the reader say.
pub(super) fn incomplete(
    error: ModelError,
    family: &'static Family,
    names: &Names,
    (config, asked): (&Config, bool),
) -> ModelError {
    let ModelError::MissingTensor { name, shards: 0 } = error else { return error };
    let by = match (asked, config.is_empty()) {
        (true, _) => "your choice",
        (false, false) => "config.json",
        (false, true) => "their names",
    };
    ModelError::Incomplete { name, title: family.title, by, looks: families::look(names) }
}

/// That a family was asked for, beside what config.json says.
pub(super) fn read_as(family: &Family, config: &Config) -> String {
    match other_type(family, config) {
        Some(kind) => {
            format!("Read as {}, as was asked; config.json says model_type {kind:?}.", family.title)
        }
        None => format!("Read as {}, as was asked.", family.title),
    }
}

/// Why prompts cannot be run as another family than config.json names: factors of its own that this one does not have.
pub(super) fn not_applied(family: &Family, config: &Config) -> Option<String> {
    let kind = other_type(family, config)?;
    let factors = [
        "attention_multiplier",
        "residual_multiplier",
        "embedding_multiplier",
        "logits_scaling",
        "logit_scale",
        "final_logit_softcapping",
        "attn_logit_softcapping",
    ];
    let is_said = |key: &&str| config.number(&[*key]).is_some_and(|factor| factor != 1.0);
    let said: Vec<&str> = factors.into_iter().filter(is_said).collect();
    (!said.is_empty()).then(|| {
        format!("config.json ({kind}) says {}, which are not {}'s", said.join(", "), family.title)
    })
}

fn other_type<'a>(family: &Family, config: &'a Config) -> Option<&'a str> {
    config.model_type().filter(|kind| !family.model_types.contains(kind))
}

/// Gains of the first norm that only `1 + w` explains, in a model that is read by its names alone.
///
/// # Errors
/// What reading that norm says.
pub(super) fn of_gains(model: &Model) -> Result<Option<String>, ModelError> {
    let norms = model.arch.layers.iter().filter_map(|layer| layer.before_attention.as_ref());
    let first = norms.filter(|norm| norm.kind == NormKind::Rms).find_map(|norm| {
        norm.weight.as_ref().filter(|name| model.checkpoint.entry(name).is_some())
    });
    let Some(name) = first else { return Ok(None) };
    let gains = model.checkpoint.read(name)?.f32s()?;
    let negative = gains.iter().filter(|&&gain| gain < 0.0).count();
    // Trained gains are hardly ever negative; of those around zero about half are.
    let many = negative * 10 > gains.len();
    Ok(many.then(|| {
        format!(
            "{negative} of the {} gains of {name} are negative, as in families whose gain is 1 + w (Gemma); read as {} it is w. \
             With config.json, or --family, it is settled.",
            gains.len(),
            model.arch.title
        )
    }))
}
