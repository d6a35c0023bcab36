//! BEiT: ViT whose positions are a table over steps on the grid of patches; keys have no bias, outputs a gain per dimension.

use super::prelude::*;

pub(super) static BEIT: Family = Family {
    id: "beit",
    title: "BEiT",
    model_types: &["beit", "data2vec-vision"],
    fit: |names| {
        let gains = names.any_layer("encoder.layer.{l}.lambda_1");
        let table = names.any_layer(OWN_TABLE) || names.any(SHARED_TABLE);
        if gains || table { 12 } else { 0 }
    },
    recipe,
};

const OWN_TABLE: &str =
    "encoder.layer.{l}.attention.attention.relative_position_bias.relative_position_bias_table";
const SHARED_TABLE: &str = "encoder.relative_position_bias.relative_position_bias_table";

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    let vit = (super::vit::VIT.recipe)(s)?;
    let own = s.names.any_layer(OWN_TABLE);
    let table = if own {
        "attention.attention.relative_position_bias.relative_position_bias_table"
    } else {
        SHARED_TABLE
    };
    let gains = s.names.any_layer("encoder.layer.{l}.lambda_1");
    let absolute = s.names.any("embeddings.position_embeddings");
    // With mean pooling the norm belongs to the pooler.
    let pooled = s.config.flag("use_mean_pooling", s.names.any("pooler.layernorm.weight"));
    Ok(Recipe {
        layer_scale: gains.then_some(("lambda_1", "lambda_2")),
        relative: (own || s.names.any(SHARED_TABLE)).then_some(RelativePaths::Grid { table }),
        positions: vit.positions.filter(|_| absolute),
        final_norm: (!pooled).then_some("layernorm"),
        ..vit
    })
}
