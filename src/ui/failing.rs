//! Questions without an answer, among the notices until they have one.

use super::memory::state::Action;
use super::session::Session;
use crate::protocol::Failure;

impl Session {
    /// Tells the reader why a question of `of` has no answer, until one has.
    pub fn failed(&self, of: &'static str, failure: Failure) {
        self.failed.borrow_mut().push(of);
        self.act(Action::Failed(of, failure));
    }

    /// What failed of `of` is answered now, or asked anew.
    pub fn answered(&self, of: &'static str) {
        let mut failed = self.failed.borrow_mut();
        if failed.contains(&of) {
            failed.retain(|one| *one != of);
            drop(failed);
            self.act(Action::Answered(of));
        }
    }
}
