//! The engine's memory of dictionaries: the reader's own is surveyed once, however many questions are asked about it.
#![cfg(all(feature = "page", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "in a test, a failed unwrap is a failed test")]

use crate::support::built_in;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use built_in::{answers, ask, files, told};
use omega_lens::checkpoint::{ByteSource, CheckpointError, MemorySource};
use omega_lens::circuits::alignment::{RotationCount, Side};
use omega_lens::circuits::dictionary::{Builtin, FileChoice};
use omega_lens::circuits::omega::Circuit;
use omega_lens::engine::Engine;
use omega_lens::model::Weights;
use omega_lens::protocol::features::{Align, AlignPart, Comparing, Cosines, Find, Source};
use omega_lens::protocol::model::Open;
use omega_lens::protocol::{Asked, FilesId};

/// Two blocks of rows as a study reads them, so that a pass is told from a look.
const ROWS: usize = 3000;

/// A file that counts how often it is read.
struct Counted {
    file: MemorySource,
    reads: Arc<AtomicUsize>,
}

impl ByteSource for Counted {
    fn name(&self) -> &str {
        self.file.name()
    }

    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read(range)
    }
}

/// A file that notes what it is told to keep.
struct Keeping {
    file: Box<dyn ByteSource>,
    rooms: Arc<Mutex<Vec<u64>>>,
}

impl ByteSource for Keeping {
    fn name(&self) -> &str {
        self.file.name()
    }

    fn size(&self) -> u64 {
        self.file.size()
    }

    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, CheckpointError> {
        self.file.read(range)
    }

    fn keep(&self, most: u64) {
        self.rooms.lock().unwrap().push(most);
    }
}

/// An engine with the built-in model, the reader's dictionary, and what was read of all files of it.
struct Desk {
    engine: Engine,
    npy: Vec<u8>,
    reads: Arc<AtomicUsize>,
}

impl Desk {
    fn new() -> Self {
        let mut engine = Engine::default();
        let opened = answers::<Open>(told(&mut engine, Open::default(), files(4000)));
        let d_model = opened.first().unwrap().d_model;
        let header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {d_model}), }}");
        let header = format!("{header:<117}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend((header.len() as u16).to_le_bytes());
        npy.extend(header.bytes());
        let value = |i: usize| ((i * i % 977) as f32 / 977.0 - 0.5).to_le_bytes();
        npy.extend((0..ROWS * d_model).flat_map(value));
        Self { engine, npy, reads: Arc::default() }
    }

    /// How often the files are read for one question, which they travel beside under this number.
    fn reads_for(&mut self, number: Option<FilesId>, head: usize, whiten: bool) -> usize {
        let source = Source::Own(FileChoice::default());
        let how = Comparing {
            rotations: RotationCount::Exactly(0),
            whiten,
            ..Comparing::with(source, Weights::Folded)
        };
        let asked = Asked { files: number, ..Asked::from(Align { how, heads: vec![(0, head)] }) };
        let file = MemorySource::new("mine.npy", self.npy.clone());
        let before = self.reads.load(Ordering::Relaxed);
        let counted: Box<dyn ByteSource> = Box::new(Counted { file, reads: self.reads.clone() });
        let parts = answers::<Align>(told(&mut self.engine, asked, vec![counted]));
        assert!(parts.iter().any(|part| matches!(part, AlignPart::Report(_))));
        self.reads.load(Ordering::Relaxed) - before
    }
}

#[test]
fn the_readers_own_dictionary_is_surveyed_once_and_not_once_a_question() {
    let mut desk = Desk::new();
    let first = desk.reads_for(Some(7), 0, false);
    let later: Vec<usize> = (1..4).map(|head| desk.reads_for(Some(7), head, false)).collect();
    // A comparison reads every row once; the survey, and what is in the file, once more.
    let pass = later[0];
    assert!(pass > 0 && later.iter().all(|&reads| reads == pass), "{later:?}");
    assert!(first >= 2 * pass, "{first} reads, then {pass} a question");
    // Other files are another dictionary, and files without a number may be.
    assert_eq!(desk.reads_for(Some(8), 1, false), first);
    assert_eq!(desk.reads_for(None, 1, false), first);
    assert_eq!(desk.reads_for(None, 1, false), first);
}

