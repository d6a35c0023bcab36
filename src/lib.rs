//! Omega Lens: what every attention head of a transformer looks for.
//!
//! This page is the map of the code. Layers point down only, and `tests/tidy.rs` enforces it:
//!
//! | layer | module | knows |
//! |---|---|---|
//! | 0 | [`math`] | numbers: QR, Jacobi SVD, products, special functions, seeded random, statistics |
//! | 0 | `tokenizer` | prompts to token ids; in the page a program of its own, which a worker fetches for the first prompt in words |
//! | 1 | [`toy`] | the paper's toy model: gradients by hand, Adam, tasks, theorems; a crate of its own, built for speed. [`study::toy`] decomposes its scores |
//! | 1 | [`checkpoint`] | bytes: safetensors headers, dtypes, shards, which byte ranges a question needs |
//! | 2 | [`model`] | transformers: config, one short file per family, weight processing, rotary, tokenizer, forward |
//! | 3 | [`circuits`] | Ω and OV: spectra, alignment with dictionaries, null models, sparse attention decomposition |
//! | 4 | [`study`] | what is computed for one question, as a stepper where it has many parts; the engine and the command line are its two doors |
//! | 4 | `gpu` | a WebGPU device and its kernels, one `.rs` + `.wgsl` pair each; adds speed, never meaning |
//! | 5 | `protocol` | questions and answers between the page and a worker, as plain values; a question names the type of its answer |
//! | 6 | `engine` | memory and telling, on the CPU or the GPU: the page's door to the studies |
//! | 6 | `cli` | arguments, threads and printing: the command line `omega`, the other door |
//! | 7 | `worker` | jobs, the one way to ask: shares, progress, cancelling, what comes too late; how messages travel |
//! | 8 | `ui` | Yew: state, charts, pages, words |
//!
//! # Where do I start
//! Start at the bottom: [`math`], then [`model::recipe`], then [`circuits::omega`], whose matrices everything else is about. Then take one
//! of these walks from top to bottom. Each floor names only those below it, so a walk can be stopped on any of them.
//!
//! **"Which singular values has L3H0?"** A dropped file reaches `ui::session`, which asks a worker to open it. `worker` carries the question,
//! `engine` reads headers alone through [`checkpoint::Checkpoint`], and [`model::Model`] finds out what it is. The Heads page then asks for
//! spectra: `engine::heads` answers with [`study::spectra`], or with `gpu` if that is worth it, and both decompose the two thin factors of
//! [`circuits::omega`]. What comes back goes through `ui::memory` to `ui::pages::heads`, and its sentences are in `ui::words`.
//!
//! **"Why does this head look there?"** The Attention page sends the prompt of its address (`ui::address`) to `engine::attention`, which
//! runs [`study::prompt`] on [`model::ForwardPass`] and remembers it. A cell is [`study::cell`]: [`circuits::sad`] splits the score over
//! singular vectors and sets it beside random bases. `omega sad` prints the same study through `cli`.
//!
//! **"Does theory hold in a model that I train?"** The Toy lab's settings are a table in `ui::address::toy`. `engine::toy` steps
//! [`toy::Trainer`], whose gradients are by hand and checked against numpy, and [`toy`]'s claims judge the run; its trained weights are
//! a checkpoint like any other, and open on the Heads page.
//!
//! To add a family, a kernel, a statistic, a page or a language: CONTRIBUTING.md.
//!
//! # Invariants
//! - Only `math::layout` knows that nalgebra is column-major; on every wire (files, messages, GPU buffers) matrices are
//!   row-major.
//! - Only `gpu` knows wgpu. Only `worker` and `ui` know the browser. The core (`--no-default-features`) knows neither.
//! - Nothing ever holds a whole checkpoint: header first, then the byte ranges that the question needs.
//! - No matrix Ω is ever formed: `Ω = W_Q W_Kᵀ` and `OV = W_V W_O` live as two thin factors.
//! - The core is pure: the caller brings the clock, the seed and the loop.
//!
//! # Notation
//! Row vectors, as in TransformerLens: `x: [d_model]`, `w_q, w_k, w_v: [d_model, d_head]`, `w_o: [d_head, d_model]`.
//! `Ω = W_Q W_Kᵀ = U S Vᵀ`: rows are the destination (query) side, columns the source (key) side; `u_k` is what the
//! destination is read for, `v_k` what the source is read for. `OV = W_V W_O`: left vectors are read, right vectors are
//! written. Sizes are `d_*`, counts `n_*`, indices the singular noun: `layer`, `head`, `k`, `dest`, `src`.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test says by panicking what is wrong"
    )
)]

pub mod checkpoint;
pub mod circuits;
#[cfg(not(target_arch = "wasm32"))]
pub mod cli;
#[cfg(feature = "page")]
pub mod engine;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod model;
#[cfg(feature = "page")]
pub mod protocol;
pub mod study;
#[cfg(feature = "page")]
pub mod ui;
#[cfg(feature = "page")]
pub mod worker;

// Crates of their own: the page is built for size; its kernels and the toy's steps are built for speed.
pub use omega_math as math;
pub use omega_toy as toy;
