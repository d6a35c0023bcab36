//! Theorem 1 in numbers: three ways to one head, and what isotropy allows.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::toy::Worked;
use crate::ui::words::format::{short_exponent, three};
use crate::ui::words::theorems as words;

/// Properties of [`Numbers`].
#[derive(Properties, PartialEq)]
pub(super) struct NumbersProps {
    /// What was worked out.
    pub(super) worked: Rc<Worked>,
}

/// The table.
#[component]
pub(super) fn Numbers(props: &NumbersProps) -> Html {
    let worked = &props.worked;
    let [x, y] = &worked.isotropy;
    let [sigma, next] = [0, 1].map(|k| worked.sigma.get(k).copied().unwrap_or(0.0));
    let both = |name: &str, values: [String; 2]| {
        let [x, y] = values;
        html! { <tr><th scope="row">{ name.to_owned() }</th><td>{ x }</td><td>{ y }</td></tr> }
    };
    let short = |cos: f64| tiny((1.0 - cos).max(0.0));
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), three);
    let (steps, gradient) = worked.descent;
    html! {
        <div>
            <table class="compare" data-testid="theorem-1-numbers">
                <thead><tr>{ for ["side", "x, u", "y, v"].map(|h| html! { <th scope="col">{ h }</th> }) }</tr></thead>
                <tbody>
                    { both(words::COS_FEATURE_SINGULAR_VECTOR, worked.cos.map(three)) }
                    { both(words::AFTER_UNWHITENING_COSINE, worked.cos_unwhitened.map(short)) }
                    { both("‖E‖₂", [three(x.norm_e), three(y.norm_e)]) }
                    { both(words::SMALLEST_COS_E_ALLOWS, [optional(x.bound), optional(y.bound)]) }
                    { both(words::SMALLEST_COS_KAPPA_ALLOWS, [three(x.kantorovich), three(y.kantorovich)]) }
                    { both(words::AVERAGE_OVER_FEATURES, [optional(x.average), optional(y.average)]) }
                </tbody>
            </table>
            <table class="compare">
                <thead><tr><th scope="col">{ words::SAME_HEAD_THREE_WAYS }</th><th scope="col">{ words::DIFFERS_CLOSED_FORM }</th></tr></thead>
                <tbody>
                    <tr><th scope="row">{ words::CLOSED_FORM }</th><td>{ format!("σ₀ = {}, σ₁/σ₀ = {}", three(sigma), tiny(if sigma > 0.0 { next / sigma } else { 0.0 })) }</td></tr>
                    <tr><th scope="row">{ words::LEAST_SQUARES_OVER_ALL }</th><td data-testid="least-squares">{ tiny(worked.apart[0]) }</td></tr>
                    <tr><th scope="row">{ words::gradient_descent_steps(&steps) }</th><td data-testid="descent">{ words::gradient_first(&tiny(worked.apart[1]), &tiny(gradient)) }</td></tr>
                </tbody>
            </table>
            <p class="hint">{ words::if_head_served_another(&three(worked.all[0]), &three(worked.all[1])) }</p>
        </div>
    }
}

/// What should be zero, as a power of ten.
fn tiny(x: f64) -> String {
    if x == 0.0 { "0".into() } else { short_exponent(x) }
}
