//! What is said of a pair's directions beside the model's position embeddings.

use super::format::three;

sentences! {
    const LESS_MEAN = "position embeddings less their mean";
    fn caption(k, left, right) = "Cosine with the embedding of each position: u{k} ({left}) and v{k} ({right}).";
    fn spoken(k, n) = "Cosine of u{k} and v{k} with each of {n} positions";
}

/// At how many positions each side is nearer than a random direction comes to any, once in twenty.
pub fn curve(k: usize, [left, right]: [&[f32]; 2], critical: f64) -> String {
    let side = |name: &str, curve: &[f32]| {
        let beyond = curve.iter().filter(|c| f64::from(c.abs()) > critical).count();
        (!curve.is_empty()).then(|| format!("{name}{k} at {beyond} of {}", curve.len()))
    };
    let said: Vec<String> = [side("u", left), side("v", right)].into_iter().flatten().collect();
    format!(
        "Nearer to a position than ±{}, which a random direction is to one of them once in twenty: {}.",
        three(critical),
        said.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_chance_is_counted_and_a_side_of_another_stream_is_not_named() {
        let said = curve(2, [&[0.5, -0.4, 0.1], &[0.1, 0.2, 0.0]], 0.3);
        assert!(said.contains("±0.3") && said.contains("u2 at 2 of 3, v2 at 0 of 3"), "{said}");
        assert!(curve(0, [&[0.5], &[]], 0.3).ends_with("u0 at 1 of 1."));
    }
}
