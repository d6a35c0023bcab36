//! What stands in the pictures that lessons 1 to 3 put on the stage, in English, and the name under which
//! `www/lessons/CODE/words.md` says it in another language: captions, what a screen reader hears, buttons, sliders, and the
//! sentences beside them.

use super::format::{percent, three, token};
use crate::circuits::omega::Circuit;
use crate::protocol::heads::{PairTokens, TokenCosine};
use crate::ui::lessons::speech::Speech;
use crate::ui::memory::token_chance::TokenChance;
use crate::ui::small_matrix::{SmallMatrix, dot};

words! {
    /// A text of a picture.
    OnStage:

    Soon, "soon": "The picture is being computed.";
    Numbers, "numbers": "Show the numbers";
    NumbersOf, "numbers-of": "numbers of the chart {0}";
    MoreRows, "more-rows": "and {0} more rows in the CSV";

    Spectrum, "spectrum": "Singular values of {0} of {1}.";
    SpectrumSpoken, "spectrum-spoken": "Spectrum of {0} of {1}: {2} singular values from {3} to {4}";
    BlockOf, "block-of": "k = {0} to {1}: one degenerate block";

    ColourBy, "colour-by": "colour by";
    AsTable, "as-table": "table";
    EveryHead, "every-head": "{0} of every head";
    OfCircuit, "of-circuit": "{0} of {1}";
    LooksAt, "looks-at": "{0} {1}, looks at {2}";
    NotDefined, "not-defined": "not defined here";
    OnCpu, "on-cpu": "Spectra are computed on the CPU, in f64{0}.";
    OnGpu, "on-gpu": "Spectra are computed on {0} in f32, and again in f64 where a certificate fails{1}.";
    Speeds, "speeds": "(measured: {0} ms a head on the GPU, {1} ms on one CPU worker)";
    Chance, "chance": "chance {0}";
    ChanceZ, "chance-z": "chance {0}, z {1}";

    BuiltSoon, "built-soon": "The singular vectors of the head in view are being computed.";
    AddedUp, "added-up": "σ_k u_k v_kᵀ added up over the first {0} pairs.";
    OtherPairs, "other-pairs": "What the other {0} pairs would add, on the same colours.";
    DestinationAxis, "destination-axis": "destination, dimension";
    SourceAxis, "source-axis": "source, dimension →";
    Pairs, "pairs": "pairs";
    AnotherHead, "another-head": "choose another head";
    BuiltNone, "built-none": "{0} of {1} pairs: {2} of ‖Ω‖² is there, {3} is still missing. No other matrix of rank {0} comes nearer.";
    BuiltOne, "built-one": "{0} of {1} pairs, σ0 = {4}: {2} of ‖Ω‖² is there, {3} is still missing. No other matrix of rank {0} comes nearer.";
    BuiltMore, "built-more": "{0} of {1} pairs, the last with σ{5} = {4}: {2} of ‖Ω‖² is there, {3} is still missing. No other matrix of rank {0} comes nearer.";

    SourceDial, "source-dial": "What the source offers. Drag y, or focus the picture and press the arrow keys.";
    DestinationDial, "destination-dial": "What the destination looks for. Drag x, the direction in which it looks.";
    DirectionOf, "direction-of": "direction of {0}";
    Degrees, "degrees": "{0} degrees";
    ImageAlong, "image-along": "y lies on v{0} and comes out along u{0}, σ{0} = {1} times as long: that is what a singular pair is.";
    ImageAgainst, "image-against": "y lies on v{0} and comes out against u{0}, σ{0} = {1} times as long: that is what a singular pair is.";
    ImageParts, "image-parts": "y is {0} of v0 and {1} of v1. Each part is stretched by its own σ and laid along its u: Ωy is {2} of u0 and {3} of u1.";

    Features, "features": "Features as arrows: those of queries blue, those of keys green, all others grey. Three of the dimensions; the rest is not seen.";
    FeaturesSpoken, "features-spoken": "Features in three directions";
    Turnable, "turnable": "{0}; arrow keys turn the picture";
    Feature, "feature": "feature {0}";
    FeatureDown, "feature-down": "feature";
    FeatureAcross, "feature-across": "feature →";
    SeenAlong, "seen-along": "seen along";
    ThreePrincipal, "three-principal": "the first three principal directions";
    FirstPair, "first-pair": "the first pair, then the strongest other";
    SpaceTurn, "space-turn": "turn";
    SpaceTilt, "space-tilt": "tilt";
    TwoDimensions, "two-dimensions": "two dimensions";

    Train, "train": "train";
    Pause, "pause": "pause";
    OneStep, "one-step": "one step";
    Reset, "reset": "reset";
    StepsAFrame, "steps-a-frame": "steps a frame";
    Training, "training": "training";
    StepOf, "step-of": "step {0} of {1}";
    Pace, "pace": "{0} frames a second, the slowest took {1} ms";
    Seed, "seed": "seed";

    Gram, "gram": "Cosines between features (Gram matrix), the {0} attended ones first: −1 is an antipode.";
    Interference, "interference": "Interference per feature, Σ cos² with all others; the {0} attended ones first. Lines: the largest |cos|. An antipodal pair has 1, a feature orthogonal to all has 0.";
    InterferenceSpoken, "interference-spoken": "Interference of each feature, attended ones first";
    FeatureOrder, "feature-order": "feature, in this order";

    PairOf, "pair-of": "Singular pair";
    PairSoon, "pair-soon": "The singular vectors of this head are being computed.";
    PairBefore, "pair-before": "Previous pair";
    PairAfter, "pair-after": "Next pair";
    ShareOf, "share-of": "{0} of ‖·‖²";
    LooksFor, "looks-for": "destination looks for";
    Offers, "offers": "source offers";
    Reads, "reads": "reads";
    Writes, "writes": "writes";
    Quoted, "quoted": "“{0}”";
    NoneStandsOut, "none-stands-out": "No token stands out on either side: the nearest are no nearer than chance brings one. σ = {0}.";
    OnlyRight, "only-right": "Under “{0}” no token stands out from chance; under “{1}” the positive end points at {2}. σ = {3}.";
    OnlyLeft, "only-left": "Under “{0}” the positive end points at {2}; under “{1}” no token stands out from chance. σ = {3}.";
    PairQk, "pair-qk": "When the destination points at {0}, this pair raises the score of sources like {1}, in proportion to σ = {2}; at the other end of both axes it does the same for the opposite signs.";
    PairOv, "pair-ov": "From what points at {0}, this pair writes towards {1}, with gain σ = {2}.";
    PairShared, "pair-shared": "Its singular value is shared by {0} neighbours: only the {0} together mean something.";
    ChanceRotated, "chance-rotated": "chance {0}, 5 % critical {1} (rotations of this side)";
    ChanceIsotropic, "chance-isotropic": "chance {0}, 5 % critical {1} (isotropic)";
    PositiveEnd, "positive-end": "positive end";
    NegativeEnd, "negative-end": "negative end";
    ReadingTokens, "reading-tokens": "Reading the token embeddings.";
    Nearest, "nearest": "Nearest of {0} token embeddings by cosine.";
    NearestWritten, "nearest-written": "Nearest of {0} token embeddings by cosine; what is written, of as many unembeddings.";
    ReadSoFar, "read-so-far": "Read so far: {0}.";
    GreyRotated, "grey-rotated": "Words in grey are no nearer than a random direction of the same subspace comes once in twenty.";
    GreyIsotropic, "grey-isotropic": "Words in grey are no nearer than a random direction comes once in twenty if tokens were isotropic; real ones are not, so this is the least that must be asked. Features draws random directions of the head's own subspaces; they count here once drawn.";
    RemoveCommon, "remove-common": "remove the direction common to all tokens";
    SeePrompt, "see-prompt": "see it on a prompt";
    MoreThanChance, "more-than-chance": "is it more than chance?";
    AllPairs, "all-pairs": "All {0} pairs";
    AllPairsSpoken, "all-pairs-spoken": "All pairs";
    PairShare, "pair-share": "share";
    LeftPlus, "left-plus": "left +";
    RightPlus, "right-plus": "right +";
    Likeness, "likeness": "cos(u, v): near 1 a pair joins like with like, near −1 a thing with its opposite. In grey: no more than two random directions reach in nineteen of twenty cases, {0}.";
}