#[test]
fn what_is_surveyed_stays_at_hand_until_the_question_is_answered() {
    let rooms = Arc::new(Mutex::new(Vec::new()));
    let keeping = |file| Box::new(Keeping { file, rooms: rooms.clone() }) as Box<dyn ByteSource>;
    let mut engine = Engine::default();
    let files = files(4000).into_iter().map(keeping).collect();
    assert!(!answers::<Open>(told(&mut engine, Open::default(), files)).is_empty());
    let mut rooms_for = |head| {
        rooms.lock().unwrap().clear();
        let how = Comparing {
            rotations: RotationCount::Exactly(0),
            ..Comparing::with(Source::Model(Builtin::Embed), Weights::Folded)
        };
        assert!(!ask(&mut engine, Align { how, heads: vec![(0, head)] }).is_empty());
        let rooms = rooms.lock().unwrap();
        (rooms.iter().copied().max().unwrap(), rooms[rooms.len() - 1])
    };
    let (most, last) = rooms_for(0);
    assert!((100 << 20..256 << 20).contains(&most) && last == 0, "{most}, then {last}");
    assert_eq!(rooms_for(1), (0, 0), "nothing is surveyed twice");
}

#[test]
fn its_gram_matrix_is_made_once_too() {
    let mut desk = Desk::new();
    let pass = {
        desk.reads_for(Some(7), 0, false);
        desk.reads_for(Some(7), 0, false)
    };
    assert_eq!(desk.reads_for(Some(7), 0, true), 2 * pass, "one pass more, for the matrix");
    assert_eq!(desk.reads_for(Some(7), 1, true), pass);
    assert_eq!(desk.reads_for(Some(7), 2, true), pass);
}

#[test]
fn other_heads_are_a_dictionary_in_which_nobody_meets_their_own() {
    let mut engine = built_in::open(4000, || 0.0);
    let source = Source::Heads { layer: 1, circuit: Circuit::Qk };
    let how = Comparing {
        rotations: RotationCount::Exactly(8),
        whiten: true,
        ..Comparing::with(source.clone(), Weights::Folded)
    };
    let parts = ask(&mut engine, Align { how, heads: vec![(1, 0), (1, 3), (2, 0)] });
    let reports: Vec<_> = parts
        .into_iter()
        .filter_map(|part| match part {
            AlignPart::Report(report) => Some(report),
            _ => None,
        })
        .collect();
    let found: Vec<_> = reports.iter().map(|r| (r.sides[0].head, r.comparison.n_rows)).collect();
    assert_eq!(found, [(0, found[0].1), (3, found[0].1), (0, found[0].1)], "a report a head");
    for report in &reports[..2] {
        let own = format!("L1H{} ", report.sides[0].head);
        assert!(report.comparison.n_features < report.comparison.n_rows);
        let best = report.sides.iter().flat_map(|s| &s.directions).flat_map(|d| &d.best);
        assert!(best.clone().count() > 0 && best.clone().all(|m| !m.label.starts_with(&own)));
    }
    assert_eq!(reports[2].comparison.n_features, reports[2].comparison.n_rows);
    let (feature, layer) = ("L1H2.u_0".to_owned(), 1);
    let weights = Weights::Folded;
    let find = Find { source: source.clone(), feature, layer, weights, remove_mean: true };
    let hits = ask(&mut engine, find).into_iter().next().unwrap();
    assert_eq!(hits.label, "L1H2.u_0");
    assert!(hits.hits.len() == 12 && hits.hits.iter().all(|hit| hit.head != 2));
    let (head, side) = ((1, 1), Side::Dest);
    let all = ask(&mut engine, Cosines { source, head, side, weights, remove_mean: true });
    assert!(all[0].matching.iter().all(|(_, label)| !label.starts_with("L1H1 ")));
}
