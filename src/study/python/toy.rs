//! A trained toy, read back from the file that its page saves.

use super::loader::READER;
use super::{SVD, heading};
use crate::study::stamp::Stamp;

/// Code that prints the singular values of Ω, and for every pair of the template the singular direction with the largest
/// product of cosines, its two cosines, the logit that the head gives, and the interference of both features.
pub fn toy(stamp: &Stamp) -> String {
    format!(
        "{}{READER}\n{SVD}\n\
         attention = \"model.layers.0.self_attn.{{}}_proj.weight\"\n\
         features = tensor(\"model.embed_tokens.weight\")  # [N, D]\n\
         w_q, w_k = (tensor(attention.format(x)).T for x in \"qk\")\n\
         template = tensor(\"toy.template\")  # [N, N]: the logit asked for\n\
         u, sigma, v = svd(w_q, w_k)\n\
         print(\"sigma\", *(f\"{{s:.10g}}\" for s in sigma))\n\
         unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-300)\n\
         gram, cos_u, cos_v = unit @ unit.T, np.abs(unit @ u), np.abs(unit @ v)\n\
         logits = features @ w_q @ (features @ w_k).T\n\
         interference = (gram ** 2).sum(axis=1) - np.diag(gram) ** 2\n\
         for query, key in zip(*np.nonzero(template)):\n    \
             k = (cos_u[query] * cos_v[key]).argmax()\n    \
             print(\"pair\", query, key, \"k\", k, f\"cos_u {{cos_u[query, k]:.10g}} cos_v {{cos_v[key, k]:.10g}}\", end=\" \")\n    \
             print(f\"logit {{logits[query, key]:.10g}} of {{template[query, key]:.10g}}\", end=\" \")\n    \
             print(f\"interference {{interference[query]:.10g}} {{interference[key]:.10g}}\")\n",
        heading(
            "A trained toy in numbers, from its safetensors file.",
            "python toy.py toy.safetensors",
            stamp
        ),
    )
}
