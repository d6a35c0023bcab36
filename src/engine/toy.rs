//! The toy lab's run: it lives in its worker, a question moves it on.

use super::Engine;
use crate::toy::{Snapshot, Trainer};
use crate::worker::protocol::toy::{Ask, Point};
use crate::worker::protocol::{Failure, Out, Tell};

/// Points that a curve keeps.
const POINTS: usize = 200;

/// Answers one question.
pub(super) fn answer(engine: &mut Engine, ask: Ask, out: Out<'_>) -> Result<(), Failure> {
    match ask {
        Ask::Start(config) => engine.toy = Some(Trainer::new(*config)?),
        Ask::Run { steps } => {
            let toy = engine.toy.as_mut().ok_or_else(|| Failure::new("no run was started"))?;
            let every = (toy.config().steps / POINTS).max(1);
            let mut points = Vec::new();
            for _ in 0..steps {
                if toy.is_done() {
                    break;
                }
                let report = toy.step();
                if report.step % every == 0 {
                    points.push(Point {
                        step: report.step,
                        recon: report.losses.recon,
                        attn_kl: report.losses.kl,
                    });
                }
            }
            out(Tell::ToyPoints(points), Vec::new());
        }
    }
    let toy = engine.toy.as_mut().ok_or_else(|| Failure::new("no run was started"))?;
    let done = toy.is_done();
    out(Tell::ToyFrame(Box::new(Snapshot::of(toy)?), done), Vec::new());
    Ok(())
}
