//! Codes of any width, packed one after another from the lowest bit on.

/// The code of `bits` (at most 8) bits that starts at bit `at` of little-endian `bytes`; zeros past the end.
pub(super) fn code(bytes: &[u8], at: usize, bits: usize) -> u8 {
    let low = bytes.get(at / 8).copied().map_or(0, u16::from);
    let high = bytes.get(at / 8 + 1).copied().map_or(0, u16::from);
    let mask = (1u16 << bits) - 1;
    (((low | high << 8) >> (at % 8)) & mask) as u8
}

/// Little-endian words as numbers.
pub(super) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

/// Little-endian signed words.
pub(super) fn integers(bytes: &[u8]) -> Vec<i32> {
    bytes.as_chunks::<4>().0.iter().map(|word| i32::from_le_bytes(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_cross_bytes_and_words() {
        // 3-bit codes 0, 1, …, 7, 0, 1, … in one stream.
        let codes: Vec<u8> = (0..32).map(|i| i % 8).collect();
        let mut bytes = vec![0u8; 12];
        for (i, code) in codes.iter().enumerate() {
            for bit in 0..3 {
                let at = i * 3 + bit;
                bytes[at / 8] |= (code >> bit & 1) << (at % 8);
            }
        }
        let back: Vec<u8> = (0..32).map(|i| code(&bytes, i * 3, 3)).collect();
        assert_eq!(back, codes);
        assert_eq!((code(&[0xAB], 4, 4), code(&[0xAB], 0, 8), code(&[], 9, 4)), (0xA, 0xAB, 0));
    }
}