/// Above this |cosine| a direction lies on another.
const ON: f64 = 0.9998;

/// A number without the rounding of a right angle.
pub(super) fn clean(x: f64) -> String {
    three(if x.abs() < 1e-9 { 0.0 } else { x })
}

/// What Ω makes of `y`.
pub fn image(speech: &Speech, omega: &SmallMatrix, y: [f64; 2]) -> String {
    let parts = [dot(y, omega.v(0)), dot(y, omega.v(1))];
    if let Some(k) = (0..2).find(|&k| parts[k].abs() > ON) {
        let way = if parts[k] > 0.0 { OnStage::ImageAlong } else { OnStage::ImageAgainst };
        return speech.fill(way, &[&k.to_string(), &three(omega.sigma[k])]);
    }
    let out = [0, 1].map(|k| clean(omega.sigma[k] * parts[k]));
    let parts = parts.map(clean);
    speech.fill(OnStage::ImageParts, &[&parts[0], &parts[1], &out[0], &out[1]])
}

/// What the first `k` of `n` pairs make; `last` is the singular value of the one that was added last.
pub fn built(speech: &Speech, k: usize, n: usize, kept: f64, last: Option<f64>) -> String {
    let word = match (k, last) {
        (_, None) => OnStage::BuiltNone,
        (1, _) => OnStage::BuiltOne,
        _ => OnStage::BuiltMore,
    };
    let last = last.map(three).unwrap_or_default();
    let before = k.saturating_sub(1).to_string();
    let (there, missing) = (percent(kept), percent((1.0 - kept).max(0.0)));
    speech.fill(word, &[&k.to_string(), &n.to_string(), &there, &missing, &last, &before])
}

