//! Little-endian numbers of a file as `f32`, several at a time; a trailing partial one is left out.

use half::{bf16, f16};

/// From `f32`.
pub fn f32s(bytes: &[u8]) -> Vec<f32> {
    all(bytes, f32::from_le_bytes)
}

/// From `bfloat16`, exactly.
pub fn bf16s(bytes: &[u8]) -> Vec<f32> {
    all(bytes, |b| bf16::from_le_bytes(b).to_f32())
}

/// From IEEE half precision, exactly.
pub fn f16s(bytes: &[u8]) -> Vec<f32> {
    all(bytes, |b| f16::from_le_bytes(b).to_f32())
}

/// An iterator that knows its length: the compiler decodes in SIMD, which a closure that pushes prevents.
#[inline]
pub fn all<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<N>();
    elements.iter().map(|element| decode(*element)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_were_written_and_a_partial_one_is_left_out() {
        let numbers = [1.5_f32, -0.0, 3.25, f32::INFINITY];
        let bytes = |write: &dyn Fn(f32) -> Vec<u8>| {
            numbers.iter().flat_map(|&x| write(x)).chain([7]).collect::<Vec<u8>>()
        };
        assert_eq!(f32s(&bytes(&|x| x.to_le_bytes().to_vec())), numbers);
        assert_eq!(bf16s(&bytes(&|x| bf16::from_f32(x).to_le_bytes().to_vec())), numbers);
        assert_eq!(f16s(&bytes(&|x| f16::from_f32(x).to_le_bytes().to_vec())), numbers);
    }
}
