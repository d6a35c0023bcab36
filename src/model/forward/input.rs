//! What a model reads: tokens, an image, sound; and which of its streams reads what.

use super::batch::State;
use super::{embed, image, sound};
use crate::model::architecture::{Architecture, Front, StackKind, Stream};
use crate::model::{Model, ModelError};

/// An image as the processors of the libraries hand it over: `[channels, height, width]`, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// The values, row-major.
    pub pixels: Vec<f32>,
}

/// Frames of a spectrogram, `[mels, frames]`, as the processors of the libraries hand it over.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrogram {
    /// Mels, frames.
    pub shape: [usize; 2],
    /// The values, row-major.
    pub values: Vec<f32>,
}

/// One prompt of whatever a model reads; what it does not read is passed over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// Token ids: for the encoder where there is one that reads tokens, else for the only stream or the decoder.
    pub ids: Option<Vec<u32>>,
    /// Token ids for the decoder beside an encoder.
    pub decoder_ids: Option<Vec<u32>>,
    /// An image.
    pub image: Option<Image>,
    /// Samples of a wave, normalised.
    pub samples: Option<Vec<f32>>,
    /// A spectrogram.
    pub spectrogram: Option<Spectrogram>,
}

/// The first state of a stream, `None` if the input has nothing for it.
pub(super) fn state(
    model: &Model,
    stream: usize,
    input: &Input,
) -> Result<Option<State>, ModelError> {
    let Some(what) = model.arch.streams.get(stream) else { return Ok(None) };
    match &what.embedding.front {
        Some(Front::Patches { projection, before }) => {
            let Some(image) = &input.image else { return Ok(None) };
            image::state(model, what, (projection, before), image).map(Some)
        }
        Some(Front::Mel { first, second }) => {
            let Some(spectrogram) = &input.spectrogram else { return Ok(None) };
            let x = sound::mel(model, (first, second), spectrogram, what.d_model)?;
            embed::after_front(model, what, x, None).map(Some)
        }
        Some(Front::Wave(wave)) => {
            let Some(samples) = &input.samples else { return Ok(None) };
            let x = sound::wave(model, wave, samples, what.d_model)?;
            embed::after_front(model, what, x, None).map(Some)
        }
        None => {
            let Some(ids) = ids(model, what, input) else { return Ok(None) };
            embed::tokens(model, stream, std::slice::from_ref(ids)).map(Some)
        }
    }
}

/// The ids that a stream reads.
fn ids<'a>(model: &Model, stream: &Stream, input: &'a Input) -> Option<&'a Vec<u32>> {
    if stream.kind != StackKind::Decoder {
        return input.ids.as_ref();
    }
    let taken = model.arch.streams.iter().filter(|s| s.embedding.tokens.is_some()).count() > 1;
    input.decoder_ids.as_ref().or(input.ids.as_ref().filter(|_| !taken))
}

/// Why a model cannot be run on words, and how it is run.
pub(super) fn no_words(model: &Model) -> String {
    format!(
        "it reads {}, which is given as a file: on the page Attention, or to `omega attention --input`",
        read(model)
    )
}

/// What a model reads that is no text, named as in the file that gives it; `None` if it reads words alone.
pub fn beside_words(arch: &Architecture) -> Option<&'static str> {
    arch.streams.iter().find_map(|stream| stream.embedding.front.as_ref()).map(of_front)
}

fn of_front(front: &Front) -> &'static str {
    match front {
        Front::Patches { .. } => "an image (pixel_values)",
        Front::Mel { .. } => "a spectrogram (input_features)",
        Front::Wave(_) => "samples of a wave (input_values)",
    }
}

/// What a model reads, as a reason why it cannot be run without it.
pub(super) fn wanted(model: &Model) -> String {
    format!("it reads {}, and was given nothing of it", read(model))
}

fn read(model: &Model) -> String {
    let of = |stream: &Stream| match &stream.embedding.front {
        Some(front) => of_front(front),
        None if stream.kind == StackKind::Decoder => "tokens for the decoder (decoder_input_ids)",
        None => "tokens (input_ids)",
    };
    let all: Vec<&str> = model.arch.streams.iter().map(of).collect();
    all.join(" and ")
}
