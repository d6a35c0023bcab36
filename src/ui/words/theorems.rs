//! What the theorem bench says.

sentences! {
    const AFTER_UNWHITENING_COSINE = "after unwhitening, 1 − that cosine";
    const ANGLE_AGAINST_ANISOTROPY = "Angle against anisotropy";
    const ANGLE_BETWEEN_DEGREES_AGAINST = "Angle between u₀ and x₀ in degrees against ‖E_X‖₂, with the bound. Blue: random directions; orange: cones; green: power laws; violet: disturbed tight frames; red: the average that A predicts for the open model’s dictionaries. The named grey point is the picture of Theorem 1: move a feature there and it moves here.";
    const ANGLE_DEGREES = "angle in degrees";
    const ANISOTROPY_DICTIONARIES = "anisotropy of the model’s dictionaries";
    const AVERAGE_OVER_FEATURES = "A, the average over features";
    const CLOSED_FORM = "closed form Σ_X⁻¹ x₀ y₀ᵀ Σ_Y⁻¹";
    const COS_FEATURE_SINGULAR_VECTOR = "cos of the feature with its singular vector";
    const DIFFERS_CLOSED_FORM = "differs from the closed form by";
    const DRAWN_EDGE = " (drawn at the edge)";
    const DRAWS_THEOREM_2 = "draws of Theorem 2";
    const FEATURES_N_10_DIMENSIONS = "features N in 10 dimensions";
    const FROZEN_ONLY_FEATURES_TRAINED = "Ω = 10 u vᵀ is frozen and only the features are trained, on reconstruction and attention. The attended features move onto u and v, and minimising reconstruction drives all others out of their way.";
    const KEY_SIDE_ORANGE_GREEN = "Key side: y₀ orange, v₀ green; Σ v₀ is dashed in the plane and violet here.";
    const KEY_SIDE_SAME = "Key side, the same with y₀ and v₀.";
    const LEAST_SQUARES_OVER_ALL = "least squares over all pairs";
    const MULTIPLE_IDENTITY_POINTS_ITSELF = "Σ_X is a multiple of the identity: u₀ points at x₀ itself (Corollary 1).";
    const ONE_FEATURE_PER_TOKEN = "One feature per token, the head asked for 1 on the pair (x₀, y₀) and for 0 on every other pair, squared error. The best Ω is Σ_X⁻¹ x₀ y₀ᵀ Σ_Y⁻¹ with Σ_X = Σ x xᵀ: rank one, with u₀ ∝ Σ_X⁻¹ x₀. So u₀ leans away from what the other features crowd into, and Σ_X u₀ gives x₀ back (unwhitening). Not the loss of the toy, whose tokens are sums of features.";
    const QUERY_SIDE_ORANGE_BLUE = "Query side: x₀ orange, u₀ blue; Σ u₀ is dashed in the plane and violet here.";
    const QUERY_SIDE_STANDS_RIGHT = "Query side. u₀ stands at a right angle on the ellipse of the features where x₀ meets it; Σ_X u₀ lies on x₀. Drag a feature.";
    const SAME_HEAD_THREE_WAYS = "the same head, three ways";
    const SMALLEST_COS_E_ALLOWS = "smallest cos that ‖E‖₂ allows, √(1 − ‖E‖²)";
    const SMALLEST_COS_KAPPA_ALLOWS = "smallest cos that κ allows, 2√κ / (1 + κ)";
    const SOME_MOVED_HAND = ", some moved by hand";
    const THEOREM_1_WHERE_SINGULAR = "Theorem 1: where the singular vectors of one pair point";
    const THEOREM_2_HOW_FAR = "Theorem 2: how far u₀ can be from x₀";
    const THEOREM_3_HEAD_FIXED = "Theorem 3: with the head fixed, features become orthogonal";
    const THE_PICTURE = "the picture of Theorem 1";
    const TIGHT_FRAME = "a tight frame (Corollary 1)";
    const TRAINING_THEOREM_3 = "training of Theorem 3";
    const WHERE_OPEN_MODELS_DICTIONARIES = "where the open model’s dictionaries lie";
    const WRITE_SINE_ANGLE_BETWEEN = "Write Σ_X = c (I + E). If ‖E‖₂ < 1, the sine of the angle between u₀ and x₀ is at most ‖E‖₂. The bound says nothing from 1 on, and ‖E‖₂ alone does not decide the angle: a cone of features and a power law with the same ‖E‖₂ lie far apart. The average over features, A = √(harmonic mean / arithmetic mean) of Σ_X’s eigenvalues, does.";
    const X_IS_THE_ZERO_VECTOR = "x₀ is the zero vector: it points nowhere, so there is no angle. Move it away from the middle.";
    fn allows_at_most(norm, bound) = "‖E_X‖₂ = {norm} allows at most {bound}°.";
    fn away_after_unwhitening(away, unwhitened, allowed) = "u₀ is {away}° away from x₀; after unwhitening {unwhitened}°. {allowed}";
    fn draws_under_1_break(broken, bounded, unbounded, beyond) = "{broken} of the {bounded} draws with ‖E‖₂ under 1 break the bound; {unbounded} more have a larger ‖E‖₂, where there is no bound ({beyond} beyond the picture).";
    fn features_dimensions_head_served(name, n_features, dimensions, norm, edge, alignment, degrees) = "{name}: {n_features} features in {dimensions} dimensions, ‖E‖₂ = {norm}{edge}, A = {alignment}: a head that served one of them alone would align to {degrees}° on average.";
    fn gradient_descent_steps(steps) = "gradient descent, {steps} steps";
    fn gradient_first(apart, gradient) = "{apart} (gradient {gradient} of the first)";
    fn if_head_served_another(worst, average) = "If the head served another feature of this set instead: cos {worst} at worst, {average} on average.";
    fn query_features_arrow_keys(letter, row) = "Query features; arrow keys move {letter}{row}";
    fn random_sets_features(n, kinds) = "{n} random sets of features: {kinds}";
    fn step_two_attended_features(step, attended, others, cos, sigma) = "Step {step}: Σ cos² of the two attended features with all others is {attended}, of the others among all {others}; smallest cosine with the head’s singular vectors {cos}; σ₀ stays at {sigma}.";
    fn too_large_promise_anything(norm) = "‖E_X‖₂ = {norm} is too large to promise anything.";
}
