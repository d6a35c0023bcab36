//! Opening: from files to what the page says about them.

use std::collections::BTreeMap;

use super::Engine;
use crate::checkpoint::adapter::LoneAdapter;
use crate::checkpoint::{ByteSource, Checkpoint, CheckpointError};
use crate::circuits::convention::Convention;
use crate::math::order::sort_by_key;
use crate::model::families::FAMILIES;
use crate::model::forward::beside_words;
use crate::model::tokenizer::Tokenizer;
use crate::model::{Hints, Layers, Model, ModelError, Weights};
use crate::protocol::model::{self as protocol, ModelSummary};
use crate::protocol::{Failure, Unclear};
use crate::study::StudyError;
use crate::study::lone_adapter::{HeadDelta, lone_adapter};

/// Side files that hold a tokenizer.
const TOKENIZERS: [&str; 3] = ["tokenizer.json", "vocab.json", "vocab.txt"];

/// Opens a checkpoint and says what was found.
///
/// # Errors
/// In words for the reader; where the reader's word would do, with the answers to offer.
pub(super) fn open(
    checkpoint: Checkpoint,
    hints: &protocol::Hints,
) -> Result<(Model, ModelSummary), Failure> {
    let name = hints.name.clone();
    let hints = Hints { n_heads: hints.n_heads, family: hints.family.clone() };
    let model = Model::open(checkpoint, &hints).map_err(explain)?;
    let summary = summarise(&model, name.as_deref());
    Ok((model, summary))
}

/// Files that are no checkpoint, with the script that would make one of them where there is one.
pub(super) fn unreadable(error: CheckpointError) -> Failure {
    let mut failure = Failure::new(error.to_string());
    if let Some(script) = error.script() {
        failure.hint = format!("\n{script}");
    }
    if let CheckpointError::Several { models: offered, .. }
    | CheckpointError::NoSuchModel { offered, .. } = error
    {
        failure.unclear = Some(Unclear::Model(offered));
    }
    failure
}

/// What can be said and shown of an adapter that came without its base.
pub(super) fn alone(sources: Vec<Box<dyn ByteSource>>, n_heads: Option<usize>) -> Failure {
    let adapter = match LoneAdapter::open(sources) {
        Ok(adapter) => adapter,
        Err(error) => return unreadable(error),
    };
    let base = adapter.base().map_or_else(String::new, |base| format!(" ({base})"));
    let what = format!(
        "This is {} without its base{base}: small corrections to a model that is not in it.",
        adapter.kind()
    );
    let found = match lone_adapter(&adapter, n_heads) {
        Ok(found) => found,
        Err(StudyError::Model(ModelError::HeadCountNeeded { suggestions, .. })) => {
            let mut failure = Failure::new(what).try_this(
                "Drop it together with its base, and they are merged. To see what it adds to each head by itself, say how many heads a \
                 layer of its base has.",
            );
            failure.unclear = Some(Unclear::HeadCount(suggestions));
            return failure;
        }
        Err(error) => return error.into(),
    };
    let listed =
        |sigma: &[f64]| sigma.iter().map(|s| format!("{s:.4}")).collect::<Vec<_>>().join(" ");
    let head = |delta: &HeadDelta| {
        let layer = delta.layer.map_or_else(String::new, |layer| format!("L{layer}"));
        let shared = ["k", "v"].contains(&delta.matrix);
        format!("{layer}{}{}", if shared { " key/value head " } else { "H" }, delta.head)
    };
    let heads = found.heads.iter().map(|d| [head(d), d.matrix.to_owned(), listed(&d.sigma)]);
    let whole =
        found.others.iter().map(|d| [d.module.clone(), "whole".to_owned(), listed(&d.sigma)]);
    let rows = heads.chain(whole).collect();
    let notes = found.notes.iter().map(|note| format!(" {note}")).collect::<String>();
    let mut failure = Failure::new(what).try_this(format!(
        "Below is what it adds to each head's matrices: singular values of scale · B A. Ω and OV need the base: drop both together.{notes}"
    ));
    failure.unclear = Some(Unclear::Base(rows));
    failure
}

