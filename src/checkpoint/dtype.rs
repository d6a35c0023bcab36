//! Number formats of safetensors, and their decoding.

use crate::math::decode;
use half::{bf16, f16};
use serde::{Serialize, Serializer};

/// The dtype of a tensor. The named ones decode to weights; [`Dtype::Other`] is known, sized and left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16: the upper half of a single.
    Bf16,
    /// Eight bits, 4 of exponent, finite (`fn`): no infinities, NaN at `0x7F` and `0xFF`.
    F8E4M3,
    /// Eight bits, 5 of exponent: the upper half of an IEEE half.
    F8E5M2,
    /// Integers, booleans and number formats that no plain checkpoint stores its weights in.
    Other(OtherDtype),
}

/// A dtype that is not decoded: its name in the format and its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OtherDtype {
    /// As the format spells it, e.g. `"I64"`.
    pub name: &'static str,
    /// Bits per element; some formats are narrower than a byte.
    pub bits: u32,
}

const OTHERS: [OtherDtype; 16] = [
    OtherDtype { name: "BOOL", bits: 8 },
    OtherDtype { name: "F4", bits: 4 },
    OtherDtype { name: "F6_E2M3", bits: 6 },
    OtherDtype { name: "F6_E3M2", bits: 6 },
    OtherDtype { name: "U8", bits: 8 },
    OtherDtype { name: "I8", bits: 8 },
    OtherDtype { name: "F8_E8M0", bits: 8 },
    OtherDtype { name: "F8_E4M3FNUZ", bits: 8 },
    OtherDtype { name: "F8_E5M2FNUZ", bits: 8 },
    OtherDtype { name: "I16", bits: 16 },
    OtherDtype { name: "U16", bits: 16 },
    OtherDtype { name: "I32", bits: 32 },
    OtherDtype { name: "U32", bits: 32 },
    OtherDtype { name: "C64", bits: 64 },
    OtherDtype { name: "I64", bits: 64 },
    OtherDtype { name: "U64", bits: 64 },
];

impl Dtype {
    /// The dtype that the format calls `name`, if it defines one.
    pub fn from_name(name: &str) -> Option<Dtype> {
        Some(match name {
            "F64" => Dtype::F64,
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::Bf16,
            "F8_E4M3" => Dtype::F8E4M3,
            "F8_E5M2" => Dtype::F8E5M2,
            _ => Dtype::Other(*OTHERS.iter().find(|other| other.name == name)?),
        })
    }

    /// The name in the format, e.g. `"BF16"`.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F64 => "F64",
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
            Dtype::Bf16 => "BF16",
            Dtype::F8E4M3 => "F8_E4M3",
            Dtype::F8E5M2 => "F8_E5M2",
            Dtype::Other(other) => other.name,
        }
    }

    /// Bits per element.
    pub fn bits(self) -> u32 {
        match self {
            Dtype::F64 => 64,
            Dtype::F32 => 32,
            Dtype::F16 | Dtype::Bf16 => 16,
            Dtype::F8E4M3 | Dtype::F8E5M2 => 8,
            Dtype::Other(other) => other.bits,
        }
    }

    /// Whether tensors of this dtype decode to weights.
    pub fn is_weights(self) -> bool {
        !matches!(self, Dtype::Other(_))
    }

    /// Bytes per element of a dtype that decodes to weights.
    pub(crate) fn weight_bytes(self) -> Option<usize> {
        self.is_weights().then_some(self.bits() as usize / 8)
    }

    /// Calls `take` with each element of little-endian `bytes`, as f64; a trailing partial element is left out.
    /// Nothing is called for [`Dtype::Other`].
    pub(crate) fn decode_f64(self, bytes: &[u8], take: impl FnMut(f64)) {
        match self {
            Dtype::F64 => each(bytes, f64::from_le_bytes, take),
            Dtype::F32 => each(bytes, |b| f64::from(f32::from_le_bytes(b)), take),
            Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f64(), take),
            Dtype::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f64(), take),
            Dtype::F8E4M3 => each(bytes, |[b]| f64::from(f8_e4m3(b)), take),
            Dtype::F8E5M2 => each(bytes, |[b]| f64::from(f8_e5m2(b)), take),
            Dtype::Other(_) => {}
        }
    }

    /// As [`Dtype::decode_f64`], in f32 (F64 is rounded).
    pub(crate) fn decode_f32(self, bytes: &[u8], take: impl FnMut(f32)) {
        match self {
            Dtype::F64 => each(bytes, |b| f64::from_le_bytes(b) as f32, take),
            Dtype::F32 => each(bytes, f32::from_le_bytes, take),
            Dtype::F16 => each(bytes, |b| f16::from_le_bytes(b).to_f32(), take),
            Dtype::Bf16 => each(bytes, |b| bf16::from_le_bytes(b).to_f32(), take),
            Dtype::F8E4M3 => each(bytes, |[b]| f8_e4m3(b), take),
            Dtype::F8E5M2 => each(bytes, |[b]| f8_e5m2(b), take),
            Dtype::Other(_) => {}
        }
    }

    /// All elements of `bytes` in f32 (F64 is rounded), several at a time; empty for what is not decoded.
    pub(crate) fn f32s(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Dtype::F64 => decode::all(bytes, |b| f64::from_le_bytes(b) as f32),
            Dtype::F32 => decode::f32s(bytes),
            Dtype::F16 => decode::f16s(bytes),
            Dtype::Bf16 => decode::bf16s(bytes),
            Dtype::F8E4M3 => decode::all(bytes, |[b]| f8_e4m3(b)),
            Dtype::F8E5M2 => decode::all(bytes, |[b]| f8_e5m2(b)),
            Dtype::Other(_) => Vec::new(),
        }
    }
}

