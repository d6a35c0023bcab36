//! What the theorem bench says where there is no number to say.

sentences! {
    const X_IS_THE_ZERO_VECTOR = "x₀ is the zero vector: it points nowhere, so there is no angle. Move it away from the middle.";
    const THE_PICTURE = "the picture of Theorem 1";
}
