//! How near chance brings a token to a direction: that of the sphere at once, that of the side's own rotations once they are drawn.

use super::state::AppState;
use crate::circuits::alignment::{AlignmentReport, RotatedDirection, Side};
use crate::circuits::dictionary::Builtin;
use crate::model::Weights;
use crate::ui::address::keys;

/// A side of a head, and what it was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Compared {
    /// The layer.
    pub layer: usize,
    /// The head.
    pub head: usize,
    /// The side.
    pub side: Side,
    /// Folded or raw.
    pub weights: Weights,
    /// The tokens' embeddings or unembeddings.
    pub dictionary: Builtin,
    /// Whether the direction common to all tokens was taken out.
    pub remove_mean: bool,
}

impl Compared {
    /// What the rotations of every side in a report reach, and whose they are.
    pub fn rotated(
        report: &AlignmentReport,
        weights: Weights,
        dictionary: Builtin,
        remove_mean: bool,
    ) -> Vec<(Self, RotatedDirection)> {
        let of = |side: &crate::circuits::alignment::SideAlignment| {
            let (layer, head, side, level) =
                (side.layer, side.head, side.side, side.rotated_direction.clone()?);
            Some((Self { layer, head, side, weights, dictionary, remove_mean }, level))
        };
        report.sides.iter().filter_map(of).collect()
    }
}

/// What the nearest token of a random direction reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenChance {
    /// Mean of the best |cosine|.
    pub mean: f64,
    /// What it exceeds once in twenty.
    pub critical: f64,
    /// Whether the random directions are those of the side's own subspace; else they point anywhere.
    pub rotated: bool,
}

impl AppState {
    /// The chance level beside the tokens of the head in view, left and right; `None` where none is known.
    pub fn token_chance(&self) -> [Option<TokenChance>; 2] {
        let Some((at, model)) = self.at().zip(self.model.as_ref()) else { return [None, None] };
        let sides = Side::of(at.circuit);
        let nearest = self.nearest.as_ref().filter(|nearest| nearest.at == at);
        let of = |i: usize, side: Side| {
            let written = side == Side::Write && model.summary.has_unembedding;
            let compared = Compared {
                layer: at.layer,
                head: at.head,
                side,
                weights: at.weights,
                dictionary: if written { Builtin::Unembed } else { Builtin::Embed },
                remove_mean: self.route.read(&keys::MEAN),
            };
            if let Some(level) = self.rotated.get(&compared) {
                let (mean, critical) = (level.mean, level.critical);
                return Some(TokenChance { mean, critical, rotated: true });
            }
            let level = nearest?.chance.get(i)?.as_ref()?;
            Some(TokenChance { mean: level.mean, critical: level.critical, rotated: false })
        };
        [of(0, sides[0]), of(1, sides[1])]
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::circuits::alignment::IsotropicLevel;
    use crate::model::Layers;
    use crate::model::architecture::StackKind;
    use crate::model::layers::LayerFace;
    use crate::protocol::model::ModelSummary;
    use crate::ui::address::route::Route;
    use crate::ui::memory::Memory;
    use crate::ui::memory::state::{Action, Nearest};

    fn opened(hash: &str) -> AppState {
        let face = LayerFace { stack: StackKind::Only, number: 0, n_heads: 2, tensors_of: 0 };
        let summary = ModelSummary {
            n_layers: 1,
            n_heads: 2,
            layers: Layers(vec![face]),
            d_head: 4,
            complete_layers: vec![0],
            has_unembedding: true,
            ..Default::default()
        };
        AppState::at_route(Route::parse(hash)).after(Action::Opened {
            name: "m".into(),
            built_in: Some(0),
            named: None,
            summary: Box::new(summary),
        })
    }

    #[test]
    fn the_rotations_of_this_very_side_replace_the_sphere() {
        let state = opened("#/heads?head=1&circuit=ov");
        let at = state.at().unwrap();
        let level = Some(IsotropicLevel { mean: 0.2, sd: 0.01, critical: 0.25 });
        let chance = [level.clone(), level];
        let nearest = Nearest { at, pairs: Vec::new(), rows: 9, of: 9, wordless: None, chance };
        let state = state.after(Action::Nearest(Box::new(nearest)));
        let sphere = TokenChance { mean: 0.2, critical: 0.25, rotated: false };
        assert_eq!(state.token_chance(), [Some(sphere), Some(sphere)]);
        let compared = |head, dictionary| Compared {
            layer: 0,
            head,
            side: Side::Write,
            weights: at.weights,
            dictionary,
            remove_mean: state.route.read(&keys::MEAN),
        };
        let drawn = RotatedDirection { mean: 0.4, sd: 0.02, critical: 0.5 };
        let with = |compared| state.after(Action::Rotated(vec![(compared, drawn.clone())]));
        // Another head's, and the same side beside another dictionary, say nothing of this one.
        assert_eq!(with(compared(0, Builtin::Unembed)).token_chance()[1], Some(sphere));
        assert_eq!(with(compared(1, Builtin::Embed)).token_chance()[1], Some(sphere));
        let known = with(compared(1, Builtin::Unembed));
        let rotated = TokenChance { mean: 0.4, critical: 0.5, rotated: true };
        assert_eq!(known.token_chance(), [Some(sphere), Some(rotated)]);
        // Another model's rotations are another's.
        let summary = Rc::clone(&known.model.as_ref().unwrap().summary);
        let opened = Action::Opened {
            name: "n".into(),
            built_in: None,
            named: None,
            summary: Box::new((*summary).clone()),
        };
        assert!(known.after(opened).rotated.is_empty());
    }
}
