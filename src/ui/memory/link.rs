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

    /// What the address names, on the hub, at an address or beside the page, where it is not open.
    pub fn offered(&self) -> Option<String> {
        let named = self.route.find(&keys::NAMED).filter(|named| !named.is_empty());
        named.filter(|named| self.model.as_ref().and_then(|m| m.named.as_ref()) != Some(named))
    }

    /// The checkpoint that the address is about, where another one is open and it cannot be had by name.
    pub fn wish(&self) -> Option<Named> {
        let wish = self.named().filter(|_| self.offered().is_none())?;
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
    use crate::ui::memory::Memory;
    use crate::ui::memory::state::Action;

    /// The same, opened by what the address names.
    fn named(named: &str) -> Action {
        let Action::Opened { summary, .. } = model("gpt2", 7, 9, None) else { unreachable!() };
        Action::Opened { name: "gpt2".into(), built_in: None, named: Some(named.into()), summary }
    }

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
        Action::Opened { name: name.into(), built_in, named: None, summary: Box::new(summary) }
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
    fn what_a_link_names_is_offered_until_it_is_open_and_keeps_its_head() {
        let link = "#/heads?checkpoint=gpt2~8~00&head=3&k=5&layer=6&model=gpt2";
        let state =
            AppState::at_route(Route::parse(link)).after(model("built-in", 1, 2, Some(4000)));
        assert_eq!((state.offered().as_deref(), state.wish()), (Some("gpt2"), None));
        // The file may have changed since the link was made; it is what the name stands for all the same.
        let open = state.after(named("gpt2"));
        assert_eq!((open.offered(), open.wish(), open.k()), (None, None, 5));
        assert_eq!(open.route.find(&keys::LAYER), Some(6));
        // Dropped files have no name that a link could use.
        let dropped = open.after(model("mine", 9, 3, None));
        assert_eq!((dropped.offered(), dropped.route.find(&keys::NAMED)), (None, None));
        let other = open.after(Action::Go(Route::parse("#/heads?model=org/other")));
        assert_eq!(other.offered().as_deref(), Some("org/other"));
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