impl Serialize for Dtype {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[inline]
fn each<const N: usize, T>(bytes: &[u8], decode: impl Fn([u8; N]) -> T, mut take: impl FnMut(T)) {
    let (elements, _) = bytes.as_chunks::<N>();
    for element in elements {
        take(decode(*element));
    }
}

/// OCP 8-bit float, 4 bits of exponent with bias 7, 3 of mantissa, finite: the top code is NaN, the rest are numbers.
fn f8_e4m3(bits: u8) -> f32 {
    let sign = if bits & 0x80 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = ((bits >> 3) & 0x0F, f32::from(bits & 0x07));
    let size = match (exponent, bits & 0x07) {
        (0x0F, 0x07) => f32::NAN,
        (0, _) => mantissa * 2f32.powi(-9),
        _ => (8.0 + mantissa) * 2f32.powi(i32::from(exponent) - 10),
    };
    sign * size
}

/// OCP 8-bit float with 5 bits of exponent: an IEEE half that lost its lower byte.
fn f8_e5m2(bits: u8) -> f32 {
    f16::from_bits(u16::from(bits) << 8).to_f32()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(dtype: Dtype, bytes: &[u8]) -> Vec<f64> {
        let mut values = Vec::new();
        dtype.decode_f64(bytes, |x| values.push(x));
        values
    }

    #[test]
    fn every_name_comes_back() {
        for name in ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"] {
            assert_eq!(Dtype::from_name(name).map(Dtype::name), Some(name));
        }
        for other in OTHERS {
            assert_eq!(Dtype::from_name(other.name), Some(Dtype::Other(other)));
        }
        assert_eq!(Dtype::from_name("Q4_K"), None);
    }

    #[test]
    fn e4m3_has_the_values_of_the_ocp_table() {
        // OCP 8-bit floating point specification, table 2: max 448, min normal 2^-6, min subnormal 2^-9.
        let values = decoded(Dtype::F8E4M3, &[0x00, 0x01, 0x08, 0x38, 0x7E, 0xB8, 0xFE]);
        assert_eq!(values, [0.0, 2f64.powi(-9), 2f64.powi(-6), 1.0, 448.0, -1.0, -448.0]);
        assert!(decoded(Dtype::F8E4M3, &[0x7F, 0xFF]).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn e5m2_has_the_values_of_the_ocp_table() {
        let values = decoded(Dtype::F8E5M2, &[0x01, 0x04, 0x3C, 0x7B, 0xFC]);
        assert_eq!(values, [2f64.powi(-16), 2f64.powi(-14), 1.0, 57344.0, f64::NEG_INFINITY]);
        assert!(decoded(Dtype::F8E5M2, &[0x7D, 0x7F]).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn f32_and_f64_decoding_agree_on_every_short_code() {
        for dtype in [Dtype::F16, Dtype::Bf16] {
            for code in 0..=u16::MAX {
                let (mut wide, mut single) = (0.0, 0.0);
                dtype.decode_f64(&code.to_le_bytes(), |x| wide = x);
                dtype.decode_f32(&code.to_le_bytes(), |x| single = x);
                assert_eq!(dtype.f32s(&code.to_le_bytes())[0].to_bits(), single.to_bits());
                assert_eq!(wide.is_nan(), single.is_nan());
                assert!(wide.is_nan() || wide == f64::from(single));
            }
        }
    }
}
