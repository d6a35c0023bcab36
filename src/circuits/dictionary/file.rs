//! Dictionaries from files: SAE decoders, and the reader's own vectors.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::npy::Npy;
use super::places::{self, Place, Places};
use super::sae::{DECODERS, SaeConfig, usual_axis};
use super::{
    About, Along, Dictionary, DictionaryError, Hook, Labels, Matrix, Space, Store, Transform, csv,
};
use crate::checkpoint::{ByteSource, Checkpoint, gather, json};
use crate::model::{AttentionLayer, Model, Part, Weights};

/// What the reader says of a file, where it does not speak for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChoice {
    /// Which tensor, where a file holds several.
    pub tensor: Option<String>,
    /// Which axis counts features, where both sides are d_model.
    pub along: Option<Along>,
    /// Which head's part of an SAE on heads' outputs; all heads together if not given.
    pub head: Option<usize>,
}

impl Dictionary {
    /// A dictionary for `model` from dropped files: a `.npy` or `.csv` (`.tsv`, `.txt`) file, or safetensors with or without the
    /// `cfg.json` of an SAE. Vectors of an SAE on heads' outputs (`hook_z`) are taken through `W_O` to the residual stream.
    ///
    /// # Errors
    /// [`DictionaryError::RowsOrColumns`] and [`DictionaryError::SeveralMatrices`] ask for a choice; the others say what is wrong.
    pub fn of_files(
        model: &Model,
        sources: Vec<Box<dyn ByteSource>>,
        choice: &FileChoice,
        weights: Weights,
    ) -> Result<Self, DictionaryError> {
        let centre = weights == Weights::Folded && model.arch.reads_through_layer_norm();
        let mut dictionary = Self::open_files(model, sources, choice, weights)?;
        let about = &mut dictionary.about;
        if centre && about.space == Space::Raw {
            about.notes.push("The features live in the raw residual stream; their mean over d_model is taken out.".to_owned());
        }
        if centre && about.space != Space::Normed {
            about.space = Space::Centred;
        }
        if !centre && about.space == Space::Centred {
            about.notes.push(
                "The features were made on a centred residual stream; these weights read an uncentred one.".to_owned(),
            );
        }
        Ok(dictionary)
    }

    fn open_files(
        model: &Model,
        mut sources: Vec<Box<dyn ByteSource>>,
        choice: &FileChoice,
        weights: Weights,
    ) -> Result<Self, DictionaryError> {
        // SAELens keeps firing rates beside the weights; they are no dictionary.
        sources.retain(|source| gather::base(source.name()) != "sparsity.safetensors");
        let ends = |source: &dyn ByteSource, endings: &[&str]| {
            let name = source.name().to_lowercase();
            endings.iter().any(|ending| name.ends_with(ending))
        };
        let d_model = model.arch.d_model;
        if let Some(place) = sources.iter().position(|source| ends(source.as_ref(), &[".npy"])) {
            return of_npy(sources.swap_remove(place), choice, d_model);
        }
        if let Some(source) =
            sources.iter().find(|source| ends(source.as_ref(), &[".csv", ".tsv", ".txt"]))
        {
            let table = csv::parse(source.as_ref(), d_model)?;
            let about = about_file(source.name(), table.rows.len() / d_model.max(1), d_model);
            return Ok(Self {
                about,
                labels: table
                    .labels
                    .map_or_else(|| Labels::Counted("row".to_owned()), Labels::Given),
                store: Store::Memory(table.rows),
                transform: Transform::default(),
            });
        }
        if !sources.iter().any(|source| ends(source.as_ref(), &[".safetensors"])) {
            let file = sources
                .first()
                .map_or_else(|| "nothing".to_owned(), |source| source.name().to_owned());
            return Err(DictionaryError::UnknownKind { file });
        }
        of_safetensors(model, Checkpoint::open(sources)?, choice, weights)
    }
}

fn about_file(name: &str, n_rows: usize, d_model: usize) -> About {
    About {
        name: gather::base(name).to_owned(),
        n_rows,
        d_model,
        space: Space::Raw,
        hook: None,
        neuronpedia: None,
        notes: Vec::new(),
    }
}

fn of_npy(
    source: Box<dyn ByteSource>,
    choice: &FileChoice,
    d: usize,
) -> Result<Dictionary, DictionaryError> {
    let npy = Npy::open(source.as_ref())?;
    let turn = |along| match (npy.transposed, along) {
        (false, along) => along,
        (true, Along::Rows) => Along::Columns,
        (true, Along::Columns) => Along::Rows,
    };
    // The reader's choice is about the array; the file may hold its transpose.
    let along = Along::detect(source.name(), &npy.shape, d, choice.along.map(turn))?;
    let n_rows = npy.shape[usize::from(along == Along::Columns)];
    let about = about_file(source.name(), n_rows, d);
    let (labels, transform) = (Labels::Counted("row".to_owned()), Transform::default());
    Ok(Dictionary { about, labels, store: Store::Npy(source, npy, along), transform })
}

