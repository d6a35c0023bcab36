//! What the page Heads says.

use super::format::three;
pub use super::shared::BUILTIN_MODEL_BEING_LOADED;
use crate::circuits::biases::Biases;

sentences! {
    const ALL_SPECTRA_CSV = "all spectra CSV";
    const ALL_SPECTRA_JSON = "all spectra JSON";
    const BIASES_CANCEL = "Softmax cancels the last two: they are the same for every source.";
    const BIASES_DO_NOT_CANCEL = "Softmax cancels none of them exactly in this model: a rotation by position (the lengths are those at distance 0), a norm of queries and keys, a clamp, a soft-cap or a sink stands between them and the probabilities.";
    const DISTANCE_CONVENTION = "QK with its rotation, Ω_Δ = W_Q R_Δ W_Kᵀ, no score scale";
    const DISTANCE_DOES_NOT_TURN = "Positions do not turn this head as a whole, so its QK is the same at every distance.";
    const FILES_HOLD_NO_TOKEN = "The files hold no token embeddings, so there are no words to compare these directions with.";
    const GRID_HEADS = "Grid of heads";
    const HEADS_DISTANCES_BEING_COMPUTED = "This head's spectra at a distance are being computed.";
    const HEADS_LAYER_BESIDE_EACH = "Heads of this layer beside each other";
    const HEADS_SPECTRUM_BEING_COMPUTED = "This head's spectrum is being computed.";
    const KEYS_STAND_BACK = "keys Δ tokens back";
    const ROTARY_TURNS_QUERIES = "Rotary positions turn queries and keys before they meet, so what this head looks for depends on how far back a key stands. Δ = 0 is the spectrum above.";
    const SHARE_SQUARED_NORM = "share of squared norm";
    const U_S_V_HEAD = "U, S, V of this head";
    fn biases_add(src, src_over, root, dest, dest_over, constant) = "Biases add three terms to a score that Ω does not hold. For each source y: y·(W_K b_Q), with a vector of length {src}, which Ω makes of a destination of length {src_over} along u0 (normed without gains, it has length √d_model = {root}). For each destination x: x·(W_Q b_K), with a vector of length {dest}, which Ω makes of a source of length {dest_over} along v0. For all: b_Q·b_K = {constant}.";
    fn biases_out_of_reach(src, dest) = "This head has null directions: of these vectors, parts of length {src} and {dest} are out of the reach of any residual stream.";
    fn degenerate_blocks_bracketed_inside(blocks) = "{blocks} degenerate block(s), bracketed: inside one only the subspace means something.";
    fn distance_caption(circuit_name, delta) = "Singular values of {circuit_name} for keys {delta} tokens back, W_Q R_Δ W_Kᵀ; lines: at Δ = 0.";
    fn distance_spoken(head, delta, first, last) = "Spectrum of {head} for keys {delta} tokens back, from {first} to {last}";
    fn head_cannot_decomposed_others(why) = "This head cannot be decomposed: {why}. The others still work.";
    fn largest_singular_value(head, first) = "{head}, largest singular value {first}";
    fn orthogonality_core(orthogonality) = "orthogonality of the core {orthogonality}";
    fn spectra_layer_one_scale(circuit, layer) = "{circuit} spectra of layer {layer}, on one scale";
    fn tokens_shown_ids(why) = "Tokens are shown as ids: {why}.";
    fn vectors_shown_measured_residual(residual, orthogonality) = "The vectors shown, measured: residual {residual}, orthogonality {orthogonality}.";
}

/// The keys of the grid.
pub const ARROW_KEYS_MOVE_STEP: &str =
    "Arrow keys move; j and k step through the pairs, [ and ] through the layers.";

/// What biases add to the scores of a head beside its Ω, and what of it softmax cancels.
pub fn biases(found: &Biases, sigma_1: f64, d_model: usize) -> String {
    let Biases { src, dest, constant, src_remainder, dest_remainder, cancels } = *found;
    let [src_over, dest_over] = found.over(sigma_1).map(three);
    let root = (d_model as f64).sqrt();
    let [src, root, dest, constant] = [src, root, dest, constant].map(three);
    let mut said = biases_add(&src, &src_over, &root, &dest, &dest_over, &constant);
    said.push(' ');
    said.push_str(if cancels { BIASES_CANCEL } else { BIASES_DO_NOT_CANCEL });
    if src_remainder + dest_remainder > 0.0 {
        said.push(' ');
        said.push_str(&biases_out_of_reach(&three(src_remainder), &three(dest_remainder)));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn biases_are_said_with_their_sizes_and_with_what_softmax_cancels() {
        let mut found = Biases {
            src: 3.0,
            dest: 1.5,
            constant: -0.25,
            src_remainder: 0.0,
            dest_remainder: 0.0,
            cancels: true,
        };
        let said = biases(&found, 2.0, 64);
        assert!(said.contains("(W_K b_Q), with a vector of length 3.00"), "{said}");
        assert!(said.contains("length 1.50 along u0"));
        assert!(said.contains("√d_model = 8.00") && said.contains("b_Q·b_K = −0.250"), "{said}");
        assert!(said.ends_with(BIASES_CANCEL), "{said}");
        (found.cancels, found.src_remainder) = (false, 0.5);
        let said = biases(&found, 2.0, 64);
        assert!(said.contains(BIASES_DO_NOT_CANCEL) && said.contains("length 0.500 and 0"));
    }
}
