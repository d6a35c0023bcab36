//! Who writes an answer: names of components, and the sentences about an answer and about what one head writes.

use super::format::{percent, short_exponent, three, token};
use crate::circuits::trace::attribution::Writer;
use crate::math::statistics::ranked;
use crate::study::attribution::{Attributed, Raised, Writes};

/// Components that the sentence names.
const NAMED: usize = 3;

/// A token of a prompt in quotation marks; numbered where it stands there more than once.
pub fn word(tokens: &[String], at: usize) -> String {
    let Some(text) = tokens.get(at) else { return String::new() };
    let same = |tokens: &[String]| tokens.iter().filter(|other| *other == text).count();
    let number = |n: usize| -> String {
        let digit = |c: char| char::from_u32(0x2080 + c.to_digit(10)?);
        n.to_string().chars().filter_map(digit).collect()
    };
    let number = if same(tokens) > 1 { number(same(&tokens[..=at])) } else { String::new() };
    format!("“{}”{number}", token(text))
}

/// A component's name; `head` names heads.
pub fn writer(writer: Writer, head: impl Fn(usize, usize) -> String) -> String {
    match writer {
        Writer::Embed => "embedding".to_owned(),
        Writer::Head(layer, h) => head(layer, h),
        Writer::Bias(layer) => format!("attention bias {layer}"),
        Writer::Mlp(layer) => format!("MLP {layer}"),
    }
}

/// “Mary” over “John”.
pub fn contest(of: &Attributed) -> String {
    let over = of.wrong_text.as_ref().map(|wrong| format!("“{}”", token(wrong)));
    let over = over.unwrap_or_else(|| "the mean of all tokens".to_owned());
    format!("“{}” over {over}", token(&of.answer_text))
}

/// What the shares come to, and whose are the largest on either side.
pub fn sentence(
    of: &Attributed,
    tokens: &[String],
    head: impl Fn(usize, usize) -> String,
) -> String {
    let shares = &of.shares;
    let writers = ranked(&shares.writers(), |(_, share)| share.abs());
    let side = |up: bool| {
        let own = writers.iter().filter(|(_, share)| (*share > 0.0) == up && *share != 0.0);
        let named =
            |(of, share): &(Writer, f64)| format!("{} {}", writer(*of, &head), three(*share));
        own.take(NAMED).map(named).collect::<Vec<_>>().join(", ")
    };
    let or_nothing = |list: String| if list.is_empty() { "nothing".to_owned() } else { list };
    format!(
        "{} after {}: {} logits (it has {} of the probability). Most for it: {}; most against it: {}. All parts and the unembedding's bias, {}, \
         add up to it, to {}.",
        contest(of),
        word(tokens, of.at),
        three(shares.logit_difference),
        percent(of.probability),
        or_nothing(side(true)),
        or_nothing(side(false)),
        three(shares.bias),
        short_exponent(shares.remainder.abs()),
    )
}

/// Tokens with what they gain or lose.
pub fn raised(all: &[Raised]) -> String {
    let one = |raised: &Raised| format!("{} {}", token(&raised.text), three(raised.by));
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What one head writes by reading one token.
pub fn written(of: &Writes, contest: &str, head: &str, read: &str) -> String {
    let largest = of.pairs.iter().max_by(|a, b| a.share.abs().total_cmp(&b.share.abs()));
    let pair = largest.map_or_else(String::new, |pair| {
        format!(" Of its pairs k = {} adds most, {}.", pair.k, three(pair.share))
    });
    format!(
        "With {} of its attention {head} reads {read} and adds {} to {contest}. Of all tokens it raises {} most and lowers {}.{pair}",
        percent(of.attention),
        three(of.share),
        raised(&of.raises[..of.raises.len().min(NAMED)]),
        raised(&of.lowers[..of.lowers.len().min(NAMED)]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuits::trace::attribution::{LayerShares, Shares};
    use crate::model::Head;

    #[test]
    fn tokens_that_repeat_are_numbered_and_others_are_not() {
        let tokens = ["John", "and", "John", " John"].map(str::to_owned);
        let words: Vec<String> = (0..5).map(|at| word(&tokens, at)).collect();
        assert_eq!(words, ["“John”₁", "“and”", "“John”₂", "“␣John”", ""]);
        let many = vec!["a".to_owned(); 12];
        assert_eq!(word(&many, 11), "“a”₁₂");
    }

    #[test]
    fn the_sentence_names_the_largest_shares_of_either_sign_and_none_that_is_zero() {
        let layer =
            LayerShares { heads: vec![vec![2.0, -0.5], vec![0.0, 0.0]], bias: 0.0, mlp: -3.0 };
        let shares = Shares {
            logit_difference: -1.2,
            bias: 0.1,
            embed: 0.2,
            layers: vec![layer],
            remainder: 2e-7,
        };
        let of = Attributed {
            at: 1,
            answer: 4,
            answer_text: "Mary".into(),
            probability: 0.25,
            wrong: None,
            wrong_text: None,
            shares,
            notes: Vec::new(),
        };
        let tokens = ["a", "to"].map(str::to_owned);
        let said = sentence(&of, &tokens, |l, h| Head::new(l, h).to_string());
        assert!(
            said.starts_with(
                "“Mary” over the mean of all tokens after “to”: −1.20 logits (it has 25 %"
            ),
            "{said}"
        );
        assert!(
            said.contains("Most for it: L0H0 1.50, embedding 0.200; most against it: MLP 0 −3.00."),
            "{said}"
        );
        assert!(said.contains("to 2.0e-7") && !said.contains("L0H1"), "{said}");
    }
}
