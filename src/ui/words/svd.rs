//! What the room on the SVD says, from its numbers.

use super::format::{percent, three};
use crate::ui::small_matrix::{SmallMatrix, dot};

sentences! {
    const ARROWS_ABOVE_TURN_DASHED = "The arrows above turn; the dashed ellipse is the matrix that the turned bases make with the same σ.";
    const AS_IT_WAS = "as it was";
    const CHOOSE_ANOTHER_HEAD = "choose another head";
    const CIRCLE_BECOMES_ELLIPSE = "A circle becomes an ellipse";
    const EACH_PAIR_PICTURE_RANK = "Each pair is a picture of rank one: a pattern of rows times a pattern of columns. Add them one by one, the strongest first.";
    const EVERY_DIRECTION_SOURCE_POINT = "Every direction y that a source can point in lies on the circle. Ω sends it to Ωy, on the ellipse: the direction in which a destination must look for the largest score. Drag y round the circle. In two places, and only there, a direction is stretched and nothing else: on v0 and on v1.";
    const EXAMPLE_PLANE = "an example in the plane";
    const FILLED_TERM_RAISES_SCORE = "Filled: the term raises the score. Dashed and empty: it lowers it.";
    const MAKE_EQUAL = "make σ1 equal to σ0";
    const ONLY_PLANE_MEANS_SOMETHING = "When only the plane means something";
    const REAL_HEAD_BUILT_PAIR = "A real head, built pair by pair";
    const RECTANGLE_EACH_SINGULAR_PAIR = "A rectangle for each singular pair; its area is the pair's term of the score";
    const SCORE_SUM_RECTANGLES = "A score is a sum of rectangles";
    const SINGULAR_VECTORS_HEAD_VIEW = "The singular vectors of the head in view are being computed.";
    const TURN_BOTH_BASES = "turn both bases by";
    const WHAT_DESTINATION_LOOKS_DRAG = "What the destination looks for. Drag x, the direction in which it looks.";
    const WHAT_MATRIX_DOES_CIRCLE = "What a matrix does: a circle becomes an ellipse";
    const WHAT_SOURCE_OFFERS_DRAG = "What the source offers. Drag y, or focus the picture and press the arrow keys.";
    fn added_up_over_first(shown) = "σ_k u_k v_kᵀ added up over the first {shown} pairs.";
    fn first_dimensions_each_side(most, d) = " The first {most} of {d} dimensions on each side.";
    fn real_head_built_pair(circuit, name) = "A real head, built pair by pair: {circuit} of {name}";
    fn what_other_pairs_would(others) = "What the other {others} pairs would add, on the same colours.";
}

/// Above this |cosine| a direction lies on another.
const ON: f64 = 0.9998;

/// A number without the rounding of a right angle.
fn clean(x: f64) -> String {
    three(if x.abs() < 1e-9 { 0.0 } else { x })
}

/// What Ω makes of `y`.
pub fn image(omega: &SmallMatrix, y: [f64; 2]) -> String {
    let parts = [dot(y, omega.v(0)), dot(y, omega.v(1))];
    if let Some(k) = (0..2).find(|&k| parts[k].abs() > ON) {
        let way = if parts[k] > 0.0 { "along" } else { "against" };
        return format!(
            "y lies on v{} and comes out {way} u{}, σ{} = {} times as long: that is what a singular pair is.",
            k,
            k,
            k,
            three(omega.sigma[k])
        );
    }
    let out = [0, 1].map(|k| clean(omega.sigma[k] * parts[k]));
    format!(
        "y is {} of v0 and {} of v1. Each part is stretched by its own σ and laid along its u: Ωy is {} of u0 and {} of u1.",
        clean(parts[0]),
        clean(parts[1]),
        out[0],
        out[1]
    )
}

/// The score as a sum of rectangles.
pub fn score(omega: &SmallMatrix, x: [f64; 2], y: [f64; 2]) -> String {
    let terms = [omega.term(0, x, y), omega.term(1, x, y)];
    let sign = if terms[1] < -1e-9 { "−" } else { "+" };
    format!(
        "x Ω y = {} {sign} {} = {}: one rectangle a pair, as wide as x is along u and as high as y is along v times σ.",
        clean(terms[0]),
        clean(terms[1].abs()),
        clean(terms[0] + terms[1])
    )
}

/// What turning both bases does.
pub fn turned(omega: &SmallMatrix, degrees: f64) -> String {
    let apart = omega.distance(&omega.turned(degrees));
    let equal = (omega.sigma[0] - omega.sigma[1]).abs() <= 1e-9 * omega.sigma[0].abs();
    if degrees == 0.0 {
        "Turn both bases together and see whether Ω stays.".to_owned()
    } else if equal {
        "Ω is the same: with equal σ any basis of the plane will do, so the single directions mean nothing, and only the plane does. \
         That is a degenerate block."
            .to_owned()
    } else {
        format!(
            "Ω is another matrix now, by {} of ‖·‖_F: with different σ the bases are what they are.",
            three(apart)
        )
    }
}

/// What the first `k` of `n` pairs make; `last` is the singular value of the one that was added last.
pub fn built(k: usize, n: usize, kept: f64, last: Option<f64>) -> String {
    let last = match (k, last) {
        (1, Some(sigma)) => format!(", σ0 = {}", three(sigma)),
        (_, Some(sigma)) => format!(", the last with σ{} = {}", k - 1, three(sigma)),
        (_, None) => String::new(),
    };
    format!(
        "{k} of {n} pairs{last}: {} of ‖Ω‖² is there, {} is still missing. No other matrix of rank {k} comes nearer.",
        percent(kept),
        percent((1.0 - kept).max(0.0))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::small_matrix::unit;

    const OMEGA: SmallMatrix = SmallMatrix { sigma: [2.0, 0.5], u_at: 30.0, v_at: 200.0 };

    #[test]
    fn a_direction_on_a_singular_vector_is_said_to_lie_there() {
        assert!(
            image(&OMEGA, OMEGA.v(0)).contains("y lies on v0 and comes out along u0, σ0 = 2.00")
        );
        assert!(image(&OMEGA, unit(20.0)).contains("y lies on v0 and comes out against u0"));
        assert!(image(&OMEGA, unit(290.0)).contains("y lies on v1 and comes out along u1"));
        assert!(image(&OMEGA, unit(250.0)).starts_with("y is 0.643 of v0 and 0.766 of v1"));
    }

    #[test]
    fn turning_says_whether_the_matrix_stays() {
        assert!(turned(&OMEGA, 30.0).contains("another matrix"));
        let equal = SmallMatrix { sigma: [1.0, 1.0], ..OMEGA };
        assert!(turned(&equal, 30.0).starts_with("Ω is the same"));
        assert!(turned(&OMEGA, 0.0).starts_with("Turn both"));
    }

    #[test]
    fn the_sum_and_its_signs_are_said() {
        let (x, y) = (unit(30.0), unit(200.0));
        assert!(score(&OMEGA, x, y).starts_with("x Ω y = 2.00 + 0"), "{}", score(&OMEGA, x, y));
        assert!(built(1, 16, 0.25, Some(4.27)).starts_with("1 of 16 pairs, σ0 = 4.27: 25 %"));
        assert!(built(3, 16, 0.5, Some(0.5)).contains("the last with σ2 = 0.500: 50 %"));
        assert!(built(0, 16, 0.0, None).starts_with("0 of 16 pairs: 0 %"));
    }
}
