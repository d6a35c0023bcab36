//! Sentences that the reader sees, written from the numbers.

use super::format::{bytes, three};
use super::pictures::OnStage;
pub use super::shared::builtin_model_step;
use crate::protocol::Failure;
use crate::protocol::gpu::GpuReport;
use crate::protocol::model::ModelSummary;
use crate::ui::address::checkpoint::Named;
use crate::ui::lessons::speech::Speech;
use crate::worker::request::Trouble;

/// Said where a file can be dropped.
pub const DROP: &str = "drop a .safetensors file or a model's folder anywhere, or";

/// Said over the page while files are dragged.
pub const DROP_HERE: &str = "Drop the files: a .safetensors, its shards, or the whole folder";

/// Said where an empty folder was dropped.
pub const EMPTY_FOLDER: &str = "The folder holds no files.";

/// What to do about it.
pub const EMPTY_FOLDER_HINT: &str = "Drop a .safetensors file.";

/// What the built-in model is called while it comes.
pub const BUILT_IN: &str = "the built-in model";

/// Said where it did not come.
pub fn no_built_in(why: &str) -> String {
    format!("The built-in model could not be loaded: {why}.")
}

/// What to do about it.
pub const NO_BUILT_IN_HINT: &str = "Drop a checkpoint of your own, or reload the page.";

/// Said where a file cannot be saved.
pub const NO_DOWNLOAD: &str = "The browser refused the download.";

/// Said where words cannot be shown.
pub const NO_TOKENIZER: &str =
    "No tokenizer: showing ids. Drop tokenizer.json together with the model to see words.";

/// Said where a link is about another model than the one that is open.
pub fn wish(named: &Named) -> String {
    format!("This link is about “{}” ({}).", named.name, bytes(named.size))
}

/// What to do about it.
pub fn wish_hint(open: Option<&str>) -> String {
    let open = open.map_or_else(String::new, |name| format!(" Until then you see the {name}."));
    format!("Drop that model, and the link shows its head.{open}")
}

/// What the GPU made of the spectra, in a line.
pub fn gpu_line(speech: &Speech, report: Option<&GpuReport>) -> String {
    match report {
        None | Some(GpuReport::Resumed { .. }) => speech.fill(OnStage::OnCpu, &[""]),
        Some(GpuReport::Kept { name, ms }) => {
            speech.fill(OnStage::OnGpu, &[name, &speeds(speech, ms)])
        }
        Some(GpuReport::LeftToCpu { ms, .. }) => {
            speech.fill(OnStage::OnCpu, &[&speeds(speech, ms)])
        }
    }
}

/// What the GPU made of a comparison with a dictionary, in a line; nothing where it was not asked.
pub fn compared_line(report: Option<&GpuReport>) -> String {
    match report {
        None | Some(GpuReport::Resumed { .. }) => String::new(),
        Some(GpuReport::Kept { name, ms }) => format!(
            "Compared on {name}{}: products in f32, decompositions and statistics in f64 on the CPU.",
            speeds(&Speech::default(), ms)
        ),
        Some(GpuReport::LeftToCpu { ms, .. }) => {
            format!("Compared on the CPU{}.", speeds(&Speech::default(), ms))
        }
    }
}

/// Who made the products of a forward pass.
pub fn products_line(report: &GpuReport) -> String {
    match report {
        GpuReport::Kept { name, .. } => format!(" Products on the GPU ({name}), in f32."),
        _ => " Products on the GPU as far as it went, then on the CPU.".into(),
    }
}

fn speeds(speech: &Speech, ms: &Option<[f64; 2]>) -> String {
    ms.map_or_else(String::new, |[gpu, cpu]| {
        format!(" {}", speech.fill(OnStage::Speeds, &[&three(gpu), &three(cpu)]))
    })
}

/// What the spectra of all heads are called while they are computed.
pub const SPECTRA: &str = "spectra of every head";

/// What the reader should be told of the workers.
pub fn trouble(trouble: &Trouble) -> (String, String) {
    let (what, hint) = match trouble {
        Trouble::Stopped { again: true, .. } => {
            ("A worker stopped unexpectedly.", "Its work is being done again by a fresh one.")
        }
        Trouble::Stopped { again: false, .. } => {
            // A program of WebAssembly that runs out of memory dies without a word of why.
            let hint =
                "Everything else still works. If memory ran out, close other tabs and ask again.";
            ("A worker stopped unexpectedly.", hint)
        }
        Trouble::OtherVersion => (
            "The page and its workers are of different versions, so nothing can be computed.",
            "Reload the page: the address keeps your place.",
        ),
        Trouble::CannotStart { why } => {
            let what = format!("The browser starts no more workers ({why}).");
            let hint = "Close other tabs that need much memory, then reload the page.";
            return (what, hint.into());
        }
        // The same words as those of each question that fails of it: said once.
        Trouble::NotLoaded { .. } => {
            let Failure { what, hint, .. } = trouble.failure();
            return (what, hint);
        }
    };
    (what.into(), hint.into())
}

/// What the reader should be told of the GPU, beside the line; nothing where all is as it should be.
pub fn gpu_note(report: &GpuReport) -> Option<(String, String)> {
    let note = |what: String, hint: &str| Some((what, hint.to_owned()));
    match report {
        GpuReport::Resumed { why } => note(
            format!("The GPU went away ({}).", why.trim()),
            "Its work goes on with another device, from the layer that was under way.",
        ),
        GpuReport::LeftToCpu { why, .. } if !why.is_empty() => note(
            format!("The GPU is not used: {why}."),
            "The CPU computes the rest; every number is the same.",
        ),
        _ => None,
    }
}

/// Under the grid of a prompt that not all stacks of a model read.
pub const NOT_RUN: &str = "The other stacks read something else than this prompt: an image, sound, or a decoder prompt, which is empty. Their \
    spectra are on the Heads page; the file field beside the prompt takes images and sound.";

/// What was found in the files, in one line.
pub fn found(summary: &ModelSummary) -> String {
    let kv = if summary.n_kv_heads == summary.n_heads {
        String::new()
    } else {
        format!(" ({} key/value)", summary.n_kv_heads)
    };
    let shape = summary.layers.shape().replacen(" ×", " layers ×", 1);
    format!(
        "{}, {shape} heads{kv}, d_model {}, d_head {}, {}, {}",
        summary.family,
        summary.d_model,
        summary.d_head,
        summary.dtypes.join(" + "),
        crate::ui::words::format::bytes(summary.size),
    )
}
