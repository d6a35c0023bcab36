//! Which features meet in a score: the prompt's residuals encoded, one score split by them, and whether they lie on the singular
//! vectors that carry it.

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::cell::CellAt;
use super::trace::CleanPrompt;
use crate::checkpoint::ByteSource;
use crate::circuits::CircuitError;
use crate::circuits::dictionary::{Active, Dictionary, FileChoice, Hook};
use crate::circuits::pairs::meeting::{InSpan, Meeting, MeetingOptions, meeting};
use crate::circuits::pairs::{ActiveFeature, Kinds, Pair, Split, SplitSide};
use crate::circuits::trace::reader::ScoreReader;
use crate::circuits::trace::{CleanRun, Side};
use crate::math::Mat;
use crate::math::random::Rng;
use crate::model::{Model, Weights};

/// Sets of inactive features on each side, and features in all of them together, at most.
const INACTIVE: (usize, usize) = (8, 1024);

/// One score as features that meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meetings {
    /// Which score.
    pub at: CellAt,
    /// The attention that it comes to.
    pub attention: f64,
    /// The dictionary's name.
    pub dictionary: String,
    /// Where it was made, if it says so.
    pub hook: Option<String>,
    /// The layers in front of which the streams of destination and source were encoded.
    pub encoded_at: [usize; 2],
    /// Neuronpedia's id of the dictionary, if it has one.
    pub neuronpedia: Option<String>,
    /// The score, split.
    pub split: Split,
    /// Whether the features lie on the singular vectors used; `None` where there is nothing to ask.
    pub meeting: Option<Meeting>,
    /// What the reader should know, a sentence each.
    pub notes: Vec<String>,
    /// Python that makes the pairs again from the files of the model and the dictionary; none for a dictionary that is no plain matrix.
    #[serde(default)]
    pub python: Option<String>,
}

/// Opens a dictionary of files for a model.
///
/// # Errors
/// What opening says.
pub fn open(
    model: &Model,
    files: Vec<Box<dyn ByteSource>>,
    choice: &FileChoice,
) -> Result<Dictionary, StudyError> {
    Ok(Dictionary::of_files(model, files, choice, Weights::Folded)?)
}

/// Splits one score of a prompt that was run.
///
/// # Errors
/// A head, position or source that is not there; a dictionary that cannot encode or was made later than the head reads; what reading
/// or decomposing says.
pub fn meetings(
    model: &Model,
    clean: CleanPrompt<'_>,
    dictionary: &Dictionary,
    at: CellAt,
    options: MeetingOptions,
) -> Result<Meetings, StudyError> {
    let run = clean.run(model);
    let (index, count) = (at.dest.max(at.src), run.n());
    if index >= count {
        return Err(CircuitError::OutOfRange { what: "position", index, count }.into());
    }
    let reader = ScoreReader::read(run, at.layer, at.head)?;
    let hidden = StudyError::Hidden { dest: at.dest, src: at.src };
    let score = reader.score(at.dest, at.src).ok_or(hidden)?;
    let encoder = dictionary.encoder(model)?;
    let mut notes = dictionary.about.notes.clone();
    notes.extend(encoder.notes.iter().cloned());
    notes.extend(clean.ran().named.iter().map(|what| format!("Outside the sum: {what}.")));
    let made = encoder.hook().and_then(|hook| hook.read_from);
    if made.is_none() {
        notes.push(format!(
            "The dictionary does not say where it was made; it is taken to be made in front of layer {}.",
            at.layer
        ));
    }
    let sides = [(Side::Dest, at.dest), (Side::Src, at.src)];
    let fronts = sides.map(|(side, _)| reader.front(side));
    let encoded_at = fronts.map(|front| made.unwrap_or(front));
    if let Some((&made, &front)) = encoded_at.iter().zip(&fronts).find(|(made, front)| made > front)
    {
        return Err(StudyError::MadeLater { made, front });
    }
    if encoded_at != fronts {
        notes.push(format!(
            "The dictionary was made in front of layer {}; what later layers wrote before layer {} reads is in the error.",
            encoded_at[0], at.layer
        ));
    }
    let stream = |layer: usize, position: usize| stream(run, layer, position);
    let streams = [stream(encoded_at[0], at.dest)?, stream(encoded_at[1], at.src)?];
    let encoded = encoder.encode(&streams)?;
    let mut split = Vec::new();
    let mut spans = Vec::new();
    for (i, ((side, position), encoded)) in sides.into_iter().zip(&encoded).enumerate() {
        let read = stream(fronts[i], position)?;
        let rows = rows(dictionary, encoded.active.iter().map(|active| active.feature))?;
        let parts = split_side(
            dictionary,
            &reader,
            (side, position),
            (read, &encoded.constant),
            &encoded.active,
            &rows,
        );
        let cosines = in_span(&reader, side, position, &rows);
        let seed = options.seed.wrapping_add(i as u32);
        let sets = inactive(dictionary, &encoded.active, seed)?;
        let sets = sets.iter().map(|rows| in_span(&reader, side, position, rows)).collect();
        spans.push(InSpan { whole: reader.whole(side, position), active: cosines, inactive: sets });
        split.push(parts);
    }
    let (Some(src), Some(dest)) = (split.pop(), split.pop()) else { return Err(at.none()) };
    let meeting = match spans.as_slice() {
        [dest, src] => meeting(reader.sigma(), dest, src, options),
        _ => None,
    };
    Ok(Meetings {
        at,
        attention: run.attends(at.layer, at.head, at.dest, at.src),
        dictionary: dictionary.about.name.clone(),
        hook: encoder.hook().map(|Hook { name, .. }| name.clone()),
        encoded_at,
        neuronpedia: dictionary.about.neuronpedia.clone(),
        split: Split { score, scale: reader.scale(), dest, src },
        meeting,
        notes,
        python: None,
    })
}