fn of_safetensors(
    model: &Model,
    checkpoint: Checkpoint,
    choice: &FileChoice,
    weights: Weights,
) -> Result<Dictionary, DictionaryError> {
    let file = checkpoint.files().next().map_or_else(String::new, |(name, _)| name.to_owned());
    let config = configuration(&checkpoint, &file);
    let encoder = choice.tensor.as_ref().is_some_and(|name| name.to_lowercase().contains("enc"));
    let hook = config.hook(encoder);
    let d_model = model.arch.d_model;
    let map = match hook.filter(|hook| hook.is_z()) {
        Some(hook) => {
            let head = choice.head.or(config.head);
            Some(heads_map(model, hook.layer.unwrap_or(0), head, weights)?)
        }
        None => None,
    };
    let width = map.as_ref().map_or(d_model, DMatrix::ncols);
    let mut notes = Vec::new();
    notes.extend(config.model.as_ref().map(|name| format!("Made for the model {name}.")));
    notes.extend(config.transcoder());
    match (map.is_some(), choice.head.or(config.head)) {
        (true, Some(head)) => {
            notes.push(format!("Only the part of head {head}, taken through its W_O."))
        }
        (true, None) => notes.push("All heads together, taken through W_O.".to_owned()),
        (false, _) => {}
    }
    let picked = pick(&checkpoint, choice, width)?;
    let (tensor, shape) = (picked.tensor, picked.shape);
    let decoder = is_decoder(&tensor);
    let (matrix, n_rows) = match picked.place {
        Some((at, place)) => {
            notes.push(format!(
                "{tensor} writes at several places; these are the features as they write at place {at}, counted from 0. Which \
                 layer that is, the file does not say."
            ));
            let shape = [shape.iter().product::<usize>() / width.max(1), width];
            let Place { n_features, first, step } = place;
            let along = Along::Rows;
            (Matrix { tensor: tensor.clone(), shape, along, first, step }, n_features)
        }
        None => {
            let usual = usual_axis(&tensor).filter(|_| shape == [width, width]);
            if let (Some(usual), None) = (usual, choice.along) {
                let axis = if usual == Along::Rows { "rows" } else { "columns" };
                notes.push(format!(
                    "{tensor} is square; its {axis} are the features, as in every file with that name."
                ));
            }
            let along = Along::detect(&tensor, &shape, width, choice.along.or(usual))?;
            let &[n_rows, n_columns] = shape.as_slice() else {
                return Err(DictionaryError::WrongWidth { name: tensor, shape, width });
            };
            let shape = [n_rows, n_columns];
            let n = if along == Along::Rows { n_rows } else { n_columns };
            (Matrix { tensor: tensor.clone(), shape, along, first: 0, step: 1 }, n)
        }
    };
    let at = picked.place.map_or_else(|| tensor.clone(), |(at, _)| places::name(&tensor, at));
    let about = About {
        space: config.space(encoder),
        hook: hook.filter(|_| picked.place.is_none()).cloned(),
        neuronpedia: config.neuronpedia,
        notes,
        name: format!("{}: {at}", gather::base(&file)),
        ..about_file(&file, n_rows, d_model)
    };
    let labels = given_labels(&checkpoint, n_rows).map_or_else(
        || Labels::Counted(if decoder { "feature" } else { "row" }.to_owned()),
        Labels::Given,
    );
    Ok(Dictionary {
        about,
        labels,
        store: Store::Own(Box::new(checkpoint), matrix),
        transform: Transform { map, ..Transform::default() },
    })
}

/// Names of the features, where a `labels.json` beside the weights lists as many as there are: "12: at Mary, John".
fn given_labels(checkpoint: &Checkpoint, n_rows: usize) -> Option<Vec<String>> {
    let parsed = json::parse(checkpoint.side_file("labels.json")?).ok()?.value;
    let names = parsed.as_array().filter(|names| names.len() == n_rows)?;
    let name =
        |(row, name): (usize, &serde_json::Value)| Some(format!("{row}: {}", name.as_str()?));
    names.iter().enumerate().map(name).collect()
}