/// The names of the two sides of a circuit: left, right.
pub fn side_names(speech: &Speech, circuit: Circuit) -> [String; 2] {
    let names = match circuit {
        Circuit::Qk => [OnStage::LooksFor, OnStage::Offers],
        Circuit::Ov => [OnStage::Reads, OnStage::Writes],
    };
    names.map(|name| speech.say(name))
}

/// One sentence for the singular pair in view. `together` is the size of its degenerate block; `critical` what a token's |cosine|
/// must exceed on either side to be more than chance, where that is known.
pub fn pair_sentence(
    speech: &Speech,
    circuit: Circuit,
    (sigma, together): (f64, usize),
    pair: &PairTokens,
    critical: [Option<f64>; 2],
) -> String {
    if pair.left.plus.is_empty() || pair.right.plus.is_empty() {
        return String::new();
    }
    let [on_left, on_right] = critical;
    let left = listed(speech, &pair.left.plus, on_left);
    let right = listed(speech, &pair.right.plus, on_right);
    let [left_name, right_name] = side_names(speech, circuit);
    let sigma = three(sigma);
    let sentence = match circuit {
        _ if left.is_empty() && right.is_empty() => speech.fill(OnStage::NoneStandsOut, &[&sigma]),
        _ if left.is_empty() => {
            speech.fill(OnStage::OnlyRight, &[&left_name, &right_name, &right, &sigma])
        }
        _ if right.is_empty() => {
            speech.fill(OnStage::OnlyLeft, &[&left_name, &right_name, &left, &sigma])
        }
        Circuit::Qk => speech.fill(OnStage::PairQk, &[&left, &right, &sigma]),
        Circuit::Ov => speech.fill(OnStage::PairOv, &[&left, &right, &sigma]),
    };
    if together > 1 {
        let shared = speech.fill(OnStage::PairShared, &[&together.to_string()]);
        format!("{sentence} {shared}")
    } else {
        sentence
    }
}

/// Whether a token is nearer than chance brings one in twenty directions; `None` where chance is not known.
pub fn stands_out(token: &TokenCosine, critical: Option<f64>) -> bool {
    critical.is_none_or(|critical| f64::from(token.cosine.abs()) > critical)
}

