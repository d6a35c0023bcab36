//! Theorem 1 in numbers: three ways to one head, and what isotropy allows.

use std::rc::Rc;

use yew::prelude::*;

use crate::protocol::toy::Worked;
use crate::ui::words::format::{short_exponent, three};

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
                    { both("cos of the feature with its singular vector", worked.cos.map(three)) }
                    { both("after unwhitening, 1 − that cosine", worked.cos_unwhitened.map(short)) }
                    { both("‖E‖₂", [three(x.norm_e), three(y.norm_e)]) }
                    { both("smallest cos that ‖E‖₂ allows, √(1 − ‖E‖²)", [optional(x.bound), optional(y.bound)]) }
                    { both("smallest cos that κ allows, 2√κ / (1 + κ)", [three(x.kantorovich), three(y.kantorovich)]) }
                    { both("A, the average over features", [optional(x.average), optional(y.average)]) }
                </tbody>
            </table>
            <table class="compare">
                <thead><tr><th scope="col">{ "the same head, three ways" }</th><th scope="col">{ "differs from the closed form by" }</th></tr></thead>
                <tbody>
                    <tr><th scope="row">{ "closed form Σ_X⁻¹ x₀ y₀ᵀ Σ_Y⁻¹" }</th><td>{ format!("σ₀ = {}, σ₁/σ₀ = {}", three(sigma), tiny(if sigma > 0.0 { next / sigma } else { 0.0 })) }</td></tr>
                    <tr><th scope="row">{ "least squares over all pairs" }</th><td data-testid="least-squares">{ tiny(worked.apart[0]) }</td></tr>
                    <tr><th scope="row">{ format!("gradient descent, {steps} steps") }</th><td data-testid="descent">{ format!("{} (gradient {} of the first)", tiny(worked.apart[1]), tiny(gradient)) }</td></tr>
                </tbody>
            </table>
            <p class="hint">{ format!("If the head served another feature of this set instead: cos {} at worst, {} on average.", three(worked.all[0]), three(worked.all[1])) }</p>
        </div>
    }
}

/// What should be zero, as a power of ten.
fn tiny(x: f64) -> String {
    if x == 0.0 { "0".into() } else { short_exponent(x) }
}
