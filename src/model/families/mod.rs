//! One short file per family, and the list of them. To add one: write its file, add two lines here, add a fixture.

mod albert;
mod apertus;
mod bart;
mod beit;
mod bert;
mod biogpt;
mod bloom;
mod clip;
mod codegen;
mod cohere;
mod deberta_v2;
mod deepseek;
mod deit;
mod dinov2;
mod dinov3_vit;
mod distilbert;
mod electra;
mod ernie4_5;
mod ernie4_5_moe;
mod exaone4;
mod falcon;
mod falcon_h1;
mod gemma;
mod gemma2;
mod gemma3;
mod gemma3n;
mod glm;
mod glm4_moe;
mod gpt2;
mod gpt_bigcode;
mod gpt_neo;
mod gpt_neox;
mod gpt_oss;
mod gptj;
mod granite;
mod granite_hybrid;
mod granitemoe;
mod helium;
mod hunyuan;
mod jamba;
mod lfm2;
mod llama;
mod llama4;
mod llama_meta;
mod lookalikes;
mod mistral;
mod mixtral;
mod modernbert;
mod mpnet;
mod mpt;
mod nanogpt;
mod nemotron;
mod olmo;
mod olmo2;
mod olmo3;
mod olmoe;
mod openai_gpt;
mod opt;
mod persimmon;
mod phi;
mod phi3;
mod phimoe;
mod qwen;
mod qwen2;
mod qwen2_moe;
mod qwen3;
mod qwen3_moe;
mod qwen3_next;
mod roberta;
mod seed_oss;
mod smollm3;
mod stablelm;
mod starcoder2;
mod t5;
mod transformer_lens;
mod vit;
mod wav2vec2;
mod whisper;
mod xglm;

/// What every family's file needs.
mod prelude {
    pub(super) use crate::model::ModelError;
    pub(super) use crate::model::activation::Activation;
    pub(super) use crate::model::architecture::{
        FusedOrder, Groups, NormKind, Orientation, Pairing, RouterScores, Routing, StackKind,
        Temperature, Window,
    };
    pub(super) use crate::model::config::Config;
    pub(super) use crate::model::names::Names;
    pub(super) use crate::model::recipe::{
        AlibiKind, AltUpPaths, BesidePaths, CrossPaths, Family, FrontPaths, LatentPaths,
        LayerInputPaths, MambaFactors, MixerPaths, MixturePaths, MlpPaths, PerLayer, PositionPaths,
        QkNormPaths, QkvPaths, Recipe, RelativePaths, RopeRecipe, Rotary, Scale, SharedPaths,
        Sinusoids, Survey, softmax_routing, windows_in,
    };
    pub(super) use crate::model::relative::Buckets;
    pub(super) use crate::model::resolve::MOST_LAYERS;
    pub(super) use crate::model::rope::{RopeConfig, Scaling};
    pub(super) use serde_json::Value;
}

use super::ModelError;
use super::config::Config;
use super::names::Names;
use super::recipe::Family;

pub(super) use lookalikes::look;

/// Whether config.json names a class whose family is known.
pub(super) fn named_by_class(config: &Config) -> bool {
    lookalikes::by_class(config).is_some()
}

/// A fit above this is that of names which no other family has.
const SHARED_NAMES: u32 = 13;

