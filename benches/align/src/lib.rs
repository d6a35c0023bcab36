//! The head in view against a dictionary, as one worker of the page runs it: wasm with simd128, one thread.

use omega_lens::checkpoint::{Dtype, Tensor};
use omega_lens::circuits::alignment::{AlignOptions, Alignment, HeadSide, RotationCount, Side};
use omega_lens::circuits::dictionary::{Frame, Survey};
use omega_lens::math::random::Rng;
use wasm_bindgen::prelude::*;

const ROWS: usize = 2048;

/// Both sides of one head, and the bytes of one block that stands for every block of the dictionary.
#[wasm_bindgen]
pub struct Bench {
    sides: Vec<HeadSide>,
    frame: Frame,
    block: Tensor,
    n_rows: usize,
}

#[wasm_bindgen]
impl Bench {
    /// Random vectors of the given shape.
    #[wasm_bindgen(constructor)]
    pub fn new(d_model: usize, d_head: usize, n_rows: usize) -> Bench {
        let mut rng = Rng::new(1);
        let sigma: Vec<f64> = (0..d_head).map(|k| 0.95f64.powi(k as i32)).collect();
        let sides = [Side::Dest, Side::Src]
            .map(|side| {
                HeadSide::new(0, 0, side, &rng.normal_matrix(d_model, d_head).qr().q(), &sigma)
            })
            .to_vec();
        let bytes = (0..ROWS * d_model).flat_map(|_| (rng.normal() as f32).to_le_bytes()).collect();
        let block = Tensor { dtype: Dtype::F32, shape: vec![ROWS, d_model], bytes };
        let mean = vec![1.0 / (d_model as f32).sqrt(); d_model];
        Bench { sides, frame: Frame { d_model, centre: true, mean }, block, n_rows }
    }

    /// The first pass over all rows.
    pub fn survey(&self) -> Result<f64, JsError> {
        let mut survey = Survey::default();
        for first in (0..self.n_rows).step_by(ROWS) {
            survey.step(
                &Frame::plain(self.frame.d_model, true).unit_block(first, self.block.f32s()?),
            );
        }
        Ok(survey.finish().mean_cosine)
    }

    /// The second pass, top 10, with `rotations` random bases; bytes are decoded and made unit each time.
    pub fn align(&self, rotations: usize) -> Result<f64, JsError> {
        let options =
            AlignOptions { top: 10, rotations: RotationCount::Exactly(rotations), seed: 0 };
        let mut alignment =
            Alignment::new(self.sides.clone(), self.frame.clone(), self.n_rows, None, options)?;
        for first in (0..self.n_rows).step_by(ROWS) {
            alignment.step(&self.frame.unit_block(first, self.block.f32s()?))?;
        }
        Ok(alignment.report().sides[0].mmcs)
    }
}
