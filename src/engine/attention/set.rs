//! A set of prompts run through the model, every head measured against its controls; told when all of it is there.

use crate::engine::{Engine, heads};
use crate::model::Weights;
use crate::model::forward::Products;
use crate::protocol::attention::{SetPart, SetSpec};
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::prompt_set::{Prompts, SetRun};

/// Measures every head over the worker's share of a set.
pub(in crate::engine) async fn set(
    engine: &mut Engine,
    products: &mut impl Products,
    spec: &SetSpec,
    out: Out<'_>,
) -> Result<(), Failure> {
    engine.load_tokenizer().await?;
    let n_layers = engine.model()?.arch.n_layers;
    let prompts = Prompts::new(engine.model()?, engine.words.tokenizer(), spec)?;
    // Fewer prompts than shares: this one reads no file.
    if prompts.is_empty() {
        let example = prompts.example;
        out(SetSpec::tell(SetPart::Answered { n: 0, correct: None, example }), Vec::new());
        return Ok(());
    }
    for layer in 0..n_layers {
        engine.bases(layer)?;
        out(Tell::Progress { done: layer + 1, total: 2 * n_layers }, Vec::new());
    }
    let model = engine.model()?;
    let bases = engine.attention.bases.iter();
    let bases = bases.filter_map(|(&at, basis)| Some((at, basis.clone()?)));
    let mut run = SetRun::new(model, prompts, bases, spec.options, None)?;
    let (n_steps, mut step) = (run.n_steps(), 0);
    // One step of progress a layer, however many batches there are.
    let done = |step: usize| step * n_layers / n_steps;
    while run.step(products, model).await? {
        step += 1;
        if done(step) > done(step - 1) {
            let done = n_layers + done(step);
            out(Tell::Progress { done, total: 2 * n_layers }, Vec::new());
        }
    }
    let found = run.finish();
    for ((layer, head), seen) in found.heads {
        let seen = Box::new(seen);
        out(SetSpec::tell(SetPart::Head { layer, head, seen }), Vec::new());
    }
    let (n, correct, example) = (found.n, found.correct, found.example);
    out(SetSpec::tell(SetPart::Answered { n, correct, example }), Vec::new());
    let mut layers = if spec.series { 0..n_layers } else { 0..0 };
    let mut tell = |found| out(SetSpec::tell(SetPart::Spectra(Box::new(found))), Vec::new());
    layers.try_for_each(|layer| heads::spectra(engine, layer, Weights::Folded, &mut tell))
}
