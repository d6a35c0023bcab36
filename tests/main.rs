//! Every integration test in one program: what they share is compiled and linked once.
//!
//! Programs of their own are `tidy`, which needs nothing that is built here, and `hostile_memory` and `fuzzing`, which measure the heap of their whole process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says by panicking what is wrong"
)]

mod golden;
mod support;

mod adapters;
mod alignment;
mod alignment_cli;
mod alignment_dictionaries;
mod alignment_golden;
mod alignment_null;
mod biases;
mod built_in;
mod cli;
mod compare;
mod compare_prompt;
mod compare_python;
mod dictionary_layouts;
mod embedding_parts;
mod engine_attention;
mod engine_features;
mod engine_trace;
mod families;
mod families2;
mod families_files;
mod forward;
mod given;
mod golden_svd;
mod gpu_adversarial;
mod gpu_alignment;
mod gpu_attention;
mod gpu_engine;
mod gpu_faults;
mod gpu_matches_cpu;
mod heads_dictionary;
mod hostile;
mod hostile_configs;
mod hostile_files;
mod invariants;
mod jobs;
mod lesson_numbers;
mod logits;
mod minilm;
mod pairs;
mod positional;
mod python_snippets;
mod quantised;
mod questions;
mod round_trips;
mod sad;
mod sad_chance;
mod sad_cli;
mod sad_model;
mod sad_series;
mod shaders_valid;
mod spectra;
mod stacks_cli;
mod supply;
mod tokenizer;
mod toy_claims;
mod toy_export;
mod toy_golden;
mod toy_theorems;
mod trace;
mod trace_chance;
mod trace_cli;
mod two_doors;
mod wild;
mod wild_models;
mod wild_names;
