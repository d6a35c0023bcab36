//! Under what heads are compared with a dictionary: everything that an answer depends on, beside the head.

use crate::circuits::dictionary::{Along, Builtin, FileChoice};
use crate::circuits::omega::Circuit;
use crate::model::Weights;
use crate::protocol::features::Source;
use crate::ui::address::keys;
use crate::ui::address::route::Route;
use crate::ui::memory::dictionary::DictionaryAnswers;
use crate::worker::pool::Files;

/// What is known under a setting.
pub(super) type Answers = DictionaryAnswers<Setting>;

/// Everything that an answer depends on, beside the head.
#[derive(Clone, PartialEq)]
pub(super) struct Setting {
    pub generation: Option<u32>,
    pub source: Source,
    pub weights: Weights,
    pub remove_mean: bool,
    pub whiten: bool,
    /// The reader's own dictionary.
    pub files: Files,
}

impl Setting {
    /// Whether there is something to compare with.
    pub(super) fn ready(&self) -> bool {
        let own = matches!(self.source, Source::Own(_));
        self.generation.is_some() && (!own || !self.files.list().is_empty())
    }
}

/// The dictionary of a name in the URL, with what the reader said of a file of their own.
pub(super) fn source_of(route: &Route, layer: usize, n_layers: usize) -> Source {
    let heads = |circuit| {
        let asked = route.find(&keys::OF_LAYER).filter(|of| *of < n_layers);
        Source::Heads { layer: asked.unwrap_or(layer), circuit }
    };
    match route.read(&keys::DICTIONARY) {
        "unembed" => Source::Model(Builtin::Unembed),
        "positions" => Source::Model(Builtin::Positions),
        "mlp-in" => Source::Model(Builtin::MlpIn { layer }),
        "mlp-out" => Source::Model(Builtin::MlpOut { layer }),
        "heads-qk" => heads(Circuit::Qk),
        "heads-ov" => heads(Circuit::Ov),
        "own" => Source::Own(FileChoice {
            tensor: route.find(&keys::MATRIX),
            along: match route.find(&keys::FEATURES_ARE) {
                Some("rows") => Some(Along::Rows),
                Some("columns") => Some(Along::Columns),
                _ => None,
            },
            head: route.find(&keys::PART),
        }),
        _ => Source::Model(Builtin::Embed),
    }
}
