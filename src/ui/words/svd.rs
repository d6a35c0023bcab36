//! What the room on the SVD says, from its numbers.

use super::format::three;
use super::pictures::clean;
use crate::ui::small_matrix::SmallMatrix;

sentences! {
    const ARROWS_ABOVE_TURN_DASHED = "The arrows above turn; the dashed ellipse is the matrix that the turned bases make with the same σ.";
    const AS_IT_WAS = "as it was";
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
    const TURN_BOTH_BASES = "turn both bases by";
    const WHAT_MATRIX_DOES_CIRCLE = "What a matrix does: a circle becomes an ellipse";
    fn first_dimensions_each_side(most, d) = " The first {most} of {d} dimensions on each side.";
    fn real_head_built_pair(circuit, name) = "A real head, built pair by pair: {circuit} of {name}";
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::small_matrix::unit;

    const OMEGA: SmallMatrix = SmallMatrix { sigma: [2.0, 0.5], u_at: 30.0, v_at: 200.0 };

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
    }
}
