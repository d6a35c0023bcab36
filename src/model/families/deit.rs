//! DeiT: ViT with a second token beside the class token, for distillation.

use super::prelude::*;

pub(super) static DEIT: Family = Family {
    id: "deit",
    title: "DeiT",
    model_types: &["deit"],
    fit: |names| if names.any("embeddings.distillation_token") { 12 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        front: Some(FrontPaths::Patches {
            projection: "embeddings.patch_embeddings.projection",
            before: &["embeddings.cls_token", "embeddings.distillation_token"],
        }),
        ..(super::vit::VIT.recipe)(s)?
    })
}
