//! One run of a prompt set: by the GPU, or in shares by the CPU's workers, which are joined once all are there.

use std::cell::RefCell;

use yew::Callback;

use crate::protocol::attention::SetSpec;
use crate::protocol::gpu::GpuReport;
use crate::ui::app::App;
use crate::ui::memory::prompt_set::{SetOutcome, Shares};
use crate::ui::session::compute;
use crate::ui::words::attention as words;
use crate::ui::words::text;
use crate::worker::request::{JobEvent, Request};

/// Whose the set is.
const OWNER: &str = "set";

/// Runs a set on the open model; `end` hears of it once, unless it is cancelled or a share of it fails.
pub(super) fn run(app: &App, spec: SetSpec, end: Callback<SetOutcome>) {
    let Some(model) = &app.value().model else { return };
    let cpu_ms = spec.cpu_ms(&model.summary);
    let request = Request::new(spec).owner(OWNER).listed(words::PROMPTS_SET).shared();
    let request = request.offered(compute(app.value()), cpu_ms);
    let (session, shares) = (app.session.clone(), RefCell::new(Shares::default()));
    app.session.jobs.ask(request, move |event| match event {
        JobEvent::Begun => {
            drop(shares.take());
            session.answered(OWNER);
        }
        JobEvent::Part { part, answer, .. } => shares.borrow_mut().take_part(part, answer),
        JobEvent::Gpu(report) => {
            session.note_gpu(&report);
            // A set that goes back whole was the CPU's from the beginning.
            if !matches!(&report, GpuReport::LeftToCpu { layers, .. } if !layers.is_empty()) {
                shares.borrow_mut().made_by(text::products_line(&report));
            }
        }
        JobEvent::Failed { failure, .. } => {
            shares.borrow_mut().fail();
            session.jobs.stop(OWNER);
            session.failed(OWNER, failure);
        }
        JobEvent::Done => {
            if let Some(outcome) = shares.take().joined() {
                end.emit(outcome);
            }
        }
        JobEvent::Stopped => {}
    });
}
