//! Products in `f32`: every weight is taken into the nearest cache once and meets all rows there.
//!
//! Nothing but a panel of eight outputs is packed. A general kernel packs both sides whole, which takes longer than the
//! product where there are only the sixteen rows of one prompt, and is no faster in WebAssembly where there are thousands.

use std::ops::Range;

use serde::Serialize;

#[cfg(target_arch = "wasm32")]
use super::fused as tiles;
#[cfg(not(target_arch = "wasm32"))]
use super::tiles;

/// How a two-dimensional weight lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// `[d_out, d_in]`: torch's `Linear`, `y = x Wᵀ + b`.
    OutIn,
    /// `[d_in, d_out]`: GPT-2's `Conv1D`, `y = x W + b`.
    InOut,
}

/// A run of rows of a linear map as it lies in the file, decoded.
pub struct Part<'a> {
    /// `[outputs, inputs]` or `[inputs, outputs]`, row-major.
    pub values: &'a [f32],
    /// How it lies.
    pub orientation: Orientation,
    /// The inputs that it covers.
    pub inputs: Range<usize>,
    /// The outputs that it covers.
    pub outputs: Range<usize>,
}

/// Outputs that are summed side by side: two SIMD registers.
const WIDE: usize = 8;

/// Rows that are summed side by side.
const TALL: usize = 4;

/// Rows with which a matrix that lies output by output is multiplied as it lies: packing it would take longer.
const FEW: usize = 2;

/// Inputs that are in the cache at once: with eight outputs, 8 kB of weights.
const DEEP: usize = 256;

/// `x: [n, d_in]` times a matrix that lies `[d_out, d_in]` or `[d_in, d_out]`, as `[n, d_out]`.
pub fn product(
    x: &[f32],
    values: &[f32],
    orientation: Orientation,
    d_in: usize,
    d_out: usize,
) -> Vec<f32> {
    let mut y = vec![0.0; x.len() / d_in.max(1) * d_out];
    let part = Part { values, orientation, inputs: 0..d_in, outputs: 0..d_out };
    add_product(&mut y, x, d_in, d_out, &part);
    y
}

/// `y += x w` for a part of `w`; `x: [n, d_in]`, `y: [n, d_out]`.
pub fn add_product(y: &mut [f32], x: &[f32], d_in: usize, d_out: usize, part: &Part<'_>) {
    let n = x.len() / d_in.max(1);
    let (n_inputs, n_outputs) = (part.inputs.len(), part.outputs.len());
    if n <= FEW && part.orientation == Orientation::OutIn {
        for (x, y) in x.chunks_exact(d_in.max(1)).zip(y.chunks_exact_mut(d_out.max(1))) {
            let (x, y) = (&x[part.inputs.clone()], &mut y[part.outputs.clone()]);
            let lines = part.values.chunks_exact(n_inputs.max(1));
            y.iter_mut().zip(lines).for_each(|(y, line)| *y += dot(x, line));
        }
        return;
    }
    let mut panel = [[0.0; WIDE]; DEEP];
    let mut rows: Vec<[f32; TALL]> = Vec::new();
    for start in (0..n_inputs).step_by(DEEP) {
        let depth = DEEP.min(n_inputs - start);
        interleave(&mut rows, x, d_in, part.inputs.start + start, depth);
        for output in (0..n_outputs).step_by(WIDE) {
            let wide = WIDE.min(n_outputs - output);
            match part.orientation {
                Orientation::InOut => {
                    let lines = part.values[start * n_outputs..].chunks(n_outputs);
                    for (place, line) in panel[..depth].iter_mut().zip(lines) {
                        match line.get(output..output + WIDE) {
                            Some(line) => place.copy_from_slice(line),
                            None => place[..wide].copy_from_slice(&line[output..]),
                        }
                    }
                }
                Orientation::OutIn => {
                    for lane in 0..wide {
                        let line = &part.values[(output + lane) * n_inputs + start..][..depth];
                        for (place, w) in panel.iter_mut().zip(line) {
                            place[lane] = *w;
                        }
                    }
                }
            }
            for (tile, rows) in rows.chunks_exact(depth).enumerate() {
                let sums = tiles::tile_f32(rows, &panel[..depth]);
                for (t, sums) in (tile * TALL..n).zip(&sums) {
                    let place = t * d_out + part.outputs.start + output;
                    let y = &mut y[place..place + wide];
                    y.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum);
                }
            }
        }
    }
}

/// `depth` inputs of all rows, `[rows / TALL, depth]` with the rows of a tile side by side; zeros where there are none.
fn interleave(rows: &mut Vec<[f32; TALL]>, x: &[f32], d_in: usize, start: usize, depth: usize) {
    rows.clear();
    for tile in x.chunks(TALL * d_in) {
        let row = |t: usize| tile.get(t * d_in + start..t * d_in + start + depth);
        let tile: [Option<&[f32]>; TALL] = std::array::from_fn(row);
        rows.extend((0..depth).map(|i| tile.map(|row| row.map_or(0.0, |row| row[i]))));
    }
}

/// A sum over the inputs, in lanes that the compiler runs side by side.
fn dot(x: &[f32], w: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (w, w_rest) = w.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, w) in x.iter().zip(w) {
        sums.iter_mut().zip(x).zip(w).for_each(|((sum, x), w)| *sum += x * w);
    }
    let rest: f32 = x_rest.iter().zip(w_rest).map(|(x, w)| x * w).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_the_sum_they_stand_for() {
        for (n, d_in, d_out) in [
            (1, 7, 9),
            (4, 16, 3),
            (13, 70, 33),
            (2, 1, 1),
            (70, 3, 40),
            (70, 40, 5),
            (70, 300, 33),
            (3, 300, 8),
        ] {
            let x: Vec<f32> = (0..n * d_in).map(|i| (i as f32 * 0.37).sin()).collect();
            let w: Vec<f32> = (0..d_out * d_in).map(|i| (i as f32 * 0.11).cos()).collect();
            let mut transposed = vec![0.0; w.len()];
            for o in 0..d_out {
                (0..d_in).for_each(|i| transposed[i * d_out + o] = w[o * d_in + i]);
            }
            let y = product(&x, &w, Orientation::OutIn, d_in, d_out);
            let z = product(&x, &transposed, Orientation::InOut, d_in, d_out);
            for t in 0..n {
                for o in 0..d_out {
                    let sum: f32 = (0..d_in).map(|i| x[t * d_in + i] * w[o * d_in + i]).sum();
                    // Sums of at most 300 terms of size one, in another order.
                    assert!((y[t * d_out + o] - sum).abs() < 3e-4);
                    assert!((z[t * d_out + o] - sum).abs() < 3e-4);
                }
            }
        }
    }
}
