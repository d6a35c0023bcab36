//! The prompt that was run last, remembered until another one comes.

use crate::engine::{Engine, Maker};
use crate::model::LayerTrace;
use crate::model::forward::Products;
use crate::model::tokenizer::TokenizerError;
use crate::protocol::attention::{Run as RunOf, RunPart};
use crate::protocol::{Failure, Out, Question, Tell};
use crate::study::StudyError;
use crate::study::prompt::{Guess, Prompt, PromptRun};
use crate::study::trace::CleanPrompt;

/// A prompt that was run, with what every head saw.
pub(in crate::engine) struct Run {
    prompt: Prompt,
    pub(super) traces: Vec<LayerTrace>,
    pub(super) next: Vec<Guess>,
    run: PromptRun,
}

impl Run {
    /// The run as a trace reads it.
    pub(super) fn clean(&self) -> CleanPrompt<'_> {
        CleanPrompt::new(&self.run, &self.traces)
    }

    /// Whether it is the run of this prompt.
    pub(super) fn is_of(&self, prompt: &Prompt) -> bool {
        self.prompt == *prompt
    }

    /// The pass at its end, and what the model expects next.
    pub(super) fn whole(&self) -> (&PromptRun, &[Guess]) {
        (&self.run, &self.next)
    }

    /// Tells all of it again.
    fn tell(&self, out: Out<'_>) {
        out(RunOf::tell(RunPart::Ran(self.run.ran.clone())), Vec::new());
        self.traces.iter().for_each(|trace| tell_pattern(trace, out));
        out(RunOf::tell(RunPart::Next(self.next.clone())), Vec::new());
    }
}

fn tell_pattern(trace: &LayerTrace, out: Out<'_>) {
    let part = RunPart::Pattern { layer: trace.layer, n: trace.n };
    out(RunOf::tell(part), vec![trace.pattern.clone()]);
}

impl Engine {
    /// Runs `prompt` unless it was the last one, and tells what is known as it is known; what is remembered, at once.
    pub(in crate::engine) async fn run_by(
        &mut self,
        products: &mut impl Products,
        prompt: &Prompt,
        out: Out<'_>,
    ) -> Result<(), Failure> {
        if let Some(run) = self.attention.run.as_ref().filter(|run| run.is_of(prompt)) {
            run.tell(out);
            return Ok(());
        }
        self.attention.run = None;
        if prompt.needs_reading() {
            self.load_tokenizer().await?;
        } else {
            self.load_spelling()?;
        }
        let (model, tokenizer) = (self.model()?, self.words.tokenizer());
        let run = PromptRun::new(model, tokenizer, prompt);
        let mut run = run.map_err(|error| self.without_words(error))?;
        out(RunOf::tell(RunPart::Ran(run.ran.clone())), Vec::new());
        let mut traces = Vec::with_capacity(model.arch.n_layers);
        while let Some(trace) = run.step(products, model).await? {
            tell_pattern(&trace, out);
            traces.push(trace);
            let (done, total) = (traces.len(), model.arch.n_layers);
            out(Tell::Progress { done, total }, Vec::new());
        }
        let next = run.finish(products, model, tokenizer).await?;
        out(RunOf::tell(RunPart::Next(next.clone())), Vec::new());
        self.attention.run = Some(Run { prompt: prompt.clone(), traces, next, run });
        Ok(())
    }

    /// Why words were not understood, if it is the tokenizer's fault.
    fn without_words(&self, error: StudyError) -> Failure {
        match (self.words.unusable(), &error) {
            (Some(why), StudyError::NotAnId { .. }) => {
                let mut failure = Failure::from(error);
                failure.what = format!("{why}, and {}", failure.what);
                match why {
                    TokenizerError::NotFetched { .. } => failure.try_this(
                        "Run the prompt again once the connection is back, or write token ids, such as 1 2 3.",
                    ),
                    _ => failure,
                }
            }
            _ => error.into(),
        }
    }

    /// Runs `prompt` on the CPU unless it was the last one, and tells nothing.
    pub(in crate::engine) async fn run(&mut self, prompt: &Prompt) -> Result<(), Failure> {
        // Telling copies every pattern, which a question about one cell has no use for.
        if self.attention.has_run(prompt) {
            return Ok(());
        }
        self.run_by(&mut Maker::default(), prompt, &mut |_, _| {}).await
    }
}
