//! What the page says of features that meet.

use super::format::{percent, short_exponent, three};
use crate::circuits::pairs::Kinds;
use crate::protocol::trace::Meetings;

sentences! {
    const BUILTIN_MODEL_COMES_DICTIONARIES = "The built-in model comes with dictionaries in front of layers 1 and 2; for others give one of your own: SAELens, Gemma Scope and sparsify files are read.";
    const EVERY_PAIR_FEATURES_WHAT = "Every pair of features, with what goes through each singular vector: ";
    const FEATURES_MEET = "features that meet";
    const FEATURES_MEET_LIE_SINGULAR = "The features that meet lie on the singular vectors used more than chance would have it";
    const FEATURES_MEET_LIE_SINGULAR_VECTORS = "The features that meet lie on the singular vectors used no more than chance would have it";
    const MY_OWN_SAE_RESIDUAL = "my own SAE of the residual stream (its .safetensors and cfg.json)";
    const SCORE_SPLIT_FEATURES = "score split by features";
    const SPLIT_SCORE_FEATURES = "split this score by features";
    const SPLIT_SCORE_MY_DICTIONARY = "split this score by my dictionary";
    const WHICH_FEATURES_MEET_SCORE = "Which features meet in this score?";
    fn active_ones_reach_cosine(verdict, active, than, rotations, rotated, p, beyond) = "{verdict}: active ones reach a cosine of {active} along the vectors that carry the score{than}, active ones in {rotations} random rotations {rotated} (p = {p}{beyond}).";
    fn beyond_inactive_ones(p) = "; beyond inactive ones p = {p}";
    fn everything_rows_everything_columns(dest, src) = "Everything at “{dest}” (rows) with everything at “{src}” (columns): features, error, bias. The cells add up to the score.";
    fn many_inactive_ones(x) = ", as many inactive ones {x}";
    fn meets_what_they_add(row, column) = "“{row}” meets “{column}”: what they add through each singular vector.";
    fn score_split(dictionary) = "score split by {dictionary}";
    fn score_terms(score, names, n) = "Score {score} as {names} by {n} terms";
    fn singular_vector(sum) = "{sum} by singular vector";
    fn sparse_dictionary_writes_stream(dest, src, head) = "A sparse dictionary writes the stream at “{dest}” and at “{src}” as a few features and an error; the score of {head} is then a sum over pairs of what meets, and every pair a sum over singular vectors.";
}

/// The score as a sum of its kinds of terms.
pub fn summed(found: &Meetings, dest: &str, src: &str) -> String {
    let split = &found.split;
    let Kinds { features, dest_error, src_error, both_errors, bias } = split.kinds();
    format!(
        "“{dest}” gives “{src}” {} of its attention, score {}. {} active features meet {}: together they add {}. What the dictionary misses \
         at “{dest}” adds {}, at “{src}” {}, both together {}; biases {}. Left over: {}.",
        percent(found.attention),
        three(split.score),
        split.dest.features.len(),
        split.src.features.len(),
        three(features),
        three(dest_error),
        three(src_error),
        three(both_errors),
        three(bias),
        short_exponent(split.remainder().abs()),
    )
}