/// What is said beside the weights of where they were made: a configuration, or a folder that is called after a module.
pub(super) fn configuration(checkpoint: &Checkpoint, file: &str) -> SaeConfig {
    let said =
        ["cfg.json", "config.json"].into_iter().filter_map(|name| checkpoint.side_file(name));
    let mut config = said
        .map(SaeConfig::parse)
        .find(|config| *config != SaeConfig::default())
        .unwrap_or_default();
    if config.reads_at.is_none() && gather::base(file) == "sae.safetensors" {
        let folder = Hook::parse(gather::base(gather::folder(file)));
        config.reads_at = Some(folder).filter(|hook| hook.layer.is_some());
    }
    config
}

/// True for a decoder by a name that is in use; cross-layer transcoders number theirs.
fn is_decoder(name: &str) -> bool {
    let number = name.strip_prefix("W_dec_").or_else(|| name.strip_prefix("W_dec."));
    DECODERS.contains(&name) || number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// The tensor that holds features, and which place of it.
struct Picked {
    tensor: String,
    shape: Vec<usize>,
    place: Option<(usize, Place)>,
}

/// The tensor that holds features: the one that was named, a decoder by its usual name, or the only matrix that fits.
fn pick(
    checkpoint: &Checkpoint,
    choice: &FileChoice,
    width: usize,
) -> Result<Picked, DictionaryError> {
    let shape = |name: &str| checkpoint.entry(name).map(|entry| entry.shape.clone());
    let whole = |name: &str| Picked {
        tensor: name.to_owned(),
        shape: shape(name).unwrap_or_default(),
        place: None,
    };
    let place = |name: &str, at: usize| -> Option<Picked> {
        let places = Places::of(&shape(name)?, width)?;
        Some(Picked { place: Some((at, places.get(at)?)), ..whole(name) })
    };
    if let Some(name) = &choice.tensor {
        if let Some(picked) = places::split(name).and_then(|(name, at)| place(name, at)) {
            return Ok(picked);
        }
        // Only to say in the checkpoint's own words that there is none of that name.
        checkpoint.read_rows(name, 0..0)?;
        return Ok(whole(name));
    }
    let file = || checkpoint.files().next().map_or_else(String::new, |(name, _)| name.to_owned());
    let several =
        |names: Vec<String>| DictionaryError::SeveralMatrices { file: file(), width, names };
    let decoders: Vec<&str> = checkpoint
        .entries()
        .map(|entry| entry.name.as_str())
        .filter(|name| is_decoder(name))
        .collect();
    let at_places: Vec<(&str, usize)> = decoders
        .iter()
        .filter_map(|&name| Some((name, Places::of(&shape(name)?, width)?.n_places)))
        .flat_map(|(name, n)| (0..n).map(move |at| (name, at)))
        .collect();
    match at_places.as_slice() {
        [] => {}
        &[(name, at)] => return place(name, at).ok_or_else(|| several(vec![name.to_owned()])),
        all => return Err(several(all.iter().map(|&(name, at)| places::name(name, at)).collect())),
    }
    if let Some(name) = DECODERS.into_iter().find(|name| decoders.contains(name)) {
        return Ok(whole(name));
    }
    let fits = |shape: &[usize]| shape.len() == 2 && shape.contains(&width);
    let fitting: Vec<&str> = checkpoint
        .entries()
        .filter(|entry| entry.dtype.is_weights() && fits(&entry.shape))
        .map(|entry| entry.name.as_str())
        .collect();
    match fitting.as_slice() {
        [only] => Ok(whole(only)),
        [] => {
            let found: Vec<String> = checkpoint
                .entries()
                .take(4)
                .map(|entry| {
                    let sizes: Vec<String> = entry.shape.iter().map(usize::to_string).collect();
                    format!("{} ({})", entry.name, sizes.join(" × "))
                })
                .collect();
            Err(DictionaryError::NoMatrix { file: file(), width, found: found.join(", ") })
        }
        all => Err(several(all.iter().map(|&name| name.to_owned()).collect())),
    }
}

/// `[d_model, n_heads · d_head]`: all heads' `W_O` of the hook's layer, or one head's with zeros for the others.
fn heads_map(
    model: &Model,
    layer: usize,
    one: Option<usize>,
    weights: Weights,
) -> Result<DMatrix<f32>, DictionaryError> {
    let attention = AttentionLayer::read(model, layer, Part::Ov)?;
    let sizes = model.attention(layer)?.sizes;
    let (n_heads, d_head) = (sizes.n_heads, sizes.d_value);
    let mut map = DMatrix::zeros(model.arch.d_model, n_heads * d_head);
    for head in one.map_or(0..n_heads, |head| head..head + 1) {
        let w_o = attention.head(head, weights)?.w_o;
        map.columns_mut(head * d_head, d_head).copy_from(&w_o.transpose().map(|x| x as f32));
    }
    Ok(map)
}
