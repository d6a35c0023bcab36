//! ELECTRA: BERT's layers; the embeddings may be narrower.

use super::prelude::*;

pub(super) static ELECTRA: Family = Family {
    id: "electra",
    title: "ELECTRA",
    model_types: &["electra"],
    fit: |names| {
        let like = names.any_layer("encoder.layer.{l}.attention.self.query.weight");
        let own = names.any("embeddings_project.weight")
            || names.any_layer("electra.encoder.layer.{l}.attention.self.query.weight");
        if like && own { 12 } else { 0 }
    },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        embed_project: s.names.any("embeddings_project.weight").then_some("embeddings_project"),
        projects_last: true,
        // The generator's head is narrower than the stream, the discriminator has none.
        unembed: &[],
        tied: false,
        unembed_transform: None,
        unembed_bias: None,
        ..(super::bert::BERT.recipe)(s)?
    })
}
