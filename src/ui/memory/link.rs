//! Whose heads the address means: a link names its checkpoint, and what it says waits until that one is open.

use super::state::AppState;
use crate::ui::address::checkpoint::Named;
use crate::ui::address::keys;

impl AppState {
    /// Has the address say whose heads it means, unless it means those of another model.
    pub(super) fn name_the_model(&mut self) {
        let Some(model) = self.model.as_ref().filter(|m| m.built_in.is_none()) else { return };
        if self.route.find(&keys::CHECKPOINT).is_none() {
            let named = Named::of(&model.name, &model.summary).slug();
            self.route = std::mem::take(&mut self.route).put(&keys::CHECKPOINT, named);
        }
    }

    /// The checkpoint that the address is about, where it says so.
    pub(super) fn named(&self) -> Option<Named> {
        Named::parse(&self.route.find(&keys::CHECKPOINT)?)
    }

    /// The same, where another one is open.
    pub fn wish(&self) -> Option<Named> {
        let wish = self.named()?;
        let open = self.model.as_ref().filter(|m| m.built_in.is_none());
        let answered = open.is_some_and(|m| wish.is(&Named::of(&m.name, &m.summary)));
        (!answered).then_some(wish)
    }

    /// Whether the address names a head that the built-in model lacks: a link that does not say whose head it means.
    pub(super) fn is_beyond_the_model(&self) -> bool {
        let Some(model) = self.model.as_ref().filter(|m| m.built_in.is_some()) else {
            return false;
        };
        let layer = self.route.read(&keys::LAYER);
        layer >= model.summary.n_layers
            || self.route.read(&keys::HEAD) >= model.summary.layers.n_heads(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Layers;
    use crate::model::architecture::StackKind;
    use crate::model::layers::LayerFace;
    use crate::protocol::model::ModelSummary;
    use crate::ui::address::route::Route;
    use crate::ui::memory::state::Action;

    fn model(name: &str, size: u64, n_layers: usize, built_in: Option<u32>) -> Action {
        let plain = |l| LayerFace { stack: StackKind::Only, number: l, n_heads: 4, tensors_of: l };
        let summary = ModelSummary {
            n_layers,
            layers: Layers((0..n_layers).map(plain).collect()),
            d_head: 8,
            size,
            fingerprint: "1a2b3c4d".into(),
            ..Default::default()
        };
        Action::Opened { name: name.into(), built_in, summary: Box::new(summary) }
    }

    #[test]
    fn a_link_waits_for_the_model_that_it_names() {
        let link = "#/heads?checkpoint=mine~7~1a2b3c4d&head=3&k=5&layer=6";
        let state =
            AppState::at_route(Route::parse(link)).after(model("built-in", 1, 2, Some(4000)));
        assert_eq!(state.wish().expect("another model is open").name, "mine");
        let other = state.after(model("other", 8, 9, None));
        assert_eq!(other.wish(), None, "the address is now about the other one");
        assert_eq!(other.route.find(&keys::LAYER), None);
        let mine = state.after(model("renamed", 7, 9, None));
        assert_eq!((mine.wish(), mine.route.find(&keys::LAYER), mine.k()), (None, Some(6), 5));
        // A link of the browser's history about the first one, while another one is open.
        let back = other.after(Action::Go(Route::parse(link)));
        assert!(back.wish().is_some());
    }

    #[test]
    fn a_link_without_a_name_waits_where_the_built_in_model_cannot_have_been_meant() {
        let at = |link: &str| {
            let state =
                AppState::at_route(Route::parse(link)).after(model("built-in", 1, 2, Some(4000)));
            state.after(model("mine", 7, 9, None)).route.find(&keys::LAYER)
        };
        assert_eq!(at("#/heads?layer=6&head=1"), Some(6));
        assert_eq!(at("#/heads?layer=1&head=1"), None);
    }

    #[test]
    fn whatever_is_open_an_address_names_it() {
        let state = AppState::default().after(model("built-in", 1, 2, Some(4000)));
        assert_eq!(state.route.find(&keys::CHECKPOINT), None);
        let mine = state.after(Action::Note("about the built-in model".into(), String::new()));
        let mine =
            mine.after(model("mine", 7, 9, None)).after(Action::Go(Route::parse("#/attention")));
        assert_eq!(mine.route.find(&keys::CHECKPOINT).as_deref(), Some("mine~7~1a2b3c4d"));
        assert_eq!(mine.read, Route::parse("#/attention"), "which the address does not say yet");
        assert!(mine.notices.is_empty());
        assert_eq!(
            mine.after(model("built-in", 1, 2, Some(4000))).route.find(&keys::CHECKPOINT),
            None
        );
    }
}
