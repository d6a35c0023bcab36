//! Pixels to the first state of a residual stream.

use super::batch::State;
use super::{Image, embed, linear};
use crate::math::streamed::product;
use crate::model::architecture::{Linear, Orientation, Stream};
use crate::model::{Model, ModelError};

/// The state of `[before + patches, d_model]`: what stands in front, then the patches row by row.
pub(super) fn state(
    model: &Model,
    stream: &Stream,
    (projection, before): (&Linear, &[String]),
    image: &Image,
) -> Result<State, ModelError> {
    let d = stream.d_model;
    let [channels, height, width] = image.shape;
    let shape = model.check(&projection.weight, &[Some(d), Some(channels), None, None])?;
    let (ph, pw) = (shape[2], shape[3]);
    let mismatch = |first: String, second: String| ModelError::Mismatch {
        what: "size of the image".into(),
        first,
        second,
    };
    if ph == 0
        || pw == 0
        || height < ph
        || width < pw
        || image.pixels.len() != channels * height * width
    {
        return Err(mismatch(
            format!("{:?}, {} values", image.shape, image.pixels.len()),
            format!("patches of {ph} × {pw}"),
        ));
    }
    let (rows, columns) = (height / ph, width / pw);
    let mut flat = Vec::with_capacity(image.pixels.len());
    for row in 0..rows {
        for column in 0..columns {
            for channel in 0..channels {
                for y in row * ph..(row + 1) * ph {
                    let start = (channel * height + y) * width + column * pw;
                    flat.extend_from_slice(&image.pixels[start..start + pw]);
                }
            }
        }
    }
    let weights = model.checkpoint.read(&projection.weight)?.f32s()?;
    let mut projected = product(&flat, &weights, Orientation::OutIn, channels * ph * pw, d);
    if let Some(bias) = &projection.bias {
        linear::add_bias(&mut projected, &model.read(bias, &[Some(d)])?.f32s()?);
    }
    let mut x = Vec::new();
    for name in before {
        let vectors = model.checkpoint.read(name)?.f32s()?;
        if !vectors.len().is_multiple_of(d) {
            return Err(mismatch(
                format!("{name} of {} values", vectors.len()),
                format!("d_model {d}"),
            ));
        }
        x.extend(vectors);
    }
    x.append(&mut projected);
    embed::after_front(model, stream, x, Some([rows, columns]))
}
