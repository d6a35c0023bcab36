//! Dictionaries of every source: inside each family's model, in SAE folders, in the reader's own files, and in hostile ones.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what is wrong")]

use crate::golden;

use golden::{Fixture, fixtures};
use omega_lens::checkpoint::{
    ByteSource, CheckpointError, MemorySource, Named, Numbers, to_safetensors,
};
use omega_lens::circuits::dictionary::{
    Along, Builtin, Dictionary, DictionaryError, FileChoice, Frame, Space, Survey,
};
use omega_lens::math::random::Rng;
use omega_lens::model::{AttentionLayer, Model, Part, Weights};

fn family(name: &str) -> Model {
    Fixture::named(name).model()
}

fn numbers(seed: u32, n: usize) -> Vec<f32> {
    let mut rng = Rng::new(seed);
    (0..n).map(|_| rng.normal() as f32).collect()
}

fn safetensors(tensors: &[(&str, Vec<usize>, &[f32])]) -> Vec<u8> {
    let named: Vec<Named> = tensors
        .iter()
        .map(|(name, shape, values)| Named {
            name: (*name).to_owned(),
            shape: shape.clone(),
            numbers: Numbers::F32(values.to_vec()),
        })
        .collect();
    to_safetensors(&named, &[]).unwrap()
}

fn source(name: &str, bytes: Vec<u8>) -> Box<dyn ByteSource> {
    Box::new(MemorySource::new(name, bytes))
}

fn open(
    model: &Model,
    sources: Vec<Box<dyn ByteSource>>,
    choice: &FileChoice,
) -> Result<Dictionary, DictionaryError> {
    Dictionary::of_files(model, sources, choice, Weights::Folded)
}

fn message(result: Result<Dictionary, DictionaryError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

/// Rows in any blocks are the rows of the whole, in every family and every part that it has.
#[test]
fn every_familys_parts_are_read_in_blocks() {
    let mut found = 0;
    for fixture in fixtures() {
        let model = fixture.model();
        let parts = [
            Builtin::Embed,
            Builtin::Unembed,
            Builtin::Positions,
            Builtin::MlpIn { layer: 0 },
            Builtin::MlpOut { layer: 0 },
        ];
        for part in parts {
            let dictionary = match Dictionary::of_model(&model, part, Weights::Folded) {
                Ok(dictionary) => dictionary,
                Err(DictionaryError::Absent { .. }) => continue,
                Err(error) => panic!("{} {part:?}: {error}", fixture.name),
            };
            found += 1;
            let n = dictionary.about.n_rows;
            let whole = dictionary.rows(Some(&model.checkpoint), 0..n).unwrap();
            assert_eq!(whole.len(), n * model.arch.d_model, "{} {part:?}", fixture.name);
            let pieces: Vec<f32> = dictionary
                .blocks(7)
                .flat_map(|rows| dictionary.rows(Some(&model.checkpoint), rows).unwrap())
                .collect();
            assert_eq!(whole, pieces, "{} {part:?}", fixture.name);
            assert!(matches!(
                dictionary.rows(Some(&model.checkpoint), n..n + 1),
                Err(DictionaryError::Rows { .. })
            ));
            assert!(matches!(dictionary.rows(None, 0..1), Err(DictionaryError::ModelNeeded)));
        }
    }
    assert!(found > 80, "{found} dictionaries in all families");
}

/// Behind the final norm, folded unembeddings give the library's own logits up to what moves no probability.
#[test]
fn folded_unembeddings_are_the_logits_directions() {
    for name in ["gpt2", "llama", "gemma", "gpt_neox"] {
        let model = family(name);
        let d = model.arch.d_model;
        let folded = Dictionary::of_model(&model, Builtin::Unembed, Weights::Folded).unwrap();
        let raw = Dictionary::of_model(&model, Builtin::Unembed, Weights::Raw).unwrap();
        let n = folded.about.n_rows;
        let folded_rows = folded.rows(Some(&model.checkpoint), 0..n).unwrap();
        let raw_rows = raw.rows(Some(&model.checkpoint), 0..n).unwrap();
        // A bare normed vector (mean zero, for LayerNorm), and what the gains make of it.
        let mut bare = numbers(3, d);
        let mean = bare.iter().sum::<f32>() / d as f32;
        bare.iter_mut().for_each(|x| *x -= mean);
        let norm = model.arch.final_norm().unwrap();
        let gains = model.checkpoint.read(norm.weight.as_deref().unwrap()).unwrap().f32s().unwrap();
        let one = if name == "gemma" { 1.0 } else { 0.0 };
        let logit =
            |row: &[f32], x: &dyn Fn(usize) -> f32| (0..d).map(|i| row[i] * x(i)).sum::<f32>();
        let centred = |logits: Vec<f32>| {
            let mean = logits.iter().sum::<f32>() / logits.len() as f32;
            logits.into_iter().map(|x| x - mean).collect::<Vec<_>>()
        };
        let with_gains = |i: usize| bare[i] * (gains[i] + one);
        let ours = centred(folded_rows.chunks(d).map(|row| logit(row, &|i| bare[i])).collect());
        let theirs = centred(raw_rows.chunks(d).map(|row| logit(row, &with_gains)).collect());
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{name}: {a} {b}");
        }
        assert_eq!(folded.about.space == Space::Centred, matches!(name, "gpt2" | "gpt_neox"));
    }
}

