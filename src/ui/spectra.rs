//! Spectra of every head: of the GPU where that is wanted and likely to be faster, else of the CPU's workers.

use std::rc::Rc;

use super::compute::Compute;
use super::memory::state::Action;
use super::session::Session;
use crate::model::Weights;
use crate::protocol::gpu::{GpuChoice, GpuReport};
use crate::protocol::heads;
use crate::protocol::{Ask, JobId, Tell};
use crate::worker::pool::OnTell;

/// Which spectra are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spectra {
    /// Of which model.
    pub generation: u32,
    /// Under which convention.
    pub weights: Weights,
    /// From whom.
    pub compute: Compute,
    /// About how long all workers together would take.
    pub cpu_ms: f64,
}

impl Session {
    /// Asks for the spectra of every head in `layers`: of the GPU where that is wanted and likely to be faster, else of
    /// the CPU's workers, a layer a question.
    pub fn spectra(&self, wanted: Spectra, layers: &[usize]) {
        if layers.is_empty() {
            return;
        }
        let jobs = match wanted.compute.choice(wanted.cpu_ms, self.pool.size()) {
            Some(choice) => vec![self.spectra_on_gpu(wanted, layers.to_vec(), choice)],
            None => self.spectra_on_cpu(wanted, layers),
        };
        self.begin("spectra of every head", layers.len(), jobs);
    }

    fn spectra_on_cpu(&self, wanted: Spectra, layers: &[usize]) -> Vec<JobId> {
        let ask = |&layer: &usize| {
            let session = self.clone();
            let on_tell: OnTell = Rc::new(move |tell, _| match tell {
                Tell::Heads(tell) => session.heard_spectra(wanted, tell),
                Tell::Failed(failure) => {
                    let what = format!("Layer {layer}: {}", failure.what);
                    session.act(Action::Note(what, failure.hint));
                    session.act(Action::Step);
                }
                Tell::Done => session.act_soon(Action::Step),
                _ => {}
            });
            let ask = heads::Ask::Spectra { layer, weights: wanted.weights };
            self.pool.ask(Ask::Heads(ask), on_tell)
        };
        layers.iter().map(ask).collect()
    }

    fn spectra_on_gpu(&self, wanted: Spectra, layers: Vec<usize>, choice: GpuChoice) -> JobId {
        let session = self.clone();
        let all = layers.clone();
        let on_tell: OnTell = Rc::new(move |tell, _| match tell {
            Tell::Layer => session.act_soon(Action::Step),
            Tell::Gpu(report) => {
                if let GpuReport::LeftToCpu { layers, .. } = &report {
                    let jobs = session.spectra_on_cpu(wanted, layers);
                    session.act(Action::Join(jobs));
                }
                session.act(Action::Gpu(wanted.generation, report));
            }
            Tell::Heads(tell) => session.heard_spectra(wanted, tell),
            // The worker itself is gone, and twice: the CPU does all of it.
            Tell::Failed(failure) => {
                session.act(Action::Note(failure.what, "The CPU computes instead.".into()));
                session.spectra(Spectra { compute: Compute::Cpu, ..wanted }, &all);
            }
            _ => {}
        });
        let ask = heads::Ask::SpectraOnGpu { layers, weights: wanted.weights, choice };
        self.pool.ask(Ask::Heads(ask), on_tell)
    }

    fn heard_spectra(&self, wanted: Spectra, tell: heads::Tell) {
        match tell {
            heads::Tell::Spectrum(s) => {
                self.act_soon(Action::Spectrum(wanted.generation, wanted.weights, Box::new(s)));
            }
            heads::Tell::Broken(heads::BrokenHead { layer, head, why }) => {
                self.act_soon(Action::Broken(
                    wanted.generation,
                    wanted.weights,
                    (layer, head),
                    why,
                ));
            }
            _ => {}
        }
    }
}
