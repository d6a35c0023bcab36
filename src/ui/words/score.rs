//! What became of one score between two models, in a sentence that says no more than its numbers.

use crate::study::compare::HeadOnPrompt;
use crate::ui::words::format::{percent, three, token};

/// What the two parts of a difference are.
pub const PARTS: &str = "The difference is a sum of two parts. From the weights: the model of now reads the residuals of the model before, less what that one made of them itself; split over the singular pairs of the change. From the residuals: the model of now reads its own residuals, less what it made of those before; split over its own pairs. Scores are before soft-cap, ALiBi and mask.";

/// A position and its token.
fn position(tokens: &[String], at: usize) -> String {
    let text = tokens.get(at).map(|text| token(text)).unwrap_or_default();
    format!("“{text}” ({at})")
}

/// With its sign, also where that is plus.
pub fn signed(x: f64) -> String {
    let text = three(x);
    if x > 0.0 { format!("+{text}") } else { text }
}

/// What became of the score in view.
pub fn score(name: &str, tokens: &[String], found: &HeadOnPrompt) -> String {
    let score = &found.score;
    let (dest, src) = (position(tokens, found.dest), position(tokens, found.src));
    let looked = format!(
        "In {name}, {dest} gave {src} {} of its attention before and gives it {} now.",
        percent(found.attention_a),
        percent(found.attention_b)
    );
    if score.weights.sum == 0.0 && score.streams.sum == 0.0 {
        return format!("{looked} The score is the same in both: {}.", three(score.a.sum));
    }
    format!(
        "{looked} The score went from {} to {}: {} from the weights, {} from the residuals ({} at {dest}, {} at {src}).",
        three(score.a.sum),
        three(score.b.sum),
        signed(score.weights.sum),
        signed(score.streams.sum),
        signed(score.stream_dest),
        signed(score.stream_src),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::compare::scores::{Meeting, ScoreChange};
    use crate::math::Mat;

    #[test]
    fn a_sentence_tells_both_parts_with_their_signs() {
        let w = Mat::identity(4, 2);
        let new = &w * 2.0;
        let met = |q: f64, k: f64| Meeting { query: vec![q, 0.0], key: vec![k, 0.0] };
        let of = |new: &Mat, met: [&Meeting; 3]| HeadOnPrompt {
            layer: 1,
            head: 2,
            head_b: 2,
            dest: 1,
            src: 0,
            attention_a: 0.2,
            attention_across: 0.3,
            attention_b: 0.755,
            score: ScoreChange::new((&w, &w), (new, &w), met).expect("finite"),
        };
        let tokens = [" Mary".to_owned(), "gave".to_owned()];
        let found = of(&new, [&met(1.0, 1.0), &met(2.0, 1.0), &met(2.0, 0.5)]);
        assert_eq!(
            score("L1H2", &tokens, &found),
            "In L1H2, “gave” (1) gave “␣Mary” (0) 20 % of its attention before and gives it 76 % now. The score went from 1.00 to 1.00: \
             +1.00 from the weights, −1.00 from the residuals (0 at “gave” (1), −1.00 at “␣Mary” (0))."
        );
        let same = met(1.0, 1.0);
        assert!(
            score("L1H2", &tokens, &of(&w, [&same; 3]))
                .ends_with("The score is the same in both: 1.00.")
        );
    }
}