/// The residual stream in front of a layer at a position, `[d_model]`.
fn stream<'a>(run: CleanRun<'a>, layer: usize, position: usize) -> Result<&'a [f32], StudyError> {
    let d_model = run.model.arch.d_model;
    let all = match run.traces.iter().find(|trace| trace.layer == layer) {
        Some(trace) => trace.resid_pre.as_slice(),
        None if layer == run.n_layers() => run.last,
        None => &[],
    };
    let row = all.get(position * d_model..(position + 1) * d_model);
    row.ok_or(StudyError::NotDecomposed { layer, head: 0 })
}

/// Rows of the decoder, in double precision.
fn rows(
    dictionary: &Dictionary,
    features: impl Iterator<Item = usize>,
) -> Result<Vec<Vec<f64>>, StudyError> {
    let mut rows = Vec::new();
    for feature in features {
        let row = dictionary.rows(None, feature..feature + 1)?;
        rows.push(row.into_iter().map(f64::from).collect());
    }
    Ok(rows)
}

/// One side as summands: active features, the constant with the head's bias, and what is left of the stream.
fn split_side(
    dictionary: &Dictionary,
    reader: &ScoreReader<'_>,
    (side, position): (Side, usize),
    (read, constant): (&[f32], &[f64]),
    active: &[Active],
    rows: &[Vec<f64>],
) -> SplitSide {
    let mut error: Vec<f64> = read.iter().zip(constant).map(|(x, c)| f64::from(*x) - c).collect();
    let mut features = Vec::with_capacity(active.len());
    for (active, row) in active.iter().zip(rows) {
        let part: Vec<f64> = row.iter().map(|x| x * active.times).collect();
        error.iter_mut().zip(&part).for_each(|(e, x)| *e -= x);
        features.push(ActiveFeature {
            feature: active.feature,
            label: dictionary.label(active.feature),
            activation: active.activation,
            times: active.times,
            coefficients: reader.coefficients(side, position, &part),
        });
    }
    let mut bias = reader.coefficients(side, position, constant);
    bias.iter_mut().zip(reader.offset(side, position)).for_each(|(b, offset)| *b += offset);
    SplitSide {
        features,
        error: reader.coefficients(side, position, &error),
        bias,
        divisor: reader.divisor(side, position),
        turn: reader.turning(position),
    }
}

/// `[rank, n]`: the cosines of vectors with the singular vectors of a side.
fn in_span(reader: &ScoreReader<'_>, side: Side, position: usize, rows: &[Vec<f64>]) -> Mat {
    let rank = reader.sigma().len();
    let cosines: Vec<f64> =
        rows.iter().flat_map(|row| reader.cosines(side, position, row)).collect();
    Mat::from_vec(rank, rows.len(), cosines)
}

/// Disjoint sets of features that are not active, as many in each as are active; none where they do not reach.
fn inactive(
    dictionary: &Dictionary,
    active: &[Active],
    seed: u32,
) -> Result<Vec<Vec<Vec<f64>>>, StudyError> {
    let (n, size) = (dictionary.about.n_rows, active.len());
    let mut others = Rng::of_stream(seed, 0).permutation(n);
    others.retain(|feature| active.iter().all(|active| active.feature != *feature));
    others.truncate((INACTIVE.0 * size).min(INACTIVE.1));
    let sets = others.chunks_exact(size.max(1)).filter(|set| set.len() == size);
    sets.map(|set| rows(dictionary, set.iter().copied())).collect()
}

/// A score's features as they leave the program.
#[derive(Debug, Serialize)]
pub struct Report<C: Serialize> {
    convention: C,
    tokens: Vec<String>,
    ids: Vec<u32>,
    #[serde(flatten)]
    at: CellAt,
    score: f64,
    attention: f64,
    dictionary: String,
    hook: Option<String>,
    encoded_at: [usize; 2],
    pairs: Vec<Pair>,
    dest_error: f64,
    src_error: f64,
    both_errors: f64,
    bias: f64,
    remainder: f64,
    by_k: Kinds<Vec<f64>>,
    dest_features: Vec<ActiveFeature>,
    src_features: Vec<ActiveFeature>,
    meeting: Option<Meeting>,
    notes: Vec<String>,
}

impl<C: Serialize> Report<C> {
    /// Everything, every pair included: `score = Σ pairs + dest_error + src_error + both_errors + bias + remainder`.
    pub fn new(convention: C, tokens: &[String], ids: &[u32], found: Meetings) -> Self {
        let Meetings { at, attention, dictionary, hook, encoded_at, split, meeting, notes, .. } =
            found;
        let Kinds { dest_error, src_error, both_errors, bias, .. } = split.kinds();
        let bare = |side: &SplitSide| {
            let bare = |f: &ActiveFeature| ActiveFeature { coefficients: Vec::new(), ..f.clone() };
            side.features.iter().map(bare).collect()
        };
        Self {
            convention,
            tokens: tokens.to_vec(),
            ids: ids.to_vec(),
            at,
            score: split.score,
            attention,
            dictionary,
            hook,
            encoded_at,
            pairs: split.pairs(),
            dest_error,
            src_error,
            both_errors,
            bias,
            remainder: split.remainder(),
            by_k: split.kinds_by_k(),
            dest_features: bare(&split.dest),
            src_features: bare(&split.src),
            meeting,
            notes,
        }
    }
}