/// All families, in the order in which they are listed to people.
pub static FAMILIES: [&Family; 87] = [
    &gpt2::GPT2,
    &gpt_neo::GPT_NEO,
    &gpt_neox::GPT_NEOX,
    &gptj::GPTJ,
    &llama::LLAMA,
    &mistral::MISTRAL,
    &qwen::QWEN,
    &qwen2::QWEN2,
    &qwen3::QWEN3,
    &gemma::GEMMA,
    &gemma2::GEMMA2,
    &gemma3::GEMMA3,
    &gemma3n::GEMMA3N,
    &gemma3n::GEMMA4,
    &phi::PHI,
    &phi3::PHI3,
    &opt::OPT,
    &bloom::BLOOM,
    &falcon::FALCON,
    &olmo2::OLMO2,
    &stablelm::STABLELM,
    &olmo::OLMO,
    &olmo3::OLMO3,
    &cohere::COHERE,
    &cohere::COHERE2,
    &granite::GRANITE,
    &smollm3::SMOLLM3,
    &starcoder2::STARCODER2,
    &gpt_bigcode::GPT_BIGCODE,
    &mpt::MPT,
    &nemotron::NEMOTRON,
    &glm::GLM,
    &glm::GLM4,
    &exaone4::EXAONE4,
    &ernie4_5::ERNIE4_5,
    &helium::HELIUM,
    &seed_oss::SEED_OSS,
    &codegen::CODEGEN,
    &biogpt::BIOGPT,
    &xglm::XGLM,
    &openai_gpt::OPENAI_GPT,
    &persimmon::PERSIMMON,
    &apertus::APERTUS,
    &hunyuan::HUNYUAN,
    &mixtral::MIXTRAL,
    &phimoe::PHIMOE,
    &qwen2_moe::QWEN2_MOE,
    &qwen3_moe::QWEN3_MOE,
    &qwen3_next::QWEN3_NEXT,
    &qwen3_next::QWEN3_5,
    &jamba::JAMBA,
    &lfm2::LFM2,
    &falcon_h1::FALCON_H1,
    &granite_hybrid::GRANITE_HYBRID,
    &granite_hybrid::BAMBA,
    &olmoe::OLMOE,
    &granitemoe::GRANITEMOE,
    &ernie4_5_moe::ERNIE4_5_MOE,
    &glm4_moe::GLM4_MOE,
    &llama4::LLAMA4,
    &deepseek::DEEPSEEK_V2,
    &deepseek::DEEPSEEK_V3,
    &gpt_oss::GPT_OSS,
    &bert::BERT,
    &roberta::ROBERTA,
    &distilbert::DISTILBERT,
    &vit::VIT,
    &clip::CLIP,
    &clip::SIGLIP,
    &albert::ALBERT,
    &electra::ELECTRA,
    &mpnet::MPNET,
    &deberta_v2::DEBERTA_V2,
    &modernbert::MODERNBERT,
    &deit::DEIT,
    &beit::BEIT,
    &dinov2::DINOV2,
    &dinov3_vit::DINOV3_VIT,
    &wav2vec2::WAV2VEC2,
    &wav2vec2::HUBERT,
    &t5::T5,
    &bart::BART,
    &bart::MARIAN,
    &whisper::WHISPER,
    &transformer_lens::TRANSFORMER_LENS,
    &nanogpt::NANOGPT,
    &llama_meta::LLAMA_META,
];

/// The family of a checkpoint: the one asked for, or the config's `model_type`, or the best fit of the names.
///
/// # Errors
/// [`ModelError::UnknownFamily`] if the asked one or the config's is not known, or no names fit; [`ModelError::FamilyNeeded`] if the
/// files leave open which of several it is.
pub fn recognise(
    names: &Names,
    config: &Config,
    asked: Option<&str>,
) -> Result<&'static Family, ModelError> {
    let known = || FAMILIES.map(|f| f.id).join(", ");
    if let Some(id) = asked {
        let found = FAMILIES.into_iter().find(|f| f.id == id);
        return found.ok_or_else(|| ModelError::UnknownFamily {
            reason: format!("no family is called {id:?}"),
            known: known(),
        });
    }
    // Names that no library of config.json writes say it whatever lies beside them.
    let by_names = |f: &&Family| f.model_types.is_empty() && (f.fit)(names) > SHARED_NAMES;
    if let Some(found) = FAMILIES.into_iter().find(by_names) {
        return Ok(found);
    }
    // A multimodal file names its language part inside.
    let inner = config.part("text_config");
    let kinds = [inner.as_ref().and_then(Config::model_type), config.model_type()];
    let by_type = |kind: &str| FAMILIES.into_iter().find(|f| f.model_types.contains(&kind));
    if let Some(found) = kinds.into_iter().flatten().find_map(by_type) {
        return Ok(found);
    }
    if kinds.iter().all(Option::is_none)
        && let Some(found) = lookalikes::by_class(config)
    {
        return Ok(found);
    }
    if let Some(kind) = kinds.into_iter().flatten().next() {
        let reason = format!(
            "config.json says model_type {kind:?}, which is not known here{}",
            lookalikes::look(names)
        );
        return Err(ModelError::UnknownFamily { reason, known: known() });
    }
    if let Some(what) = lookalikes::dictionary(names, config) {
        return Err(ModelError::Dictionary { what });
    }
    let best = FAMILIES.into_iter().map(|f| ((f.fit)(names), f)).max_by_key(|&(fit, _)| fit);
    let silent =
        if config.is_empty() { "no config.json" } else { "config.json says no model_type" };
    let Some((_, found)) = best.filter(|&(fit, _)| fit > 0) else {
        let looks = lookalikes::look(names);
        let reason = format!("{silent}, and the tensor names fit no family{looks}");
        return Err(ModelError::UnknownFamily { reason, known: known() });
    };
    if found.id == llama::LLAMA.id && lookalikes::may_be_gemma(names, config)? {
        let among = FAMILIES.into_iter().filter(|f| llama::LIKE_IT.contains(&f.id));
        return Err(ModelError::FamilyNeeded {
            silent,
            among: among.map(|f| (f.id, f.title)).collect(),
        });
    }
    Ok(found)
}