/// The decoder of an SAE on heads' outputs, taken through W_O, is what its features write.
#[test]
fn sae_folders_are_read_and_head_outputs_are_mapped() {
    let model = family("llama");
    let (d, n_heads, d_head) = (model.arch.d_model, model.arch.n_heads, model.arch.d_head);
    let width = n_heads * d_head;
    let decoder = numbers(1, 50 * width);
    let encoder = numbers(2, 50 * width);
    let weights =
        safetensors(&[("W_dec", vec![50, width], &decoder), ("W_enc", vec![width, 50], &encoder)]);
    let cfg = br#"{"metadata": {"hook_name": "blocks.1.attn.hook_z", "model_name": "tiny", "neuronpedia_id": "tiny/1-att"}}"#;
    let files = || {
        vec![
            source("sae/sae_weights.safetensors", weights.clone()),
            source("sae/cfg.json", cfg.to_vec()),
            source(
                "sae/sparsity.safetensors",
                safetensors(&[("sparsity", vec![50], &decoder[..50])]),
            ),
        ]
    };
    let attention = AttentionLayer::read(&model, 1, Part::Ov).unwrap();
    let mut sum = vec![0f64; d];
    for head in 0..n_heads {
        let choice = FileChoice { head: Some(head), ..FileChoice::default() };
        let dictionary = open(&model, files(), &choice).unwrap();
        let w_o = attention.head(head, Weights::Folded).unwrap().w_o;
        let row = dictionary.rows(None, 17..18).unwrap();
        for i in 0..d {
            let z = (0..d_head)
                .map(|j| f64::from(decoder[17 * width + head * d_head + j]) * w_o[(j, i)]);
            let expected: f64 = z.sum();
            assert!((f64::from(row[i]) - expected).abs() < 1e-4 * (1.0 + expected.abs()));
            sum[i] += expected;
        }
    }
    let all = open(&model, files(), &FileChoice::default()).unwrap();
    let row = all.rows(None, 17..18).unwrap();
    assert!(row.iter().zip(&sum).all(|(x, y)| (f64::from(*x) - y).abs() < 1e-3 * (1.0 + y.abs())));
    assert_eq!(all.about.hook.as_ref().unwrap().read_from, Some(2));
    assert_eq!(all.label(3), "feature 3");
    assert_eq!(all.about.neuronpedia.as_deref(), Some("tiny/1-att"));
}

/// Rows or columns are detected; a square matrix, several matrices or none ask.
#[test]
fn any_matrix_with_one_side_of_d_model_is_a_dictionary() {
    let model = family("gpt2");
    let d = model.arch.d_model;
    let values = numbers(4, 9 * d);
    let transposed: Vec<f32> = (0..9 * d).map(|i| values[(i % 9) * d + i / 9]).collect();
    let by_rows = vec![source("a.safetensors", safetensors(&[("mine", vec![9, d], &values)]))];
    let by_columns =
        vec![source("params.safetensors", safetensors(&[("w_dec", vec![d, 9], &transposed)]))];
    let rows = open(&model, by_rows, &FileChoice::default()).unwrap().rows(None, 2..7).unwrap();
    let columns =
        open(&model, by_columns, &FileChoice::default()).unwrap().rows(None, 2..7).unwrap();
    assert_eq!(rows, values[2 * d..7 * d]);
    assert_eq!(columns, rows);

    let square = numbers(5, d * d);
    let file = || vec![source("s.safetensors", safetensors(&[("s", vec![d, d], &square)]))];
    assert!(message(open(&model, file(), &FileChoice::default())).contains("rows or columns"));
    let choice = FileChoice { along: Some(Along::Columns), ..FileChoice::default() };
    let first = open(&model, file(), &choice).unwrap().rows(None, 0..1).unwrap();
    assert_eq!(first, square.iter().step_by(d).copied().collect::<Vec<_>>());

    let two = vec![source(
        "t.safetensors",
        safetensors(&[("a", vec![9, d], &values), ("b", vec![9, d], &values)]),
    )];
    assert!(message(open(&model, two, &FileChoice::default())).contains("a, b"));
    let none = vec![source(
        "n.safetensors",
        safetensors(&[("a", vec![9, d + 1], &numbers(1, 9 * (d + 1)))]),
    )];
    assert!(
        message(open(&model, none, &FileChoice::default())).contains("no two-dimensional tensor")
    );
    assert!(
        message(open(&model, vec![source("x.pt", vec![1])], &FileChoice::default()))
            .contains("is no dictionary")
    );
}

