//! nanoGPT: GPT-2's names, but plain linear layers, `[out, in]`; biases are left out where the run was told so.

use super::prelude::*;

pub(super) static NANOGPT: Family = Family {
    id: "nanogpt",
    title: "nanoGPT",
    model_types: &[],
    fit: |names| if super::gpt2::lies_out_in(names) { 12 } else { 0 },
    recipe,
};

fn recipe(s: &Survey<'_>) -> Result<Recipe, ModelError> {
    Ok(Recipe {
        eps: 1e-5,
        activation: Activation::Gelu,
        doubt: Some(
            "A GPT BigCode with a key and a value for every head has the same names and shapes, and another order in c_attn: if it is \
             one, add its config.json or name the family (gpt_bigcode).",
        ),
        ..(super::gpt2::GPT2.recipe)(s)?
    })
}
