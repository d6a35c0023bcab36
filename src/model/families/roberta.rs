//! RoBERTa (and XLM-RoBERTa, CamemBERT): BERT's layers; positions start after the padding token's row.

use super::prelude::*;

pub(super) static ROBERTA: Family = Family {
    id: "roberta",
    title: "RoBERTa",
    model_types: &["roberta", "xlm-roberta", "camembert"],
    fit: |names| {
        let like = names.any_layer("encoder.layer.{l}.attention.self.query.weight");
        let table = names.find("", "embeddings.position_embeddings.weight");
        // Two rows more than a power of two, or its name in front.
        let offset = table
            .as_deref()
            .and_then(|name| names.shape(name)?.first().copied())
            .is_some_and(|rows| rows == 514);
        if like && (offset || table.is_some_and(|name| name.starts_with("roberta."))) {
            12
        } else {
            0
        }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let padding = s.config.size(&["pad_token_id"]).unwrap_or(1);
    Ok(Recipe {
        positions: Some(PositionPaths {
            table: "embeddings.position_embeddings.weight",
            offset: padding.saturating_add(1),
            skipped_token: u32::try_from(padding).ok(),
        }),
        unembed: &["lm_head.decoder"],
        tied: s.names.any("lm_head.dense.weight"),
        unembed_transform: Some(("lm_head.dense", "lm_head.layer_norm")),
        unembed_bias: Some("lm_head.bias"),
        ..(super::bert::BERT.recipe)(s)?
    })
}
