// Half precision by hand: unpack2x16float is core WGSL, but not every translator has it without an extension.
fn expand(word: u32, odd: bool, kind: u32) -> f32 {
    if (kind == 1u) {
        return bitcast<f32>(select(word << 16u, word & 0xffff0000u, odd));
    }
    let half = select(word, word >> 16u, odd);
    let exponent = (half >> 10u) & 31u;
    let mantissa = half & 1023u;
    let wide = select(exponent + 112u, 255u, exponent == 31u);
    let normal = bitcast<f32>((wide << 23u) | (mantissa << 13u));
    let magnitude = select(normal, f32(mantissa) * 5.9604644775390625e-8, exponent == 0u);
    return select(magnitude, -magnitude, (half & 0x8000u) != 0u);
}

