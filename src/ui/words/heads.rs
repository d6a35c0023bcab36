//! What the page Heads says.

pub use super::shared::BUILTIN_MODEL_BEING_LOADED;

sentences! {
    const ALL_SPECTRA_CSV = "all spectra CSV";
    const ALL_SPECTRA_JSON = "all spectra JSON";
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
