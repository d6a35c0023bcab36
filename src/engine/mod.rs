//! Layer 6, the engine: what a worker knows between questions, and how it answers them.
//!
//! Knows no browser: the worker hands it byte sources and a place for answers, so that tests run it natively. One file per
//! page of questions.

use crate::checkpoint::adapter::LoneAdapter;
use crate::checkpoint::{ByteSource, Checkpoint};
use crate::circuits::convention::Convention;
use crate::model::{AttentionLayer, Model, ModelError, Part, Weights};
use crate::protocol::model::Open;
use crate::protocol::{Ask, Asked, Failure, FilesId, Out, Question, model, self_test as questions};

/// Who makes the products of a forward pass. One type whoever it is, so that the page carries the pass once.
#[cfg(not(feature = "gpu"))]
use crate::model::forward::Cpu as Maker;
#[cfg(feature = "gpu")]
use on_gpu::Offered as Maker;

mod attention;
mod compare;
mod dictionary;
mod features;
mod heads;
#[cfg(feature = "gpu")]
mod on_gpu;
mod open;
#[cfg(feature = "gpu")]
pub mod self_test;
mod toy;
mod trace;
mod words;

use words::Words;
pub use words::{MakeEncoder, NoEncoder};

/// The files that came with a question.
struct Files {
    /// The same number wherever they come again.
    id: Option<FilesId>,
    /// What the reader said of a model in them.
    hints: model::Hints,
    sources: Vec<Box<dyn ByteSource>>,
}

impl Files {
    fn none() -> Self {
        Self { id: None, hints: model::Hints::default(), sources: Vec::new() }
    }
}

/// A worker's memory.
#[derive(Default)]
pub struct Engine {
    model: Option<Model>,
    /// What the reader knows the model as.
    name: Option<String>,
    /// The layer that was read last, still in the file's bytes.
    layer: Option<AttentionLayer>,
    words: Words,
    attention: attention::Memory,
    shelf: dictionary::Shelf,
    toy: Option<toy::Run>,
    /// A model beside the open one, to be compared with it.
    second: Option<compare::Second>,
    /// Milliseconds, from whoever owns a clock.
    clock: Option<fn() -> f64>,
}

impl Engine {
    /// An engine that may measure time, in milliseconds.
    pub fn with_clock(clock: fn() -> f64) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    /// The same engine, which has prompts in words read by what `make` makes.
    pub fn reading_with(self, make: MakeEncoder) -> Self {
        Self { words: Words::read_by(make), ..self }
    }

    /// An engine of another model that is served as this one is.
    fn of_another(&self, model: Model) -> Self {
        let words = self.words.of_another_model();
        Self { model: Some(model), clock: self.clock, words, ..Self::default() }
    }

    /// Answers one question; every part of the answer goes to `out`, its end is the return value. `sources` are the files
    /// that came with the question.
    ///
    /// # Errors
    /// A [`Failure`] in words for the reader. The engine stays usable, and a model that was open stays open.
    pub async fn answer(
        &mut self,
        asked: Asked,
        sources: Vec<Box<dyn ByteSource>>,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        if asked.other_model {
            let model = self.beside(sources, &asked.hints)?;
            let mut other = self.of_another(model);
            let asked = Asked { other_model: false, files: None, ..asked };
            return Box::pin(other.answer(asked, Vec::new(), out)).await;
        }
        let answered = self.answer_here(asked, sources, out).await;
        if let Some(model) = &self.model {
            model.checkpoint.keep(0);
        }
        answered
    }

    async fn answer_here(
        &mut self,
        asked: Asked,
        sources: Vec<Box<dyn ByteSource>>,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        let files = Files { id: asked.files, hints: asked.hints, sources };
        // A build without kernels has the CPU answer what was offered to the GPU.
        let gpu = asked.gpu.filter(|_| cfg!(feature = "gpu"));
        match asked.ask {
            Ask::Model(model::Ask::Open(Open { hints })) => {
                if LoneAdapter::is_one(&files.sources) {
                    return Err(open::alone(files.sources, hints.n_heads));
                }
                let checkpoint = Checkpoint::open_one(files.sources, hints.model.as_deref())
                    .map_err(open::unreadable)?;
                let (model, summary) = open::open(checkpoint, &hints)?;
                let toy = self.toy.take();
                *self = Self { name: hints.name, toy, ..self.of_another(model) };
                out(Open::tell(Box::new(summary)), Vec::new());
                Ok(())
            }
            Ask::Heads(ask) => heads::answer(self, ask, gpu, out).await,
            Ask::Attention(ask) => attention::answer(self, ask, gpu, out).await,
            Ask::Features(ask) => features::answer(self, ask, gpu, files, out).await,
            Ask::Trace(ask) => trace::answer(self, ask, files, out).await,
            Ask::Compare(ask) => Box::pin(compare::answer(self, ask, files, out)).await,
            Ask::Toy(ask) => toy::answer(self, ask, out),
            #[cfg(feature = "gpu")]
            Ask::SelfTest(questions::Ask::SelfTest(of)) => {
                self_test::answer(of, self.clock.unwrap_or(|| 0.0), out).await
            }
            #[cfg(not(feature = "gpu"))]
            Ask::SelfTest(questions::Ask::SelfTest(_)) => {
                Err(Failure::new("this build has no GPU kernels"))
            }
        }
    }

    fn model(&self) -> Result<&Model, Failure> {
        self.model.as_ref().ok_or_else(|| Failure::new("no model is open"))
    }

    /// The convention of the open model's numbers.
    fn convention(&self, weights: Weights) -> Result<Convention, Failure> {
        Ok(open::convention(self.model()?, self.name.as_deref(), weights))
    }

    /// The attention of one layer, read once.
    fn layer(&mut self, layer: usize) -> Result<&AttentionLayer, Failure> {
        if self.layer.as_ref().is_none_or(|l| l.layer() != layer) {
            self.layer = None;
            let model = self.model.as_ref().ok_or_else(|| Failure::new("no model is open"))?;
            self.layer = Some(AttentionLayer::read(model, layer, Part::Both)?);
        }
        self.layer.as_ref().ok_or_else(|| {
            Failure::from(ModelError::OutOfRange { what: "layer", index: layer, count: 0 })
        })
    }
}