fn explain(error: ModelError) -> Failure {
    let mut failure = Failure::new(error.to_string());
    match error {
        ModelError::HeadCountNeeded { suggestions, .. } => {
            failure.hint =
                "Drop config.json beside the weights, or say how many heads a layer has.".into();
            failure.unclear = Some(Unclear::HeadCount(suggestions));
        }
        ModelError::UnknownFamily { reason, .. } => {
            let known = FAMILIES.map(|family| (family.id.to_owned(), family.title.to_owned()));
            failure.what = format!("The model's family is not known: {reason}.");
            failure.hint = "If it is built exactly like one of these, say which.".into();
            failure.unclear = Some(Unclear::Family(known.into()));
        }
        ModelError::FamilyNeeded { silent, among } => {
            failure.what = format!(
                "The files leave open which family the model is of: {silent}, and its tensor names are Llama's and Gemma's alike."
            );
            failure.hint = "A norm's gain is w in one and 1 + w in the other, which the numbers do not tell. Drop config.json beside the \
                            weights, or say which it is; the address remembers it."
                .into();
            let owned = |(id, title): (&str, &str)| (id.to_owned(), title.to_owned());
            failure.unclear = Some(Unclear::Family(among.into_iter().map(owned).collect()));
        }
        _ => {}
    }
    failure
}

impl Engine {
    /// A model beside the open one. Of weights without a config.json and without a word of the reader's the open model's head count is the
    /// best guess; a file that speaks for itself is believed.
    ///
    /// # Errors
    /// In words for the reader; where the reader's word would do, with the answers to offer.
    pub(super) fn beside(
        &self,
        sources: Vec<Box<dyn ByteSource>>,
        said: &protocol::Hints,
    ) -> Result<Model, Failure> {
        let checkpoint =
            Checkpoint::open_one(sources, said.model.as_deref()).map_err(unreadable)?;
        let n_heads = self.model.as_ref().map(|model| model.arch.n_heads);
        let guess = protocol::Hints { n_heads, ..protocol::Hints::default() };
        Ok(open(checkpoint, &said.clone().or(guess))?.0)
    }
}

/// The convention of `model`, by the name that its reader knows.
pub(super) fn convention(model: &Model, name: Option<&str>, weights: Weights) -> Convention {
    let convention = Convention::of(model, weights);
    match name {
        Some(name) => convention.named(name),
        None => convention,
    }
}

fn summarise(model: &Model, name: Option<&str>) -> ModelSummary {
    let (arch, checkpoint) = (&model.arch, &model.checkpoint);
    let mut dtypes: BTreeMap<String, u64> = BTreeMap::new();
    for entry in checkpoint.entries() {
        *dtypes.entry(entry.stored_as().to_owned()).or_default() +=
            entry.shape.iter().map(|&n| n as u64).product::<u64>();
    }
    let mut dtypes: Vec<(String, u64)> = dtypes.into_iter().collect();
    sort_by_key(&mut dtypes, |(_, numbers)| std::cmp::Reverse(*numbers));
    let mut notes = model.notes.clone();
    notes.extend(checkpoint.notes().iter().cloned());
    notes.extend(Tokenizer::unread(checkpoint));
    ModelSummary {
        family: arch.title.to_owned(),
        n_layers: arch.n_layers,
        layers: Layers::of(arch),
        n_heads: arch.n_heads,
        n_kv_heads: arch.n_kv_heads,
        d_model: arch.d_model,
        d_head: arch.d_head,
        d_vocab: arch.d_vocab.unwrap_or(0),
        dtypes: dtypes.into_iter().map(|(name, _)| name).collect(),
        size: checkpoint.size(),
        fingerprint: format!("{:08x}", checkpoint.fingerprint()),
        files: checkpoint.files().map(|(name, _)| name.to_owned()).collect(),
        missing_shards: checkpoint.missing_shards().to_vec(),
        complete_layers: model.readable_layers(),
        two_prompts: arch.reads_two_prompts(),
        reads_file: beside_words(arch).map(str::to_owned),
        has_tokenizer: TOKENIZERS.iter().any(|name| checkpoint.side_file(name).is_some()),
        has_config: checkpoint.side_file("config.json").is_some(),
        has_unembedding: arch.unembedding.is_some(),
        norm_behind: arch.layers.iter().any(|layer| layer.on_attention.is_some()),
        causal: arch.causal(),
        rotary: arch.attentions().any(|a| a.rope.is_some()),
        conventions: [Weights::Folded, Weights::Raw]
            .map(|weights| convention(model, name, weights)),
        notes,
    }
}
