//! Matrices that are stored one head after the other, as TransformerLens does: taken apart into the plain form `[d_in, d_out]`.

use crate::checkpoint::Tensor;

/// Brings a map from `d_in` to `d_out` into the form `[d_in, d_out]`: from `[n_heads, d_in, d_head]`, where heads read the stream,
/// or `[n_heads, d_head, d_out]`, where they write to it. `None` if its shape is neither.
pub(super) fn side_by_side(tensor: Tensor, d_in: usize, d_out: usize) -> Option<Tensor> {
    let &[n_heads, middle, width] = tensor.shape.as_slice() else { return None };
    if n_heads * middle == d_in && width == d_out {
        return Some(Tensor { shape: vec![d_in, d_out], ..tensor });
    }
    if middle != d_in || n_heads * width != d_out {
        return None;
    }
    let of_head = tensor.bytes.len() / n_heads.max(1);
    let of_row = of_head / d_in.max(1);
    let mut bytes = Vec::with_capacity(tensor.bytes.len());
    for row in 0..d_in {
        for head in 0..n_heads {
            let start = head * of_head + row * of_row;
            bytes.extend_from_slice(tensor.bytes.get(start..start + of_row)?);
        }
    }
    Some(Tensor { shape: vec![d_in, d_out], bytes, ..tensor })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Dtype;

    fn tensor(shape: &[usize]) -> Tensor {
        let n: usize = shape.iter().product();
        let bytes = (0..n).flat_map(|i| (i as f32).to_le_bytes()).collect();
        Tensor { dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    #[test]
    fn heads_that_read_stand_side_by_side_and_heads_that_write_on_top_of_each_other() {
        let reads = side_by_side(tensor(&[2, 3, 2]), 3, 4).unwrap();
        assert_eq!(reads.shape, [3, 4]);
        assert_eq!(reads.f32s().unwrap(), [0., 1., 6., 7., 2., 3., 8., 9., 4., 5., 10., 11.]);
        let writes = side_by_side(tensor(&[2, 2, 3]), 4, 3).unwrap();
        assert_eq!(writes.f32s().unwrap(), tensor(&[12]).f32s().unwrap());
        assert!(side_by_side(tensor(&[2, 3, 2]), 4, 4).is_none());
        assert!(side_by_side(tensor(&[6, 2]), 6, 2).is_none());
    }
}