#[test]
fn numpy_files_are_read_in_both_orders() {
    let model = family("gpt2");
    let d = model.arch.d_model;
    let values = numbers(6, 5 * d);
    let npy = |order: &str, values: &[f32]| {
        let header = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (5, {d}), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        vec![source("mine.npy", bytes)]
    };
    let fortran: Vec<f32> = (0..5 * d).map(|i| values[(i % 5) * d + i / 5]).collect();
    for files in [npy("False", &values), npy("True", &fortran)] {
        let dictionary = open(&model, files, &FileChoice::default()).unwrap();
        assert_eq!(dictionary.about.n_rows, 5);
        assert_eq!(dictionary.rows(None, 1..4).unwrap(), values[d..4 * d]);
    }
}

#[test]
fn tables_carry_labels_and_name_the_line_that_is_wrong() {
    let model = family("gpt2");
    let d = model.arch.d_model;
    let line = |label: &str, n: usize| format!("{label},{}\n", vec!["0.5"; n].join(","));
    let good = line("кошка", d) + &line("猫", d);
    let dictionary =
        open(&model, vec![source("w.csv", good.into_bytes())], &FileChoice::default()).unwrap();
    assert_eq!((dictionary.label(0), dictionary.label(1)), ("кошка".to_owned(), "猫".to_owned()));
    let ragged = line("a", d) + &line("b", d - 1);
    assert!(
        message(open(&model, vec![source("w.csv", ragged.into_bytes())], &FileChoice::default()))
            .contains("line 2")
    );
}

/// NaN, zero and constant rows are counted, located and skipped, and the rest is a dictionary.
#[test]
fn broken_rows_are_counted_and_located() {
    let model = family("gpt2");
    let d = model.arch.d_model;
    let mut values = numbers(7, 6 * d);
    values[d..2 * d].fill(0.0);
    values[2 * d + 5] = f32::NAN;
    values[4 * d..5 * d].fill(3.0);
    let file = vec![source("b.safetensors", safetensors(&[("x", vec![6, d], &values)]))];
    let dictionary = open(&model, file, &FileChoice::default()).unwrap();
    let mut survey = Survey::default();
    survey.step(&dictionary.block(None, 0..6, &Frame::plain(d, true)).unwrap());
    let survey = survey.finish();
    assert_eq!(
        (survey.n_features, survey.n_zero, survey.n_vanished, survey.n_not_finite),
        (3, 1, 1, 1)
    );
    assert_eq!(survey.not_finite, [(2, 5)]);
}

/// A source that claims ten gigabytes and makes up what is read of it; it remembers the most that was asked for at once.
struct Sparse {
    header: Vec<u8>,
    size: u64,
    largest: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl ByteSource for Sparse {
    fn name(&self) -> &str {
        "huge.safetensors"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, range: std::ops::Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        self.largest.fetch_max(range.end - range.start, std::sync::atomic::Ordering::Relaxed);
        Ok((range.start..range.end)
            .map(|at| {
                usize::try_from(at)
                    .ok()
                    .and_then(|at| self.header.get(at).copied())
                    .unwrap_or((at % 3) as u8)
            })
            .collect())
    }
}

#[test]
fn ten_gigabytes_are_read_a_block_at_a_time() {
    let model = family("gpt2");
    let d = model.arch.d_model as u64;
    let n = 10_000_000_000 / (4 * d);
    let text = format!(
        r#"{{"W_dec":{{"dtype":"F32","shape":[{n},{d}],"data_offsets":[0,{}]}}}}"#,
        n * d * 4
    );
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text.as_bytes());
    let largest = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let size = header.len() as u64 + n * d * 4;
    let sparse = Sparse { header, size, largest: largest.clone() };
    let dictionary = open(&model, vec![Box::new(sparse)], &FileChoice::default()).unwrap();
    assert_eq!(dictionary.about.n_rows as u64, n);
    let last = dictionary.blocks(1000).last().unwrap();
    assert_eq!(dictionary.rows(None, last.clone()).unwrap().len(), last.len() * d as usize);
    assert!(largest.load(std::sync::atomic::Ordering::Relaxed) <= 1_000_000);
}