fn listed(speech: &Speech, tokens: &[TokenCosine], critical: Option<f64>) -> String {
    let words: Vec<String> = (tokens.iter().filter(|t| stands_out(t, critical)).take(3))
        .map(|t| speech.fill(OnStage::Quoted, &[&token(&t.text)]))
        .collect();
    words.join(", ")
}

/// The chance level of a side's nearest tokens, in words.
pub fn chance_of_tokens(speech: &Speech, level: &TokenChance) -> String {
    let of = if level.rotated { OnStage::ChanceRotated } else { OnStage::ChanceIsotropic };
    speech.fill(of, &[&three(level.mean), &three(level.critical)])
}

/// What the words in grey are held against.
pub fn grey_words(chance: &[Option<TokenChance>; 2]) -> OnStage {
    if chance.iter().flatten().any(|level| !level.rotated) {
        OnStage::GreyIsotropic
    } else {
        OnStage::GreyRotated
    }
}

/// What fraction of `‖Ω‖²` a pair carries, in words.
pub fn share(speech: &Speech, sigma: &[f64], k: usize) -> String {
    let total: f64 = sigma.iter().map(|s| s * s).sum();
    let share = sigma.get(k).map_or(0.0, |s| s * s / total.max(f64::MIN_POSITIVE));
    speech.fill(OnStage::ShareOf, &[&percent(share)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::heads::SideTokens;
    use crate::ui::small_matrix::unit;

    const OMEGA: SmallMatrix = SmallMatrix { sigma: [2.0, 0.5], u_at: 30.0, v_at: 200.0 };

    #[test]
    fn a_direction_on_a_singular_vector_is_said_to_lie_there() {
        let said = |y| image(&Speech::default(), &OMEGA, y);
        assert!(said(OMEGA.v(0)).contains("y lies on v0 and comes out along u0, σ0 = 2.00 times"));
        assert!(said(unit(20.0)).contains("y lies on v0 and comes out against u0"));
        assert!(said(unit(290.0)).contains("y lies on v1 and comes out along u1"));
        assert!(said(unit(250.0)).starts_with("y is 0.643 of v0 and 0.766 of v1"));
    }

    #[test]
    fn what_is_built_is_said_with_the_pair_that_came_last() {
        let said = |k, kept, last| built(&Speech::default(), k, 16, kept, last);
        assert!(said(1, 0.25, Some(4.27)).starts_with("1 of 16 pairs, σ0 = 4.27: 25 %"));
        assert!(said(3, 0.5, Some(0.5)).contains("the last with σ2 = 0.500: 50 %"));
        let nothing = said(0, 0.0, None);
        assert!(nothing.starts_with("0 of 16 pairs: 0 %"), "{nothing}");
        assert!(nothing.ends_with("No other matrix of rank 0 comes nearer."), "{nothing}");
    }

    fn side(text: &str, cosine: f32) -> SideTokens {
        let token = |cosine| TokenCosine { id: 0, text: text.into(), cosine };
        SideTokens { plus: vec![token(cosine)], minus: vec![token(-cosine)] }
    }

    #[test]
    fn a_token_that_chance_brings_as_near_is_not_named() {
        let pair = PairTokens { k: 0, left: side("gustave", 0.106), right: side("heard", 0.3) };
        let said =
            |critical| pair_sentence(&Speech::default(), Circuit::Qk, (2.0, 1), &pair, critical);
        let nothing = said([Some(0.24), Some(0.4)]);
        assert!(nothing.starts_with("No token stands out on either side"), "{nothing}");
        assert!(!nothing.contains("gustave") && !nothing.contains("heard"));
        let one = said([Some(0.24), Some(0.24)]);
        assert!(
            one.contains("“heard”")
                && one.contains("no token stands out")
                && !one.contains("gustave")
        );
        assert!(
            said([Some(0.1), Some(0.24)]).starts_with("When the destination points at “gustave”")
        );
        // Not known, such as before the rows are counted: the words of the lists.
        assert!(said([None, None]).contains("“gustave”"));
        assert!(stands_out(&pair.left.minus[0], Some(0.1)), "either end");
    }
}
