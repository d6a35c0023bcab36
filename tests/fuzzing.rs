//! The fuzz targets without a fuzzer: seeded mutations of the committed corpus, for as long as `OMEGA_FUZZ_SECONDS` says of each target, or
//! as many as `OMEGA_FUZZ_INPUTS` says.
//!
//! A program of its own, because it measures the heap of its whole process. `make fuzz` runs the same targets under libFuzzer.
#![cfg(all(feature = "page", feature = "tokenizer", not(target_arch = "wasm32")))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what is wrong"
)]

#[path = "fuzz/bodies.rs"]
mod bodies;

use std::path::Path;
use std::time::{Duration, Instant};

use bodies::{TARGETS, Target};
use omega_lens::math::random::Rng;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The longest input that is made.
const LONGEST: usize = 1 << 16;

/// What no input may take: the slowest machine of the workflow needs a tenth of it.
const SLOWEST: Duration = Duration::from_secs(20);

/// Words that files are made of, and numbers that nobody means.
const WORDS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\n",
    "\t",
    "null",
    "true",
    "-1",
    "0",
    "1e309",
    "NaN",
    "Infinity",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "0.5",
    "-0",
    "\u{0}",
    "\u{feff}",
    "..",
    "/",
    "model.layers.0.",
    "weight",
    "\"dtype\":\"F32\"",
    "\"shape\":[",
    "\"data_offsets\":[0,8]",
    "__metadata__",
    "hidden_size",
    "num_attention_heads",
    "layer=",
    "&n=",
    "%",
    "d_in",
];

/// Inputs that a target begins with, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One change of `input`; `other` is what a piece may come from.
fn change(input: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let mut below = |n: usize| rng.below(n.max(1) as u32) as usize;
    let at = below(input.len());
    let end = (at + below(32) + 1).min(input.len());
    match below(7) {
        0 if !input.is_empty() => input[at] = below(256) as u8,
        1 if !input.is_empty() => input[at] ^= 1 << below(8),
        2 => drop(input.drain(at..end)),
        3 => {
            let piece = input[at..end].to_vec();
            let place = below(input.len() + 1);
            input.splice(place..place, piece);
        }
        4 => drop(input.splice(at..at, WORDS[below(WORDS.len())].bytes())),
        5 => {
            // A number for a number.
            let digits = |b: &u8| b.is_ascii_digit();
            let Some(first) = input[at..].iter().position(digits).map(|first| at + first) else {
                return;
            };
            let last = first + input[first..].iter().take_while(|b| digits(b)).count();
            input.splice(first..last, WORDS[12 + below(12)].bytes());
        }
        _ => {
            let from = below(other.len());
            let to = (from + below(200) + 1).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
    }
    input.truncate(LONGEST);
}

/// Runs one target for so many seconds or inputs, and says how many inputs that were.
fn run((name, target, allowed): Target, seconds: u64, inputs: usize, seed: u32) -> usize {
    let seeds = corpus(name);
    assert!(seeds.len() >= 3, "{name} has a corpus");
    let mut rng = Rng::new(seed);
    let start = Instant::now();
    let mut count = 0;
    let goes_on = |count: usize| match inputs {
        0 => start.elapsed() < Duration::from_secs(seconds),
        inputs => count < inputs,
    };
    while count < seeds.len() || goes_on(count) {
        let mut input = seeds[count % seeds.len()].clone();
        let other = &seeds[rng.below(seeds.len() as u32) as usize];
        // Each as it is, once.
        let changes = if count < seeds.len() { 0 } else { 1 + rng.below(6) };
        (0..changes).for_each(|_| change(&mut input, other, &mut rng));
        HEAP.reset_peak_usage();
        let (before, begun) = (HEAP.current_usage(), Instant::now());
        target(&input);
        let (grown, took) = (HEAP.peak_usage().saturating_sub(before), begun.elapsed());
        let shown = String::from_utf8_lossy(&input[..input.len().min(400)]).into_owned();
        let [least, each] = allowed;
        // What a target keeps from one input to the next, its models, is read with the first.
        let fits = count == 0 || grown <= least + each * input.len();
        assert!(
            fits,
            "{name}, input {count}: {} bytes made the heap grow by {grown}: {shown}",
            input.len()
        );
        assert!(took < SLOWEST, "{name}, input {count} took {took:?}: {shown}");
        count += 1;
    }
    count
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

// One test, because the heap is one.
#[test]
fn nothing_panics_runs_on_or_takes_more_than_its_input_justifies() {
    let (seconds, seed) = (setting("OMEGA_FUZZ_SECONDS", 1), setting("OMEGA_FUZZ_SEED", 14) as u32);
    let inputs = setting("OMEGA_FUZZ_INPUTS", 0) as usize;
    let only = std::env::var("OMEGA_FUZZ_TARGET").ok();
    for target in TARGETS {
        if only.as_deref().is_none_or(|only| only == target.0) {
            let begun = Instant::now();
            let count = run(target, seconds, inputs, seed);
            println!(
                "{}: {count} inputs in {} s, seed {seed}",
                target.0,
                begun.elapsed().as_secs()
            );
        }
    }
}
