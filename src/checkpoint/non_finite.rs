//! NaN and infinities in weights: counted and located, so that one bad head does not spoil the others.

use serde::Serialize;

use super::Dtype;

/// The elements of a tensor that are NaN or infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NonFinite {
    /// How many.
    pub count: usize,
    /// Row-major index of the first.
    pub first: usize,
}

impl NonFinite {
    /// Scans little-endian `bytes` of `dtype` without decoding them into memory; `None` when all are finite.
    pub(crate) fn locate(dtype: Dtype, bytes: &[u8]) -> Option<NonFinite> {
        let (mut index, mut found) = (0, None::<NonFinite>);
        let mut look = |finite: bool| {
            if !finite {
                found.get_or_insert(NonFinite { count: 0, first: index }).count += 1;
            }
            index += 1;
        };
        match dtype {
            Dtype::F64 => dtype.decode_f64(bytes, |value| look(value.is_finite())),
            _ => dtype.decode_f32(bytes, |value| look(value.is_finite())),
        }
        found
    }

    /// The same in a slice of numbers.
    pub fn among(values: &[f64]) -> Option<NonFinite> {
        let first = values.iter().position(|value| !value.is_finite())?;
        let count = values[first..].iter().filter(|value| !value.is_finite()).count();
        Some(NonFinite { count, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_counted_and_the_first_is_located() {
        let values = [1.0, f64::NAN, 2.0, f64::INFINITY];
        let bytes: Vec<u8> =
            values.iter().flat_map(|&x| half::bf16::from_f64(x).to_le_bytes()).collect();
        let expected = Some(NonFinite { count: 2, first: 1 });
        assert_eq!(NonFinite::locate(Dtype::Bf16, &bytes), expected);
        assert_eq!(NonFinite::among(&values), expected);
        assert_eq!(NonFinite::among(&values[..1]), None);
    }

    #[test]
    fn a_finite_double_past_the_range_of_f32_is_finite() {
        assert_eq!(NonFinite::locate(Dtype::F64, &1e300f64.to_le_bytes()), None);
    }
}
